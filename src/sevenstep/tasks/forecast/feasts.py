"""How much further forecasts lie off while a big event of the year is felt: its days have bounds of their own width.

A model has seen Easter twice and ordinary weeks a hundred times. Were their errors one lot, bounds would be too narrow at Easter,
too wide for the rest of the year, and whichever leads it fell on in the folds would look hard to forecast ever after.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.calendar_features import week_labels
from sevenstep.tasks.forecast.features.calendar import calendar_frame
from sevenstep.tasks.forecast.shocks import HELD

__all__ = ["Feasts"]

Floats = NDArray[np.float64]

PRIOR = 4.0  # days on which an event was felt that the assumption of no difference weighs as much as
WIDEST = 3.0
DAY, WEEK = timedelta(1), timedelta(7)


@dataclass(frozen=True)
class Feasts:
    """How much wider bounds are while a big event is felt.

    Args:
        wider: factor of the distance from forecast to bound, 1 to `WIDEST`.
        calendar: the calendar of a feature recipe, which says when an event is felt; empty where nothing is.
    """

    wider: float = 1.0
    calendar: Mapping[str, Any] | None = None

    @classmethod
    def learnt(cls, section: Any, items: pl.DataFrame, size: Floats) -> Feasts:
        """From errors of many items: the ratio of their mean size while an event is felt to that of all others, pulled towards 1
        where few days tell. Of the ways in which weeks may be named, the one by which events matter more.

        Args:
            section: the forecast's section of the spec.
            items: rows of a score table.
            size: their absolute errors, in units in which series can be compared.
        """
        found = [
            cls(_ratio(felt, items["time"], size), one) for one in _calendars(section, items) if (felt := _felt(items, one)).any()
        ]
        return max(found, key=lambda one: one.wider, default=cls())

    def factors(self, items: pl.DataFrame) -> Floats:
        """For each item the factor of its bounds' distance."""
        if self.wider == 1.0 or not self.calendar:
            return np.ones(len(items))
        return np.where(_felt(items, self.calendar), self.wider, 1.0)


def _calendars(section: Any, items: pl.DataFrame) -> Iterator[Mapping[str, Any]]:
    """The calendars that may be meant; none where no country is named, or steps are neither weeks nor within a day."""
    if section.calendar.country is None or not len(items) or not items["time"].dtype.is_temporal():
        return
    step = items.select(((pl.col("time") - pl.col("origin")) / pl.col("lead")).min()).item()
    if not isinstance(step, timedelta) or not (step <= DAY or step == WEEK):
        return
    period = "week" if step == WEEK else "day"
    for label in week_labels(items["time"]) if period == "week" else ("start",):
        extra = {name: [day.isoformat() for day in own] for name, own in section.calendar.extra.items()}
        place = {"country": section.calendar.country, "subdivision": section.calendar.subdivision}
        yield {**place, "extra": extra, "period": period, "label": label}


def _felt(items: pl.DataFrame, calendar: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Whether a big event is felt at each item: from a week before to three days after it, or in its week and the one before."""
    days = items["time"].cast(pl.Date).alias("date")
    distinct = days.unique().sort()
    frame = calendar_frame(distinct, calendar)
    until = [name for name in frame.columns if name.startswith("weeks_until_")]
    felt = (
        pl.any_horizontal(pl.col(name) <= 1 for name in until)
        if calendar["period"] == "week"
        else pl.col("feast").fill_null(False)
    )
    on = pl.DataFrame([distinct, frame.select(felt.alias("felt")).to_series()])
    return days.to_frame().join(on, on="date", how="left", maintain_order="left")["felt"].to_numpy()


def _ratio(felt: NDArray[np.bool_], times: pl.Series, size: Floats) -> float:
    if felt.all() or not felt.any():
        return 1.0
    held = np.minimum(size, np.quantile(size, HELD))
    ratio = held[felt].mean() / max(float(held[~felt].mean()), 1e-12)
    days = times.filter(pl.Series(felt)).cast(pl.Date).n_unique()
    return float(np.clip(ratio ** (days / (days + PRIOR)), 1.0, WIDEST))
