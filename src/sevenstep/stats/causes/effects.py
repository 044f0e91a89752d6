"""How much more often exposed items are defective than like items that are not: difference, ratio, share of all defects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sevenstep.stats.causes.clustering import Clusters
from sevenstep.stats.scored import BoolArray, FloatArray

__all__ = ["Effect", "effect_of"]


@dataclass(frozen=True)
class Effect:
    """The effect of a cause within strata of equal risk by stronger causes, each figure with its interval.

    Args:
        rate: share of defects among exposed items that have unexposed ones like them.
        rate_without: share among the unexposed, weighted to the strata of the exposed.
        difference: Mantel and Haenszel's risk difference; ``difference_low`` and ``difference_high`` its interval.
        ratio: Mantel and Haenszel's risk ratio, None where no unexposed item is defective; its interval likewise.
        share: share of all defects that would not have happened had the exposed been like the others; its interval likewise.
    """

    rate: float
    rate_without: float
    difference: float
    difference_low: float
    difference_high: float
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    share: float
    share_low: float
    share_high: float


@dataclass(frozen=True)
class _Cells:
    """For each item, of its stratum: how many items are exposed (``n1``) and not (``n0``), and their risks ``p1`` and ``p0``."""

    n1: FloatArray
    n0: FloatArray
    p1: FloatArray
    p0: FloatArray


def effect_of(
    outcome: FloatArray, exposed: BoolArray, strata: NDArray[np.intp], clusters: Clusters, reach: float
) -> Effect | None:
    """Effect of being exposed, with intervals ``reach`` standard errors wide on each side; None where no stratum holds both.

    Variances take items of one cluster as equally correlated; the ratio's interval is symmetric in logarithms. Source: Greenland
    and Robins (1985), Estimation of a common effect parameter from sparse follow-up data, Biometrics 41.
    """
    cells = _cells(outcome, exposed, strata)
    both = (cells.n1 > 0) & (cells.n0 > 0)
    if not both.any():
        return None
    sides = np.where(exposed, 1 / np.maximum(cells.n1, 1), -1 / np.maximum(cells.n0, 1)) * both
    weight = cells.n1 * cells.n0 / (cells.n1 + cells.n0)
    total = float((weight / (cells.n1 + cells.n0)).sum())  # each stratum's weight once
    error = _errors(outcome, exposed, cells, clusters, reach)
    share_factors = sides * cells.n1 / outcome.sum()
    difference, share = float((sides * weight / total) @ outcome), float(share_factors @ outcome)
    reach_difference, reach_share = error(sides * weight / total), error(share_factors)
    rate = float(outcome[exposed & both].mean())
    ratio, low, high = _ratio(outcome, exposed, cells, both, error)
    return Effect(
        rate, rate - float((sides * cells.n1 * both).dot(outcome) / (exposed & both).sum()),
        difference, difference - reach_difference, difference + reach_difference,
        ratio, low, high,
        share, share - reach_share, min(share + reach_share, 1.0),
    )  # fmt: skip


def _cells(outcome: FloatArray, exposed: BoolArray, strata: NDArray[np.intp]) -> _Cells:
    def counted(mask: BoolArray) -> tuple[FloatArray, FloatArray]:
        items = np.bincount(strata, mask, minlength=strata.max() + 1)[strata]
        defects = np.bincount(strata, mask * outcome, minlength=strata.max() + 1)[strata]
        return items.astype(np.float64), defects.astype(np.float64)

    (n1, d1), (n0, d0) = counted(exposed), counted(~exposed)
    return _Cells(n1, n0, d1 / np.maximum(n1, 1), d0 / np.maximum(n0, 1))


def _errors(
    outcome: FloatArray, exposed: BoolArray, cells: _Cells, clusters: Clusters, reach: float
) -> Callable[[FloatArray], float]:
    """Half the interval of a weighted sum of outcomes; risks of 0 and 1 are drawn in by half a defect to have a variance."""
    size = np.where(exposed, cells.n1, cells.n0)
    risk = np.where(exposed, cells.p1, cells.p0)
    softened = (risk * size + 0.5) / (size + 1)
    variances = softened * (1 - softened)
    likeness = clusters.likeness(outcome - risk, variances)
    return lambda factors: reach * float(np.sqrt(clusters.variance(factors, variances, likeness)))


def _ratio(
    outcome: FloatArray, exposed: BoolArray, cells: _Cells, both: BoolArray, error: Callable[[FloatArray], float]
) -> tuple[float | None, float | None, float | None]:
    items = cells.n1 + cells.n0
    above = np.where(exposed & both, cells.n0 / items, 0.0)
    below = np.where(~exposed & both, cells.n1 / items, 0.0)
    with_it, without_it = float(above @ outcome), float(below @ outcome)
    if with_it == 0 or without_it == 0:
        return None, None, None
    ratio, reach = with_it / without_it, error(above / with_it - below / without_it)
    return ratio, float(ratio * np.exp(-reach)), float(ratio * np.exp(reach))
