"""The first look at a question: scores of all chunks, by term weights, widened by feedback, and mixed with other views."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.rag.retrieval.bm25 import Bm25, Weighted
from sevenstep.tasks.rag.retrieval.index import CorpusIndex
from sevenstep.tasks.rag.retrieval.settings import Settings

__all__ = ["First", "FirstLook"]

Floats = NDArray[np.float64]
_LISTENED = 5  # chunks feedback is taken from


@dataclass(frozen=True)
class First:
    """What the first look found, for all chunks: ``score``, and the parts it was mixed from.

    ``asked`` are the question's terms; ``order`` the best chunks first.
    """

    asked: Weighted
    score: Floats
    main: Floats
    second: Floats
    title: Floats
    dense: Floats
    order: NDArray[np.int64]


class FirstLook:
    """Looks questions up in an index.

    Args:
        index: the index.
        settings: weights.
    """

    def __init__(self, index: CorpusIndex, settings: Settings) -> None:
        self.index, self.settings = index, settings
        self.main = Bm25(index.main.postings, settings.k1, settings.b)
        self._titles = Bm25(index.titles.postings, settings.k1, settings.b)
        self._second = None if index.second is None else Bm25(index.second.postings, settings.k1, settings.b)
        self._nothing = np.zeros(len(index.corpus))
        self._seconds_needed = index.second is not None and (settings.mix > 0 or settings.ranked)

    def look(self, question: str, vector: NDArray[np.float32] | None = None, seen: NDArray[np.bool_] | None = None) -> First:
        """Scores of all chunks for a question.

        Args:
            question: its text.
            vector: its embedding, where the index has vectors.
            seen: chunks the asker may see; None for all.
        """
        settings, index = self.settings, self.index
        asked = Weighted.of(index.main.asked(question))
        title = self._titles.scores(asked)[index.corpus.owners] if settings.title or settings.ranked else self._nothing
        main = self.main.scores(asked)
        if settings.feedback:
            main = self.main.scores(self._widened(asked, main))
        second = self._second_scores(question)
        dense = self._nothing if vector is None or index.vectors is None else (index.vectors @ vector).astype(np.float64)
        score = _scaled(main + settings.title * title) + settings.mix * _scaled(second)
        if vector is not None:
            score = score + settings.dense * _scaled(dense - dense.min(initial=0.0))
        if seen is not None:
            score = np.where(seen, score, -1.0)
        return First(asked, score, main, second, title, dense, _best(score, settings.depth))

    def _second_scores(self, question: str) -> Floats:
        if self._second is None or not self._seconds_needed or self.index.second is None:
            return self._nothing
        return self._second.scores(Weighted.of(self.index.second.asked(question)))

    def _widened(self, asked: Weighted, scores: Floats) -> Weighted:
        """The question and the terms that tell the first chunks found from the rest (Rocchio's feedback over BM25 weights)."""
        top = _best(scores, _LISTENED)
        top = top[scores[top] > 0]
        if not len(top):
            return asked
        worth = self.main.worth(top, scores[top] / scores[top].sum())
        terms = np.argsort(-worth)[: self.settings.feedback]
        terms = terms[worth[terms] > 0]
        weights = worth[terms] / self.main.idf[terms]
        more = Weighted(terms.astype(np.int32), weights / weights.max())
        return asked.plus(more, self.settings.feedback_weight)


def _scaled(scores: Floats) -> Floats:
    best = float(scores.max(initial=0.0))
    return scores / best if best > 0 else scores


def _best(scores: Floats, count: int) -> NDArray[np.int64]:
    """Positions of the highest scores, best first; of equals the first in the corpus."""
    if count >= len(scores):
        return np.argsort(-scores, kind="stable")
    top = np.argpartition(-scores, count)[:count]
    return np.asarray(top[np.lexsort((top, -scores[top]))], dtype=np.int64)
