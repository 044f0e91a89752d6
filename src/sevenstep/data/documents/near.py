"""Documents that nearly repeat others: found by MinHash, then checked exactly.

A text is the set of its runs of five words. Each set is hashed once into bins, of each bin the smallest hash is kept (one
permutation, empty bins filled from their neighbours); documents that agree in a band of bins are compared word for word. Source:
Broder (1997), On the resemblance and containment of documents; Shrivastava (2017), Optimal densification for fast and accurate
minwise hashing.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["ALIKE", "near_duplicates", "resemblance", "shingles"]

ALIKE = 0.8
"""From this resemblance (common runs of words by all runs) a document nearly repeats another."""

_RUN, _BINS, _BAND = 5, 128, 4
_EMPTY = np.iinfo(np.uint64).max
_WIDEST = 50  # documents of a bucket compared with the first ones of it; more are copies of one form

Hashes = npt.NDArray[np.uint64]


def near_duplicates(texts: Sequence[str]) -> list[int | None]:
    """For each text the place of the first earlier one it nearly repeats, None where there is none; n log n in the texts."""
    sets = [shingles(text) for text in texts]
    first: list[int | None] = [None] * len(texts)
    for one, other in sorted(set(_alike(sets))):
        if first[other] is None and resemblance(sets[one], sets[other]) >= ALIKE:
            first[other] = one if first[one] is None else first[one]
    return first


def resemblance(one: Hashes, other: Hashes) -> float:
    """Jaccard index of two sets of shingles; 0 where either is empty."""
    if not one.size or not other.size:
        return 0.0
    common = np.intersect1d(one, other, assume_unique=True).size
    return common / (one.size + other.size - common)


def shingles(text: str) -> Hashes:
    """The runs of five words of a text as sorted 64-bit numbers, each once; a shorter text is one run."""
    words = [zlib.crc32(word) for word in text.lower().encode().split()]
    if not words:
        return np.zeros(0, np.uint64)
    hashed = np.asarray(words, np.uint64)
    runs = max(1, hashed.size - _RUN + 1)
    found = np.zeros(runs, np.uint64)
    with np.errstate(over="ignore"):
        for at in range(min(_RUN, hashed.size)):
            found = _mixed(found * np.uint64(0x9E3779B97F4A7C15) + hashed[at : at + runs])
    return np.unique(found)


def _mixed(values: Hashes) -> Hashes:
    """The finaliser of MurmurHash3, so that near numbers lie far apart."""
    with np.errstate(over="ignore"):
        values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
        values = (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    mixed: Hashes = values ^ (values >> np.uint64(33))
    return mixed


def _alike(sets: Sequence[Hashes]) -> Iterator[tuple[int, int]]:
    """Pairs that agree in some band, the earlier one first."""
    numbers = np.asarray([number for number, hashes in enumerate(sets) if hashes.size], np.int64)
    if numbers.size < 2:
        return
    signatures = np.stack([_signature(sets[number]) for number in numbers])
    for band in range(0, _BINS, _BAND):
        keys = np.zeros(numbers.size, np.uint64)
        with np.errstate(over="ignore"):
            for column in range(band, band + _BAND):
                keys = _mixed(keys * np.uint64(0x9E3779B97F4A7C15) + signatures[:, column])
        order = np.argsort(keys, kind="stable")
        edges = np.concatenate(([0], np.flatnonzero(np.diff(keys[order])) + 1, [order.size]))
        for at in np.flatnonzero(np.diff(edges) > 1):
            yield from _pairs(numbers[order[edges[at] : edges[at + 1]]].tolist())


def _pairs(held: Sequence[int]) -> Iterator[tuple[int, int]]:
    for at, other in enumerate(held[1:], start=1):
        for one in held[: min(at, _WIDEST)]:
            yield one, other


def _signature(hashes: Hashes) -> Hashes:
    bins = (hashes >> np.uint64(57)).astype(np.int64)  # the upper 7 bits: 128 bins
    signature = np.full(_BINS, _EMPTY, np.uint64)
    np.minimum.at(signature, bins, hashes)
    filled = np.flatnonzero(signature != _EMPTY)
    if filled.size < _BINS:
        nearest = filled[np.searchsorted(filled, np.arange(_BINS)) % filled.size]
        signature = signature[nearest] + np.where(signature == _EMPTY, np.arange(_BINS, dtype=np.uint64), np.uint64(0))
    return signature
