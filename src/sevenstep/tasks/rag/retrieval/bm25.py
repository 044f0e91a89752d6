"""BM25: how well a chunk fits a question by the terms they share.

Source: Robertson and Zaragoza (2009), The probabilistic relevance framework: BM25 and beyond, with the inverse document frequency
of Lucene, ``ln(1 + (N - n + 0.5) / (n + 0.5))``, which is never negative.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sevenstep.tasks.rag.retrieval.postings import Codes, Postings, Segment

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

    def idf_of(self, terms: Codes) -> NDArray[np.float64]:
        """Inverse document frequency of terms; of those no chunk held when this was made, that of the rarest."""
        held = self.idf[np.minimum(terms, max(len(self.idf) - 1, 0))] if len(self.idf) else np.ones(len(terms))
        return np.where(terms < len(self.idf), held, np.log1p(2.0 * len(self._postings) + 1.0))

    def worth(self, chunks: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """What each term adds to the scores of some chunks, weighted and summed, ``[term]``."""
        which, terms, counts = self._postings.held(chunks)
        gained = self.idf[terms] * counts / (counts + self._norm[chunks][which]) * weights[which]
        return np.bincount(terms, gained, minlength=len(self.idf)).astype(np.float64, copy=False)

    def scores_of(self, rows: NDArray[np.int64], counts: sparse.csr_array, question: Weighted) -> NDArray[np.float64]:
        """The scores of some chunks: which they are, and their rows of the table of counts."""
        place = np.full(counts.shape[1], -1, np.int32)
        known = question.terms < counts.shape[1]
        place[question.terms[known]] = np.flatnonzero(known)
        which = place[counts.indices]
        entries = np.flatnonzero(which >= 0)
        row = np.searchsorted(counts.indptr, entries, side="right") - 1
        worth = question.weights * self.idf_of(question.terms) * (self._k1 + 1.0)
        held = counts.data[entries]
        gained = worth[which[entries]] * held / (held + self._norm[rows[row]])
        return np.bincount(row, gained, minlength=len(rows)).astype(np.float64, copy=False)

    def touched(self, question: Weighted) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Scores of the chunks that share a term with the question, and which those are."""
        scores = self.scores(question)
        chunks = np.flatnonzero(scores)
        return scores[chunks], chunks

    def table(self) -> sparse.csr_array:
        """What each term adds to the score of each chunk, ``[chunk, term]``, for a question that names it once."""
        counts = self._postings.table
        rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
        worth = self.idf[counts.indices] * (self._k1 + 1.0)
        gained = (worth * counts.data / (counts.data + self._norm[rows])).astype(np.float32)
        return sparse.csr_array((gained, counts.indices, counts.indptr), shape=counts.shape)

    @cached_property
    def _gains(self) -> list[_Gains]:
        ends = np.cumsum([segment.rows.shape[0] for segment in self._postings.segments])[:-1]
        return [_Gains(*pair) for pair in zip(self._postings.segments, np.split(self._norm, ends), strict=True)]

    def scores(self, question: Weighted) -> NDArray[np.float64]:
        """The score of every chunk, 0 where no term is shared."""
        worth = question.weights * self.idf_of(question.terms) * (self._k1 + 1.0)
        total = np.zeros(len(self._postings))
        for (start, segment, entry, which), gains in zip(self._postings.entries(question.terms), self._gains, strict=True):
            rows, gained = segment.rows.shape[0], gains.of(question.terms, entry, which)
            total[start : start + rows] = np.bincount(segment.columns.indices[entry], worth[which] * gained, minlength=rows)
        return total


class _Gains:
    """What each entry of a segment counts of its term's worth, computed when its term is first asked for.

    It hangs on the mean length of all chunks, so it is another one as soon as a document is added; computing all of it beforehand
    would make that as dear as laying out the whole corpus, for terms nobody may ever ask for.
    """

    def __init__(self, segment: Segment, norm: Floats) -> None:
        self._columns, self._norm = segment.columns, norm
        self._values = np.empty(len(segment.columns.data), dtype=np.float32)
        self._known = np.zeros(segment.columns.shape[1], dtype=np.bool_)

    def of(self, terms: Codes, entry: NDArray[np.int64], which: NDArray[np.int64]) -> Floats:
        """Of the entries at ``entry``, each of the term at ``which`` of ``terms``."""
        own = terms[terms < len(self._known)]
        if not self._known[own].all():
            new = entry[~self._known[terms[which]]]
            counts = self._columns.data[new]
            self._values[new] = counts / (counts + self._norm[self._columns.indices[new]])
            self._known[own] = True  # last: another thread reads what is marked as known
        return self._values[entry]
