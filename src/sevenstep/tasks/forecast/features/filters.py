"""Exponential smoothing of many series at once, its forms weighed for each series by how well they forecast several steps ahead.

One pass over the columns of a grid carries every form of every series, so a thousand series take about as long as one fit of a
library that goes series by series. Weights instead of a choice: what separates the best form from the next is mostly chance in
series of some dozens of values.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

__all__ = ["TRENDS", "smoothed"]

Floats = NDArray[np.float64]

ALPHAS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)
BETAS, PHIS = (0.05, 0.15, 0.4), (0.8, 0.9, 0.97)
SLOPES = (0.0, 0.25, 0.5, 1.0)
TRENDS = ("none", "damped", "drift")
"""No trend; a damped one that is smoothed as well; shares of the straight line through all values, one half being theta's."""

POWER = 4.0  # weights fall with this power of the error: chosen on the training parts of the M3 and M4 sets
WARM_UP = 3  # steps after the first value from which forecasts are compared with what came
CELLS = 16_000  # forms times series worked on together: what fits the cache of a core


@dataclass(frozen=True)
class _Forms:
    """Parameters of the forms, ``[form, 1]``; ``share`` is of the straight line's slope, NaN where the trend is smoothed."""

    alpha: Floats
    beta: Floats
    phi: Floats
    share: Floats

    @classmethod
    def of(cls, trend: str) -> _Forms:
        if trend == "damped":
            rows = [(alpha, beta, phi, np.nan) for alpha, beta, phi in product(ALPHAS, BETAS, PHIS)]
        else:
            rows = [(alpha, 0.0, 1.0, share) for alpha, share in product(ALPHAS, SLOPES if trend == "drift" else (0.0,))]
        return cls(*(column[:, None] for column in np.array(rows).T))

    def reach(self, lead: int) -> Floats:
        """How many of the newest step's trend a forecast ``lead`` steps ahead adds: phi + phi^2 + ... + phi^lead."""
        total: Floats = (self.phi ** np.arange(1, lead + 1)).sum(axis=1, keepdims=True)
        return total


def smoothed(grid: Floats, horizon: int, trend: str) -> Floats:
    """Forecasts ``[series, lead]`` from the last column on.

    Each form is y(t+h) = l(t) + (phi + ... + phi^h) b(t), with l(t) = l(t-1) + phi b(t-1) + alpha e(t) and
    b(t) = phi b(t-1) + alpha beta e(t) (Gardner and McKenzie, 1985), or with a fixed slope. Forms are averaged with weights in
    proportion to the power -`POWER` of their mean absolute error over one step, half the horizon and all of it.

    Args:
        grid: ``[series, step]``, NaN before the first value of a series only; each has at least one.
        horizon: leads wanted.
        trend: one of `TRENDS`.
    """
    forms = _Forms.of(trend)
    size = max(1, CELLS // len(forms.alpha))
    blocks = [_block(grid[low : low + size], horizon, forms) for low in range(0, len(grid), size)]
    return np.concatenate(blocks) if blocks else np.empty((0, horizon))


def _block(grid: Floats, horizon: int, forms: _Forms) -> Floats:
    level, slope, loss = _states(grid, forms, sorted({1, max(1, horizon // 2), horizon}))
    least = loss.min(axis=0)
    weight = np.where(loss > 0, (least / np.where(loss > 0, loss, 1.0)) ** POWER, 1.0)  # without any loss, a form has it all
    weight /= weight.sum(axis=0)
    base = (weight * level).sum(axis=0)
    return np.column_stack([base + (weight * forms.reach(lead) * slope).sum(axis=0) for lead in range(1, horizon + 1)])


def _states(grid: Floats, forms: _Forms, leads: list[int]) -> tuple[Floats, Floats, Floats]:
    """Level and slope of each form after the last column, and its summed absolute errors, ``[form, series]``."""
    first = np.isfinite(grid).argmax(axis=1)
    fixed = np.isfinite(forms.share)
    line = np.where(fixed, np.nan_to_num(forms.share) * _slopes(grid, first), 0.0)
    level, slope, loss = (np.zeros((len(forms.alpha), len(grid))) for _ in range(3))
    made: dict[int, deque[Floats]] = {lead: deque(maxlen=lead) for lead in leads}
    reach = {lead: forms.reach(lead) for lead in leads}
    gain = forms.alpha * forms.beta
    for step, values in enumerate(grid.T):
        for lead, queue in made.items():
            compared = step - lead - first >= WARM_UP
            if compared.any():
                loss += np.where(compared, np.abs(values - queue[0]), 0.0)
        begins, began = step == first, step > first
        moved = forms.phi * slope
        error = np.where(began, values - level - moved, 0.0)
        level = np.where(began, level + moved + forms.alpha * error, np.where(begins, values, 0.0))
        slope = np.where(fixed, line, np.where(began, moved + gain * error, 0.0))
        for lead, queue in made.items():
            queue.append(level + reach[lead] * slope)
    return level, slope, loss


def _slopes(grid: Floats, first: NDArray[np.int64]) -> Floats:
    """Slope of the least squares line through all values of each series."""
    step = np.arange(grid.shape[1]) - first[:, None]
    length = grid.shape[1] - first
    away = np.where(step >= 0, step - (length[:, None] - 1) / 2, 0.0)
    spread = (away**2).sum(axis=1)
    slopes: Floats = (away * np.nan_to_num(grid)).sum(axis=1) / np.where(spread > 0, spread, 1.0)
    return slopes
