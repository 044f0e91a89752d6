"""What a metric is: row terms that add up, and a function that turns their sums into the figure.

Because every metric is a function of sums, a resample of clusters is a matrix product of resampling weights and cluster sums:
intervals and comparisons cost milliseconds and never visit the rows twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sevenstep.stats.scored import BoolArray, FloatArray, Scored

__all__ = ["Direction", "Metric", "Unit", "ratio", "root_ratio"]

Direction = Literal["lower", "higher", "target"]
Unit = Literal["share", "percent", "target", "target_squared", "ratio"]


@dataclass(frozen=True)
class Metric:
    """A figure of merit as a function of sums over rows.

    Args:
        name: how a KPI names it.
        direction: ``lower`` or ``higher`` is better, or the best value is a ``target`` (then ``goal`` says which).
        unit: ``share`` of 1, ``percent`` of 100, units of the ``target`` or their square, or a ``ratio`` to a naive rule.
        description: one sentence for people.
        source: where the formula comes from.
        terms: rows to an array ``[n, k]`` whose columns add up over rows.
        finish: sums ``[..., k]`` to figures ``[...]``; NaN where a denominator is 0. Homogeneous of degree 0 (twice the rows give
            the same figure).
        needs: fields of `Scored` it reads besides truth and prediction.
        limits: smallest and largest possible value.
        goal: the best value of a metric whose direction is ``target``.
        skips_zero: leaves out rows whose truth is 0, where a relative error has no meaning.
        guide: a metric of the same rows that a search goes by instead, where this one only steps when a decision changes.
        direct: the figure of rows at once, where that is cheaper than by its terms: a search asks for it thousands of times.
        per_item: an item's figure is its prediction, or stands in a column of the metric's name (`sevenstep.stats.per_item`).
        spread: column with the standard deviation of an item's figure over repeats, where it is not the same each time.
    """

    name: str
    direction: Direction
    unit: Unit
    description: str
    source: str
    terms: Callable[[Scored], FloatArray]
    finish: Callable[[FloatArray], FloatArray]
    needs: tuple[str, ...] = ()
    limits: tuple[float, float] = (0.0, np.inf)
    goal: float | None = None
    skips_zero: bool = False
    guide: str = ""
    direct: Callable[[Scored], float] | None = None
    per_item: bool = False
    spread: str = ""

    @property
    def reads(self) -> tuple[str, ...]:
        """All fields of `Scored` it reads."""
        return ("truth", "prediction", *self.needs)

    def measured(self, rows: Scored) -> BoolArray:
        """Which rows can be measured: all that is needed is there, a scale is above 0, a skipped truth is not 0."""
        mask = rows.has(self.reads)
        for name in ("scale", "root_scale"):
            if name in self.needs:
                mask = mask & (getattr(rows, name) > 0)
        if self.skips_zero:
            mask = mask & (rows.truth != 0)
        return mask

    def value(self, rows: Scored) -> float:
        """The figure over all rows that can be measured; NaN when there is none."""
        return self.figure(rows.at(self.measured(rows)))

    def figure(self, measured: Scored) -> float:
        """The figure over rows that can all be measured."""
        return self.direct(measured) if self.direct is not None else float(self.finish(self.terms(measured).sum(axis=0)))

    def loss(self, value: FloatArray) -> FloatArray:
        """Figures turned so that less is better: as they are, negated, or as the distance from the goal."""
        if self.direction == "target":
            return np.abs(value - (self.goal or 0.0))
        return -value if self.direction == "higher" else value

    def of_loss(self, loss: float) -> float:
        """The figure a loss stands for, as people read it; of a metric with a goal of its own the distance from that."""
        return -loss if self.direction == "higher" else loss

    def lack(self, value: float) -> float:
        """How far a figure is from a perfect one; its size where no figure is perfect."""
        low, high = self.limits
        best = {"lower": low, "higher": high}.get(self.direction, self.goal or 0.0)
        return abs(value - best) if np.isfinite(best) else abs(value)


def ratio(sums: FloatArray) -> FloatArray:
    """First sum over second sum, NaN where the second is 0."""
    above, below = sums[..., 0], sums[..., 1]
    figures = np.full(np.shape(above), np.nan)
    np.divide(above, below, out=figures, where=below != 0)
    return figures


def root_ratio(sums: FloatArray) -> FloatArray:
    """Square root of `ratio`, for means of squares (rounding below 0 counts as 0)."""
    return np.sqrt(np.maximum(ratio(sums), 0.0))
