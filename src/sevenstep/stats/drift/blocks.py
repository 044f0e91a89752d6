"""How much shares differ between blocks of the reference (days, lots), and whether a window lies beyond that.

Rows of one day resemble each other, so that a test for independent rows alarms on every new day. Here the day is the unit: a
window is compared with the reference as one more draw of days.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import special

from sevenstep.stats.drift.independent import TINY
from sevenstep.stats.scored import BoolArray, FloatArray

__all__ = ["Against", "Blocked", "Blocks", "Labels", "Window", "window_of"]

MOST = 2_000
"""Blocks of the reference that are kept apart; more are joined, neighbours first."""

FEWEST_GROUPS = 12

Labels = npt.NDArray[np.generic]


@dataclass(frozen=True)
class Window:
    """The blocks of a window of live rows by their sizes in rows, ``[blocks]``."""

    sizes: FloatArray

    @property
    def rows(self) -> int:
        """Rows of all blocks."""
        return int(self.sizes.sum())

    @cached_property
    def effective(self) -> float:
        """Number of equally large blocks that would vary as much."""
        return float(self.sizes.sum() ** 2 / (self.sizes**2).sum())


def window_of(rows: int, labels: Labels | None) -> Window:
    """The blocks of ``rows`` live rows by their labels ``[rows]``; without labels they are one block.

    Raises:
        ValueError: when there are not as many labels as rows.
    """
    if labels is None or rows == 0:
        return Window(np.array([float(rows)]))
    if len(labels) != rows:
        raise ValueError(f"{len(labels)} block labels for {rows} rows")
    return Window(np.unique(labels, return_counts=True)[1].astype(np.float64))


@dataclass(frozen=True)
class Against:
    """A window judged by the differences between blocks; see `Evidence` for the fields."""

    p: float
    as_far: int
    groups: int


@dataclass(frozen=True)
class Blocks:
    """Counts by block of the reference, in order.

    Args:
        rows: of each block, ``[blocks]``.
        missing: rows of them without a value.
        counts: rows with a value that have each of some properties (up to a cut, of a category), ``[blocks, properties]``.
        span: blocks as told that are one here.
    """

    rows: FloatArray
    missing: FloatArray
    counts: FloatArray
    span: int = 1

    @property
    def told(self) -> int:
        """How many blocks were told, or a few more where the last one here spans fewer."""
        return len(self.rows) * self.span

    def judge_counts(self, shares: FloatArray, n: int, window: Window) -> Against:
        """Judge shares ``[properties]`` of ``n`` values of a window."""
        return self._judge(self.rows - self.missing, self.counts, shares, n, window)

    def judge_last(self, share: float, n: int, window: Window) -> Against:
        """Judge the share of the last property alone."""
        return self._judge(self.rows - self.missing, self.counts[:, -1:], np.array([share]), n, window)

    def judge_missing(self, share: float, n: int, window: Window) -> Against:
        """Judge the share of missing values among ``n`` rows of a window."""
        return self._judge(self.rows, self.missing[:, None], np.array([share]), n, window)

    def _judge(self, sizes: FloatArray, counts: FloatArray, shares: FloatArray, n: int, window: Window) -> Against:
        each = self._blocks_a_group(window)
        variance = max(1.0, each * self._variance_of(window))
        size, count = _joined(sizes, each), _joined(counts, each)
        filled = size > 0
        return _against(size[filled], count[filled], shares, n, variance)

    def _blocks_a_group(self, window: Window) -> int:
        """How many blocks to join, so that groups are as long as the window, as far as `FEWEST_GROUPS` of them remain.

        Only so does a wave that is longer than a block (a season over days) enter the variance of a window of many blocks; and a
        window that is longer than the groups is not taken to vary less than they do, as nobody knows whether it would.
        """
        return max(1, min(int(window.effective / self.span), len(self.rows) // FEWEST_GROUPS))

    def _variance_of(self, window: Window) -> float:
        """Variance of the window's shares, as a multiple of that of one block here.

        Blocks smaller than those of the reference vary more: by as much as if their rows were independent, which is the most.
        """
        usual = float((self.rows**2).sum() / self.rows.sum()) / self.span
        share = window.sizes / window.sizes.sum()
        return self.span * float((share**2 * np.maximum(1.0, usual / window.sizes)).sum())


@dataclass(frozen=True)
class Blocked:
    """Rows of the reference by block, before anything is counted: each row's block, how many there are, and `Blocks.span`."""

    codes: npt.NDArray[np.intp]
    number: int
    span: int

    @classmethod
    def of(cls, labels: Labels, rows: int) -> Blocked:
        """From labels ``[rows]``; sorted they should be in order of time, as neighbours are joined where there are many.

        Raises:
            ValueError: when labels and rows differ in number, or all are the same: one block tells nothing about differences.
        """
        if len(labels) != rows:
            raise ValueError(f"{len(labels)} block labels for {rows} rows")
        found, codes = np.unique(labels, return_inverse=True)
        if len(found) < 2:
            raise ValueError("one block tells nothing about how blocks differ: give at least two, or none")
        span = -(-len(found) // MOST)
        return cls(codes // span, -(-len(found) // span), span)

    def counted(self, present: BoolArray, properties: Iterable[BoolArray]) -> Blocks:
        """Count rows by block: those that have a value, and those with each property, which a row without a value has not."""
        rows, there, *counts = (
            np.bincount(self.codes[one], minlength=self.number).astype(np.float64)
            for one in (np.ones(len(present), np.bool_), present, *properties)
        )
        return Blocks(rows, rows - there, np.column_stack(counts) if counts else np.zeros((self.number, 0)), self.span)

    def alone(self, categories: npt.NDArray[np.intp]) -> BoolArray:
        """Which rows are of a category ``[n]``, from 0 on, that no other block has; -1, a missing value, is none."""
        there = categories >= 0
        pairs = np.unique(categories[there] * self.number + self.codes[there])
        blocks = np.bincount(pairs // self.number, minlength=1)
        return np.asarray(there & (blocks[categories] == 1), np.bool_)


def _joined(values: FloatArray, each: int) -> FloatArray:
    return np.asarray(np.add.reduceat(values, np.arange(0, len(values), each), axis=0))


def _against(size: FloatArray, count: FloatArray, shares: FloatArray, n: int, variance: float) -> Against:
    """Judge the shares of a window, which vary ``variance`` times as much as those of a group of blocks of the reference.

    The squared differences, each by its binomial variance, are added up and divided by what they are expected to be. That ratio
    is compared with an F distribution whose degrees of freedom follow from the eigenvalues of the covariance: the second-order
    correction of Rao and Scott (1984, On chi-squared tests for multiway contingency tables with cell proportions estimated from
    survey data), in the F form of Thomas and Rao (1987, Small-sample comparisons of level and power for simple goodness-of-fit
    statistics under cluster sampling). No variance is taken as less than that of independent rows.
    """
    pooled = count.sum(axis=0) / max(size.sum(), 1.0)
    middle = (shares + pooled) / 2
    told = (middle > 0) & (middle < 1)
    if len(size) < 2 or not told.any():
        return Against(1.0, len(size), len(size))
    scale = 1 / np.sqrt(middle[told] * (1 - middle[told]))
    moved = float((((shares - pooled)[told] * scale) ** 2).sum())
    weight = size / size.sum()
    covariance = _covariance(size, count[:, told] * scale) * (variance + (weight**2).sum())
    np.fill_diagonal(covariance, np.maximum(np.diag(covariance), 1 / n + 1 / size.sum()))
    freedom = float((weight**2).sum() ** 2 / (weight**4).sum()) - 1
    return Against(_tail(moved, covariance, freedom), _as_far(moved, size, count[:, told] * scale), len(size))


def _covariance(size: FloatArray, count: FloatArray) -> FloatArray:
    """Of the shares ``count / size`` of one group, groups weighted by their size."""
    away = count - np.outer(size, count.sum(axis=0) / size.sum())
    return np.asarray(away.T @ away / (size**2).sum() * (len(size) / (len(size) - 1)))


def _tail(moved: float, covariance: FloatArray, freedom: float) -> float:
    """Chance of a sum of squares as large; ``freedom`` is that of each variance in ``covariance``."""
    trace = float(np.trace(covariance))
    alike = trace**2 / float((covariance**2).sum())
    return max(float(special.fdtrc(alike, alike * freedom, moved / trace)), TINY)


def _as_far(moved: float, size: FloatArray, count: FloatArray) -> int:
    """How many groups lie at least as far from the others together."""
    rest = (count.sum(axis=0) - count) / (size.sum() - size)[:, None]
    away = ((count / size[:, None] - rest) ** 2).sum(axis=1)
    return int((away >= moved * (1 - 1e-9)).sum())
