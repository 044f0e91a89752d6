"""One label for each item from several labellers or rules, and what each of them is worth.

The votes come as one matrix ``[item, labeller]`` of class numbers, -1 where there is none. A plain majority counts every vote the
same; Dawid and Skene's model finds out, without knowing any truth, whose votes are worth more, by expectation maximisation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sevenstep.stats.agreement import label_counts
from sevenstep.stats.scored import FloatArray

__all__ = [
    "AGREEMENT",
    "PRIOR",
    "UNDECIDED",
    "Consensus",
    "DawidSkene",
    "confusion_with",
    "dawid_skene",
    "majority",
    "weighted_vote",
]

UNDECIDED = -1
"""Code of an item without votes, or with equally many for two classes."""

ROUNDS, TOLERANCE = 200, 1e-6
AGREEMENT, PRIOR = 0.7, 2.0
"""Share of right votes a labeller is taken to have before any is counted, and how many votes this says as much as."""

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Consensus:
    """What several votes come to.

    Args:
        label: class number of each item, `UNDECIDED` where there is none.
        probability: of each class, ``[item, class]``; rows sum to 1.
    """

    label: Labels
    probability: FloatArray


@dataclass(frozen=True)
class DawidSkene:
    """Consensus of a model of the labellers, and the model.

    Args:
        consensus: of the items.
        confusion: chance that a labeller says class ``k`` of an item of class ``c``, ``[labeller, c, k]``.
        prior: share of each class, ``[class]``.
        rounds: of expectation maximisation.
        converged: whether it came to rest within `ROUNDS`.
    """

    consensus: Consensus
    confusion: FloatArray
    prior: FloatArray
    rounds: int
    converged: bool

    @property
    def accuracy(self) -> FloatArray:
        """Share of right labels of each labeller, ``[labeller]``, at these class shares."""
        return np.asarray(np.einsum("c,jcc->j", self.prior, self.confusion))


def majority(labels: Labels, classes: int) -> Consensus:
    """The class most labellers gave; undecided where two classes have equally many votes or nobody voted."""
    counts = label_counts(labels, classes)
    total = counts.sum(axis=1, keepdims=True)
    probability = np.where(total > 0, counts / np.maximum(total, 1), 1.0 / classes)
    return Consensus(_decided(probability), probability)


def weighted_vote(labels: Labels, classes: int, accuracy: FloatArray, prior: FloatArray | None = None) -> Consensus:
    """Votes counted by what each voter is worth: the log odds of his accuracy against saying any one wrong class.

    It is the most probable class when voters err independently and evenly (Nitzan and Paroush, 1982, Optimal decision rules in
    uncertain dichotomous choice situations).

    Args:
        labels: votes ``[item, labeller]``.
        classes: number of classes.
        accuracy: share of right votes of each labeller, strictly between 0 and 1.
        prior: share of each class; equal when not given.
    """
    shares = np.full(classes, 1.0 / classes) if prior is None else prior
    probability = _posterior(labels, _evenly(accuracy, classes), shares)
    return Consensus(_decided(probability), probability)


def dawid_skene(
    labels: Labels, classes: int, *, known: Labels | None = None, even: bool = False, prior_weight: float = PRIOR
) -> DawidSkene:
    """Consensus by expectation maximisation over the unknown classes and the unknown labellers.

    Dawid and Skene (1979), Maximum likelihood estimation of observer error-rates using the EM algorithm. A few votes of a
    middling labeller are counted for each one beforehand, so that nobody comes out as infallible.

    Args:
        labels: votes ``[item, labeller]``, -1 where there is none.
        classes: number of classes.
        known: classes of the items whose truth is known, else -1, ``[item]``.
        even: a labeller errs as often in every class and towards every class alike: one figure each instead of a table, for rules
            that speak for one class alone, or few votes.
        prior_weight: how many votes of a middling labeller are counted beforehand; 0 is plain maximum likelihood.
    """
    votes = (labels[:, :, None] == np.arange(classes)).astype(np.float64)
    truth = np.full(len(labels), UNDECIDED) if known is None else known
    probability = _pinned(majority(labels, classes).probability, truth)
    rounds, converged = 0, False
    while rounds < ROUNDS and not converged:
        prior = _shares(probability, votes)
        confusion = _learnt(votes, probability, prior_weight, even=even)
        renewed = _pinned(_posterior(labels, confusion, prior), truth)
        converged = bool(np.abs(renewed - probability).max(initial=0.0) < TOLERANCE)
        probability, rounds = renewed, rounds + 1
    prior, confusion = _shares(probability, votes), _learnt(votes, probability, prior_weight, even=even)
    return DawidSkene(Consensus(_decided(probability), probability), confusion, prior, rounds, converged)


def confusion_with(labels: Labels, truth: Labels, classes: int) -> FloatArray:
    """How often each labeller said class ``k`` of an item whose truth is ``c``, ``[labeller, c, k]``; -1 counts for none."""
    table = np.zeros((labels.shape[1], classes, classes))
    for labeller, given in enumerate(labels.T):
        both = (given >= 0) & (truth >= 0)
        np.add.at(table[labeller], (truth[both], given[both]), 1.0)
    return table


def _shares(probability: FloatArray, votes: FloatArray) -> FloatArray:
    """Share of each class among the items anybody voted on, one item of each class counted beforehand."""
    seen = votes.sum(axis=(1, 2)) > 0
    total = probability[seen].sum(axis=0) + 1.0
    return np.asarray(total / total.sum())


def _learnt(votes: FloatArray, probability: FloatArray, prior_weight: float, *, even: bool) -> FloatArray:
    classes = votes.shape[2]
    counts = np.einsum("ic,ijk->jck", probability, votes)
    if even:
        right, total = np.einsum("jcc->j", counts), counts.sum(axis=(1, 2))
        return _evenly((right + prior_weight * AGREEMENT) / np.maximum(total + prior_weight, 1e-12), classes)
    counts = counts + prior_weight * _evenly(np.full(len(counts), AGREEMENT), classes)
    return np.asarray(counts / np.maximum(counts.sum(axis=2, keepdims=True), 1e-12))


def _evenly(accuracy: FloatArray, classes: int) -> FloatArray:
    """Tables of labellers who err towards every other class alike, ``[labeller, class, class]``."""
    wrong = (1.0 - accuracy) / max(classes - 1, 1)
    same = np.eye(classes)
    return np.asarray(accuracy[:, None, None] * same + wrong[:, None, None] * (1.0 - same))


def _posterior(labels: Labels, confusion: FloatArray, prior: FloatArray) -> FloatArray:
    log = np.tile(np.log(np.maximum(prior, 1e-300)), (len(labels), 1))
    for labeller, given in enumerate(labels.T):
        seen = given >= 0
        log[seen] += np.log(np.maximum(confusion[labeller], 1e-300)).T[given[seen]]
    weight = np.exp(log - log.max(axis=1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def _pinned(probability: FloatArray, truth: Labels) -> FloatArray:
    """The probabilities with certainty where the truth is known."""
    rows = truth >= 0
    pinned = probability.copy()
    pinned[rows] = np.eye(probability.shape[1])[truth[rows]]
    return pinned


def _decided(probability: FloatArray) -> Labels:
    best = probability.max(axis=1, keepdims=True)
    tied = (probability >= best - 1e-9).sum(axis=1) > 1
    return np.where(tied, UNDECIDED, probability.argmax(axis=1)).astype(np.int64)
