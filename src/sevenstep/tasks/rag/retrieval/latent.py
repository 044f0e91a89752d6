"""A latent space learnt on the documents themselves: what often stands together comes to lie together.

Source: Deerwester et al. (1990), Indexing by latent semantic analysis, over BM25 weights, by a randomized singular value
decomposition (Halko, Martinsson and Tropp, 2011). Questions are short and documents are long, so two linear maps are learnt
beside it without any judgement: from a title to the document it heads, and from a sentence to the chunk it stands in (ridge
regression, in the spirit of supervised semantic indexing; Bai et al., 2009).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["LatentSpace", "unit"]

SAMPLE = 20_000  # chunks the space is learnt on at most
ROUNDS = 2  # power iterations of the decomposition
EXTRA = 20  # dimensions beyond those kept, which make the decomposition sharper
TITLE_RIDGE, SENTENCE_RIDGE = 300.0, 1500.0
FEWEST_TITLES = 50  # with fewer the maps would be noise
ALIKE, ALMOST = 0.4, 0.999  # cosine from which one term stands for another, and what it counts at most
FEWEST_HELD = 3  # chunks that hold a term at least, or its company tells little
MOST_LIKED = 12_000  # terms compared with each other at most, the commonest ones
AT_ONCE = 1_000

Floats = NDArray[np.float32]


def unit(vectors: Floats) -> Floats:
    """Vectors scaled to length 1; a zero vector stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-9), dtype=np.float32)


@dataclass(frozen=True)
class LatentSpace:
    """Directions in the space of terms, the place of each chunk, and the maps for questions.

    Args:
        terms: ``[term, dimension]``.
        weights: what a term counts, ``[term]``: its inverse document frequency when the space was learnt.
        chunks: ``[chunk, dimension]``, of length 1.
        maps: ``[map, dimension, dimension]``; empty where there was nothing to learn them from.
        likes: how alike terms are in use, ``[term, term]``: cosines of their places from `ALIKE` up, of the commoner terms.
    """

    terms: Floats
    weights: Floats
    chunks: Floats
    maps: Floats
    likes: sparse.csr_array

    @classmethod
    def learnt(cls, weighted: sparse.csr_array, idf: NDArray[np.float64], dimensions: int, seed: int = 0) -> LatentSpace:
        """Learn the space from weighted counts ``[chunk, term]``; without maps."""
        rows = _scaled(weighted)
        count = min(dimensions, min(rows.shape) - 1)
        rng = np.random.default_rng(seed)
        drawn = rows if rows.shape[0] <= SAMPLE else rows[np.sort(rng.choice(rows.shape[0], SAMPLE, replace=False))]
        terms = _directions(drawn, max(count, 1), rng)
        nothing = np.zeros((0, terms.shape[1], terms.shape[1]), dtype=np.float32)
        places = np.asarray(rows @ terms, dtype=np.float32)
        held = np.diff(sparse.csc_array(rows).indptr)
        likes = _likes(terms * np.linalg.norm(places, axis=0), held)
        return cls(terms, idf.astype(np.float32), unit(places), nothing, likes)

    def with_maps(self, titles: sparse.csr_array, owners: NDArray[np.int64], sentences: sparse.csr_array | None,
                  holders: NDArray[np.int64]) -> LatentSpace:  # fmt: skip
        """The space with maps learnt from titles to the chunks they head, and from sentences to the chunk they stand in."""
        if titles.shape[0] < FEWEST_TITLES:
            return self
        made = [_ridge(self.placed(titles)[owners], self.chunks, TITLE_RIDGE)]
        if sentences is not None:
            made.append(_ridge(self.placed(sentences), self.chunks[holders], SENTENCE_RIDGE))
        return replace(self, maps=np.stack(made).astype(np.float32))

    def placed(self, counts: sparse.csr_array) -> Floats:
        """Where texts lie, ``[text, dimension]`` of length 1, by their counts; terms newer than the space count nothing."""
        width = min(counts.shape[1], len(self.terms))
        weighted = counts[:, :width] @ sparse.diags_array(self.weights[:width])
        return unit(np.asarray(weighted @ self.terms[:width], dtype=np.float32))

    def asked(self, terms: NDArray[np.int32], counts: NDArray[np.float64]) -> Floats:
        """Where a question lies, as it is and through each map: ``[1 + map, dimension]`` of length 1."""
        known = terms < len(self.terms)
        weights = (counts[known] * self.weights[terms[known]]).astype(np.float32)
        place = unit(weights @ self.terms[terms[known]])
        return np.concatenate([place[None], unit(np.einsum("d,mde->me", place, self.maps))])

    def plus(self, counts: sparse.csr_array) -> LatentSpace:
        """The same space with more chunks in it."""
        return replace(self, chunks=np.concatenate([self.chunks, self.placed(counts)]))

    def kept(self, rows: NDArray[np.bool_]) -> LatentSpace:
        """Only some of the chunks."""
        return replace(self, chunks=self.chunks[rows])

    def save(self, path: Path) -> None:
        """Write one ``.npz`` file of plain arrays."""
        likes = self.likes
        np.savez(
            path, terms=self.terms, weights=self.weights, chunks=self.chunks, maps=self.maps, data=likes.data,
            indices=likes.indices, indptr=likes.indptr,
        )  # fmt: skip

    @classmethod
    def load(cls, path: Path) -> LatentSpace:
        """Read back what `save` wrote."""
        with np.load(path, allow_pickle=False) as kept:
            count = len(kept["terms"])
            likes = sparse.csr_array((kept["data"], kept["indices"], kept["indptr"]), shape=(count, count))
            return cls(kept["terms"], kept["weights"], kept["chunks"], kept["maps"], likes)


def _likes(places: Floats, held: NDArray[np.int64]) -> sparse.csr_array:
    """Cosines of the places of terms, from `ALIKE` up and without a term's own; ``held`` are the chunks that hold each."""
    common = np.flatnonzero(held >= FEWEST_HELD)
    common = np.sort(common[np.argsort(-held[common], kind="stable")[:MOST_LIKED]])
    known = unit(places[common])
    rows, columns, values = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
    for start in range(0, len(common), AT_ONCE):
        near = known[start : start + AT_ONCE] @ known.T
        near[np.arange(len(near)), np.arange(start, start + len(near))] = 0.0
        row, column = np.nonzero(near >= ALIKE)
        rows.append(common[start + row])
        columns.append(common[column])
        values.append(near[row, column])
    entries = np.minimum(np.concatenate(values), ALMOST), (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_array(entries, shape=(len(places), len(places)))


def _scaled(table: sparse.csr_array) -> sparse.csr_array:
    length = np.sqrt(np.asarray(table.power(2).sum(axis=1)).ravel())
    return sparse.csr_array(sparse.diags_array(1.0 / np.maximum(length, 1e-9)) @ table)


def _directions(table: sparse.csr_array, count: int, rng: np.random.Generator) -> Floats:
    """Right singular vectors of the largest singular values, ``[term, count]``."""
    table = table.astype(np.float32)
    back = sparse.csr_array(table.T)
    basis = table @ rng.standard_normal((table.shape[1], count + EXTRA)).astype(np.float32)
    for _ in range(ROUNDS):
        # Only the side of the chunks, the smaller one, is made orthogonal: enough in so few rounds.
        basis = table @ (back @ np.linalg.qr(basis)[0])
    small = back @ np.linalg.qr(basis)[0]  # [term, count + EXTRA]
    sizes, turned = np.linalg.eigh(small.T @ small)
    order = np.argsort(-sizes)[:count]
    return np.asarray(small @ turned[:, order] / np.sqrt(np.maximum(sizes[order], 1e-12)), dtype=np.float32)


def _ridge(given: Floats, wanted: Floats, strength: float) -> Floats:
    squares = given.T @ given + strength * np.eye(given.shape[1], dtype=np.float32)
    return np.asarray(np.linalg.solve(squares, given.T @ wanted), dtype=np.float32)
