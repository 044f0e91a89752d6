"""The learning curve: how the loss falls with more rows, and how many a goal would take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from sevenstep.tasks.tabular.feasibility.gauge import Gauge
from sevenstep.tasks.tabular.feasibility.material import Material
from sevenstep.tasks.tabular.feasibility.trial import Trial, out_of_fold
from sevenstep.tasks.tabular.folds import rows_of

__all__ = ["Curve", "curve_of", "shorter_runs"]

SHARES = (0.25, 0.5)


@dataclass(frozen=True)
class Curve:
    """``loss = floor + slope / sqrt(rows)``, both not negative, with the points it was fitted to."""

    floor: float
    slope: float
    sizes: tuple[int, ...]
    losses: tuple[float, ...]

    def at(self, rows: float) -> float:
        """The loss expected of that many rows."""
        return self.floor + self.slope / float(np.sqrt(rows))

    def rows_for(self, loss: float) -> float | None:
        """The rows at which the loss is expected; None where no number is enough."""
        return None if loss <= self.floor or self.slope == 0 else (self.slope / (loss - self.floor)) ** 2


def shorter_runs(material: Material, name: str, full: Trial) -> Mapping[int, Trial]:
    """Score tables of a candidate by the mean rows it learnt from: a quarter, half and all of each fold."""
    learnt = float(np.mean([len(rows_of(fold, material.data, material.problem)[0]) for fold in material.folds]))
    runs = {round(share * learnt): out_of_fold(material, name, share) for share in SHARES}
    return {rows: scores for rows, scores in runs.items() if scores is not None} | {round(learnt): full}


def curve_of(runs: Mapping[int, Trial], gauge: Gauge) -> Curve | None:
    """The curve through the runs by least squares; None with fewer than three, or for a metric that aims at a value.

    The exponent of one half is the rate at which means settle; with three points it is not fitted (Figueroa et al., 2012,
    Predicting sample size required for classification performance, fit it from five points on).
    """
    if len(runs) < 1 + len(SHARES) or gauge.aims:
        return None
    sizes = np.array(sorted(runs), dtype=np.float64)
    losses = np.array([gauge.loss(gauge.point(runs[int(size)])) for size in sizes])
    if not np.isfinite(losses).all() or not losses.any():
        return None
    (floor, slope), _ = nnls(np.column_stack([np.ones_like(sizes), sizes**-0.5]), losses)
    return Curve(float(floor), float(slope), tuple(int(size) for size in sizes), tuple(losses.tolist()))
