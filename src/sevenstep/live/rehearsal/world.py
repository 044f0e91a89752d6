"""The past as it was lived: what was known when, and what arrived on each day.

The world holds all data; who replays it is given the data as they were known at the start, then day by day what was published.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import polars as pl

from sevenstep.data.dataset import Dataset
from sevenstep.engine.durable import make_folder
from sevenstep.errors import InputError
from sevenstep.spec.model import Spec
from sevenstep.work import Artifact

__all__ = ["World", "published"]

Change = Callable[[pl.DataFrame], pl.DataFrame]


def published(moment: Any) -> datetime:
    """When an actual of a time of the data is known: at the end of its day, or at its own moment where data have times of day."""
    if isinstance(moment, datetime):
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return datetime.combine(moment, time(23, 59), tzinfo=UTC)


@dataclass(frozen=True)
class World:
    """All that happened.

    Args:
        data: the whole data set, with every actual.
        columns: columns of the main source, which open rows and arrivals bring; the others are joined to them as in any run.
    """

    data: Dataset
    columns: Sequence[str]

    @classmethod
    def of(cls, collect: Artifact) -> World:
        """Read the data set that step 2 left; raises InputError where its rows have no time to be replayed by."""
        data = Dataset.load(collect.folder("dataset"))
        if data.roles.time is None:
            rule = "a rehearsal replays rows in the order of their time"
            raise InputError("REHEARSE-NO-TIME", "the data have no time column", rule, "name it under data.time")
        names: Mapping[str, Sequence[str]] = collect.json("source_columns")
        composed = data.roles.time if data.roles.time_parts else None
        main = [name for name in next(iter(names.values())) if name in data.items.columns and name != composed]
        return cls(data, main)

    @property
    def time(self) -> str:
        """The time column."""
        return str(self.data.roles.time)

    def changed(self, change: Change) -> World:
        """The same world had the actuals been others."""
        tables = {**self.data.tables, "items": change(self.data.items)}
        return replace(self, data=replace(self.data, tables=tables, fingerprint=""))

    def moments(self, since: Any, until: Any) -> list[Any]:
        """The times of the data after ``since`` up to ``until`` at which something became known, oldest first."""
        name = self.time
        known = pl.any_horizontal(pl.col(target).is_not_null() for target in self.data.roles.targets)
        inside = self.data.items.filter(known & (pl.col(name) > since) & (pl.col(name) <= until))
        found: list[Any] = inside[name].unique().sort().to_list()
        return found

    def arrived(self, moment: Any) -> pl.DataFrame:
        """What became known of one time: rows with their actuals, in the columns of the main source."""
        known = pl.any_horizontal(pl.col(target).is_not_null() for target in self.data.roles.targets)
        return self.data.items.filter((pl.col(self.time) == moment) & known).select(self.columns)

    def opened(self, spec: Spec, moment: Any, folder: Path) -> Spec:
        """The spec of a project that knows what was known at ``moment``; its rows are written into ``folder``."""
        path = make_folder(folder) / "known.parquet"
        self.data.known_at(moment).items.select(self.columns).write_parquet(path)
        return spec.model_copy(update={"data": spec.data.with_main_from(str(path.resolve()))})

    def at(self, day: date) -> Any:
        """A day in the terms of the time column: the day itself, or its last moment where rows have times of day."""
        kind = self.data.items.schema[self.time]
        if kind == pl.Date:
            return day
        if kind.is_temporal():
            return datetime.combine(day, time(23, 59, 59))
        rule = "a rehearsal counts in days"
        raise InputError("REHEARSE-NO-DATE", f"'{self.time}' counts steps, not days", rule, "give the rows a date to replay")
