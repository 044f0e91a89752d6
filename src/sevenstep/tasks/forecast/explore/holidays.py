"""What public holidays, and the days or weeks beside them, do to a target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.calendar_features import calendar_features, week_features, week_labels
from sevenstep.tasks.forecast.explore.effects import FEWEST_ROWS, indicators
from sevenstep.tasks.forecast.explore.inputs import Inputs
from sevenstep.tasks.forecast.explore.view import View
from sevenstep.tasks.forecast.explore.within import within

__all__ = ["Calendar", "HolidayEffect", "calendar_of", "holiday_effects"]

Floats = NDArray[np.float64]
EVENT_SHARE = 0.05


@dataclass(frozen=True)
class Calendar:
    """Whose holidays count, and what a step of the clock is to the calendar.

    ``period`` is ``hour``, ``day``, ``week``, ``month``, ``quarter`` or ``year``; ``label`` tells for weeks whether they are
    named by their first or last day; ``extra`` are days of the person's own.
    """

    country: str | None
    subdivision: str | None
    extra: Mapping[str, Sequence[str]]
    period: str
    label: str = "start"

    def to_json(self) -> dict[str, Any]:
        """The calendar of a feature recipe."""
        return {
            "country": self.country,
            "subdivision": self.subdivision,
            "extra": {name: list(days) for name, days in self.extra.items()},
            "period": self.period,
            "label": self.label,
        }

    def days(self) -> dict[date, str]:
        """The person's own days by date."""
        return {date.fromisoformat(day): name for name, days in self.extra.items() for day in days}


@dataclass(frozen=True)
class HolidayEffect:
    """Mean difference to like days that are no holiday, on the scale of the view; ``n`` rows."""

    name: str
    effect: float
    low: float
    high: float
    relative: float
    n: int
    matters: float


def calendar_of(section: Any, frequency: str | int, time: pl.Series) -> Calendar | None:
    """The calendar of a time axis with dates, or None where time is only counted."""
    unit = str(frequency).lstrip("0123456789")
    period = {
        "s": "hour",
        "min": "hour",
        "h": "hour",
        "d": "day",
        "w": "week",
        "mo": "month",
        "q": "quarter",
        "y": "year",
    }
    if not time.dtype.is_temporal() or unit not in period:
        return None
    extra = {name: [day.isoformat() for day in days] for name, days in section.extra.items()}
    return Calendar(section.country, section.subdivision, extra, period[unit])


def holiday_effects(view: View, inputs: Inputs, calendar: Calendar | None) -> tuple[list[HolidayEffect], Calendar | None]:
    """Effects of each holiday and of the steps beside holidays, estimated together, what matters most first.

    Weeks may be named by their first or their last day: the calendar comes back with the reading that explains more.
    """
    if calendar is None or calendar.country is None or calendar.period not in ("hour", "day", "week"):
        return [], calendar
    times = view.panel.times(view.series, view.step).cast(pl.Date)
    held = _held(view, inputs)
    if calendar.period != "week":
        return _effects(view, _day_columns(times, calendar), held)[0], calendar
    labels = week_labels(times)
    readings = [(_effects(view, _week_columns(times, calendar, label), held), label) for label in labels]
    (effects, _), label = max(readings, key=lambda reading: reading[0][1])
    return effects, Calendar(calendar.country, calendar.subdivision, calendar.extra, calendar.period, label)


def _held(view: View, inputs: Inputs) -> list[Floats]:
    """Columns of the frequent events, which are planned around holidays; rare ones are often the holidays themselves."""
    columns: list[Floats] = []
    for column in inputs.event_like:
        dummies = indicators(inputs.states[column][view.row])[2]
        columns += dummies if max((dummy.mean() for dummy in dummies), default=0.0) >= EVENT_SHARE else []
    return columns


def _spread_out(times: pl.Series, features: pl.DataFrame) -> pl.DataFrame:
    """Features of distinct days, repeated for each row."""
    return pl.DataFrame({"date": times}).join(features.unique("date"), on="date", how="left", maintain_order="left")


def _day_columns(times: pl.Series, calendar: Calendar) -> dict[str, NDArray[np.bool_]]:
    assert calendar.country is not None
    distinct = times.unique().sort()
    frame = _spread_out(times, calendar_features(distinct, calendar.country, calendar.subdivision, calendar.days()))
    columns = {
        "the day before a holiday": frame["before_holiday"].fill_null(False).to_numpy(),
        "the day after a holiday": frame["after_holiday"].fill_null(False).to_numpy(),
        "a bridge day": frame["bridge_day"].fill_null(False).to_numpy(),
    }
    names = frame["holiday_name"]
    for name in names.unique().drop_nulls().sort():
        columns[name] = (names == name).fill_null(False).to_numpy()
    return columns


def _week_columns(times: pl.Series, calendar: Calendar, label: Any) -> dict[str, NDArray[np.bool_]]:
    assert calendar.country is not None
    distinct = times.unique().sort()
    features = week_features(distinct, calendar.country, calendar.subdivision, calendar.days(), label=label)
    frame = _spread_out(times, features)
    columns: dict[str, NDArray[np.bool_]] = {}
    for name in (column.removeprefix("weeks_until_") for column in frame.columns if column.startswith("weeks_until_")):
        words = name.replace("_", " ").title()
        columns[f"the week of {words}"] = (frame[f"{name}_weekday"] > 0).fill_null(False).to_numpy()
        columns[f"the week before {words}"] = (frame[f"weeks_until_{name}"] == 1).fill_null(False).to_numpy()
        columns[f"the week after {words}"] = (frame[f"weeks_since_{name}"] == 1).fill_null(False).to_numpy()
    return columns


def _effects(view: View, columns: Mapping[str, NDArray[np.bool_]], held: Sequence[Floats]) -> tuple[list[HolidayEffect], float]:
    """The effects, and the share of variance they explain."""
    names = [name for name, column in columns.items() if column.sum() >= min(FEWEST_ROWS, max(2, len(column) // 200))]
    if not names:
        return [], 0.0
    design = [columns[name].astype(np.float64) for name in names]
    fit = view.effects([*design, *held], view.cells.codes, told=len(names))
    effects, explained = [], np.zeros(len(view.row))
    for k, name in enumerate(names):
        value = float(fit.value[k])
        if np.isfinite(value):
            part = value * within(design[k], view.cells.codes)
            explained += part
            matters = abs(view.measure.relative(float(np.abs(part).mean())))
            bounds = (value, float(fit.low[k]), float(fit.high[k]))
            effects.append(HolidayEffect(name, *bounds, view.measure.relative(value), int(design[k].sum()), matters))
    return sorted(effects, key=lambda effect: -effect.matters), float(explained.var())
