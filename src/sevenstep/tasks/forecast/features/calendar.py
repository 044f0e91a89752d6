"""The calendar of the target time: its place in week, month and year, holidays around it, and its twin a year ago."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.calendar_features import calendar_features, week_features
from sevenstep.tasks.forecast.features.history import Asked, Named
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.panel import Panel

__all__ = ["calendar_columns", "calendar_frame", "feast_steps", "twin_steps"]


def calendar_columns(panel: Panel, recipe: FeatureRecipe, asked: Asked) -> Iterator[Named]:
    """Numeric calendar features of each asked time, one named column at a time."""
    times, position = _distinct_times(panel, asked)
    frame = calendar_frame(times, recipe.calendar)
    for column in frame.columns:
        if frame[column].dtype.is_numeric() or frame[column].dtype == pl.Boolean:
            yield f"calendar_{column}", frame[column].cast(pl.Float32).to_numpy()[position].astype(np.float32)


def twin_steps(panel: Panel, recipe: FeatureRecipe, asked: Asked) -> NDArray[np.int32]:
    """The step each asked time is compared with a year ago: the same day of the same holiday where it belongs to one (Easter and
    Seollal move), else the same weekday 52 weeks before.
    """
    plain = (asked.step - recipe.year).astype(np.int32)
    if recipe.calendar.get("period") != "day" or not recipe.calendar.get("country"):
        return plain
    times, position = _distinct_times(panel, asked)
    twins = calendar_frame(times, recipe.calendar).select(panel.clock.steps(pl.col("last_year")).alias("step"))["step"]
    own = twins.cast(pl.Float64).to_numpy()[position] - panel.offsets[asked.series]
    return np.where(np.isfinite(own), own, plain).astype(np.int32)


def feast_steps(panel: Panel, recipe: FeatureRecipe) -> NDArray[np.bool_] | None:
    """Whether a big event is felt at each step, ``[step]``; None without a calendar of days that all series share."""
    if recipe.calendar.get("period") != "day" or not recipe.calendar.get("country") or np.ptp(panel.offsets):
        return None
    steps = np.arange(panel.shape[1]) + int(panel.offsets[0])
    return calendar_frame(_times(panel, steps), recipe.calendar)["feast"].fill_null(False).to_numpy()


def _distinct_times(panel: Panel, asked: Asked) -> tuple[pl.Series, NDArray[np.int64]]:
    """The asked times, each once, and for each row its place among them; series may run on clocks of their own."""
    own, position = np.unique(asked.step.astype(np.int64) + panel.offsets[asked.series], return_inverse=True)
    return _times(panel, own), position


def _times(panel: Panel, steps: NDArray[np.integer]) -> pl.Series:
    """The times of steps counted on the panel's clock."""
    return pl.select(panel.clock.times(pl.lit(pl.Series(steps, dtype=pl.Int64))).alias("time"))["time"]


def calendar_frame(times: pl.Series, calendar: Mapping[str, Any]) -> pl.DataFrame:
    """What a recipe's calendar says of each time, a row each; the place in the year alone where no country is named."""
    period, country = calendar["period"], calendar.get("country")
    if not country or period not in ("hour", "day", "week"):
        return _place_in_year(times, period)
    extra = tuple((day, name) for name, days in (calendar.get("extra") or {}).items() for day in days)
    key = tuple(times.cast(pl.Date).to_list())
    return _holidays(key, period, country, calendar.get("subdivision"), extra, calendar.get("label", "start"))


@lru_cache(maxsize=4)
def _holidays(
    days: tuple[date, ...], period: str, country: str, subdivision: str | None, extra: tuple[tuple[str, str], ...], label: str
) -> pl.DataFrame:
    series = pl.Series("date", days, dtype=pl.Date)
    own = {date.fromisoformat(day): name for day, name in extra}
    if period == "week":
        return week_features(series, country, subdivision, own, label="end" if label == "end" else "start")
    return calendar_features(series, country, subdivision, own)


def _place_in_year(times: pl.Series, period: str) -> pl.DataFrame:
    """Where no holidays are known: month, and for short steps day and week as well."""
    day = pl.col("time").dt
    columns = {"month": day.month(), "quarter": day.quarter()}
    if period in ("hour", "day", "week"):
        columns |= {"day_of_year": day.ordinal_day(), "day": day.day(), "week": day.week()}
    if period in ("hour", "day"):
        columns |= {"weekday": day.weekday()}
    if period == "hour":
        columns |= {"hour": pl.col("time").cast(pl.Datetime("us")).dt.hour()}
    return pl.DataFrame({"time": times}).select(expression.cast(pl.Int32).alias(name) for name, expression in columns.items())
