"""BM25: how well a chunk fits a question by the terms they share.

Source: Robertson and Zaragoza (2009), The probabilistic relevance framework: BM25 and beyond, with the inverse document frequency
of Lucene, ``ln(1 + (N - n + 0.5) / (n + 0.5))``, which is never negative.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.rag.retrieval.postings import Codes, Postings

__all__ = ["Bm25", "Weighted"]

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Weighted:
    """Terms of a question, each once, with what each counts."""

    terms: Codes
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, codes: Codes) -> Weighted:
        """Terms as often as they stand in the question."""
        terms, counts = np.unique(codes, return_counts=True)
        return cls(terms.astype(np.int32), counts.astype(np.float64))

    def plus(self, other: Weighted, share: float) -> Weighted:
        """These terms and others, whose weights are multiplied by ``share``; a term of both counts for both."""
        terms, place = np.unique(np.concatenate([self.terms, other.terms]), return_inverse=True)
        weights = np.bincount(place, np.concatenate([self.weights, share * other.weights]))
        return Weighted(terms.astype(np.int32), weights.astype(np.float64))


class Bm25:
    """Scores of chunks, for one way to weigh counts.

    Args:
        postings: the counts.
        k1: how much further occurrences of a term add; 0 counts it once.
        b: how much longer chunks are discounted, 0 to 1.
    """

    def __init__(self, postings: Postings, k1: float, b: float) -> None:
        self._postings, self._k1 = postings, k1
        lengths = postings.lengths
        mean = float(lengths.mean()) if len(lengths) and lengths.any() else 1.0
        self._norm = (k1 * (1.0 - b + b * lengths / mean)).astype(np.float32)
        held = postings.frequencies
        self.idf = np.log1p((len(postings) - held + 0.5) / (held + 0.5))

    def scores(self, question: Weighted) -> NDArray[np.float64]:
        """The score of every chunk, 0 where no term is shared."""
        chunks, counts, which = self._postings.look_up(question.terms)
        known = np.minimum(question.terms, max(len(self.idf) - 1, 0))
        if not len(chunks):
            return np.zeros(len(self._postings))
        worth = (question.weights * self.idf[known] * (self._k1 + 1.0)).astype(np.float32)
        gained = worth[which] * counts / (counts + self._norm[chunks])
        return np.bincount(chunks, gained, minlength=len(self._postings)).astype(np.float64, copy=False)
