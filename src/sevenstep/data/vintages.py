"""Values that were published over time, looked up as they stood at a moment: a backtest sees what its origin could see.

A source with ``published`` holds several rows for one thing (the weather forecast of a day, made on each day before it). The
table of items has the newest one known by the row's own time; whoever looks from an earlier moment asks here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

__all__ = ["PUBLISHED", "Vintages", "vintages_of"]

PUBLISHED = "published"
"""Name of the fact of a data set that tells which columns were published over time."""

_AT, _ROW = "__at__", "__row__"
MOSTLY = 0.98  # share of pairs of neighbouring vintages that must not fall for a value to be one that grows


@dataclass(frozen=True)
class Vintages:
    """All that one source published.

    Args:
        table: its rows, one for each thing and moment of publication.
        on: column of the items to the column of the table that must be equal.
        published: column of the table with the moment.
        columns: column of the items to the column of the table it came from.
    """

    table: pl.DataFrame
    on: Mapping[str, str]
    published: str
    columns: Mapping[str, str]

    def at(self, rows: pl.DataFrame, moments: pl.Series) -> pl.DataFrame:
        """For each row the values of the newest vintage published at or before its moment; null where there is none.

        Args:
            rows: the columns of ``on``, and any others.
            moments: one for each row, in the type of the time of the items.

        Returns the columns under their names in the items, in the order of ``rows``.
        """
        keys = rows.select(pl.col(here).cast(self.table.schema[there]).alias(there) for here, there in self.on.items())
        asked = keys.with_columns(_moment(moments).alias(_AT)).with_row_index(_ROW).sort(_AT)
        found = asked.join_asof(
            self._ordered, on=_AT, by=list(self.on.values()) or None, strategy="backward", check_sortedness=False
        )
        return found.sort(_ROW).select(pl.col(there).alias(here) for here, there in self.columns.items())

    @cached_property
    def _ordered(self) -> pl.DataFrame:
        kept = [*self.on.values(), *dict.fromkeys(self.columns.values())]
        return self.table.select(*kept, _moment(self.table[self.published]).alias(_AT)).drop_nulls(_AT).sort(_AT)

    @cached_property
    def growing(self) -> frozenset[str]:
        """Columns of the items that count up to what they become, as bookings do: numbers that are never below 0, and hardly ever
        fall from one vintage to the next.
        """
        ordered = self.table.sort([*self.on.values(), self.published])
        return frozenset(here for here, there in self.columns.items() if self._counts_up(ordered, there))

    def _counts_up(self, ordered: pl.DataFrame, column: str) -> bool:
        if not ordered.schema[column].is_numeric():
            return False
        step = pl.col(column).diff().over(list(self.on.values())) if self.on else pl.col(column).diff()
        told = ordered.select(step.alias("step"), pl.col(column).alias("value")).drop_nulls("step")
        if told.is_empty() or bool((told["value"] < 0).any()):
            return False
        return float((told["step"] >= 0).mean()) >= MOSTLY and bool((told["step"] > 0).any())  # type: ignore[arg-type]

    def until(self, moment: Any) -> Vintages:
        """What had been published by a moment."""
        kept = self.table.filter(_moment(self.table[self.published]) <= _moment(pl.Series([moment]))[0])
        return Vintages(kept, self.on, self.published, self.columns)


def _moment(times: pl.Series) -> pl.Series:
    """Times of any kind as what can be compared: days are their first moment, counted steps stay."""
    return times.cast(pl.Datetime("us")) if times.dtype.is_temporal() else times.cast(pl.Float64)


def vintages_of(tables: Mapping[str, pl.DataFrame], facts: Mapping[str, Any]) -> dict[str, Vintages]:
    """The sources of a data set that were published over time, by name.

    Args:
        tables: of the data set; those of the sources stand under their names.
        facts: of the data set; the fact `PUBLISHED` has for each source ``on``, ``published`` and ``columns``.
    """
    told = facts.get(PUBLISHED, {}).get("value", {})
    return {
        name: Vintages(tables[name], how["on"], how["published"], how["columns"]) for name, how in told.items() if name in tables
    }
