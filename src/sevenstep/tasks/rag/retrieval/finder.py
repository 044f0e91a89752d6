"""Finds passages: an index, settings and, where one was learnt, a ranker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.rag.found import Passage
from sevenstep.tasks.rag.retrieval.first import First, FirstLook
from sevenstep.tasks.rag.retrieval.index import CorpusIndex
from sevenstep.tasks.rag.retrieval.looks import Looks, scaled
from sevenstep.tasks.rag.retrieval.ranker import Ranker
from sevenstep.tasks.rag.retrieval.settings import Settings

__all__ = ["Finder", "Found", "Looked"]

Found = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Chunks, best first, with their scores."""


@dataclass(frozen=True)
class Looked:
    """What was found for a question: chunks in the order of the first look, their scaled features, and chunks behind them."""

    order: NDArray[np.int64]
    features: NDArray[np.float32]
    behind: NDArray[np.int64]

    def ranked(self, ranker: Ranker) -> Found:
        """All chunks, those with features in the ranker's order."""
        scores = ranker.scores(self.features)
        best = np.argsort(-scores, kind="stable")
        below = float(scores.min(initial=0.0)) - 1.0 - np.arange(len(self.behind))
        return np.concatenate([self.order[best], self.behind]), np.concatenate([scores[best], below])


class Finder:
    """Finds passages for questions in one index; a `Retriever`.

    Args:
        index: what is searched.
        settings: how.
        ranker: orders what the first look found; None keeps its order.
    """

    def __init__(self, index: CorpusIndex, settings: Settings, ranker: Ranker | None = None) -> None:
        self.index, self.settings, self.ranker = index, settings, ranker
        self._look = FirstLook(index, settings)
        self._looks = Looks(self._look)

    def find(self, questions: Sequence[str], count: int, access: Sequence[str] | None = None) -> list[list[Passage]]:
        """For each question at most ``count`` passages, best first; see `Retriever.find`."""
        passage = self.index.corpus.passage
        return [
            [passage(int(chunk), float(score)) for chunk, score in zip(chunks[:count], scores[:count], strict=True)]
            for chunks, scores in self.ranked(questions, access, count)
        ]

    def rankings(self, questions: Sequence[str], count: int, access: Sequence[str] | None = None) -> list[list[str]]:
        """For each question ids of at most ``count`` documents, best first, each by its best chunk."""
        ids = self.index.corpus.ids
        rankings = []
        for chunks, _ in self.ranked(questions, access, 4 * count):
            rankings.append(list(dict.fromkeys(ids[owner] for owner in self.index.corpus.owners[chunks].tolist()))[:count])
        return rankings

    def ranked(self, questions: Sequence[str], access: Sequence[str] | None = None, count: int = 0) -> list[Found]:
        """For each question chunks, best first, with their scores; as many as are ordered, or ``count`` where that is more."""
        seen = self.index.corpus.seen_by(access)
        return [self._one(question, vector, seen, count) for question, vector in self._with_vectors(questions)]

    def looked(self, questions: Sequence[str], count: int) -> list[Looked]:
        """For each question the chunks found with their features, for a ranker to learn from, and ``count`` in all at least."""
        made = []
        for question, vector in self._with_vectors(questions):
            first = self._look.look(question, vector)
            features = scaled(self._looks.of(question, first, vector)).astype(np.float32)
            longer, _ = self._lengthened(first, first.order, first.score[first.order], count)
            made.append(Looked(first.order, features, longer[len(first.order) :]))
        return made

    def _one(self, question: str, vector: NDArray[np.float32] | None, seen: NDArray[np.bool_] | None, count: int) -> Found:
        first = self._look.look(question, vector, seen)
        order, scores = first.order, first.score[first.order]
        if self.ranker is not None and len(order):
            given = self.ranker.scores(scaled(self._looks.of(question, first, vector)))
            best = np.argsort(-given, kind="stable")
            order, scores = order[best], given[best]
        if self.settings.grader and len(order):
            order, scores = self._graded(question, order, scores)
        order, scores = self._lengthened(first, order, scores, count)
        if seen is not None:
            scores, order = scores[seen[order]], order[seen[order]]
        return order, scores

    def _graded(self, question: str, order: NDArray[np.int64], scores: NDArray[np.float64]) -> Found:
        """The best chunks in an order that a model's grades have a say in, all of them still before the others."""
        from sevenstep.tasks.rag.retrieval.grading import grader_of  # late: an extra

        top = order[: self.settings.graded]
        texts = [self.index.corpus.passage(int(chunk), 0.0).text for chunk in top]
        grades = grader_of(self.settings.grader).grades(question, texts)
        both = scaled(np.column_stack([scores[: len(top)], grades])) @ np.array([1.0, self.settings.grade_weight])
        best = np.argsort(-both, kind="stable")
        lifted = both[best] - both.min() + float(scores[len(top) - 1])
        return np.concatenate([top[best], order[len(top) :]]), np.concatenate([lifted, scores[len(top) :]])

    def _lengthened(self, first: First, order: NDArray[np.int64], scores: NDArray[np.float64], count: int) -> Found:
        """Behind what was ordered, more chunks in the order of the first look, below all others."""
        if count <= len(order) or len(order) == len(first.score):
            return order, scores
        rest = first.score.copy()
        rest[order] = -np.inf
        more = np.argsort(-rest, kind="stable")[: count - len(order)]
        floor = float(scores.min(initial=0.0)) - 1.0
        return np.concatenate([order, more]), np.concatenate([scores, floor + first.score[more] - first.score[more].max()])

    def _with_vectors(self, questions: Sequence[str]) -> list[tuple[str, NDArray[np.float32] | None]]:
        if self.index.vectors is None:
            return [(question, None) for question in questions]
        from sevenstep.tasks.rag.retrieval.embedding import embedder_of  # late: an extra

        vectors = embedder_of(self.index.layout.embedding).questions(questions)
        return list(zip(questions, vectors, strict=True))
