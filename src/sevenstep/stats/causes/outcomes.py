"""What a cause may act on: whether an item is defective, or a number measured of it.

The ranking asks an outcome for what differs between the two, and is one and the same for both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sevenstep.stats.causes.clustering import Clusters
from sevenstep.stats.causes.effects import Effect, effect_of
from sevenstep.stats.causes.model import fitted_risk, strata_of
from sevenstep.stats.causes.null import Null
from sevenstep.stats.causes.shifts import Shift, shift_of
from sevenstep.stats.scored import BoolArray, FloatArray

__all__ = ["Defects", "Numbers", "Outcome"]

FEW = 6
LEAST_EXPECTED = 3.0
"""A look that touches fewer clusters, or expects fewer defects, is judged by an exact tail, as flips would not tell it."""


class Outcome(Protocol):
    """What happened to the items, ``[n]``, sorted by cluster."""

    @property
    def tested(self) -> FloatArray:
        """What scores are sums of."""
        ...

    @property
    def rate(self) -> float:
        """Share of the items that tell of a cause where there is one: sets how many a look has to touch."""
        ...

    @property
    def sides(self) -> int:
        """1 where only more of it counts as an effect, 2 where less does too."""
        ...

    def null(self, design: FloatArray, clusters: Clusters) -> Null:
        """The model on ``design`` ``[n, k]``."""
        ...

    def by_flips(self, sizes: FloatArray, touched: NDArray[np.intp]) -> BoolArray:
        """Which looks, that expose ``sizes`` items of ``touched`` clusters, sign flips can tell."""
        ...

    def tail(self, null: Null, exposed: BoolArray, clusters: Clusters) -> float:
        """Chance of as much in a look that flips cannot tell, by the spread of the clusters it does not touch."""
        ...

    def effect(
        self, exposed: BoolArray, null: Null, design: FloatArray, clusters: Clusters, chance: float
    ) -> Effect | Shift | None:
        """How much being exposed goes with, the interval missing the truth with ``chance``."""
        ...


@dataclass(frozen=True)
class Defects:
    """1 for a defective item, 0 for a good one."""

    tested: FloatArray
    sides: int = 1

    @property
    def rate(self) -> float:
        """Share of defective items."""
        return float(self.tested.mean())

    def null(self, design: FloatArray, clusters: Clusters) -> Null:
        """See `Outcome.null`: a logistic regression."""
        risk = fitted_risk(self.tested, design) if design.shape[1] else np.full(len(self.tested), self.rate)
        return Null.of(self.tested, risk, risk * (1 - risk), design, clusters)

    def by_flips(self, sizes: FloatArray, touched: NDArray[np.intp]) -> BoolArray:
        """See `Outcome.by_flips`: six clusters and three expected defects."""
        return np.asarray((touched >= FEW) & (sizes * self.rate >= LEAST_EXPECTED), np.bool_)

    def tail(self, null: Null, exposed: BoolArray, clusters: Clusters) -> float:
        """See `Outcome.tail`: beta-binomial."""
        likeness = clusters.highest_likeness(null.residuals, null.variances, exposed)
        count, n, mean = int(self.tested[exposed].sum()), int(exposed.sum()), float(null.fitted[exposed].mean())
        if likeness < 1e-6:
            return float(stats.binom.sf(count - 1, n, mean))
        scale = (1 - likeness) / likeness
        return float(stats.betabinom.sf(count - 1, n, mean * scale, (1 - mean) * scale))

    def effect(self, exposed: BoolArray, null: Null, design: FloatArray, clusters: Clusters, chance: float) -> Effect | None:
        """See `Outcome.effect`: within strata of equal risk."""
        return effect_of(self.tested, exposed, strata_of(null.fitted), clusters, float(stats.norm.isf(chance / 2)))


@dataclass(frozen=True)
class Numbers:
    """A number of each item. Tests read its normal scores, so that one wild value makes no cause; effects are in its unit."""

    values: FloatArray
    sides: int = 2

    @cached_property
    def tested(self) -> FloatArray:
        """Normal scores by rank (van der Waerden 1952), ties shared."""
        return np.asarray(stats.norm.ppf(stats.rankdata(self.values) / (len(self.values) + 1)), np.float64)

    @property
    def rate(self) -> float:
        """Half of the items lie above the median."""
        return 0.5

    def null(self, design: FloatArray, clusters: Clusters) -> Null:
        """See `Outcome.null`: a linear regression."""
        inputs = np.column_stack([np.ones(len(self.values)), design])
        fitted = inputs @ np.linalg.lstsq(inputs, self.tested, rcond=None)[0]
        variance = float(((self.tested - fitted) ** 2).mean()) or np.finfo(np.float64).tiny
        return Null.of(self.tested, fitted, np.full(len(fitted), variance), design, clusters)

    def by_flips(self, sizes: FloatArray, touched: NDArray[np.intp]) -> BoolArray:
        """See `Outcome.by_flips`: six clusters."""
        return np.asarray(touched >= FEW, np.bool_)

    def tail(self, null: Null, exposed: BoolArray, clusters: Clusters) -> float:
        """See `Outcome.tail`: Student's, with a degree of freedom for each cluster it does not touch."""
        likeness = clusters.highest_likeness(null.residuals, null.variances, exposed)
        freed = null.freed(exposed)
        error = float(np.sqrt(clusters.variance(freed, null.variances, likeness)))
        touched = len(np.unique(clusters.labels[exposed]))
        return float(2 * stats.t.sf(abs(freed @ null.residuals) / error, max(len(clusters) - touched - 1, 1)))

    def effect(self, exposed: BoolArray, null: Null, design: FloatArray, clusters: Clusters, chance: float) -> Shift | None:
        """See `Outcome.effect`: all else found being equal, in the unit of the number."""
        reach = float(stats.t.isf(chance / 2, max(len(clusters) - 2, 1)))
        return shift_of(self.values, exposed, design, clusters, reach)
