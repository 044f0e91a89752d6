"""What all series of a panel did together at each step: what a single series tells too noisily of the time of year.

The usual level, how far values lay from the level known shortly before, and how odd a step was like for like: beside steps of the
same phase in the same state of the events before it. What a feast did last year stands there apart from weekday and promotion.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.forecast.features.recipe import FeatureRecipe

__all__ = ["Pooled", "blocks", "oddness", "pooled"]

Floats = NDArray[np.float32]
States = NDArray[np.int16] | None

CELLS_AT_ONCE = 150_000  # grid cells worked on together: what fits in a core's cache is averaged twice as fast
HALF_LIFE = 10.0  # cycles over which what is usual for a phase and state is forgotten by half


@dataclass(frozen=True)
class Pooled:
    """Means over all series, each ``[step]``, NaN where no series has a value.

    Args:
        level: of their levels, which stands in for a series that has no past.
        surprise: of their `surprises`; empty without a year.
        odd: see `oddness`; None where there is no year, a season is as long as one, or values are in units of the target.
    """

    level: Floats
    surprise: Floats
    odd: Floats | None


def pooled(level: Floats, surprise: Floats | None, states: States, recipe: FeatureRecipe) -> Pooled:
    """What all series did together.

    Args:
        level: of the scaled target at each step, ``[series, step]``.
        surprise: how far each value lies from the level known shortly before it; None without a year.
        states: joint state of the events on the grid (-1 unknown), or None when there are no events.
        recipe: which features.
    """
    if surprise is None:
        return Pooled(_mean(level), level[0, :0], None)
    telling = 2 * recipe.season <= recipe.year and recipe.transform != "units"  # series of unlike size share no scale
    odd = oddness(surprise, states, recipe.season) if telling else None
    return Pooled(_mean(level), _mean(surprise), odd)


def oddness(surprise: Floats, states: States, season: int) -> Floats:
    """How far each step lay, in the mean over series, from steps of its phase in the same state before it, ``[step]``.

    Args:
        surprise: how far each value lies from the level known shortly before it, ``[series, step]``.
        states: joint state of the events, or None.
        season: steps of a cycle.
    """
    total, count = _by_state(surprise, states)
    usual = _usual(total, count, season)
    known = np.isfinite(usual) & (count > 0)
    away = np.where(known, total - count * np.where(known, usual, 0.0), 0.0).sum(axis=0)
    counted = np.where(known, count, 0.0).sum(axis=0)
    return np.where(counted > 0, away / np.maximum(counted, 1), np.nan).astype(np.float32)


def _by_state(surprise: Floats, states: States) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and number of known values in each state at each step, ``[state, step]``."""
    steps = surprise.shape[1]
    most = 1 if states is None else max(int(states.max(initial=0)) + 1, 1)
    total, count = np.zeros(most * steps), np.zeros(most * steps)
    for low, high in blocks(surprise.shape):
        values = surprise[low:high]
        state = np.zeros(values.shape, dtype=np.int64) if states is None else states[low:high].astype(np.int64)
        known = np.isfinite(values) & (state >= 0)
        place = (state * steps + np.arange(steps))[known]
        total += np.bincount(place, values[known], minlength=len(total))
        count += np.bincount(place, minlength=len(count))
    return total.reshape(most, steps), count.reshape(most, steps)


def _usual(total: NDArray[np.float64], count: NDArray[np.float64], season: int) -> NDArray[np.float64]:
    """The exponential mean of the cycles before each, by state and phase; NaN where there was none."""
    states, steps = total.shape
    cycles = -(-steps // season)
    room = ((0, 0), (0, cycles * season - steps))
    sums, counts = (np.pad(one, room).reshape(states, cycles, season) for one in (total, count))
    kept, number = np.zeros((states, season)), np.zeros((states, season))
    usual, fade = np.full(sums.shape, np.nan), 0.5 ** (1 / HALF_LIFE)
    for cycle in range(cycles):
        usual[:, cycle] = np.where(number > 0, kept / np.where(number > 0, number, 1.0), np.nan)
        seen = counts[:, cycle] > 0  # a state that did not come up is remembered as it was
        kept = np.where(seen, kept * fade + sums[:, cycle], kept)
        number = np.where(seen, number * fade + counts[:, cycle], number)
    return usual.reshape(states, cycles * season)[:, :steps]


def _mean(grid: Floats) -> Floats:
    """Mean over all series, ``[step]``; NaN where no series has a value."""
    total, count = np.zeros(grid.shape[1]), np.zeros(grid.shape[1])
    for low, high in blocks(grid.shape):
        known = np.isfinite(grid[low:high])
        total += np.where(known, grid[low:high], 0.0).sum(axis=0)
        count += known.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


def blocks(shape: tuple[int, int], cells: int | None = None) -> Iterator[tuple[int, int]]:
    """First and last series (not included) of the parts of a grid that are worked on one at a time, of so many ``cells``."""
    size = max(1, (cells or CELLS_AT_ONCE) // max(shape[1], 1))
    for low in range(0, shape[0], size):
        yield low, min(low + size, shape[0])
