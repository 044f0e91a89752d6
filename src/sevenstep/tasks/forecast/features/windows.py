"""Averages over the past of every series at once, each value using its own column and earlier ones only.

All functions take a grid ``[series, step]`` with NaN for missing and return, for each column (for those of ``at``, where some are
asked for), what was known once that column had been observed. Nothing here looks to the right: ``tests/test_features.py`` checks
that against SQL, and ``tests/test_forecast_poison.py`` by poisoning the future.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Read", "cumulative", "exponential_mean", "exponential_means", "last_value", "phase_means", "rolling_mean", "rolling_spread",
    "since",
]  # fmt: skip

Grid = NDArray[np.floating]
Columns = NDArray[np.integer]
FAINT = 1e-6  # an exponential mean whose newest observation weighs less than this is not known any more
FEW = 16  # columns up to which a product with powers is cheaper than a filter over all columns


@dataclass(frozen=True)
class Read:
    """Columns that are read, each once and in order, and the place of each reading among them.

    A forecast reads the past at one origin, or a few: what is wanted at some columns need not be computed at all of them.
    """

    columns: NDArray[np.int64]
    place: NDArray[np.int64]

    @classmethod
    def of(cls, columns: Columns) -> Read:
        """Of the column of each reading; without any, the first column is read in vain."""
        there = np.zeros(int(columns.max(initial=0)) + 1, dtype=bool)
        there[columns] = True
        there[0] |= not len(columns)
        return cls(np.flatnonzero(there), (np.cumsum(there) - 1)[columns])


def exponential_mean(values: Grid, half_life: float, at: Columns | None = None) -> NDArray[np.float32]:
    """Mean of the past with weights halving every ``half_life`` columns; missing columns age the rest and add nothing.

    Formula: sum_i w^(t-i) y_i / sum_i w^(t-i) over observed i <= t, with w = 2^(-1/half_life).
    """
    return exponential_means(values, (half_life,), at)[0]


def exponential_means(values: Grid, half_lives: Sequence[float], at: Columns | None = None) -> list[NDArray[np.float32]]:
    """The `exponential_mean` for each of some half-lives."""
    values = values if at is None else values[:, : int(at.max()) + 1]
    seen = np.isfinite(values)
    past, counts = np.where(seen, values, 0.0).astype(np.float64), seen.astype(np.float64)
    keep = [0.5 ** (1.0 / half_life) for half_life in half_lives]
    sums = _filtered(past, counts, keep, at) if at is None or len(at) > FEW else _products(past, counts, keep, at)
    return [np.where(weight > FAINT, total / np.maximum(weight, FAINT), np.nan).astype(np.float32) for total, weight in sums]


def _filtered(past: Grid, counts: Grid, keep: Sequence[float], at: Columns | None) -> list[tuple[Grid, Grid]]:
    from scipy.signal import lfilter  # late: loading it takes longer than most predictions

    def at_all(grid: Grid, kept: float) -> Grid:
        made: Grid = lfilter([1.0], [1.0, -kept], grid, axis=1)
        return made if at is None else made[:, at]

    return [(at_all(past, kept), at_all(counts, kept)) for kept in keep]


def _products(past: Grid, counts: Grid, keep: Sequence[float], at: Columns) -> list[tuple[Grid, Grid]]:
    age = at[None, :] - np.arange(past.shape[1])[:, None]
    powers = np.hstack([np.where(age >= 0, kept ** np.maximum(age, 0), 0.0) for kept in keep])
    ends = len(at) * np.arange(1, len(keep))
    return list(zip(np.split(past @ powers, ends, axis=1), np.split(counts @ powers, ends, axis=1), strict=True))


def cumulative(values: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Running sums and counts of the observed values with a leading zero column, ``[series, step + 1]``."""
    seen = np.isfinite(values)
    zero = np.zeros((len(values), 1))
    sums = np.concatenate([zero, np.cumsum(np.where(seen, values, 0.0), axis=1, dtype=np.float64)], axis=1)
    counts = np.concatenate([zero, np.cumsum(seen, axis=1, dtype=np.float64)], axis=1)
    return sums, counts


def rolling_mean(values: Grid, window: int, at: Columns | None = None) -> NDArray[np.float32]:
    """Mean of the observed values among the last ``window`` columns."""
    near, at = _near(values, window, at)
    return _window_mean(near, window, at).astype(np.float32)


def _near(values: Grid, window: int, at: Columns | None) -> tuple[Grid, Columns]:
    """The columns that windows of some length reach from the columns ``at``, which are numbered anew in it."""
    if at is None:
        return values, np.arange(values.shape[1])
    first = max(int(at.min()) + 1 - window, 0)
    return values[:, first : int(at.max()) + 1], at - first


def _window_mean(values: Grid, window: int, at: Columns) -> NDArray[np.float64]:
    sums, counts = cumulative(values)
    start, end = np.maximum(at + 1 - window, 0), at + 1
    total, count = sums[:, end] - sums[:, start], counts[:, end] - counts[:, start]
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def rolling_spread(values: Grid, window: int, at: Columns | None = None) -> NDArray[np.float32]:
    """Standard deviation (of the population) of the observed values among the last ``window`` columns."""
    near, at = _near(values, window, at)
    first = np.take_along_axis(near, np.isfinite(near).argmax(axis=1)[:, None], axis=1)
    moved = near.astype(np.float64) - first  # keeps the sum of squares from cancelling, and looks at nothing later
    square = _window_mean(moved**2, window, at) - _window_mean(moved, window, at) ** 2
    return np.sqrt(np.maximum(square, 0.0)).astype(np.float32)


def last_value(values: Grid, at: Columns | None = None) -> NDArray[np.float32]:
    """The newest observed value."""
    values, at = _near(values, values.shape[1], at)
    seen = np.isfinite(values)
    newest = np.maximum.accumulate(np.where(seen, np.arange(values.shape[1], dtype=np.int32), -1), axis=1)[:, at]
    filled = np.take_along_axis(values, np.maximum(newest, 0), axis=1)
    return np.where(newest >= 0, filled, np.nan).astype(np.float32)


def since(events: NDArray[np.bool_], cap: int) -> NDArray[np.float32]:
    """Columns since the newest event, 0 at the event itself, at most ``cap``; ``cap`` where there was none."""
    columns = np.arange(events.shape[1])
    at = np.maximum.accumulate(np.where(events, columns, -cap - 1), axis=1)
    return np.minimum(columns - at, cap).astype(np.float32)


def phase_means(values: Grid, season: int, half_lives: Sequence[float], at: Columns | None = None) -> list[NDArray[np.float32]]:
    """Exponential means over the past at the same phase of the season, each ``[series, cycle, phase]``.

    ``half_lives`` and ``at`` count cycles. The mean known at column ``o`` for a target of phase ``p`` is that of the newest cycle
    whose column of that phase is not after ``o``: cycle ``(o - p) // season``.
    """
    cycles = -(-values.shape[1] // season) if at is None else int(at.max()) + 1
    padded = np.full((len(values), cycles * season), np.nan, dtype=values.dtype)
    own = values[:, : cycles * season]
    padded[:, : own.shape[1]] = own
    by_phase = padded.reshape(len(values), cycles, season).transpose(0, 2, 1).reshape(-1, cycles)
    found = exponential_means(by_phase, half_lives, at)
    return [means.reshape(len(values), season, -1).transpose(0, 2, 1) for means in found]
