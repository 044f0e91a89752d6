"""What exponential smoothing would say at each origin: forecasts of a few fixed forms, carried along all series in one pass.

Trees split; they do not extrapolate. A damped trend with a season, and half the long run's slope as theta has it, hand them the
lines they cannot draw.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.forecast.features.history import Asked, Named
from sevenstep.tasks.forecast.features.pooled import blocks

__all__ = ["FORMS", "Form", "winters"]

Grid = NDArray[np.floating]
Floats = NDArray[np.float32]

LONGEST = 4_000  # steps of the past that are carried: older ones have long been forgotten
CELLS_AT_ONCE = 2_000_000  # of the grid, so that a step of the loop is worth its start and the states fit the memory


@dataclass(frozen=True)
class Form:
    """Shares of the newest error that level, trend and season take up, and what of a trend is left a step later."""

    level: float
    trend: float
    season: float
    damping: float


FORMS = (Form(0.2, 0.1, 0.2, 0.95), Form(0.5, 0.15, 0.2, 0.9), Form(0.8, 0.3, 0.2, 0.85))
MIDDLE = 1  # whose level and season half of the long run's slope is added to


def winters(grid: Grid, season: int, asked: Asked) -> Iterator[Named]:
    """Forecasts of each form for the asked rows, one named column at a time; NaN before a series has been seen for a season.

    Additive Holt-Winters with a damped trend (Gardner and McKenzie, 1985); a missing value leaves level and trend as forecast.
    """
    names = [*(f"winters_{number + 1}" for number in range(len(FORMS))), "theta_like"]
    columns = {name: np.full(len(asked.series), np.nan, dtype=np.float32) for name in names}
    if len(asked.series):
        end = int(asked.origin.max()) + 1
        start = max(0, end - LONGEST)
        for low, high in blocks((len(grid), end - start), CELLS_AT_ONCE):
            mine = np.flatnonzero((asked.series >= low) & (asked.series < high) & (asked.origin >= start))
            if len(mine):
                local = Asked(asked.series[mine] - low, asked.step[mine] - start, asked.origin[mine] - start)
                own = np.asarray(grid[low:high, start:end], dtype=np.float64)
                for name, values in zip(names, _forecasts(own, season, local), strict=True):
                    columns[name][mine] = values
    yield from columns.items()


def _forecasts(grid: Grid, season: int, asked: Asked) -> Iterator[NDArray[np.float64]]:
    level, trend, index = _carried(grid, season)
    lead, at = asked.step - asked.origin, (asked.series, asked.origin)
    column = asked.origin - (asked.origin - asked.step) % season
    place = (asked.series, np.maximum(column, 0))
    shape = [np.where(column >= 0, own[place], np.nan) for own in index]
    for number, form in enumerate(FORMS):
        reach = np.cumsum(form.damping ** np.arange(1, int(lead.max()) + 1))[lead - 1]
        yield level[number][at] + reach * trend[number][at] + shape[number]
    yield level[MIDDLE][at] + lead * _long_run(grid)[at] / 2 + shape[MIDDLE]


def _carried(grid: Grid, season: int) -> tuple[Floats, Floats, Floats]:
    """Level and trend of each form known at each column, and the season's index of its phase, ``[form, series, step]``."""
    alpha, beta, gamma, damping = np.array([(one.level, one.trend, one.season, one.damping) for one in FORMS]).T[:, :, None]
    first = np.isfinite(grid).argmax(axis=1)
    begun = np.isfinite(grid).any(axis=1)
    starts = first + season - 1  # the first season sets level and indices
    level, trend, index = (np.full((len(FORMS), *grid.shape), np.nan, dtype=np.float32) for _ in range(3))
    now, moving = np.full((len(FORMS), len(grid)), np.nan), np.zeros((len(FORMS), len(grid)))
    shape = np.zeros((len(FORMS), len(grid), season))
    for step, values in enumerate(grid.T):
        opening = np.flatnonzero(begun & (starts == step))
        if len(opening):
            columns = first[opening, None] + np.arange(season)
            opened = grid[opening[:, None], columns]
            now[:, opening] = mean = np.nanmean(opened, axis=1)
            away = np.nan_to_num(opened - mean[:, None])
            shape[:, opening[:, None], columns % season] = away
            index[:, opening[:, None], columns] = away
        going, phase = begun & (step > starts), step % season
        carried = now + damping * moving
        error = np.where(going & np.isfinite(values), values - carried - shape[:, :, phase], 0.0)
        now = np.where(going, carried + alpha * error, now)
        moving = np.where(going, damping * moving + alpha * beta * error, moving)
        if season > 1:
            shape[:, :, phase] += gamma * (1 - alpha) * error
        level[:, :, step], trend[:, :, step] = now, moving
        known = begun & (step >= starts)
        index[:, known, step] = shape[:, known, phase]
    return level, trend, index


def _long_run(grid: Grid) -> Grid:
    """Slope of the least squares line through all known values up to each column, ``[series, step]``; 0 with fewer than three."""
    known = np.isfinite(grid)
    step = np.arange(grid.shape[1])
    first = known.argmax(axis=1)[:, None]
    x, y = np.where(known, step - first, 0.0), np.where(known, np.nan_to_num(grid), 0.0)
    n, sx, sy, sxx, sxy = (np.cumsum(part, axis=1) for part in (known.astype(float), x, y, x * x, x * y))
    spread = n * sxx - sx * sx
    return np.where((n >= 3) & (spread > 0), (n * sxy - sx * sy) / np.where(spread > 0, spread, 1.0), 0.0)
