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

__all__ = ["FORMS", "Form", "winters"]

Grid = NDArray[np.floating]


@dataclass(frozen=True)
class Form:
    """Shares of the newest error that level, trend and season take up, and what of a trend is left a step later."""

    level: float
    trend: float
    season: float
    damping: float


FORMS = (Form(0.2, 0.1, 0.2, 0.95), Form(0.5, 0.15, 0.2, 0.9), Form(0.8, 0.3, 0.2, 0.85))


def winters(grid: Grid, season: int, asked: Asked) -> Iterator[Named]:
    """Forecasts of each form for the asked rows, one named column at a time; NaN before a series has been seen for a season.

    Additive Holt-Winters with a damped trend (Gardner and McKenzie, 1985); missing values leave the state as it was.
    """
    last = int(asked.origin.max(initial=-1)) + 1
    own = np.asarray(grid[:, :last], dtype=np.float64)
    lead = asked.step - asked.origin
    column = asked.origin - (asked.origin - asked.step) % season
    slope = _long_run(own)[asked.series, asked.origin]
    for number, form in enumerate(FORMS):
        level, trend, index = _carried(own, season, form)
        reach = np.cumsum(form.damping ** np.arange(1, int(lead.max(initial=1)) + 1))[lead - 1]
        at, shape = (asked.series, asked.origin), np.where(column >= 0, index[asked.series, np.maximum(column, 0)], np.nan)
        yield f"winters_{number + 1}", (level[at] + reach * trend[at] + shape).astype(np.float32)
        if number == 1:
            yield "theta_like", (level[at] + lead * slope / 2 + shape).astype(np.float32)


def _carried(grid: Grid, season: int, form: Form) -> tuple[Grid, Grid, Grid]:
    """Level and trend known at each column, and the season's index of its phase, ``[series, step]``."""
    series, steps = grid.shape
    first = np.isfinite(grid).argmax(axis=1)
    level, trend, index = (np.full(grid.shape, np.nan) for _ in range(3))
    begun = np.isfinite(grid).any(axis=1)
    starts = first + season - 1  # the first season sets level and indices
    now, moving = np.full(series, np.nan), np.zeros(series)
    shape = np.zeros((series, season))
    for step in range(steps):
        opening = np.flatnonzero(begun & (starts == step))
        if len(opening):
            columns = first[opening, None] + np.arange(season)
            values = grid[opening[:, None], columns]
            mean = np.nanmean(values, axis=1)
            now[opening] = mean
            shape[opening[:, None], columns % season] = np.nan_to_num(values - mean[:, None])
            index[opening[:, None], columns] = shape[opening[:, None], columns % season]
        going = begun & (step > starts)
        phase = step % season
        made = now + form.damping * moving + shape[:, phase]
        error = np.where(going & np.isfinite(grid[:, step]), grid[:, step] - made, 0.0)
        now = np.where(going, now + form.damping * moving + form.level * error, now)
        moving = np.where(going, form.damping * moving + form.level * form.trend * error, moving)
        if season > 1:
            shape[:, phase] += form.season * (1 - form.level) * error
        level[:, step], trend[:, step] = now, moving
        known = begun & (step >= starts)
        index[known, step] = shape[known, phase]
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
