"""A ranker learnt on judgements: a weighted sum of features, as likely as can be to put first what was judged relevant.

Source: listwise softmax cross-entropy (ListNet's top-one loss; Cao et al., 2007), a conditional logit (McFadden, 1974) over the
chunks found for a question. With a few hundred judged questions a sum generalises better than trees do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

__all__ = ["Ranker"]

Floats = NDArray[np.float64]
Features = NDArray[np.floating[Any]]
FEWEST = 10
"""Judged questions below which nothing is learnt."""


@dataclass(frozen=True)
class Ranker:
    """Weights of the features."""

    weights: Floats

    @classmethod
    def learnt(cls, features: Sequence[Features], grades: Sequence[Floats], strength: float) -> Ranker | None:
        """Learn from questions; None where too few of them found anything relevant.

        Args:
            features: of each question ``[chunk, feature]``, scaled.
            grades: of each question ``[chunk]``, 0 where it is not relevant.
            strength: of the penalty on squared weights, for all questions together.
        """
        useful = [at for at, own in enumerate(grades) if own.max(initial=0.0) > 0]
        if len(useful) < FEWEST:
            return None
        table, wanted, inside = _padded([features[at] for at in useful], [grades[at] for at in useful])
        start = np.zeros(table.shape[2])
        found = minimize(_loss, start, (table, wanted, inside, strength), jac=True, method="L-BFGS-B", options={"maxiter": 200})
        return cls(found.x)

    def scores(self, features: Features) -> Floats:
        """Scores of chunks by their scaled features."""
        return np.asarray(features @ self.weights)


def _padded(features: Sequence[Features], grades: Sequence[Floats]) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    most = max(len(own) for own in grades)
    table = np.zeros((len(grades), most, features[0].shape[1]))
    wanted, inside = np.zeros((len(grades), most)), np.zeros((len(grades), most), dtype=np.bool_)
    for row, (own, grade) in enumerate(zip(features, grades, strict=True)):
        table[row, : len(own)], wanted[row, : len(own)], inside[row, : len(own)] = own, grade / grade.sum(), True
    return table, wanted, inside


def _loss(weights: Floats, table: Floats, wanted: Floats, inside: NDArray[np.bool_], strength: float) -> tuple[float, Floats]:
    scores = np.where(inside, table @ weights, -np.inf)
    scores = scores - scores.max(axis=1, keepdims=True)
    chances = np.exp(scores)
    total = chances.sum(axis=1, keepdims=True)
    chances = chances / total
    likely = np.where(wanted > 0, wanted * (np.where(inside, scores, 0.0) - np.log(total)), 0.0)
    slope = np.einsum("qc,qcf->f", chances - wanted, table, optimize=True)
    count = len(table)
    return float((strength * weights @ weights - likely.sum()) / count), (slope + 2.0 * strength * weights) / count
