"""Is a figure of live rows worse than what the release's own scores gave on windows of the same length?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import special

from sevenstep.search.leaderboard import kpi_estimate
from sevenstep.stats.intervals import Estimate
from sevenstep.stats.metric import Metric
from sevenstep.stats.scored import FloatArray
from sevenstep.tasks.scoretable import ScoreTable, scored_rows

__all__ = ["FEWEST", "Against", "against", "figure_of"]

FEWEST = 4
"""Windows of the release below which rows are compared instead."""

_WIDTH = 1.96  # of half a 95 % interval in standard errors


@dataclass(frozen=True)
class Against:
    """How a live figure stands against the release.

    Args:
        usual: the figure of the release, over all its rows.
        p: p value of "no worse than then", one-sided.
        method: what it was held against.
    """

    usual: float | None
    p: float
    method: str


def figure_of(rows: pl.DataFrame, metric: Metric) -> float:
    """A metric over the rows of a score table; NaN where it cannot be measured."""
    return metric.value(scored_rows(rows, metric))


def against(
    metric: Metric, live: Estimate, then: pl.DataFrame, windows: Sequence[pl.DataFrame], seed: int, *, two_sided: bool = False
) -> Against:
    """Hold a live figure against windows of the release; a loss that is a size is compared by its logarithm.

    A new window differs from the mean of ``k`` by more than one of them from another: the t statistic has ``sqrt(1 + 1 / k)`` in
    its error. With fewer than `FEWEST` windows the two figures are compared by their intervals, which know nothing of how weeks
    differ.

    Args:
        metric: of the figures.
        live: the figure of live rows.
        then: all rows of the release.
        windows: the same rows window by window.
        seed: seed of the resamples.
        two_sided: whether being better counts as well (coverage).
    """
    usual = figure_of(then, metric)
    if live.value is None or not np.isfinite(usual):
        return Against(usual if np.isfinite(usual) else None, 1.0, "not measured")
    figures = np.array([figure_of(window, metric) for window in windows])
    figures = figures[np.isfinite(figures)]
    if len(figures) >= FEWEST:
        p = _by_windows(metric, live.value, figures, two_sided=two_sided)
        return Against(usual, p, f"{len(figures)} windows of the release")
    released = kpi_estimate(ScoreTable(then), metric.name, seed)
    return Against(usual, _by_intervals(metric, live, released, two_sided=two_sided), "rows of the release")


def _by_windows(metric: Metric, value: float, figures: FloatArray, *, two_sided: bool) -> float:
    losses, now = (figures, value) if two_sided else (metric.loss(figures), float(metric.loss(np.asarray(value))))
    if not two_sided and (losses > 0).all() and now > 0:
        losses, now = np.log(losses), float(np.log(now))
    error, away = float(losses.std(ddof=1)) * np.sqrt(1 + 1 / len(losses)), now - float(losses.mean())
    t = away / error if error > 0 else np.inf * np.sign(away)
    tail = float(special.stdtr(len(losses) - 1, -abs(t) if two_sided else -t))
    return min(1.0, 2 * tail) if two_sided else tail


def _by_intervals(metric: Metric, live: Estimate, released: Estimate, *, two_sided: bool) -> float:
    ends = (live.low, live.high, released.low, released.high)
    if any(end is None for end in ends) or live.value is None or released.value is None:
        return 1.0
    low, high, low_then, high_then = (float(end) for end in ends if end is not None)
    error = float(np.hypot(high - low, high_then - low_then)) / 2 / _WIDTH
    away = live.value - released.value if two_sided else float(np.diff(metric.loss(np.array([released.value, live.value])))[0])
    score = away / error if error > 0 else np.inf * np.sign(away)
    return float(2 * special.ndtr(-abs(score)) if two_sided else special.ndtr(-score))
