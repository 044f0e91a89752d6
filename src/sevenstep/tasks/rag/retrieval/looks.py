"""How a question and each chunk found for it go together: the features the ranker weighs.

Each is measured for all the chunks found and then scaled to mean 0 and spread 1 among them, so that a weight means the same for
every question.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sevenstep.tasks.rag.retrieval.bm25 import Bm25, Weighted
from sevenstep.tasks.rag.retrieval.first import First, FirstLook
from sevenstep.tasks.rag.retrieval.index import CorpusIndex
from sevenstep.tasks.rag.retrieval.latent import LatentSpace, unit

__all__ = ["FEATURES", "Looks", "scaled"]

Floats = NDArray[np.float64]

FEATURES = (
    "first look", "rank", "gap to the best", "terms", "terms, once is enough", "terms, more is better", "second view", "title",
    "share of the terms' weight", "share of the terms", "rarest term", "two rarest terms", "names and numbers",
    "terms by their use in titles", "length",
    "best sentence", "share in the best sentence", "latent", "latent, as a title", "latent, as a sentence",
    "latent feedback", "terms or like ones", "like terms alone", "best sentence by like terms", "embedding", "embedding feedback",
)  # fmt: skip
_USUAL, _ONCE, _MORE = (1.2, 0.75), (0.4, 0.3), (2.5, 0.9)  # k1 and b of three ways to weigh counts
_LISTENED = 5  # chunks feedback is taken from
_NAMED = re.compile(r"\b\w*(?:\d|(?<=\w)[A-Z])\w*\b")  # what has a digit or a capital inside


@dataclass(frozen=True)
class _Matches:
    """The terms of a question in the chunks found: how often, ``[chunk, term]``, with what each term is worth."""

    counts: Floats
    idf: Floats
    weights: Floats


@dataclass(frozen=True)
class _Lines:
    """The sentences of the chunks found: which they are, their counts, where those of each chunk begin, and how many it has."""

    rows: NDArray[np.int64]
    counts: sparse.csr_array
    begun: NDArray[np.int64]
    sizes: NDArray[np.int64]

    @classmethod
    def of(cls, index: CorpusIndex, found: NDArray[np.int64]) -> _Lines | None:
        """None where the index holds no sentences."""
        split = index.sentences
        if split is None:
            return None
        begun = np.searchsorted(split.holders, found)
        sizes = np.searchsorted(split.holders, found, side="right") - begun
        places = np.cumsum(sizes) - sizes
        rows = np.arange(sizes.sum()) + np.repeat(begun - places, sizes)
        return cls(rows, split.postings.table[rows], places, sizes)

    def best(self, scores: Floats) -> Floats:
        """The highest score of a sentence of each chunk, 0 where it has none."""
        best, some = np.zeros(len(self.sizes)), self.sizes > 0
        if some.any():
            best[some] = np.maximum.reduceat(scores, self.begun[some])
        return best


class Looks:
    """Features of the chunks found for questions in one index."""

    def __init__(self, look: FirstLook) -> None:
        self._look, self._index = look, look.index
        lengths = look.index.chunk_lengths.astype(np.float64)
        self._relative = lengths / max(float(lengths.mean()), 1.0) if len(lengths) else lengths
        self._titled = _titled(look.index)
        self._sentences = None if look.index.sentences is None else Bm25(look.index.sentences.postings, 1.0, 0.5)

    def of(self, question: str, first: First, vector: NDArray[np.float32] | None = None) -> Floats:
        """Features of the chunks of ``first.order``, ``[chunk, feature]``, in the order of `FEATURES`."""
        found = first.order
        best = float(first.main.max(initial=0.0))
        matches = self._matches(first.asked, found)
        lines = _Lines.of(self._index, found)
        gained, share = self._in_sentences(first.asked, lines, matches)
        columns = [
            first.score[found], 1.0 / (1.0 + np.arange(len(found))), np.log1p(np.maximum(best - first.main[found], 0.0)),
            first.main[found], self._weighed(matches, found, *_ONCE), self._weighed(matches, found, *_MORE),
            first.second[found], first.title[found], *_covered(matches), self._named(question, first.asked, matches),
            self._topical(first.asked, matches, found),
            np.log(self._relative[found] + 0.05), gained, share,
            *self._latent(first), *self._alike(first.asked, found, lines), *self._embedded(first, vector),
        ]  # fmt: skip
        return np.column_stack(columns)

    def _matches(self, asked: Weighted, found: NDArray[np.int64]) -> _Matches:
        chunks, counts, which = self._index.main.postings.look_up(asked.terms)
        row = self._rows(found)[chunks]
        table = np.zeros((len(found), max(len(asked.terms), 1)))
        table[row[row >= 0], which[row >= 0]] = counts[row >= 0]
        if not len(asked.terms):
            return _Matches(table, np.ones(1), np.ones(1))
        return _Matches(table, self._look.main.idf_of(asked.terms), asked.weights)

    def _rows(self, found: NDArray[np.int64]) -> NDArray[np.int64]:
        """For each chunk of the index its place among those found, -1 where it is not."""
        rows = np.full(len(self._index.corpus), -1, dtype=np.int64)
        rows[found] = np.arange(len(found))
        return rows

    def _topical(self, asked: Weighted, matches: _Matches, found: NDArray[np.int64]) -> Floats:
        """BM25 in which a term counts the more, the more of the chunks that hold it have it in their title: it names a topic."""
        if not len(asked.terms):
            return np.zeros(len(found))
        share = np.where(asked.terms < len(self._titled), self._titled[np.minimum(asked.terms, len(self._titled) - 1)], 0.0)
        return self._weighed(_Matches(matches.counts, matches.idf * share, matches.weights), found, *_USUAL)

    def _weighed(self, matches: _Matches, found: NDArray[np.int64], k1: float, b: float) -> Floats:
        norm = k1 * (1.0 - b + b * self._relative[found])
        held = matches.counts
        return np.asarray((held / (held + norm[:, None])) @ (matches.idf * matches.weights))

    def _in_sentences(self, asked: Weighted, lines: _Lines | None, matches: _Matches) -> tuple[Floats, Floats]:
        """Score of the best sentence of each chunk, and its share of what the chunk itself matches."""
        if self._sentences is None or lines is None:
            return np.zeros(len(matches.counts)), np.zeros(len(matches.counts))
        best = lines.best(self._sentences.scores_of(lines.rows, lines.counts, asked))
        whole = (matches.counts > 0) @ (matches.idf * matches.weights)
        return best, best / np.maximum(whole, 1e-9)

    def _named(self, question: str, asked: Weighted, matches: _Matches) -> Floats:
        """Share of the question's names and numbers (what has a digit or an inner capital) that a chunk holds, by weight."""
        named = self._index.main.asked(" ".join(_NAMED.findall(question)))
        is_named = np.isin(asked.terms, named)
        if not is_named.any():
            return np.zeros(len(matches.counts))
        worth = matches.idf * is_named
        return np.asarray((matches.counts > 0) @ worth / worth.sum())

    def _latent(self, first: First) -> list[Floats]:
        """Cosines with the question as it is and through each map, and with the mean of the first chunks found."""
        space, found = self._index.latent, first.order
        if space is None:
            return [np.zeros(len(found))] * 4
        places = space.chunks[found]
        asked = (places @ space.asked(first.asked.terms, first.asked.weights).T).astype(np.float64)
        maps = [asked[:, at] if at < asked.shape[1] else np.zeros(len(found)) for at in range(3)]
        return [*maps, (places @ _heard(places, first.main[found])).astype(np.float64)]

    def _alike(self, asked: Weighted, found: NDArray[np.int64], lines: _Lines | None) -> list[Floats]:
        """How far a chunk says the question's terms, or in other words what the documents use alike, by weight.

        Each term counts by the term of the chunk that is most like it: all of them, those said in other words alone, and all in
        the best sentence.
        """
        space, nothing = self._index.latent, np.zeros(len(found))
        if space is None or not len(asked.terms) or not len(found):
            return [nothing] * 3
        worth = self._look.main.idf_of(asked.terms)
        chunks = self._index.main.postings.table[found]
        near, place = _likeness(space, asked.terms, max(chunks.shape[1], len(self._look.main.idf)))
        best = _best_of(near, place, chunks)
        whole, others = best @ worth, np.where(best < 1.0, best, 0.0) @ worth
        return [whole, others, nothing if lines is None else lines.best(_best_of(near, place, lines.counts) @ worth)]

    def _embedded(self, first: First, vector: NDArray[np.float32] | None) -> list[Floats]:
        if vector is None or self._index.vectors is None:
            return [np.zeros(len(first.order))] * 2
        places = self._index.vectors[first.order]
        return [first.dense[first.order], (places @ unit(vector + _heard(places, first.score[first.order]))).astype(np.float64)]


def _likeness(space: LatentSpace, asked: NDArray[np.int32], count: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """How alike in use the terms of an index are to those of a question: 1 for the same.

    Args:
        space: what was learnt of terms; it knows none that came later.
        asked: terms of a question.
        count: terms of the index.

    Returns:
        ``[term, asked]`` for the terms that are like any; and for each term of the index its row there, -1 for the others.
    """
    known = np.flatnonzero(asked < space.likes.shape[0])
    likes = space.likes[asked[known]].tocoo()
    terms = np.unique(np.concatenate([likes.col, asked]))
    near = np.zeros((len(terms), len(asked)), np.float32)
    near[np.searchsorted(terms, likes.col), known[likes.row]] = likes.data
    near[np.searchsorted(terms, asked), np.arange(len(asked))] = 1.0
    place = np.full(max(count, int(terms.max()) + 1), -1, np.int32)
    place[terms] = np.arange(len(terms))
    return near, place


def _best_of(near: NDArray[np.float32], place: NDArray[np.int32], texts: sparse.csr_array) -> Floats:
    """For each text of a table of counts the likeness of its nearest term to each asked one, ``[text, asked]``."""
    row = place[texts.indices]
    entries = np.flatnonzero(row >= 0)
    best = np.zeros((texts.shape[0], near.shape[1]))
    if len(entries):
        text = np.searchsorted(texts.indptr, entries, side="right") - 1
        begun = np.flatnonzero(np.diff(text, prepend=-1))
        best[text[begun]] = np.maximum.reduceat(near[row[entries]], begun, axis=0)
    return best


def _titled(index: CorpusIndex) -> Floats:
    """For each term, titles that have it over chunks that hold it, drawn to 0 where there are few."""
    held = index.main.postings.frequencies
    titles = np.zeros(len(held))
    own = index.titles.postings.frequencies[: len(held)]
    titles[: len(own)] = own
    return np.asarray((titles + 0.5) / (held + 3.0))


def _heard(places: NDArray[np.float32], scores: Floats) -> NDArray[np.float32]:
    """The direction of the first chunks found, each by its score."""
    weights = np.maximum(scores[:_LISTENED], 0.0).astype(np.float32)
    return unit(weights @ places[:_LISTENED])


def _covered(matches: _Matches) -> list[Floats]:
    """Shares of the question's terms a chunk holds, by weight and by number; the rarest it holds; of the two rarest, how much."""
    held = matches.counts > 0
    order = np.argsort(-matches.idf)[:2]
    rarest = np.where(held, matches.idf, 0.0).max(axis=1)
    return [
        held @ matches.idf / matches.idf.sum(), held.mean(axis=1), rarest / matches.idf.max(),
        held[:, order] @ matches.idf[order],
    ]  # fmt: skip


def scaled(features: Floats) -> Floats:
    """Features of one question's chunks with mean 0 and spread 1 each; what does not vary is 0."""
    spread = features.std(axis=0)
    return np.asarray((features - features.mean(axis=0)) / np.where(spread > 1e-9, spread, np.inf))
