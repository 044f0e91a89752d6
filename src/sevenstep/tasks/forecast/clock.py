"""Time as whole steps: the one place that knows what "one step later" means.

All forecasting arithmetic (lags, leads, windows, origins) is done in integers; a `Clock` turns times into step numbers and back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from sevenstep.data.vast import in_order, stretches
from sevenstep.errors import InputError

__all__ = ["UNIT_WORDS", "Clock", "infer_frequency", "season_of", "year_of"]

_FREQUENCY = re.compile(r"^(\d*)\s*(mo|min|q|y|w|d|h|s)$")
_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "min": 60, "s": 1}
_MONTHS = {"mo": 1, "q": 3, "y": 12}
UNIT_WORDS = {"mo": "month", "q": "quarter", "y": "year", "w": "week", "d": "day", "h": "hour", "min": "minute", "s": "second"}


@dataclass(frozen=True)
class Clock:
    """Steps of a fixed length from an anchor time.

    Args:
        kind: ``duration`` (equal seconds), ``month`` (calendar months) or ``integer`` (a plain counter).
        size: seconds, months or counts in one step.
        anchor: time of step 0 (a datetime or an integer).
        dates: whether times are shown as dates without a time of day.
        month_ends: whether a step of months falls on the last day of its month, however long that is.
    """

    kind: str
    size: int
    anchor: Any
    dates: bool = False
    month_ends: bool = False

    @classmethod
    def of(cls, times: pl.Series, frequency: str | int) -> Clock:
        """The clock of a time column with a frequency such as ``1d``, ``1mo`` or the integer ``1``."""
        if times.dtype.is_integer():
            return cls("integer", _integer_step(frequency), times.min())
        match = _FREQUENCY.match(str(frequency))
        if match is None:
            raise InputError(
                "FORECAST-FREQUENCY",
                f"frequency '{frequency}' for times of type {times.dtype}",
                "a frequency is a count and one of s, min, h, d, w, mo, q, y",
                "write for example 1d, 15min or 1mo",
            )
        count, unit = int(match[1] or 1), match[2]
        first = times.min()
        anchor = first if isinstance(first, datetime) else datetime(first.year, first.month, first.day)  # type: ignore[union-attr]
        dates = times.dtype == pl.Date
        if unit in _MONTHS:
            return cls("month", count * _MONTHS[unit], anchor.replace(tzinfo=None), dates, _at_month_ends(times))
        return cls("duration", count * _SECONDS[unit], anchor.replace(tzinfo=None), dates)

    def steps(self, times: pl.Expr) -> pl.Expr:
        """The step number of each time, rounded down (Int32)."""
        if self.kind == "integer":
            counted: pl.Expr = (times - self.anchor) // self.size
            return counted.cast(pl.Int32)
        stamp = times.cast(pl.Datetime("us"))
        if self.kind == "month":
            months: pl.Expr = (stamp.dt.year() - self.anchor.year) * 12 + stamp.dt.month() - self.anchor.month
            return (months // self.size).cast(pl.Int32)
        seconds = (stamp - pl.lit(self.anchor).cast(pl.Datetime("us"))).dt.total_seconds()
        return (seconds // self.size).cast(pl.Int32)

    def off_grid(self, times: pl.Expr) -> pl.Expr:
        """Whether a time lies between two steps."""
        return self.times(self.steps(times)).cast(pl.Datetime("us") if self.kind != "integer" else pl.Int64) != (
            times.cast(pl.Datetime("us")) if self.kind != "integer" else times
        )

    def times(self, steps: pl.Expr) -> pl.Expr:
        """The time at which each step begins, in the type of the time column."""
        if self.kind == "integer":
            counted: pl.Expr = steps.cast(pl.Int64) * self.size + self.anchor
            return counted
        start = pl.lit(self.anchor).cast(pl.Datetime("us"))
        if self.kind == "month":
            moved = start.dt.offset_by(pl.concat_str([(steps.cast(pl.Int64) * self.size).cast(pl.String), pl.lit("mo")]))
            moved = moved.dt.month_end() if self.month_ends else moved
        else:
            moved = start + pl.duration(seconds=steps.cast(pl.Int64) * self.size)
        return moved.cast(pl.Date) if self.dates else moved

    def time_at(self, step: int) -> Any:
        """The time at which one step begins, as a Python value."""
        return pl.select(self.times(pl.lit(int(step), dtype=pl.Int64))).item()

    def to_json(self) -> dict[str, Any]:
        """The clock as JSON values."""
        anchor = self.anchor.isoformat() if isinstance(self.anchor, (date, datetime)) else self.anchor
        return {"kind": self.kind, "size": self.size, "anchor": anchor, "dates": self.dates, "month_ends": self.month_ends}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Clock:
        """Read back what `to_json` gave."""
        anchor = datetime.fromisoformat(value["anchor"]) if isinstance(value["anchor"], str) else value["anchor"]
        return cls(value["kind"], value["size"], anchor, value["dates"], value["month_ends"])


def _at_month_ends(times: pl.Series) -> bool:
    return bool((times.dt.month_end() == times).all())


def _integer_step(frequency: str | int) -> int:
    try:
        step = int(frequency)
    except ValueError:
        step = 0
    if step < 1:
        raise InputError(
            "FORECAST-FREQUENCY",
            f"frequency '{frequency}' for a time column of whole numbers",
            "such a column counts steps",
            "write frequency: 1",
        )
    return step


def infer_frequency(items: pl.DataFrame, time: str, keys: list[str]) -> str | int:
    """The most common distance between neighbouring times of a series, as a frequency.

    Raises InputError where there are too few times to tell.
    """
    gaps = _gaps(items, time, keys)
    if gaps.is_empty():
        raise InputError(
            "FORECAST-FREQUENCY",
            f"no series has two different values of '{time}'",
            "the frequency is read off the distances between times",
            "state it, for example forecast: {frequency: 1d}",
        )
    common = gaps.filter(pl.col("count") == pl.col("count").max())["gap"].min()
    if isinstance(common, int):
        return common
    return _as_frequency(common.total_seconds(), calendar=not _counts_days(gaps, items[time]))  # type: ignore[union-attr]


def _gaps(items: pl.DataFrame, time: str, keys: list[str]) -> pl.DataFrame:
    """How often each ``gap`` between neighbouring times of a series occurs; a stretch of rows at a time."""
    names = [*keys, time]
    ordered = items.select(names)
    ordered = ordered if in_order(ordered, names) else ordered.unique().sort(names)
    same = pl.all_horizontal([pl.lit(True), *(pl.col(key).eq_missing(pl.col(key).shift(1)) for key in keys)])
    gap = pl.when(same).then(pl.col(time).diff()).alias("gap")
    found = [ordered.slice(first, count + 1).lazy().select(gap).group_by("gap").agg(pl.len().alias("count")).collect()
             for first, count in stretches(len(ordered))]  # fmt: skip
    counts = pl.concat(found).drop_nulls().group_by("gap").agg(pl.col("count").sum())
    return counts.filter(pl.col("gap") > (0 if counts.schema["gap"].is_integer() else timedelta()))


def _counts_days(gaps: pl.DataFrame, times: pl.Series) -> bool:
    """Whether distances as long as a month are equal numbers of days, as every four weeks, and not calendar months."""
    return len(gaps) == 1 and times.drop_nulls().dt.day().n_unique() > 1 and not _at_month_ends(times)


def _as_frequency(seconds: float, calendar: bool) -> str:
    days = seconds / 86_400
    for low, high, name in ((28, 31, "1mo"), (89, 92, "1q"), (365, 366, "1y")):
        if calendar and low <= days <= high:
            return name
    for unit, size in _SECONDS.items():
        if seconds >= size and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    return f"{max(1, round(seconds))}s"


def season_of(frequency: str | int) -> int:
    """The usual season of a frequency in steps: a week of days, a day of hours, a year of weeks, months or quarters; else 1."""
    match = _FREQUENCY.match(str(frequency))
    if match is None or isinstance(frequency, int):
        return 1
    count, unit = int(match[1] or 1), match[2]
    usual = {"d": 7, "h": 24, "w": 52, "mo": 12, "q": 4, "min": 1_440, "s": 1}[unit] if unit != "y" else 1
    return max(1, usual // count) if usual % count == 0 or unit in ("min", "h") else 1


def year_of(frequency: str | int) -> int:
    """Steps in a year, rounded so that weekdays match (364 days); 0 where a year has no meaning."""
    match = _FREQUENCY.match(str(frequency))
    if match is None or isinstance(frequency, int):
        return 0
    count, unit = int(match[1] or 1), match[2]
    steps = {"d": 364, "h": 8_736, "w": 52, "mo": 12, "q": 4, "y": 1, "min": 524_160, "s": 0}[unit]
    return steps // count
