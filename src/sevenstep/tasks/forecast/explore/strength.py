"""How strong season and trend are, series by series, for all series at once.

Strength is the share of variance a component explains beside the remainder, max(0, 1 - Var(R) / Var(S + R)), as in Wang, Smith
and Hyndman (2006), with two changes: the decomposition is the classical one (centred moving average, means by phase), which is
a single pass over the grid, and variances are divided by their degrees of freedom, so that pure noise has strength about 0
however short.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.forecast.features.windows import cumulative

__all__ = ["centred_mean", "linear_part", "phase_part", "season_strength", "trend_strength", "typical", "year_strength"]

Floats = NDArray[np.float64]
PARTS_OF_YEAR = 13  # the year in parts of four weeks


def centred_mean(grid: Floats, window: int) -> Floats:
    """Moving average over ``window`` columns around each column, halves at both ends where ``window`` is even.

    NaN are left out.
    """
    if window <= 1:
        return grid
    sums, counts = cumulative(grid)
    columns = np.arange(grid.shape[1])

    def between(low: int, high: int) -> tuple[Floats, Floats]:
        start = np.clip(columns + low, 0, grid.shape[1])
        end = np.clip(columns + high + 1, 0, grid.shape[1])
        return sums[:, end] - sums[:, start], counts[:, end] - counts[:, start]

    half = window // 2
    total, count = between(-half, window - half - 1)
    if window % 2 == 0:
        later, more = between(-half + 1, half)
        total, count = total + later, count + more
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan), np.float64)


def phase_part(grid: Floats, season: int) -> Floats:
    """Mean of each series at each phase, spread over the grid, with the mean of the series taken off."""
    width = grid.shape[1]
    phases = np.arange(width) % season
    seen = np.isfinite(grid)
    means = np.full((len(grid), season), np.nan)
    for phase in range(season):
        at = phases == phase
        count = seen[:, at].sum(axis=1)
        means[:, phase] = np.where(count > 0, np.nansum(grid[:, at], axis=1) / np.maximum(count, 1), np.nan)
    level = np.nansum(grid, axis=1) / np.maximum(seen.sum(axis=1), 1)
    return np.asarray(means[:, phases] - level[:, None], np.float64)


def season_strength(grid: Floats, season: int, removed: Sequence[int] = ()) -> Floats:
    """Strength of a season in each series, NaN with under two seasons of values; ``removed`` seasons are taken out first."""
    if season <= 1:
        return np.full(len(grid), np.nan)
    left = grid - centred_mean(grid, season)
    for shorter in removed:
        left = left - phase_part(left, shorter)
    used = np.minimum(np.isfinite(left).sum(axis=1), season)
    return _strength(left, left - phase_part(left, season), used, 2 * season)


def trend_strength(grid: Floats, season: int) -> Floats:
    """Strength of the trend (a moving average over a season, or 5 columns) beside the remainder, in each series."""
    trend = centred_mean(grid, max(season, 5))
    rest = grid - trend
    if season > 1:
        rest = rest - phase_part(rest, season)
    used = np.isfinite(grid).sum(axis=1) // max(season, 5) + 1
    return _strength(trend + rest, rest, used, 2 * max(season, 5))


def year_strength(grid: Floats, season: int, year: int) -> Floats:
    """Strength of the time of the year in each series, seasons and a linear trend taken out; NaN with under a year and a half."""
    if year <= season or grid.shape[1] < 1.5 * year:
        return np.full(len(grid), np.nan)
    weekly = max(season, round(year / 52))
    left = grid - phase_part(grid, season) if season > 1 else grid
    cycles = _cycle_means(left, weekly)
    part = (np.arange(cycles.shape[1]) * weekly % year) * PARTS_OF_YEAR // year
    rest = cycles
    for _ in range(4):
        rest = rest - linear_part(rest)
        rest = rest - _by_part(rest, part)
    flat = cycles - linear_part(cycles)
    used = np.full(len(grid), PARTS_OF_YEAR)
    return _strength(flat, rest, used, int(1.5 * year / weekly))


def typical(values: Floats) -> float | None:
    """The median over series, or None where no series is long enough."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else None


def _strength(whole: Floats, rest: Floats, used: NDArray[np.integer], least: int) -> Floats:
    """One less the ratio of variances, each over its degrees of freedom; rows with fewer than ``least`` values are NaN."""
    seen = np.isfinite(whole) & np.isfinite(rest)
    n = seen.sum(axis=1)
    before, after = _squares(whole, seen, n), _squares(rest, seen, n)
    with np.errstate(divide="ignore", invalid="ignore"):
        strength = 1 - (after / np.maximum(n - used, 1)) / (before / np.maximum(n - 1, 1))
    flat = before <= 1e-12 * n
    return np.where((n >= least) & (n > used + 1) & ~flat, np.clip(strength, 0.0, 1.0), np.nan)


def _squares(values: Floats, seen: NDArray[np.bool_], n: NDArray[np.integer]) -> Floats:
    filled = np.where(seen, values, 0.0)
    mean = filled.sum(axis=1) / np.maximum(n, 1)
    return np.asarray((np.where(seen, filled - mean[:, None], 0.0) ** 2).sum(axis=1), np.float64)


def _cycle_means(grid: Floats, width: int) -> Floats:
    cycles = grid.shape[1] // width
    blocks = grid[:, : cycles * width].reshape(len(grid), cycles, width)
    count = np.isfinite(blocks).sum(axis=2)
    return np.where(count > 0, np.nansum(blocks, axis=2) / np.maximum(count, 1), np.nan)


def linear_part(grid: Floats) -> Floats:
    """The least-squares line through each row."""
    seen = np.isfinite(grid)
    n = np.maximum(seen.sum(axis=1), 1)
    x = np.broadcast_to(np.arange(grid.shape[1], dtype=np.float64), grid.shape)
    mean_x, mean_y = np.where(seen, x, 0).sum(axis=1) / n, np.nansum(grid, axis=1) / n
    dx = np.where(seen, x - mean_x[:, None], 0.0)
    slope = np.nansum(dx * np.where(seen, grid, 0.0), axis=1) / np.maximum((dx**2).sum(axis=1), 1e-12)
    return np.asarray(mean_y[:, None] + slope[:, None] * (x - mean_x[:, None]), np.float64)


def _by_part(grid: Floats, part: NDArray[np.integer]) -> Floats:
    result = np.zeros_like(grid)
    for value in np.unique(part):
        at = part == value
        count = np.isfinite(grid[:, at]).sum(axis=1)
        result[:, at] = (np.nansum(grid[:, at], axis=1) / np.maximum(count, 1))[:, None]
    return result
