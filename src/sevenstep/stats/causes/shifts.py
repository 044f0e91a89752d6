"""How much higher or lower a number is for exposed items than for like items that are not, in its own unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sevenstep.stats.causes.clustering import Clusters
from sevenstep.stats.scored import BoolArray, FloatArray

__all__ = ["Shift", "shift_of"]

_TOLD = 1e-6


@dataclass(frozen=True)
class Shift:
    """The effect of a cause on a number, all else that was found before it being equal.

    Args:
        mean: of the exposed items.
        mean_without: what their mean would be without the effect.
        difference: ``mean`` less ``mean_without``; ``difference_low`` and ``difference_high`` its interval.
    """

    mean: float
    mean_without: float
    difference: float
    difference_low: float
    difference_high: float


def shift_of(outcome: FloatArray, exposed: BoolArray, design: FloatArray, clusters: Clusters, reach: float) -> Shift | None:
    """The coefficient of being exposed in a linear model on ``design`` ``[n, k]``, ``reach`` standard errors on each side.

    None where the design tells who is exposed. Exposed and unexposed items may vary differently, and items of one cluster are
    taken as equally correlated. With no design it is the difference of two means.
    """
    inputs = np.column_stack([np.ones(len(outcome)), design])
    both = np.column_stack([outcome, exposed.astype(np.float64)])
    left, freed = (both - inputs @ np.linalg.lstsq(inputs, both, rcond=None)[0]).T
    squares = float(freed @ freed)
    if squares <= _TOLD * exposed.sum():
        return None
    difference = float(freed @ left) / squares
    variances = _variances(left - difference * freed, exposed)
    likeness = clusters.likeness(left - difference * freed, variances)
    error = reach * float(np.sqrt(clusters.variance(freed / squares, variances, likeness)))
    mean = float(outcome[exposed].mean())
    return Shift(mean, mean - difference, difference, difference - error, difference + error)


def _variances(residuals: FloatArray, exposed: BoolArray) -> FloatArray:
    """Of each item: that of its side."""
    within, without = (float((residuals[side] ** 2).sum() / max(side.sum() - 1, 1)) for side in (exposed, ~exposed))
    return np.maximum(np.where(exposed, within, without), np.finfo(np.float64).tiny)
