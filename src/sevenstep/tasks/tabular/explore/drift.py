"""Does what is true of old rows hold for new ones? The target and every input, older half against newer half."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import stats

from sevenstep.tasks.tabular.explore.separation import level_estimates
from sevenstep.tasks.tabular.explore.strength import SURE, association, corrected
from sevenstep.tasks.tabular.explore.view import Binned, Floats, Mask, View

__all__ = ["Drift", "Moved", "drift_of", "level_gap", "number_gap"]

_STRETCHES, _IN_STRETCH = 8, 30


@dataclass(frozen=True)
class Moved:
    """One input whose values moved: ``size`` is the largest gap between the two distributions (Kolmogorov-Smirnov), 0 to 1."""

    column: str
    size: float
    q: float


@dataclass(frozen=True)
class Drift:
    """What moved over time.

    Args:
        stretches: of each stretch of time its start, the share of the class told (or the median), its interval, its rows.
        p: of "the target is the same in all stretches".
        moved: inputs that moved, most first.
        tested: how many inputs were looked at.
    """

    stretches: Sequence[tuple[str, float, float, float, int]]
    p: float
    moved: Sequence[Moved]
    tested: int


def drift_of(view: View) -> Drift | None:
    """Drift over the time column; None without one, or where all rows are of one time."""
    if view.time is None:
        return None
    order = view.rows[view.time].rank("ordinal").fill_null(0).cast(pl.Int64).to_numpy() - 1
    count = int(np.clip(len(order) // _IN_STRETCH, 2, _STRETCHES))
    if view.rows[view.time].n_unique() < count:
        return None
    stretch = np.clip(order * count // len(order), 0, count - 1).astype(np.int64)
    starts = [str(view.rows[view.time].filter(pl.Series(stretch == number)).min()) for number in range(count)]
    stretches = level_estimates(view, Binned(stretch, tuple(start.removesuffix(" 00:00:00") for start in starts)))
    _, p = association(Binned(stretch, tuple(starts)), view.outcome)
    moved, tested = _moved(view, stretch >= count // 2)
    return Drift(stretches, p, moved, tested)


def _moved(view: View, newer: Mask) -> tuple[list[Moved], int]:
    found = []
    for name, kind in view.problem.kinds.items():
        if name == view.time or kind in ("picture", "time"):
            continue
        size, p = number_gap(view.columns.numbers(name), newer) if kind == "number" else level_gap(view.inputs[name], newer)
        found.append((name, size, p))
    rates = corrected([p for *_, p in found])
    moved = [Moved(name, size, q) for (name, size, _), q in zip(found, rates, strict=True) if q < SURE]
    return sorted(moved, key=lambda one: (-one.size, one.column)), len(found)


def number_gap(numbers: Floats, newer: Mask) -> tuple[float, float]:
    """Largest gap of the distributions of two sides, 0 to 1 (Kolmogorov-Smirnov), with its p; the missing are left out."""
    known = np.isfinite(numbers)
    old, new = numbers[known & ~newer], numbers[known & newer]
    if not len(old) or not len(new):
        return 0.0, 1.0
    found = stats.ks_2samp(old, new, method="asymp")
    return float(found.statistic), float(found.pvalue)


def level_gap(column: Binned, newer: Mask) -> tuple[float, float]:
    """Half the summed differences of the shares of levels, 0 to 1, with the p of the G test."""
    shares = [np.bincount(column.codes[side], minlength=column.levels) / max(side.sum(), 1) for side in (~newer, newer)]
    _, p = association(column, Binned(newer.astype(np.int64), ("older", "newer")))
    return float(np.abs(shares[0] - shares[1]).sum() / 2), p
