"""How the loss of a forecast grows with the lead it was made at, read off forecasts of the same times made at many leads.

The same target times stand at every lead, so that a lead is not better or worse for the days it happened to be judged on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.search.leaderboard import lead_curve
from sevenstep.tasks.scoretable import ScoreTable

__all__ = ["Curve", "age_curve", "on_common_times"]


@dataclass(frozen=True)
class Curve:
    """Loss by lead.

    Args:
        metric: what the loss is a figure of.
        leads: leads that were measured, in steps, rising.
        loss: the metric at each of them.
        low: lower end of its 95 % interval.
        high: upper end.
        n: scored rows at each.
        churn: mean change of a forecast between two neighbouring leads, as a share of its size; one less than the leads.
    """

    metric: str
    leads: Sequence[int]
    loss: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    n: Sequence[int]
    churn: Sequence[float]

    def at(self, leads: NDArray[np.integer]) -> NDArray[np.float64]:
        """Loss at any leads: straight lines between those measured, which are first made to rise (pool adjacent violators), as a
        forecast made later knows all that one made earlier knew.
        """
        smooth = rising(np.asarray(self.loss), np.asarray(self.n, dtype=float))
        return np.asarray(np.interp(leads, self.leads, smooth), dtype=np.float64)

    def churn_between(self, older: int, newer: int) -> float:
        """Mean change of a forecast from lead ``older`` to lead ``newer``, as a share; steps between add up as variances do."""
        inside = [
            change**2 * _share(low, high, newer, older)
            for low, high, change in zip(self.leads[:-1], self.leads[1:], self.churn, strict=True)
        ]
        return float(np.sqrt(sum(inside)))


def rising(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The non-decreasing values nearest to the given ones (least squares)."""
    from sklearn.isotonic import isotonic_regression  # late: scikit-learn takes long to load

    return np.asarray(isotonic_regression(values, sample_weight=weights), dtype=np.float64)


def _share(low: int, high: int, newer: int, older: int) -> float:
    """How much of the leads from ``low`` to ``high`` lies between two others."""
    return max(0.0, min(high, older) - max(low, newer)) / (high - low)


def on_common_times(scores: ScoreTable, leads: Sequence[int]) -> ScoreTable:
    """The rows of items that were forecast at every one of the leads."""
    own = scores.frame.filter(pl.col("lead").is_in(list(leads)))
    whole = own.group_by("target", "item").agg(pl.col("lead").n_unique().alias("found")).filter(pl.col("found") == len(leads))
    return ScoreTable(own.join(whole.select("target", "item"), on=["target", "item"], how="semi"))


def age_curve(scores: ScoreTable, metric: str, leads: Sequence[int], seed: int) -> Curve:
    """The loss at each of the leads over the items forecast at all of them; each lead of an item stands once in ``scores``.

    Raises ValueError where no item was forecast at every lead.
    """
    common = on_common_times(scores, leads)
    if common.frame.is_empty():
        raise ValueError("no item was forecast at every lead")
    points = lead_curve(common, metric, seed, max_points=len(leads)).sort("lead")
    wide = common.frame.sort("lead").group_by("target", "item", maintain_order=True).agg("prediction")
    changes = np.diff(np.array(wide["prediction"].to_list(), dtype=np.float64), axis=1)
    size = float(common.frame["prediction"].abs().mean() or 1.0)  # type: ignore[arg-type]  # a column of numbers
    churn = (np.abs(changes).mean(axis=0) / size).tolist()
    known = {name: points[name].to_list() for name in ("lead", "value", "low", "high", "n")}
    return Curve(metric, known["lead"], known["value"], known["low"], known["high"], known["n"], churn)
