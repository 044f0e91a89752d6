"""Inputs said to be known ahead that are made of the target itself: of values from the same time, later, or after the origin.

A plan may explain much of the target, but it is not a weighted sum of the target's own later values. Where the changes of an
input are nearly such a sum, the input was computed from what is to be forecast: a copy in another unit, tomorrow's value, a
centred mean, the total of the coming week.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.forecast.panel import Panel

__all__ = ["Foresight", "foresights"]

MADE_OF = 0.95  # share of an input's changes that the target's own values around its time explain
AROUND = 7  # steps before and after the time of an input that are looked at
DISTINCT = 20  # distinct values from which an input can carry the target
MOST_SERIES, MOST_ROWS, FEWEST = 200, 40_000, 300

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Foresight:
    """An input made of the target.

    Args:
        column: the input.
        share: share of its changes from step to step that the target's values from ``first`` to ``last`` steps after it explain.
        first: earliest step after its own time that counts, negative before.
        last: latest one.
        n: rows.
    """

    column: str
    share: float
    first: int
    last: int
    n: int


def foresights(panel: Panel, target: str, columns: Sequence[str], horizon: int) -> Iterator[Foresight]:
    """Inputs among ``columns`` that are made of values of the target that no origin up to the horizon has seen.

    Args:
        panel: the series.
        target: the target.
        columns: inputs known ahead; what is published over time is not looked at, as it is read as it stood.
        horizon: a value this many steps before an input's time, or more, is known when it is used.
    """
    kept = np.linspace(0, panel.shape[0] - 1, min(MOST_SERIES, panel.shape[0])).astype(np.int64)
    y = panel.exact_grid(target)[kept, : panel.end + 1]
    unseen = range(max(-AROUND, 1 - horizon), AROUND + 1)
    around = _windows(np.diff(y, axis=1), unseen)
    for column in columns:
        values = panel.rows[column]
        if column in panel.published or not values.dtype.is_numeric() or values.n_unique() <= DISTINCT:
            continue
        x = np.diff(panel.exact_grid(column)[kept, : panel.end + 1], axis=1)
        found = _made_of(column, x, around, list(unseen))
        if found is not None:
            yield found


def _windows(change: Floats, steps: range) -> Floats:
    """``[step, series, time]`` the changes of the target at each of some steps after a time; NaN outside."""
    moved = np.full((len(steps), *change.shape), np.nan)
    width = change.shape[1]
    for place, step in enumerate(steps):
        low, high = max(0, -step), min(width, width - step)
        if low < high:
            moved[place, :, low:high] = change[:, low + step : high + step]
    return moved


def _made_of(column: str, x: Floats, around: Floats, steps: Sequence[int]) -> Foresight | None:
    told = np.isfinite(x) & np.isfinite(around).all(axis=0)
    rows = np.flatnonzero(told.ravel())
    rows = rows[np.linspace(0, len(rows) - 1, min(MOST_ROWS, len(rows))).astype(np.int64)] if len(rows) else rows
    if len(rows) < max(FEWEST, 10 * len(steps)):
        return None
    change, design = x.ravel()[rows], around.reshape(len(steps), -1)[:, rows].T
    total = float(change @ change)
    if total <= 0 or np.mean(change != 0) < 0.05:
        return None
    weight = np.linalg.lstsq(design, change, rcond=None)[0]
    rest = change - design @ weight
    share = 1.0 - float(rest @ rest) / total
    if share < MADE_OF:
        return None
    used = [step for step, one in zip(steps, weight, strict=True) if abs(one) > 0.05 * np.abs(weight).max()]
    return Foresight(column, share, min(used), max(used), len(rows))
