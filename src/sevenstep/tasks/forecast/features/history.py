"""What a forecast knows about the past of its series at its origin.

Everything here is read at ``origin`` or earlier: levels, trends, seasonal means, means in the same state of the events, and the
same time last year.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.forecast.features.pooled import Pooled
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.features.windows import (
    Read,
    cumulative,
    exponential_mean,
    exponential_means,
    last_value,
    phase_means,
    rolling_mean,
    rolling_spread,
    since,
)

__all__ = ["Asked", "Named", "history_features", "levels", "surprises", "transform", "untransform"]

Floats = NDArray[np.float32]
Named = tuple[str, Floats]


@dataclass(frozen=True)
class Asked:
    """Which values are asked for: grid row, target column and origin column, arrays of equal length."""

    series: NDArray[np.int32]
    step: NDArray[np.int32]
    origin: NDArray[np.int32]


def transform(values: NDArray[Any], name: str) -> NDArray[Any]:
    """To the scale on which effects add: ``log1p`` (values below 0 count as 0), ``asinh``, or as they are (``units``)."""
    if name == "units":
        return values
    result: NDArray[Any] = np.log1p(np.maximum(values, 0.0)) if name == "log1p" else np.arcsinh(values)
    return result


def untransform(values: NDArray[Any], name: str) -> NDArray[Any]:
    """Back to units of the target."""
    if name == "units":
        return values
    result: NDArray[Any] = np.expm1(values) if name == "log1p" else np.sinh(values)
    return result


def surprises(scaled: Floats, level: Floats, recipe: FeatureRecipe) -> Floats:
    """How far each value lies from the level known shortly before it: what the time of year (and chance) did."""
    return scaled - _previous(level, _shortly(recipe))


def _shortly(recipe: FeatureRecipe) -> int:
    return max(_cycle(recipe) // 2, 1) + 1


def history_features(
    scaled: Floats,
    calm: Floats,
    level: Floats,
    states: NDArray[np.int16] | None,
    every: Pooled,
    twin: NDArray[np.int32],
    recipe: FeatureRecipe,
    asked: Asked,
) -> Iterator[Named]:
    """All features of the past, one named column at a time.

    Args:
        scaled: transformed target on the grid, NaN where unknown.
        calm: the same without what big events did to all series; what is usual is read off it.
        level: `levels` of ``calm``.
        states: joint state of the events on the grid (-1 unknown), or None when no event splits the averages.
        every: what all series did together.
        twin: the step a year ago each row is compared with; unused without a year.
        recipe: which features.
        asked: which rows.

    The first column is ``base``: the best single guess at the target's scaled value, from which models learn the rest.
    """
    seasonal = list(_seasonal(calm, recipe, asked))
    stateful = list(_stateful(calm, states, recipe, asked)) if states is not None else []
    best_first = [column for _, column in stateful[1:2] + seasonal[1:2]]
    best_first += [level[asked.series, asked.origin], every.level[asked.origin]]
    yield "base", _first_known(best_first)
    yield from seasonal
    yield from stateful
    yield from _levels(calm, level, recipe, asked)
    if recipe.year:
        yield from _last_year(scaled, level, every, twin, recipe, asked)


def _cycle(recipe: FeatureRecipe) -> int:
    """Steps over which a level is averaged at least: a whole season, or a thirteenth of one that lasts a year or more."""
    season = recipe.seasons[0] if recipe.seasons else 4
    return max(2, season // 13) if recipe.year and season >= recipe.year else season


def levels(scaled: Floats, recipe: FeatureRecipe) -> Floats:
    """The level of each series at each step: an exponential mean over about two seasons."""
    return exponential_mean(scaled, _level_half_life(recipe))


def _level_half_life(recipe: FeatureRecipe) -> float:
    return 2.0 * _cycle(recipe) if recipe.seasons else 2.0


def _first_known(columns: list[Floats]) -> Floats:
    result = columns[0].copy()
    for column in columns[1:]:
        result = np.where(np.isfinite(result), result, column)
    return np.where(np.isfinite(result), result, 0.0).astype(np.float32)


def _seasonal(scaled: Floats, recipe: FeatureRecipe, asked: Asked) -> Iterator[Named]:
    half_lives = (2.0, 6.0, 20.0)
    for season in recipe.seasons:
        phase = asked.step % season
        cycle = (asked.origin - phase) // season
        known, read = cycle >= 0, Read.of(np.maximum(cycle, 0))
        for half_life, means in zip(half_lives, phase_means(scaled, season, half_lives, read.columns), strict=True):
            values = means[asked.series, read.place, phase]
            yield f"phase_{season}_{half_life:g}", np.where(known, values, np.nan).astype(np.float32)
        yield f"last_phase_{season}", _last_phase(scaled, season, asked, cycle, phase)


def _last_phase(scaled: Floats, season: int, asked: Asked, cycle: NDArray[np.int32], phase: NDArray[np.int32]) -> Floats:
    column = cycle * season + phase
    values = scaled[asked.series, np.clip(column, 0, scaled.shape[1] - 1)]
    return np.where(column >= 0, values, np.nan).astype(np.float32)


def _stateful(scaled: Floats, states: NDArray[np.int16], recipe: FeatureRecipe, asked: Asked) -> Iterator[Named]:
    season = recipe.season
    state = states[asked.series, asked.step]
    phase = asked.step % season
    places = [np.flatnonzero((state == one) & (phase == at)) for one in np.unique(state[state >= 0]) for at in range(season)]
    half_lives = (3.0, 10.0, 40.0)
    found = [np.full(len(asked.series), np.nan, dtype=np.float32) for _ in half_lives]
    for rows in places:
        if len(rows):
            one = Asked(asked.series[rows], asked.step[rows], asked.origin[rows])
            alike = _alike(scaled, states, int(state[rows[0]]), int(phase[rows[0]]), season, half_lives, one)
            for values, own in zip(found, alike, strict=True):
                values[rows] = own
    for cycles, values in zip(half_lives, found, strict=True):
        yield f"state_{cycles:g}", values


def _alike(
    scaled: Floats, states: NDArray[np.int16], state: int, phase: int, season: int, half_lives: Sequence[float], asked: Asked
) -> list[Floats]:
    """Means of the past in one state at one phase of the season, half-lives in cycles: only columns of that phase are read."""
    own = slice(phase, None, season)
    cycle = (asked.origin - phase) // season
    read = Read.of(np.maximum(cycle, 0))
    alike = np.where(states[:, own] == state, scaled[:, own], np.nan)
    found = exponential_means(alike, half_lives, read.columns)
    return [np.where(cycle >= 0, means[asked.series, read.place], np.nan).astype(np.float32) for means in found]


def _levels(scaled: Floats, level: Floats, recipe: FeatureRecipe, asked: Asked) -> Iterator[Named]:
    cycle, read = _cycle(recipe), Read.of(asked.origin)
    columns, at = read.columns, (asked.series, read.place)
    now = level[asked.series, asked.origin]
    yield "level", now
    for cycles in (1, 4, 13):
        yield f"mean_{cycles * cycle}", rolling_mean(scaled, cycles * cycle, columns)[at]
    yield f"spread_{8 * cycle}", rolling_spread(scaled, 8 * cycle, columns)[at]
    slow = exponential_mean(scaled, 16.0 * cycle, columns)[at]
    yield "slow_level", slow
    yield "trend", now - slow
    yield "newest", last_value(scaled, columns)[at]
    seen = np.isfinite(scaled)
    yield "steps_since_seen", since(seen, 8 * cycle)[asked.series, asked.origin]
    counts = np.cumsum(seen, axis=1, dtype=np.int32)[asked.series, asked.origin]
    yield "seen_so_far", np.minimum(counts, 4 * max(cycle, recipe.year)).astype(np.float32)


def _last_year(
    scaled: Floats, level: Floats, every: Pooled, there: NDArray[np.int32], recipe: FeatureRecipe, asked: Asked
) -> Iterator[Named]:
    cycle = _cycle(recipe)
    near, wide = max(cycle // 2, 1), 2 * cycle
    first = max(int(there.min(initial=scaled.shape[1])) - wide - _shortly(recipe), 0)
    end = min(int(there.max(initial=0)) + wide, int(asked.origin.max(initial=0))) + 1
    around = slice(first, max(end, first + 1))
    own = surprises(scaled[:, around], level[:, around], recipe)
    column, origin = there - first, asked.origin - first
    for name, grid, series in (("own", own, asked.series), ("all", every.surprise[None, around], np.zeros_like(asked.series))):
        running = cumulative(grid)
        yield f"last_year_{name}", _centred(*running, series, column, near, origin)
        yield f"last_year_{name}_day", _at(grid, series, column, origin)
        yield f"last_year_{name}_wide", _centred(*running, series, column, wide, origin)
    if every.odd is not None:
        yield "last_year_all_odd", _at(every.odd[None, around], np.zeros_like(asked.series), column, origin)
    yield "last_year_value", _at(scaled, asked.series, there, asked.origin)
    now = _at(level, asked.series, asked.origin, asked.origin)
    yield "last_year_level_change", now - _at(level, asked.series, asked.origin - recipe.year, asked.origin)


def _previous(grid: Floats, columns: int) -> Floats:
    moved = np.full_like(grid, np.nan)
    moved[:, columns:] = grid[:, :-columns]
    return moved


def _at(grid: Floats, series: NDArray[np.int32], column: NDArray[np.int32], origin: NDArray[np.int32]) -> Floats:
    values = grid[series, np.clip(column, 0, grid.shape[1] - 1)]
    return np.where((column >= 0) & (column <= origin), values, np.nan).astype(np.float32)


def _centred(
    sums: NDArray[np.float64], counts: NDArray[np.float64], series: NDArray[np.int32], column: NDArray[np.int32], half: int,
    origin: NDArray[np.int32],
) -> Floats:  # fmt: skip
    """Mean over the columns around ``column``, as far as they are not after the origin, from running sums and counts."""
    most = sums.shape[1] - 1
    low = np.clip(column - half, 0, most)
    high = np.clip(np.minimum(column + half, origin) + 1, low, most)
    total, count = sums[series, high] - sums[series, low], counts[series, high] - counts[series, low]
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
