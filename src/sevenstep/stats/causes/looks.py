"""What is looked at for a cause: levels of categories, stretches of numbers, gaps, and pairs of them, each as exposed items.

Nothing here reads the outcome, but for the mean rate: which looks are made must not depend on what they will show, or the
correction for their number would not hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from sevenstep.stats.scored import BoolArray, FloatArray

__all__ = ["Columns", "Look", "make_looks"]

_CUTS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
_HALF = 0.5
_COARSE = (0.2, 0.8)
_WINDOWS = ((0.05, 0.95), (0.1, 0.9), (0.2, 0.8))
_MOST_LEVELS = 150
_LEVELS = 2  # a number with as few values names two states; of two levels one says what the other does
_MOST_PAIRS = 1500
_MOST_CELLS = 40_000_000
_LEAST_ROWS, _LEAST_EXPECTED, _LEAST_EXPECTED_PAIR = 10, 0.5, 5.0


@dataclass(frozen=True)
class Columns:
    """Possible causes by name: ``categories`` as arrays of texts (None is missing), ``numbers`` as floats (NaN is missing)."""

    categories: Mapping[str, NDArray[np.object_]]
    numbers: Mapping[str, FloatArray]


@dataclass(frozen=True)
class Look:
    """One possible cause: ``exposed`` tells which items ``[n]`` it touches, ``level`` says in words when.

    ``columns`` has one name, or two for a pair, whose ``parts`` are the two looks. ``paired`` says whether pairs are made of it,
    ``cut`` whether it is one side of two: of a cut of a number, or one of two levels.
    """

    columns: tuple[str, ...]
    level: str
    exposed: BoolArray
    paired: bool = False
    parts: tuple[Look, ...] = ()
    cut: bool = False

    @property
    def text(self) -> str:
        """The look in words."""
        return " and ".join(part.text for part in self.parts) if self.parts else f"{self.columns[0]} {self.level}"


def make_looks(columns: Columns, rate: float, *, pairs: bool, halves: bool = True) -> list[Look]:
    """All looks with enough items, singles first.

    A look needs 10 items on either side and, at the mean ``rate``, half an expected defect among those exposed (5 for a pair).
    Of the pairs the largest are made, up to 1,500. Without ``halves`` only the smaller of two sides is looked at: where less
    counts as much as more, the other side says the same.
    """
    least = max(_LEAST_ROWS, int(np.ceil(_LEAST_EXPECTED / rate)))
    singles = [look for look in _singles(columns) if least <= look.exposed.sum() <= len(look.exposed) - _LEAST_ROWS]
    together = _pairs(singles, max(_LEAST_ROWS, int(np.ceil(_LEAST_EXPECTED_PAIR / rate)))) if pairs else []
    return [look for look in singles if halves or not look.cut or look.exposed.mean() <= _HALF] + together


def _singles(columns: Columns) -> Iterator[Look]:
    for name, texts in columns.categories.items():
        yield from _of_category(name, texts)
    for name, values in columns.numbers.items():
        yield from _of_number(name, values)


def _of_category(name: str, texts: NDArray[np.object_]) -> Iterator[Look]:
    missing = np.array([text is None for text in texts], np.bool_)
    levels, codes, counts = np.unique(texts[~missing].astype(str), return_inverse=True, return_counts=True)
    place = np.full(len(texts), -1)
    place[~missing] = codes
    for level in np.argsort(-counts, kind="stable")[:_MOST_LEVELS]:
        yield Look((name,), f"= {levels[level]}", place == level, paired=True, cut=len(levels) == _LEVELS)
    yield Look((name,), "missing", missing)


def _of_number(name: str, values: FloatArray) -> Iterator[Look]:
    known = values[~np.isnan(values)]
    if 0 < len(np.unique(known)) <= _LEVELS:
        yield from _of_category(name, np.array([None if np.isnan(value) else f"{value:g}" for value in values], object))
        return
    if len(known):
        ends = {share: float(np.quantile(known, share)) for share in _CUTS}
        for cut in np.unique(list(ends.values())):
            coarse = cut in (ends[_COARSE[0]], ends[_COARSE[1]])
            yield Look((name,), f"above {cut:.4g}", values > cut, paired=coarse and cut == ends[_COARSE[1]], cut=True)
            yield Look((name,), f"up to {cut:.4g}", values <= cut, paired=coarse and cut == ends[_COARSE[0]], cut=True)
        for low, high in _WINDOWS:
            outside = (values < ends[low]) | (values > ends[high])
            yield Look((name,), f"outside {ends[low]:.4g} to {ends[high]:.4g}", outside)
    yield Look((name,), "missing", np.isnan(values))


def _pairs(singles: Sequence[Look], least: int) -> list[Look]:
    """Both of two looks at different columns; what is exposed must be less than either alone."""
    parts = [look for look in singles if look.paired]
    if len(parts) < 2:
        return []
    exposed = np.array([look.exposed for look in parts])
    together = exposed.astype(np.float32) @ exposed.astype(np.float32).T
    sizes = exposed.sum(axis=1)
    found = [
        (int(together[a, b]), a, b)
        for a, b in combinations(range(len(parts)), 2)
        if parts[a].columns != parts[b].columns and least <= together[a, b] <= min(sizes[a], sizes[b]) - _LEAST_ROWS
    ]
    found.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    most = min(_MOST_PAIRS, _MOST_CELLS // exposed.shape[1])
    return [_both(parts[a], parts[b]) for _, a, b in found[:most]]


def _both(one: Look, other: Look) -> Look:
    columns, level = (one.columns[0], other.columns[0]), f"{one.level} and {other.level}"
    return Look(columns, level, one.exposed & other.exposed, parts=(one, other))
