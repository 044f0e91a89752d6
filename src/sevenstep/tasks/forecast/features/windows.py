"""Averages over the past of every series at once, each value using its own column and earlier ones only.

All functions take a grid ``[series, step]`` with NaN for missing and return, for each column, what was known once that column had
been observed. Nothing here looks to the right: ``tests/test_features.py`` checks that against SQL, and
``tests/test_forecast_poison.py`` by poisoning the future.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["cumulative", "exponential_mean", "last_value", "phase_means", "rolling_mean", "rolling_spread", "since"]

Grid = NDArray[np.floating]
FAINT = 1e-6  # an exponential mean whose newest observation weighs less than this is not known any more


def exponential_mean(values: Grid, half_life: float) -> NDArray[np.float32]:
    """Mean of the past with weights halving every ``half_life`` columns; missing columns age the rest and add nothing.

    Formula: sum_i w^(t-i) y_i / sum_i w^(t-i) over observed i <= t, with w = 2^(-1/half_life).
    """
    from scipy.signal import lfilter  # late: loading it takes longer than most predictions

    keep = 0.5 ** (1.0 / half_life)
    seen = np.isfinite(values)
    total = lfilter([1.0], [1.0, -keep], np.where(seen, values, 0.0).astype(np.float64), axis=1)
    weight = lfilter([1.0], [1.0, -keep], seen.astype(np.float64), axis=1)
    return np.where(weight > FAINT, total / np.maximum(weight, FAINT), np.nan).astype(np.float32)


def cumulative(values: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Running sums and counts of the observed values with a leading zero column, ``[series, step + 1]``."""
    seen = np.isfinite(values)
    zero = np.zeros((len(values), 1))
    sums = np.concatenate([zero, np.cumsum(np.where(seen, values, 0.0), axis=1, dtype=np.float64)], axis=1)
    counts = np.concatenate([zero, np.cumsum(seen, axis=1, dtype=np.float64)], axis=1)
    return sums, counts


def rolling_mean(values: Grid, window: int) -> NDArray[np.float32]:
    """Mean of the observed values among the last ``window`` columns."""
    return _window_mean(values, window).astype(np.float32)


def _window_mean(values: Grid, window: int) -> NDArray[np.float64]:
    sums, counts = cumulative(values)
    start = np.maximum(np.arange(values.shape[1]) + 1 - window, 0)
    total, count = sums[:, 1:] - sums[:, start], counts[:, 1:] - counts[:, start]
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def rolling_spread(values: Grid, window: int) -> NDArray[np.float32]:
    """Standard deviation (of the population) of the observed values among the last ``window`` columns."""
    seen = np.isfinite(values)
    first = np.take_along_axis(values, seen.argmax(axis=1)[:, None], axis=1)
    moved = values.astype(np.float64) - first  # keeps the sum of squares from cancelling, and looks at nothing later
    square = _window_mean(moved**2, window) - _window_mean(moved, window) ** 2
    return np.sqrt(np.maximum(square, 0.0)).astype(np.float32)


def last_value(values: Grid) -> NDArray[np.float32]:
    """The newest observed value."""
    seen = np.isfinite(values)
    at = np.maximum.accumulate(np.where(seen, np.arange(values.shape[1]), -1), axis=1)
    filled = np.take_along_axis(values, np.maximum(at, 0), axis=1)
    return np.where(at >= 0, filled, np.nan).astype(np.float32)


def since(events: NDArray[np.bool_], cap: int) -> NDArray[np.float32]:
    """Columns since the newest event, 0 at the event itself, at most ``cap``; ``cap`` where there was none."""
    columns = np.arange(events.shape[1])
    at = np.maximum.accumulate(np.where(events, columns, -cap - 1), axis=1)
    return np.minimum(columns - at, cap).astype(np.float32)


def phase_means(values: Grid, season: int, half_life: float) -> NDArray[np.float32]:
    """Exponential mean over the past at the same phase of the season, ``[series, cycle, phase]``.

    ``half_life`` counts cycles. The mean known at column ``o`` for a target of phase ``p`` is that of the newest cycle whose
    column of that phase is not after ``o``: cycle ``(o - p) // season``.
    """
    cycles = -(-values.shape[1] // season)
    padded = np.full((len(values), cycles * season), np.nan, dtype=values.dtype)
    padded[:, : values.shape[1]] = values
    by_phase = padded.reshape(len(values), cycles, season).transpose(0, 2, 1).reshape(-1, cycles)
    means = exponential_mean(by_phase, half_life)
    return means.reshape(len(values), season, cycles).transpose(0, 2, 1)
