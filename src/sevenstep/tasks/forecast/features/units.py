"""The past of a series in units of its own: around the best single guess, divided by how far the series usually moves.

On this scale a step means the same in every series, calm or wild, so trees learn one rule for all of them, and an absolute error
is that of MASE.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.forecast.features.history import Asked, Named
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.features.smoothing import smoothing_forecasts
from sevenstep.tasks.forecast.features.windows import cumulative, last_value

__all__ = ["HELD", "UNIT", "best_base", "in_units", "moved", "unit_grid"]

Floats = NDArray[np.float32]
Grid = NDArray[np.floating]

UNIT = "unit"
HELD = ("base", UNIT)
"""Columns that hold the base and the unit of each row in units of the target: trees must not split on what names the series."""

CYCLES = 3  # of each season looked back
RECENT = (1, 2, 3, 6, 12, 24)  # steps back from the origin
DAY = 24  # steps up to which a whole season is a recent level
ORIGINS = 12  # at which bases are compared
PLACES = ("phase", "last_phase", "last_year_value", "state", "level", "mean", "slow_level", "newest")
"""First words of the columns that are values of the target; the others are differences, counts or of another kind."""


def unit_grid(grid: Grid, season: int) -> Floats:
    """Mean absolute difference to the value a season before, over what each column and the ones before it know."""
    apart = np.full(grid.shape, np.nan)
    if grid.shape[1] > season:
        apart[:, season:] = np.abs(grid[:, season:] - grid[:, :-season])
    sums, counts = cumulative(apart)
    mean = sums[:, 1:] / np.maximum(counts[:, 1:], 1)
    return np.where((counts[:, 1:] > 0) & (mean > 0), mean, 1.0).astype(np.float32)


def in_units(
    past: Mapping[str, Floats], grid: Grid, recipe: FeatureRecipe, asked: Asked, smoothed: Mapping[str, Grid]
) -> Iterator[Named]:
    """The columns of the past in units, with lags added; ``base`` stays as it is, in units of the target.

    Args:
        past: columns of `history_features` on the scale of the target, by name.
        grid: the target, ``[series, step]``.
        recipe: which features; its ``base`` says what they are taken around.
        asked: which rows.
        smoothed: forecasts of the asked rows by smoothing; their median is the ``smoothed`` base, as one of them may run away.
    """
    base = _base(past, grid, recipe, asked, smoothed)
    unit = unit_grid(grid, recipe.season)[asked.series, asked.origin]
    yield "base", base
    yield UNIT, unit
    yield "size", (np.abs(base) / unit).astype(np.float32)
    for name, column in past.items():
        if name == "base":
            yield "usual", ((column - base) / unit).astype(np.float32)
        elif name.startswith(PLACES):
            yield name, ((column - base) / unit).astype(np.float32)
        elif name.startswith(("spread", "trend", "last_year")):
            yield name, (column / unit).astype(np.float32)
        else:
            yield name, column
    for name, column in (*_lags(grid, recipe, asked), *smoothed.items()):
        yield name, ((column - base) / unit).astype(np.float32)


def _base(past: Mapping[str, Floats], grid: Grid, recipe: FeatureRecipe, asked: Asked, smoothed: Mapping[str, Grid]) -> Floats:
    if recipe.base == "smoothed":
        guess = np.median(list(smoothed.values()), axis=0)
    else:
        guess = moved(grid, recipe.seasons, asked) if recipe.base == "moved" else past["newest"]
    return np.where(np.isfinite(guess), guess, past["base"]).astype(np.float32)


def moved(grid: Grid, seasons: tuple[int, ...], asked: Asked) -> Floats:
    """The newest value at the phase of the longest season, moved by what the level has changed since.

    The level is the mean of the shortest season, or of a quarter of one that has more than 24 steps.
    """
    back = seasons[-1] * -(-(asked.step - asked.origin) // seasons[-1])
    window = seasons[0] if seasons[0] <= DAY else seasons[0] // 4
    change = _mean(grid, asked.series, asked.origin, window) - _mean(grid, asked.series, asked.origin - back, window)
    return (_at(grid, asked, asked.step - back) + change).astype(np.float32)


def _lags(grid: Grid, recipe: FeatureRecipe, asked: Asked) -> Iterator[Named]:
    """Values some cycles before the asked step and some steps before the origin, and the one of the season moved to the level."""
    lead = asked.step - asked.origin
    for season in recipe.seasons:
        newest = asked.step - season * -(-lead // season)
        for cycle in range(1, CYCLES):
            yield f"cycle_{season}_{cycle + 1}", _at(grid, asked, newest - season * cycle)
    if recipe.seasons:
        yield "moved", moved(grid, recipe.seasons, asked)
    for steps in RECENT:
        yield f"before_{steps}", _at(grid, asked, asked.origin - steps)


def _at(grid: Grid, asked: Asked, column: NDArray[np.int32]) -> Floats:
    values = grid[asked.series, np.clip(column, 0, grid.shape[1] - 1)]
    return np.where((column >= 0) & (column <= asked.origin), values, np.nan).astype(np.float32)


def _mean(grid: Grid, series: NDArray[np.int32], column: NDArray[np.int32], window: int) -> NDArray[np.float64]:
    """Mean of the known values among the ``window`` columns up to each row's column; NaN without any."""
    sums, counts = cumulative(grid)
    high = np.clip(column + 1, 0, grid.shape[1])
    low = np.clip(column + 1 - window, 0, grid.shape[1])
    total, count = sums[series, high] - sums[series, low], counts[series, high] - counts[series, low]
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def best_base(grid: Grid, recipe: FeatureRecipe, until: int) -> str:
    """Which single guess comes nearest in the usual series: the ``newest`` value, the seasonal one ``moved`` to the level, or,
    where the recipe knows it, what is ``smoothed``.

    Compared in units of the series at up to `ORIGINS` origins, on values up to column ``until`` only.
    """
    seasons, horizon = recipe.seasons, recipe.horizon
    first, last = seasons[-1] if seasons else 1, until - horizon
    if last < first or not (seasons or recipe.smoothed):
        return "newest"
    origins = np.unique(np.linspace(min(max(first, until // 2), last), last, ORIGINS).astype(np.int32))
    series, origin, lead = (
        part.ravel().astype(np.int32)
        for part in np.meshgrid(np.arange(len(grid)), origins, np.arange(1, horizon + 1), indexing="ij")
    )
    asked = Asked(series, origin + lead, origin)
    guesses: dict[str, Grid] = {"newest": last_value(grid)[series, origin]}
    if seasons:
        guesses["moved"] = moved(grid, seasons, asked)
    if recipe.smoothed:
        guesses["smoothed"] = np.median(list(smoothing_forecasts(grid, recipe, asked).values()), axis=0)
    truth, unit = grid[asked.series, asked.step], unit_grid(grid, recipe.season)[asked.series, asked.origin]
    errors = {name: np.abs(truth - guess) / unit for name, guess in guesses.items()}
    known = np.all([np.isfinite(error) for error in errors.values()], axis=0)
    return min(errors, key=lambda name: errors[name][known].mean()) if known.any() else "newest"
