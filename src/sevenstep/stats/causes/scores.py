"""Score tests of many looks at once: does being exposed go with more defects than the causes found so far explain?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sevenstep.stats.causes.clustering import Clusters
from sevenstep.stats.causes.looks import Look
from sevenstep.stats.causes.null import Null
from sevenstep.stats.causes.outcomes import Outcome
from sevenstep.stats.scored import FloatArray

__all__ = ["Looked", "Tested", "score_looks"]

FLIPS = 1999
_MOST_GROUPS = 600
_CHUNK = 256
_ALIASED = 0.05


@dataclass(frozen=True)
class Looked:
    """The looks as one sparse matrix ``exposed`` ``[n, j]``; ``touched`` counts the clusters each look exposes."""

    looks: Sequence[Look]
    exposed: sparse.csc_array
    touched: NDArray[np.intp]

    @classmethod
    def of(cls, looks: Sequence[Look], clusters: Clusters) -> Looked:
        """Gather looks at rows that are sorted by cluster."""
        rows = [np.flatnonzero(look.exposed) for look in looks]
        starts = np.concatenate([[0], np.cumsum([len(exposed) for exposed in rows])])
        places = np.concatenate([np.empty(0, np.intp), *rows])
        exposed = sparse.csc_array((np.ones(len(places)), places, starts), shape=(clusters.n, len(looks)))
        labels = clusters.labels
        return cls(looks, exposed, np.array([len(np.unique(labels[exposed])) for exposed in rows], np.intp))

    @property
    def sizes(self) -> FloatArray:
        """How many items each look exposes."""
        return np.asarray(self.exposed.sum(axis=0), np.float64)

    def correlations(self, place: int) -> FloatArray:
        """Correlation of one look with each, ``[j]``: 1 where both expose the same items."""
        n, sizes = self.exposed.shape[0], self.sizes
        both = self.exposed.T @ self.looks[place].exposed.astype(np.float64)
        spread = np.sqrt(sizes * (n - sizes))
        return np.asarray((n * both - sizes * sizes[place]) / (spread * spread[place]), np.float64)


@dataclass(frozen=True)
class Tested:
    """Of each look ``[j]``: ``z`` (score over its standard error, minus infinity where the causes found so far leave nothing to
    tell it by), ``p``, the chance of it or any other look reaching that far by chance, and ``explained``, how much of the outcome
    goes with it (score squared over its variance, as if items were independent): a strong cause of a few lots before a weak one
    of many items.
    """

    z: FloatArray
    p: FloatArray
    explained: FloatArray


def score_looks(outcome: Outcome, null: Null, looked: Looked, clusters: Clusters, seed: int) -> Tested:
    """Test every look given what the model ``null`` of the causes found so far explains.

    The score of a look is the sum of residuals over exposed items, the look freed of the model's inputs; its variance takes the
    items of a cluster as equally correlated. The p value is the share of sign flips of whole clusters' contributions in which the
    largest of all looks is as large: a max-T permutation that respects clusters and holds for any dependence between looks
    (Hemerik, Goeman and Finos 2020, Robust testing in generalized linear models by sign flipping score contributions; Westfall
    and Young 1993). Looks that touch too little for that (`Outcome.by_flips`) are judged by a tail as wide as the other clusters
    allow, times the number of looks (Bonferroni) instead; where both kinds are there, p values double, so that the whole keeps
    its level. Where both directions count, scores are without their sign.
    """
    scores, explained, contributions = _scores(null, looked, clusters, seed)
    tellable = np.isfinite(scores)
    scores = np.where(tellable, np.abs(scores), scores) if outcome.sides == 2 else scores
    many = outcome.by_flips(looked.sizes, looked.touched)
    p = np.ones(len(scores))
    if (many & tellable).any():
        p[many & tellable] = _by_flips(scores[many & tellable], contributions[:, many & tellable], outcome.sides, seed)
    for place in np.flatnonzero(~many & tellable & (scores > 0)):
        p[place] = min(1.0, outcome.tail(null, looked.looks[int(place)].exposed, clusters) * len(scores))
    doubled = (many & tellable).any() and (~many & tellable).any()
    return Tested(scores, np.minimum(1.0, p * 2) if doubled else p, explained)


def _scores(null: Null, looked: Looked, clusters: Clusters, seed: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Score of each look in standard errors, what it explains, and contributions ``[group, look]`` of random groups of clusters.

    A look freed of the model's inputs is ``exposed - inputs @ slope``; it is never written out, as all that is needed of it are
    sums over clusters.
    """
    chunks = [
        _freed(null, looked.exposed[:, start : start + _CHUNK], clusters, _groups(len(clusters), seed))
        for start in range(0, len(looked.looks), _CHUNK)
    ]
    scores, explained, contributions = zip(*chunks, strict=True)
    return np.concatenate(scores), np.concatenate(explained), np.column_stack(contributions)


def _freed(
    null: Null, exposed: sparse.csc_array, clusters: Clusters, groups: sparse.csr_array
) -> tuple[FloatArray, FloatArray, FloatArray]:
    weighted = (null.inputs * null.variances[:, None]).T @ exposed
    slope = null.inverse @ weighted
    sums = clusters.matrix

    def summed(weights: FloatArray) -> FloatArray:
        by_cluster = sums @ sparse.diags_array(weights)
        return np.asarray((by_cluster @ exposed).toarray() - by_cluster @ null.inputs @ slope, np.float64)

    left = weighted[0] - (weighted * slope).sum(axis=0)
    variance = left
    if null.likeness > 0:
        together = (summed(np.sqrt(null.variances)) ** 2).sum(axis=0)
        variance = (1 - null.likeness) * left + null.likeness * together
    before = weighted[0] - weighted[0] ** 2 / null.variances.sum()
    told = left > _ALIASED * before
    contributions = groups @ summed(null.residuals) / np.sqrt(np.where(told, variance, np.inf))
    scores = contributions.sum(axis=0)
    return np.where(told, scores, -np.inf), scores**2 * variance / np.where(told, left, np.inf), contributions


def _groups(clusters: int, seed: int) -> sparse.csr_array:
    """Sums of clusters in up to 600 random groups, which flip together: as valid, and the same work for any number of rows."""
    groups = min(clusters, _MOST_GROUPS)
    place = np.arange(clusters) if clusters <= _MOST_GROUPS else np.random.default_rng(seed).integers(0, groups, clusters)
    return sparse.csr_array((np.ones(clusters), (place, np.arange(clusters))), shape=(groups, clusters))


def _by_flips(scores: FloatArray, contributions: FloatArray, sides: int, seed: int) -> FloatArray:
    signs = np.random.default_rng([seed, 1]).integers(0, 2, (FLIPS, len(contributions))).astype(np.float32) * 2 - 1
    flipped = signs @ contributions.astype(np.float32)
    largest = (np.abs(flipped) if sides == 2 else flipped).max(axis=1)
    reached = len(largest) - np.searchsorted(np.sort(largest), scores, side="left")
    return np.asarray((1 + reached) / (1 + FLIPS), np.float64)
