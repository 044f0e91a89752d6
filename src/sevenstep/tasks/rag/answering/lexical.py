"""Word-for-word rules, learnt: which endings, units and neighbours answers have to which questions.

"몇 명" is answered by what ends in "명", "which year" by four digits behind "in". Each rule is a pair of something about the
question and something about a stretch; a pair's place in one table of weights is its hash (Weinberger et al., 2009, Feature
hashing), so nothing has to be listed and the file stays small.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt

from sevenstep.tasks.rag.answering.asked import Asked
from sevenstep.tasks.rag.answering.traits import Hashes

__all__ = ["Lexicon", "fit_lexicon", "pairs_of"]

_BITS = 18
_FIRST, _SECOND, _SHIFT = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(29)
_PASSES, _RIDGE = 6, 2e-5
_LEAST_WEIGHT = 0.02

Pairs = npt.NDArray[np.int32]


def pairs_of(question: Asked, hashes: Hashes) -> Pairs:
    """Places in the table of all pairs of a question and its stretches, ``[stretch, pair]``."""
    keys = np.array([crc32(key.encode()) for key in _keys(question)], np.uint64)
    with np.errstate(over="ignore"):
        mixed = (hashes[:, None, :] * _FIRST) ^ (keys[None, :, None] * _SECOND)
        mixed = (mixed ^ (mixed >> _SHIFT)) * _FIRST
    return np.asarray((mixed >> np.uint64(64 - _BITS)).astype(np.int32).reshape(-1, hashes.shape[1]).T)


def _keys(question: Asked) -> tuple[str, ...]:
    focus = question.focus
    return "", f"T{question.kind}", f"F{focus}", f"f{focus[-1:]}", f"g{focus[-2:]}", f"U{question.unit}"


@dataclass(frozen=True)
class Lexicon:
    """A weight for each place of the table."""

    weights: npt.NDArray[np.float32]

    def grade(self, pairs: Pairs) -> npt.NDArray[np.float32]:
        """How well each stretch suits the question, as log odds without a constant."""
        return np.asarray(self.weights[pairs].sum(axis=1), np.float32)


def fit_lexicon(pairs: Pairs, overlap: npt.NDArray[np.float32], seed: int) -> Lexicon:
    """Learn the weights by logistic regression, averaged stochastic gradient descent.

    Args:
        pairs: ``[stretch, pair]`` of stretches of many questions.
        overlap: how far each of them is the answer (token F1, 0 to 1): it counts as right by that weight, as wrong by the rest.
        seed: of the order in which examples are seen.
    """
    from scipy.sparse import csr_matrix, vstack  # late: only where something is learnt
    from sklearn.linear_model import SGDClassifier

    count, width = pairs.shape
    ones, begins = np.ones(count * width, np.float32), np.arange(0, count * width + 1, width)
    table = csr_matrix((ones, pairs.ravel(), begins), shape=(count, 1 << _BITS))
    right = np.concatenate([np.ones(count), np.zeros(count)])
    weight = np.concatenate([overlap, 1 - overlap])
    kept = weight > _LEAST_WEIGHT
    learner = SGDClassifier(loss="log_loss", alpha=_RIDGE, max_iter=_PASSES, tol=None, average=True, random_state=seed)
    learner.fit(vstack([table, table]).tocsr()[kept], right[kept], sample_weight=weight[kept])
    return Lexicon(learner.coef_[0].astype(np.float32))
