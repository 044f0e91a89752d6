"""Rows that arrive after release, read as the main source is: typed as the champion's data set, named, held against the contract.

What a cell does not say (an absent column, an empty value) says nothing: it leaves what was known of it before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from sevenstep.data.clock import compose_time
from sevenstep.data.coercion import Expected, coerce
from sevenstep.data.contract import Contract
from sevenstep.data.contract_check import check_contract
from sevenstep.data.contract_text import parse_contract
from sevenstep.data.dataset import Finding
from sevenstep.data.flags import compose_class
from sevenstep.data.identity import with_identity
from sevenstep.data.naming import did_you_mean
from sevenstep.data.quarantine import ROW, Quarantine
from sevenstep.data.record import Record
from sevenstep.data.sources import read_source
from sevenstep.data.times import from_integers, read_times, to_naive
from sevenstep.engine.contract import ContractFile
from sevenstep.errors import InputError
from sevenstep.live.collected import Collected
from sevenstep.live.items import KEY, TIME, key_texts, time_texts
from sevenstep.spec.model import Spec

__all__ = ["PREDICTION_ID", "Arriving", "Observed", "Rows", "arriving"]

Rows = Path | Sequence[Mapping[str, Any]]
"""A file in any format a source may have, or rows as mappings of column and value."""

PREDICTION_ID = "prediction_id"
"""Column that names a served prediction: the id of its request and the number of its row there, ``<request>-<row>``."""

_PUBLISHED = "published"
_JSON = json.JSONEncoder(ensure_ascii=False)


@dataclass(frozen=True)
class Observed:
    """One row that can be used: what it is of, what it says (cells that say nothing left out), and when it was published."""

    key: str
    time: str
    values: Mapping[str, Any]
    published: datetime

    @property
    def columns(self) -> str:
        """The values as the ledger keeps them."""
        return _JSON.encode(self.values)


@dataclass(frozen=True)
class Arriving:
    """Rows read, not yet taken into the ledger.

    Args:
        content: hash of what arrived.
        table: those that can be used, with `items.KEY` and `items.TIME`, and null where nothing is said.
        published: when each was published, in UTC; null where the row does not say.
        aside: those that cannot, in the columns of `quarantine.SCHEMA`.
        findings: what is odd about them.
        names_predictions: whether rows are named by `PREDICTION_ID`.
    """

    content: str
    table: pl.DataFrame
    published: pl.Series
    aside: pl.DataFrame
    findings: Sequence[Finding]
    names_predictions: bool

    def usable(self, made: datetime) -> Iterator[Observed]:
        """The rows in their order; one that does not say when it was published, or says later, was so when it arrived."""
        told = self.table.select(sorted(name for name in self.table.columns if name not in (KEY, TIME)))
        texts = told.with_columns(time_texts(told[name]).alias(name) for name, kind in told.schema.items() if kind.is_temporal())
        named = zip(self.table[KEY], self.table[TIME], texts.iter_rows(named=True), self.published.to_list(), strict=True)
        floats = [name for name, kind in texts.schema.items() if kind.is_float()]
        for key, time, values, moment in named:
            for name in floats:
                values[name] = _plain(values[name])
            said = {name: value for name, value in values.items() if value is not None}
            yield Observed(key, time, said, made if moment is None else min(moment, made))


def _plain(value: float | None) -> float | int | None:
    """One form for one number, whatever type its column had: 10.0 is 10."""
    return int(value) if value is not None and value.is_integer() and abs(value) < 2**53 else value


def arriving(spec: Spec, store: Path, known: Collected, rows: Rows, ids: Sequence[str], *, by_time: bool) -> Arriving:
    """Read rows that arrived.

    Args:
        spec: the project file.
        store: folder of the store, which holds the data contract.
        known: the data set of the champion.
        rows: what arrived.
        ids: columns that name a row, where keys and time do not.
        by_time: whether keys and time name a row.

    Raises:
        InputError: the file is not there or no table, a column that names rows is not in it.
    """
    return _Reading(spec, known, by_time=by_time).run(rows, ids, store)


class _Reading:
    """One reading under way."""

    def __init__(self, spec: Spec, known: Collected, *, by_time: bool) -> None:
        self.spec, self.known, self.by_time = spec, known, by_time
        self.main = spec.data.main()
        self.source = spec.data.tables()[self.main]
        self.roles = known.roles
        self.record, self.quarantine = Record(), Quarantine()
        self.findings: list[Finding] = []
        self.broken = self.quarantine.frame()

    def run(self, rows: Rows, ids: Sequence[str], store: Path) -> Arriving:
        frame, content = self._read(rows)
        height = len(frame)
        frame, moments = self._published(frame)
        needed = self._identity(frame, ids)
        typed = self._classed(self._composed(self._typed(frame, needed)))
        typed = with_identity(typed, self.main, needed, self.quarantine)
        typed = self._checked(typed, ContractFile(store).in_force({"arrival": content}))
        self._told_of_unreadable(height)
        by_time = self.by_time and not ids
        table = typed.drop(ROW).with_columns(
            key_texts(typed, self.roles.keys if by_time else needed),
            time_texts(typed[str(self.roles.time)]) if by_time else pl.lit("").alias(TIME),
        )
        published = typed.select(ROW).join(moments, on=ROW, how="left", maintain_order="left")[_PUBLISHED]
        aside = pl.concat([self.quarantine.frame(), self.broken]).sort("row", maintain_order=True)
        return Arriving(content, table, published, aside, tuple(self.findings), needed == [PREDICTION_ID])

    def _read(self, rows: Rows) -> tuple[pl.DataFrame, str]:
        """The rows with their numbers, and the hash of what arrived."""
        if not isinstance(rows, Path):
            return _of_mappings(rows), hashlib.sha256(json.dumps(list(rows), sort_keys=True, default=str).encode()).hexdigest()
        if not rows.is_file():
            raise InputError("OBSERVE-NO-FILE", f"{rows} is not there", "--input names a file of observations", "check the path")
        unset: dict[str, Any] = dict.fromkeys(("url", "query", "format", "delimiter", "columns"))
        source = self.source.model_copy(update={"path": (str(rows.resolve()),), **unset})
        frame = read_source(self.main, source, self.spec.base, self.record, self.quarantine)
        with rows.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        return self._without_pictures(frame), content

    def _without_pictures(self, frame: pl.DataFrame) -> pl.DataFrame:
        held = [name for name, kind in frame.schema.items() if kind == pl.Binary]
        for name in held:
            text = f"pictures in '{name}' are not kept in the ledger"
            self.findings.append(_finding("OBSERVE-PICTURE", "info", name, len(frame), len(frame), text, "give their paths"))
        return frame.drop(held)

    def _identity(self, frame: pl.DataFrame, ids: Sequence[str]) -> list[str]:
        """The columns that name a row: keys and time, the ids given, or the prediction it is the truth of."""
        if self.by_time and not ids:
            time = [*self.roles.time_parts.values()] or [str(self.roles.time)]
            self._must_have(frame, [*self.roles.keys, *time])
            return [*self.roles.keys, str(self.roles.time)]
        wanted = list(ids) or [PREDICTION_ID]
        if not ids and PREDICTION_ID not in frame.columns:
            rule = "a row must be named, by a column of its own or by the prediction it is the truth of"
            fix = f"name the columns with --id, or give a column '{PREDICTION_ID}' as the server answered it"
            raise InputError("OBSERVE-NO-ID", "nothing names the rows that arrived", rule, fix)
        self._must_have(frame, wanted)
        return wanted

    def _must_have(self, frame: pl.DataFrame, names: Sequence[str]) -> None:
        absent = [name for name in names if name not in frame.columns]
        if absent:
            rule = f"observations are named by {', '.join(names)}"
            fix = did_you_mean(absent[0], [name for name in frame.columns if name != ROW])
            raise InputError("OBSERVE-NO-COLUMN", f"the rows that arrived have no column '{absent[0]}'", rule, fix)

    def _published(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The rows whose time of publication can be read, and that time for each row that says one."""
        name = self.source.published or _PUBLISHED
        if name not in frame.columns:
            return frame, frame.select(ROW, pl.lit(None, pl.Datetime("us", "UTC")).alias(_PUBLISHED))
        moments = _moments(frame[name], self.spec.data.timezone or "UTC")
        lost = moments.is_null() & frame[name].is_not_null() & (frame[name].cast(pl.String).str.strip_chars() != "")
        reason = f"the value of '{name}' cannot be read as a time"
        self.quarantine.set_aside(self.main, frame.filter(lost), code="DATA-UNREADABLE", column=name, reason=reason)
        own = frame if name in self.known.schema else frame.drop(name)
        return own.filter(~lost), frame.select(ROW, moments.alias(_PUBLISHED))

    def _typed(self, frame: pl.DataFrame, needed: Sequence[str]) -> pl.DataFrame:
        data, roles = self.spec.data, self.roles
        times = [roles.time_parts["date"]] if "date" in roles.time_parts else [] if roles.time_parts else [roles.time]
        expected = Expected(
            targets=[*roles.targets, *self.spec.flags],
            times=[time for time in times if time is not None],
            keys=[name for name in needed if name != roles.time],
            types={PREDICTION_ID: "text", **self.known.types, **self.known.beside, **data.types},
            missing=(*data.missing, *self.source.missing),
            timezone=data.timezone,
        )
        return coerce(frame, self.main, expected, self.record, self.quarantine)

    def _composed(self, typed: pl.DataFrame) -> pl.DataFrame:
        parts = self.roles.time_parts
        if not parts or not set(parts.values()) <= set(typed.columns):
            return typed
        return compose_time(typed, self.main, parts, self.record, self.quarantine)

    def _classed(self, typed: pl.DataFrame) -> pl.DataFrame:
        flags = self.spec.flags
        if not flags or not set(flags) <= set(typed.columns):
            return typed
        return compose_class(typed, self.main, flags, self.roles.targets[0], self.record, self.quarantine)

    def _checked(self, typed: pl.DataFrame, contract: str) -> pl.DataFrame:
        """The rows that keep the contract in the columns they have; what it says stop to is set aside here."""
        if not contract or typed.is_empty():
            return typed
        rules = parse_contract(contract)
        own = {name: replace(rule, on_violation="quarantine" if rule.on_violation == "stop" else rule.on_violation)
               for name, rule in rules.columns.items() if name in typed.columns and name not in self.known.beside}  # fmt: skip
        # What is told of documents and answers is no row of the data set, though a column of it may have the same name.
        told = typed.drop(ROW, *(name for name in self.known.beside if name in typed.columns))
        checked = check_contract(told, Contract(own), source=self.main, rows=typed[ROW])
        self.findings += checked.findings
        self.broken = checked.quarantine
        return typed.filter(~pl.col(ROW).is_in(checked.quarantine["row"].implode()))

    def _told_of_unreadable(self, height: int) -> None:
        """Values that could not be read, where the row can be used without them."""
        essential = {*self.roles.targets, *self.spec.flags, *self.roles.keys, self.roles.time}
        for entry in self.record.entries:
            if entry["what"] == "converted" and entry["rows"] and entry["column"] not in essential:
                found = _finding("OBSERVE-UNREADABLE", "warning", entry["column"], entry["rows"], height, entry["text"], "")
                self.findings.append(found)


def _of_mappings(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    if not rows or not any(rows):
        raise InputError("OBSERVE-NO-ROWS", "nothing arrived", "observations are rows", "give one at least")
    frame = pl.DataFrame([dict(row) for row in rows], infer_schema_length=None, strict=False)
    return frame.with_row_index(ROW, offset=1).with_columns(pl.col(ROW).cast(pl.Int64))


def _moments(values: pl.Series, zone: str) -> pl.Series:
    """Times of the clock in UTC; those without an offset are of ``zone``. Null where a value is no time."""
    if values.dtype == pl.String:
        texts = values.str.strip_chars()
        values = read_times(texts.zip_with(texts != "", pl.repeat(None, len(texts), dtype=pl.String, eager=True)), zone).values
    elif values.dtype.is_integer():
        spelled = from_integers(values.cast(pl.Int64))
        values = spelled.values if spelled else pl.repeat(None, len(values), dtype=pl.Datetime("us"), eager=True)
    naive, _ = to_naive(values.cast(pl.Datetime("us")) if not isinstance(values.dtype, pl.Datetime) else values, zone)
    placed = naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return placed.dt.convert_time_zone("UTC")


def _finding(code: str, severity: str, column: str, rows: int, height: int, text: str, fix: str) -> Finding:
    return Finding(code, severity, "valid", column, rows, rows / max(1, height), text, fix)
