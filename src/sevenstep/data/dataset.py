"""The data set every task works on: tables, the role of each column, and what was found out about them.

A `Dataset` is what step 2 leaves and all later steps read. It is the same shape for all tasks: ``items`` has one row per thing
to be predicted (a series at a time, a part, a question); other tables (documents, judgements, published inputs) stand beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from sevenstep.data.parts import Parts
from sevenstep.data.vintages import vintages_of

__all__ = ["Dataset", "Finding", "Roles"]


@dataclass(frozen=True)
class Roles:
    """What each column of ``items`` is for.

    Args:
        targets: columns to be predicted; a row with a null target is *open*: it waits for a prediction.
        time: the time column, or None.
        time_parts: the person's own columns that make up ``time`` when it was composed, by part (``date``, ``hour``), else empty.
        keys: columns that name the series, unit or group a row belongs to.
        segments: columns by which results are sliced.
        known_ahead: inputs whose values are known for open rows.
        static: inputs that never change within a key.
        observed: inputs known only afterwards; usable as history, never at the time of the prediction.
    """

    targets: tuple[str, ...]
    time: str | None = None
    time_parts: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    known_ahead: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    observed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """One thing a check found: how bad, where, how many rows, and what to do; a gate decides, a check never stops.

    ``severity`` is ``info``, ``warning`` or ``error``; ``part`` names the part of the quality score it counts for
    (``complete``, ``valid``, ``unique``, ``consistent``, ``timely``); ``share`` is the share of rows touched, 0 to 1.
    """

    code: str
    severity: str
    part: str
    column: str
    rows: int
    share: float
    text: str
    fix: str = ""


@dataclass(frozen=True)
class Dataset:
    """Tables with roles; ``facts`` holds what was inferred from the data (``frequency``, ``season``) as JSON values.

    ``fingerprint`` is a content hash of all the tables, the roles and the facts. ``parts`` is there where the rows are so many
    that ``items`` holds some of the keys only: those that are learnt from and judged.
    """

    tables: Mapping[str, pl.DataFrame]
    roles: Roles
    facts: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: str = ""
    parts: Parts | None = None

    @property
    def items(self) -> pl.DataFrame:
        """The main table, sorted by keys and time."""
        return self.tables["items"]

    def of_items(self, items: pl.DataFrame) -> Dataset:
        """The same with another main table, and no parts."""
        return replace(self, tables={**self.tables, "items": items}, fingerprint="", parts=None)

    def part(self, number: int) -> Dataset:
        """One of the parts as a data set of its own."""
        if self.parts is None:
            return self
        return self.of_items(self.items if number == 0 else self.parts.read(number))

    def known_at(self, moment: Any) -> Dataset:
        """The data as they were known at a moment of their time: what is only observed afterwards is empty in later rows, and
        what is published over time is what had been published by then.
        """
        later = pl.col(str(self.roles.time)) > moment
        after = [name for name in self.roles.observed if name not in self.roles.time_parts.values()]
        hidden = [pl.when(~later).then(pl.col(name)).alias(name) for name in (*self.roles.targets, *after)]
        items = self.items.with_columns(hidden)
        published = {name: one.until(moment) for name, one in vintages_of(self.tables, self.facts).items()}
        for one in published.values():
            stood = one.at(items, pl.Series([moment], dtype=items.schema[str(self.roles.time)]).new_from_index(0, len(items)))
            items = items.with_columns(
                pl.when(later).then(stood[name]).otherwise(pl.col(name)).alias(name) for name in one.columns
            )
        tables = {name: one.table for name, one in published.items()}
        return replace(self, tables={**self.tables, **tables, "items": items}, fingerprint="", parts=None)

    def save(self, folder: Path) -> None:
        """Write the tables as Parquet and the rest as JSON into ``folder``."""
        if self.parts is not None:
            self.parts.save(folder)
        for name, table in self.tables.items():
            table.write_parquet(folder / f"{name}.parquet", compression="zstd")
        about = {"roles": asdict(self.roles), "facts": dict(self.facts), "fingerprint": self.fingerprint}
        about["tables"] = list(self.tables)
        (folder / "dataset.json").write_text(json.dumps(about, ensure_ascii=False, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Dataset:
        """Read back what `save` wrote."""
        about = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        tables = {name: pl.read_parquet(folder / f"{name}.parquet") for name in about["tables"]}
        roles: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in about["roles"].items()}
        return cls(tables, Roles(**roles), about["facts"], about["fingerprint"], Parts.load(folder))
