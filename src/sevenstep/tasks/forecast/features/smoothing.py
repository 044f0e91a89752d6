"""What smoothing with seasonal indices forecasts from many origins, a candidate by itself and what trees start from.

Nothing is fitted beforehand: smoothing learns as it goes along a series, so every origin has a forecast that has seen no more
than it has. Trees that learn what is left of a good forecast need not find it first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.forecast.features.filters import smoothed
from sevenstep.tasks.forecast.features.history import Asked
from sevenstep.tasks.forecast.features.indices import own_indices
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.features.regular import aligned, regular

__all__ = ["TOLD", "added", "filled", "from_each_origin", "longest_past", "multiplied", "smoothing_forecasts"]

Floats = NDArray[np.float64]

TOLD: Mapping[str, tuple[bool, str]] = {
    "smoothing": (True, "damped"),
    "smoothing_line": (True, "drift"),
    "smoothing_adds": (False, "damped"),
}
"""Of the forecasts trees are told whether seasons multiply, and the trend (see `smoothed`), by the name of the candidate."""


def longest_past(seasons: Sequence[int]) -> int:
    """Steps of the past that smoothing looks at: older ones have long been forgotten."""
    return max(1_000, 4 * max(seasons, default=1))


def smoothing_forecasts(grid: NDArray[np.floating], recipe: FeatureRecipe, asked: Asked) -> dict[str, Floats]:
    """A forecast of each asked row by each of `TOLD`, in units of the target; NaN before a series has been seen.

    Args:
        grid: the target, ``[series, step]``.
        recipe: its seasons and its horizon, over which forms are weighed.
        asked: which rows.
    """

    longest = longest_past(recipe.seasons)

    def of(multiplies: bool, trend: str) -> Floats:
        way = multiplied if multiplies else added

        def make(past: Floats, wanted: NDArray[np.integer], leads: int) -> Floats:
            return way(filled(past[wanted]), leads, recipe.seasons, trend)

        return from_each_origin(grid, asked, longest, recipe.horizon, make)

    return {name: of(*form) for name, form in TOLD.items()}


def from_each_origin(
    grid: NDArray[np.floating],
    asked: Asked,
    longest: int,
    horizon: int,
    make: Callable[[Floats, NDArray[np.integer], int], Floats],
) -> Floats:
    """Forecasts of the asked rows, made at each origin for its series together; not below 0 where a series never was.

    Args:
        grid: the target, ``[series, step]``.
        asked: which rows.
        longest: steps of the past that are looked at.
        horizon: leads that are made at least.
        make: from the past ``[series, step]`` of all series, the numbers of those wanted and the leads, ``[wanted, lead]``.
    """
    result = np.full(len(asked.series), np.nan)
    for origin in np.unique(asked.origin):
        rows = np.flatnonzero(asked.origin == origin)
        lead = asked.step[rows] - origin
        past = grid[:, max(0, origin + 1 - longest) : origin + 1].astype(np.float64, copy=False)
        wanted = np.unique(asked.series[rows])
        wanted = wanted[np.isfinite(past[wanted]).any(axis=1)]
        made = np.full((len(grid), max(int(lead.max()), horizon)), np.nan)
        if len(wanted):
            told = make(past, wanted, made.shape[1])
            made[wanted] = np.where((np.nanmin(past[wanted], axis=1) >= 0)[:, None], np.maximum(told, 0.0), told)
        result[rows] = made[asked.series[rows], lead - 1]
    return result


def multiplied(past: Floats, horizon: int, seasons: Sequence[int], trend: str) -> Floats:
    """Forecasts ``[series, lead]`` of series whose seasons multiply: smoothed on the scale of logarithms, which only series above
    0 have; in the others seasons add.

    Args:
        past: ``[series, step]``, NaN before the first value of a series only.
        horizon: leads wanted.
        seasons: in steps.
        trend: see `smoothed`.
    """
    above = np.nanmin(past, axis=1) > 0
    made = np.empty((len(past), horizon))
    made[above] = np.exp(added(np.log(past[above]), horizon, seasons, trend))
    made[~above] = added(past[~above], horizon, seasons, trend)
    return made


def added(past: Floats, horizon: int, seasons: Sequence[int], trend: str) -> Floats:
    """Forecasts as of `multiplied` where seasons add: taken out one after the other, the rest smoothed, and all put together."""
    left, total = past, np.zeros((len(past), horizon))
    for season in seasons:
        indices = own_indices(left, int(season))
        left = left - indices[:, np.arange(left.shape[1]) % season]
        total += indices[:, (left.shape[1] + np.arange(horizon)) % season]
    return smoothed(left, horizon, trend) + total


def filled(past: Floats) -> Floats:
    """Each series without gaps from its first value on, NaN before it; the columns stay those of ``past``."""
    known = aligned([regular(values) for values in past])
    before = np.full((len(past), past.shape[1] - known.shape[1]), np.nan)
    return np.hstack([before, known])
