"""A weighted sum of what is known of a stretch, learnt beside the trees: it errs elsewhere, so that both together err less.

The weights make it as likely as can be that a question's right stretches come first (a conditional logit; McFadden, 1974). What
numbers a class is taken apart into its classes, and what depends on the kind of the question gets weights for each kind. With a
few hundred questions that finds more than trees find alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from sevenstep.tasks.rag.answering.asked import KINDS

__all__ = ["Weighing", "fit_weighing", "taken_apart"]

Floats = npt.NDArray[np.float32]

_CLASSES: Mapping[str, int] = {
    "ending": 4, "words": 6, "first_shape": 9, "last_shape": 9, "particle": 18, "before_particle": 18, "behind_particle": 18,
    "before_word": 22, "behind_word": 22, "before_mark": 8, "behind_mark": 64,
}  # fmt: skip
"""Columns that number classes, and how many there are; -1 counts as the last."""
_OF_THE_QUESTION = frozenset(
    ("kind", "form", "question_words", "asks_at", "unit_asked", "number_wanted", "reason_wanted", "said_by_passage")
)
"""Columns that say nothing about which stretch of a question is better than another."""
_BY_KIND = (
    "digits", "capitals", "words", "letters", "functions", "phrase", "in_sentence", "to_end", "form_fits", "repeated",
    "near_asking", "left", "right", "then_left", "then_right", "focus_ending", "focus_last", "focus_before_1", "focus_behind_1",
)  # fmt: skip
_STRENGTH = 40.0  # of the penalty on squared weights, for all questions together
_ROUNDS = 100


@dataclass(frozen=True)
class Weighing:
    """A weight for each column of what `taken_apart` gives; none where nothing was learnt."""

    weights: Floats

    def grade(self, values: Floats, names: Sequence[str], kind: str, lexical: Floats) -> Floats:
        """How far ahead each stretch of a question is, ``[stretch]``; comparable within the question alone."""
        if not len(self.weights):
            return np.zeros(len(values), np.float32)
        return np.asarray(taken_apart(values, names, kind, lexical) @ self.weights, np.float32)


def taken_apart(values: Floats, names: Sequence[str], kind: str, lexical: Floats) -> sparse.csr_array:
    """Classes apart, numbers drawn together by their logarithm, those of `_BY_KIND` once more in the place of the kind.

    Args:
        values: ``[stretch, column]`` of one question.
        names: of the columns.
        kind: of the question.
        lexical: grade of each stretch by word-for-word rules.
    """
    place = {name: at for at, name in enumerate(names)}
    plain = [at for name, at in place.items() if name not in _CLASSES and name not in _OF_THE_QUESTION]
    numbers = np.column_stack([values[:, plain], lexical])
    drawn = np.sign(numbers) * np.log1p(np.abs(numbers))
    apart = [_classes(values[:, place[name]], count) for name, count in _CLASSES.items() if name in place]
    again = [place[name] for name in _BY_KIND if name in place]
    own = np.sign(values[:, again]) * np.log1p(np.abs(values[:, again]))
    width, at = len(again), KINDS.index(kind) * len(again)
    by_kind = sparse.hstack(
        [
            sparse.csr_array((len(values), at)),
            sparse.csr_array(own),
            sparse.csr_array((len(values), width * len(KINDS) - at - width)),
        ]
    )
    return sparse.csr_array(sparse.hstack([sparse.csr_array(drawn), *apart, by_kind], format="csr"), dtype=np.float32)


def _classes(numbers: Floats, count: int) -> sparse.csr_array:
    """A column for each class, 1 where a stretch is of it."""
    rows = len(numbers)
    columns = np.minimum(numbers.astype(np.int64) % count, count - 1)
    return sparse.csr_array((np.ones(rows, np.float32), columns, np.arange(rows + 1)), shape=(rows, count))


def fit_weighing(tables: Sequence[sparse.csr_array], overlaps: Sequence[Floats]) -> Weighing:
    """Learn the weights.

    Args:
        tables: of each question, what `taken_apart` gives of the stretches learnt from.
        overlaps: token F1 of each of them with the answer, 0 to 1; its square is how much the stretch counts as right.
    """
    from scipy.optimize import minimize  # late: only where something is learnt

    useful = [at for at, own in enumerate(overlaps) if own.max(initial=0.0) > 0]
    if not useful:
        return Weighing(np.zeros(0, np.float32))
    table = sparse.csr_array(sparse.vstack([tables[at] for at in useful], format="csr"))
    wanted = np.concatenate(
        [overlaps[at].astype(np.float64) ** 2 / (overlaps[at].astype(np.float64) ** 2).sum() for at in useful]
    )
    sizes = np.array([tables[at].shape[0] for at in useful])
    scale = 1.0 / np.maximum(_spread(table), 1e-3)
    table = sparse.csr_array(table @ sparse.diags_array(scale.astype(np.float32)))
    back = sparse.csr_array(table.T)
    begun = np.concatenate([[0], np.cumsum(sizes)[:-1]])

    def loss(weights: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        scores = (table @ weights.astype(np.float32)).astype(np.float64)
        scores -= np.repeat(np.maximum.reduceat(scores, begun), sizes)
        chances = np.exp(scores)
        total = np.add.reduceat(chances, begun)
        likely = wanted @ (scores - np.repeat(np.log(total), sizes))
        slope = back @ (chances / np.repeat(total, sizes) - wanted).astype(np.float32)
        return (
            float(_STRENGTH * weights @ weights - likely) / len(sizes),
            (slope.astype(np.float64) + 2.0 * _STRENGTH * weights) / len(sizes),
        )

    found = minimize(loss, np.zeros(table.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": _ROUNDS})
    return Weighing((found.x * scale).astype(np.float32))


def _spread(table: sparse.csr_array) -> npt.NDArray[np.float64]:
    """Standard deviation of each column."""
    mean = np.asarray(table.mean(axis=0)).ravel()
    return np.asarray(np.sqrt(np.maximum(np.asarray(table.power(2).mean(axis=0)).ravel() - mean**2, 0.0)), np.float64)
