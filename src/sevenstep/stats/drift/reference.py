"""What is kept of a column of the training values, so that a check reads nothing of them again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from sevenstep.stats.drift.blocks import Blocked, Blocks, Labels
from sevenstep.stats.drift.columns import Categories, Values
from sevenstep.stats.scored import BoolArray, FloatArray

__all__ = ["CategoryReference", "NumberReference", "Reference", "reference_of"]

POINTS = 10_000
"""Different values up to which all are kept; of more, as many order statistics in even steps of rank."""

NAMES = 10_000
"""Categories whose names are kept; more are counted together."""

_CELL = 0.02  # least share of a category that is followed from block to block
_TENTHS = np.arange(1, 10)


@dataclass(frozen=True)
class NumberReference:
    """A column of numbers.

    Between two neighbouring points the share of values is not known, so that a distance read off the points is at most
    `unsure` too small and never too large: a test that uses it stays within its level.

    Args:
        rows: with and without a value; ``missing`` of them without.
        points: values in rising order, the smallest and the largest among them, ``[points]``.
        below: how many values are smaller than each point; ``up_to`` how many are not larger.
        cuts: borders of the bins of the stability index, ``[cuts]``: deciles, and both sides of a value that fills a tenth alone.
        strict: whether a bin ends before the cut rather than with it.
        cut_counts: how many values lie in front of each cut.
        mean: of the values, NaN where there are none or not all are finite; ``deviation`` their standard deviation.
        single: whether the values were of single precision, in which others are then compared with them.
        blocks: how counts in front of the cuts differ between blocks; None where rows are taken as independent.
    """

    rows: int
    missing: int
    points: FloatArray
    below: FloatArray
    up_to: FloatArray
    cuts: FloatArray
    strict: BoolArray
    cut_counts: FloatArray
    mean: float
    deviation: float
    single: bool = False
    blocks: Blocks | None = None

    @property
    def present(self) -> int:
        """Values that are not missing."""
        return self.rows - self.missing

    @cached_property
    def unsure(self) -> float:
        """By how much a distance may be larger than read off the points; 0 where every value is one."""
        return float((self.below[1:] - self.up_to[:-1]).max(initial=0.0)) / max(self.present, 1)


@dataclass(frozen=True)
class CategoryReference:
    """A column of categories.

    Args:
        rows: with and without a value; ``missing`` of them without.
        names: of the categories, the most frequent first.
        counts: how many rows have each, ``[names]``.
        cells: positions of the categories followed from block to block, ``[cells]``.
        rest: rows in categories whose names are not kept; above 0, new categories cannot be told from rare ones.
        blocks: how the counts of those differ between blocks, and last, where all names are kept, of rows in categories that
            no other block has; None where rows are taken as independent.
    """

    rows: int
    missing: int
    names: tuple[str, ...]
    counts: FloatArray
    cells: npt.NDArray[np.intp]
    rest: int = 0
    blocks: Blocks | None = None

    @property
    def present(self) -> int:
        """Values that are not missing."""
        return self.rows - self.missing

    @cached_property
    def places(self) -> dict[str, int]:
        """Position of each name."""
        return {name: place for place, name in enumerate(self.names)}


Reference: TypeAlias = NumberReference | CategoryReference


def reference_of(values: Values, blocks: Labels | None = None) -> Reference:
    """Build the reference of a column from the values a model learns from, or from its predictions on them.

    Args:
        values: numbers ``[n]``, NaN where missing, or `Categories`.
        blocks: label of each row's block, ``[n]``: rows that resemble each other beyond chance (a day, a lot, a customer). In
            time they should sort in its order and be about as long as what comes in at once. None where rows are independent.

    Raises:
        ValueError: when the labels are not one for each row, or are all the same.
        TypeError: when the values are neither.
    """
    if isinstance(values, Categories):
        return _of_categories(values, blocks)
    if values.dtype.kind not in "fiub":
        raise TypeError(f"values of type {values.dtype} are neither numbers nor categories: use Categories.of")
    return _of_numbers(values, blocks)


def _of_numbers(values: npt.NDArray[Any], labels: Labels | None) -> NumberReference:
    numbers = values.astype(np.float64)
    present = ~np.isnan(numbers)
    ordered = np.sort(numbers[present])
    points = _points(ordered)
    finite = len(ordered) > 0 and bool(np.isfinite(ordered[[0, -1]]).all())
    cuts, strict = _cuts(ordered)
    return NumberReference(
        rows=len(values),
        missing=len(values) - len(ordered),
        points=points,
        below=np.searchsorted(ordered, points, side="left").astype(np.float64),
        up_to=np.searchsorted(ordered, points, side="right").astype(np.float64),
        cuts=cuts,
        strict=strict,
        cut_counts=in_front(ordered, cuts, strict),
        mean=float(ordered.mean()) if finite else float("nan"),
        deviation=float(ordered.std()) if finite else float("nan"),
        single=values.dtype == np.float32,
        blocks=None
        if labels is None
        else Blocked.of(labels, len(values)).counted(present, _each_in_front(numbers, cuts, strict)),
    )


def _points(ordered: FloatArray) -> FloatArray:
    """All different values, or order statistics in even steps of rank, the smallest and the largest among them."""
    different = np.unique(ordered)
    if len(different) <= POINTS:
        return different
    ranks = np.linspace(0, len(ordered) - 1, POINTS).round().astype(np.intp)
    return np.unique(ordered[ranks])


def _cuts(ordered: FloatArray) -> tuple[FloatArray, BoolArray]:
    """The deciles, and whether the cut lies before the value; a value that fills a tenth of the rows alone is cut on both sides.

    So a column that is mostly zero has a bin of the zeros, and others for what lies on either side of them.
    """
    if len(ordered) == 0:
        return np.empty(0), np.empty(0, np.bool_)
    deciles = np.unique(ordered[-(-_TENTHS * len(ordered) // 10) - 1])
    filled = np.searchsorted(ordered, deciles, side="right") - np.searchsorted(ordered, deciles, side="left")
    spikes = deciles[filled >= len(ordered) / 10]
    cuts = np.concatenate([deciles, spikes])
    strict = np.arange(len(cuts)) >= len(deciles)
    order = np.lexsort((~strict, cuts))
    return cuts[order], strict[order]


def in_front(ordered: npt.NDArray[np.floating[Any]], cuts: FloatArray, strict: BoolArray) -> FloatArray:
    """How many of ordered values lie in front of each cut."""
    within = cuts.astype(ordered.dtype)
    before = np.searchsorted(ordered, within, side="left")
    return np.where(strict, before, np.searchsorted(ordered, within, side="right")).astype(np.float64)


def _each_in_front(numbers: FloatArray, cuts: FloatArray, strict: BoolArray) -> list[BoolArray]:
    """Which rows lie in front of each cut; a missing value lies in front of none."""
    return [numbers < cut if before else numbers <= cut for cut, before in zip(cuts, strict, strict=True)]


def _of_categories(values: Categories, labels: Labels | None) -> CategoryReference:
    missing, found = values.counts()
    order = np.argsort(-found, kind="stable")[: int((found > 0).sum())]
    kept = order[:NAMES]
    present = len(values) - missing
    cells = np.flatnonzero(found[kept] >= max(_CELL * present, 1))
    blocks = None
    if labels is not None:
        blocked = Blocked.of(labels, len(values))
        alone = [blocked.alone(np.asarray(values.codes, np.intp))] if len(kept) == len(order) else []
        blocks = blocked.counted(values.codes >= 0, [*(values.codes == kept[cell] for cell in cells), *alone])
    return CategoryReference(
        rows=len(values),
        missing=missing,
        names=tuple(values.names[place] for place in kept),
        counts=found[kept].astype(np.float64),
        rest=int(found[order[NAMES:]].sum()),
        cells=cells,
        blocks=blocks,
    )
