"""Which terms stand in which chunks, and how often: the counts that BM25, feedback and the latent space are computed from.

Counts are kept in segments that are never changed. Adding makes one more segment, removing passes over those concerned once, and
small segments are merged, so an index grows while it is searched: whoever holds the older one goes on reading it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["Postings", "Vocabulary"]

AT_ONCE = 10_000  # texts whose terms are counted at once
MOST_SEGMENTS = 8  # from so many on, all small ones are merged: each is one more look-up for every term

Codes = NDArray[np.int32]


class _Numbers(dict[str, int]):
    """Numbers of terms; looking a new one up gives it the next. Looked up by `map`, it is twice as fast as asking first."""

    def __missing__(self, term: str) -> int:
        number = self[term] = len(self)
        return number


class Vocabulary:
    """Numbers of terms, given in the order in which terms are first seen; it only ever grows."""

    def __init__(self, terms: Sequence[str] = ()) -> None:
        self._codes = _Numbers((term, code) for code, term in enumerate(terms))

    def __len__(self) -> int:
        return len(self._codes)

    @property
    def terms(self) -> list[str]:
        """All terms in the order of their numbers."""
        return list(self._codes)

    def learn(self, texts: Sequence[Sequence[str]]) -> list[Codes]:
        """Numbers of the terms of each text; new terms get the next ones."""
        number = self._codes.__getitem__
        return [np.fromiter(map(number, text), np.int32, len(text)) for text in texts]

    def known(self, text: Sequence[str]) -> Codes:
        """Numbers of the terms of one text that are known, with repeats."""
        codes = self._codes
        return np.array([codes[term] for term in text if term in codes], dtype=np.int32)


def counts_of(texts: Sequence[Codes], width: int) -> sparse.csr_array:
    """How often each term stands in each text, ``[text, term]``; counted in parts, so that not all repeats lie in memory."""
    if len(texts) > AT_ONCE:
        return _stacked([counts_of(texts[at : at + AT_ONCE], width) for at in range(0, len(texts), AT_ONCE)])
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    columns = np.concatenate(texts) if len(texts) else np.zeros(0, dtype=np.int32)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    table = sparse.csr_array((np.ones(len(columns), dtype=np.float32), columns, indptr), shape=(len(texts), width))
    table.sum_duplicates()
    return table


@dataclass(frozen=True)
class Segment:
    """Counts of some chunks, both ways round.

    Args:
        rows: ``[chunk, term]`` counts.
        columns: the same by term, for look-ups.
    """

    rows: sparse.csr_array
    columns: sparse.csc_array

    @classmethod
    def of(cls, rows: sparse.csr_array) -> Segment:
        """Turn counts by chunk the other way round too."""
        return cls(rows, sparse.csc_array(rows))

    @cached_property
    def lengths(self) -> NDArray[np.float32]:
        """Terms in each chunk, with repeats; counted once, as larger postings share the segment."""
        return np.asarray(self.rows.sum(axis=1), dtype=np.float32).ravel()

    def kept(self, chunks: NDArray[np.bool_]) -> Segment:
        """Only some of the chunks; both ways round are thinned out as they stand, which needs no sorting."""
        held, place = chunks[self.columns.indices], np.cumsum(chunks, dtype=np.int32) - 1
        starts = self.columns.indptr  # of each term, less the entries before it that go
        starts = (starts - np.searchsorted(np.flatnonzero(~held), starts)).astype(starts.dtype)
        thinned = self.columns.data[held], place[self.columns.indices[held]], starts
        shape = int(chunks.sum()), self.rows.shape[1]
        return Segment(self.rows[np.flatnonzero(chunks)], sparse.csc_array(thinned, shape=shape))


@dataclass(frozen=True)
class Postings:
    """Counts of all chunks, in the order they were added.

    Args:
        segments: in order; a term newer than a segment has no column in it.
    """

    segments: tuple[Segment, ...] = ()

    @classmethod
    def of(cls, texts: Sequence[Codes], width: int) -> Postings:
        """Postings of texts whose terms are numbered below ``width``."""
        return cls((Segment.of(counts_of(texts, width)),))

    def __len__(self) -> int:
        return sum(segment.rows.shape[0] for segment in self.segments)

    def added(self, texts: Sequence[Codes], width: int) -> Postings:
        """These and the chunks of ``texts`` behind them."""
        return Postings((*self.segments, Segment.of(counts_of(texts, width)))).compact()

    def compact(self) -> Postings:
        """The same counts in not too many segments."""
        return self if len(self.segments) <= MOST_SEGMENTS else self._merged()

    def kept(self, chunks: NDArray[np.bool_]) -> Postings:
        """Only the chunks where ``chunks`` is true, in their order."""
        ends = np.cumsum([segment.rows.shape[0] for segment in self.segments])[:-1]
        parts = np.split(chunks, ends)
        pairs = zip(self.segments, parts, strict=True)
        left = [segment if part.all() else segment.kept(part) for segment, part in pairs]
        return Postings(tuple(segment for segment in left if segment.rows.shape[0]))

    def _merged(self) -> Postings:
        """The largest segment first in line as it is, where it leads; all behind it in one."""
        first, rest = self.segments[0], self.segments[1:]
        together = Segment.of(_stacked([segment.rows for segment in rest]))
        if together.rows.shape[0] * 2 < first.rows.shape[0]:
            return Postings((first, together))
        return Postings((Segment.of(_stacked([first.rows, together.rows])),))

    @cached_property
    def lengths(self) -> NDArray[np.float32]:
        """Terms in each chunk, with repeats."""
        return np.concatenate([segment.lengths for segment in self.segments] or [np.zeros(0, dtype=np.float32)])

    @cached_property
    def frequencies(self) -> NDArray[np.int64]:
        """In how many chunks each term stands."""
        width = max((segment.columns.shape[1] for segment in self.segments), default=0)
        total = np.zeros(width, dtype=np.int64)
        for segment in self.segments:
            own = np.diff(segment.columns.indptr)
            total[: len(own)] += own
        return total

    @cached_property
    def table(self) -> sparse.csr_array:
        """All counts, ``[chunk, term]``."""
        return _stacked([segment.rows for segment in self.segments])

    def held(self, chunks: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
        """What stands in some chunks: which of ``chunks`` (its position) each entry is of, its term, and how often."""
        found, start = [(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))], 0
        for segment in self.segments:
            own = np.flatnonzero((chunks >= start) & (chunks < start + segment.rows.shape[0]))
            if len(own):
                rows = segment.rows[chunks[own] - start]
                found.append((np.repeat(own, np.diff(rows.indptr)), rows.indices, rows.data))
            start += segment.rows.shape[0]
        which, terms, counts = zip(*found, strict=True)
        return np.concatenate(which), np.concatenate(terms), np.concatenate(counts)

    def look_up(self, terms: Codes) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int64]]:
        """Where terms stand: the chunks, how often, and which of ``terms`` (its position) each entry is of."""
        found = []
        for start, segment, entry, which in self.entries(terms):
            found.append((segment.columns.indices[entry] + start, segment.columns.data[entry], which))
        if len(found) == 1:
            return found[0]
        nothing = np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, np.int64)
        chunks, counts, place = zip(*(found or [nothing]), strict=True)
        return np.concatenate(chunks), np.concatenate(counts), np.concatenate(place)

    def entries(self, terms: Codes) -> Iterator[tuple[int, Segment, NDArray[np.int64], NDArray[np.int64]]]:
        """For each segment its first chunk, itself, where entries of ``terms`` are in its columns, and which term each is of."""
        start = 0
        for segment in self.segments:
            columns, known = segment.columns, np.flatnonzero(terms < segment.columns.shape[1])
            low, high = columns.indptr[terms[known]], columns.indptr[terms[known] + 1]
            held = high - low
            # Places of all entries at once: each term's run begins at its `low`.
            entry = np.arange(int(held.sum())) + np.repeat(low - np.concatenate([[0], np.cumsum(held)[:-1]]), held)
            yield start, segment, entry, np.repeat(known, held)
            start += segment.rows.shape[0]

    def save(self, path: Path) -> None:
        """Write all counts to one ``.npz`` file of plain arrays."""
        table = self.table
        np.savez(path, data=table.data, indices=table.indices, indptr=table.indptr, shape=np.array(table.shape))

    @classmethod
    def load(cls, path: Path) -> Postings:
        """Read back what `save` wrote, as one segment."""
        with np.load(path, allow_pickle=False) as kept:
            shape = tuple(int(size) for size in kept["shape"])
            rows = sparse.csr_array((kept["data"], kept["indices"], kept["indptr"]), shape=shape)
        return cls((Segment.of(rows),))


def _stacked(tables: Sequence[sparse.csr_array]) -> sparse.csr_array:
    """Tables one below the other, each widened to the widest."""
    if not tables:
        return sparse.csr_array((0, 0), dtype=np.float32)
    width = max(table.shape[1] for table in tables)
    wide = [sparse.csr_array((table.data, table.indices, table.indptr), shape=(table.shape[0], width)) for table in tables]
    return sparse.csr_array(sparse.vstack(wide, format="csr"))
