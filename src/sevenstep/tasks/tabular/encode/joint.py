"""Values that repeat together name what rows have in common, such as a coil, a batch or a setting of a machine.

A tree needs many cuts to single out one value of one number together with one of another, and few rows do not pay for them.
What the target was where both values occurred says it at once. Which pairs of columns name something is asked of the training
rows of the fold: those whose other rows tell a row better than each value by itself does, both added up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.tabular.encode.combinations import sample_rows
from sevenstep.tasks.tabular.encode.parts import deal
from sevenstep.tasks.tabular.encode.reading import JOINED, Columns, Combined

__all__ = ["find_joint"]

_MOST_COLUMNS = 10
_ROWS_A_VALUE = 3.0  # training rows there are of each value, or pair of values, for it to repeat
_LEAST_GAIN = 0.02  # of the target's spread: what a pair must tell beyond the sum of what its columns tell
_PARTS = 5
_SMOOTHING = 5.0  # rows at the overall mean added to each pair of values

Places = NDArray[np.int64]
Floats = NDArray[np.float64]


def find_joint(columns: Columns, names: Sequence[str], goal: Floats, count: int, seed: int) -> dict[str, Combined]:
    """Pairs of columns whose values together tell the target best, by name.

    Args:
        columns: training rows.
        names: columns of numbers and categories.
        goal: the target in columns whose means say something: numbers, or one column a class, ``[n, targets]``.
        count: most pairs to keep.
        seed: seed of the sample of rows and of its parts.
    """
    rows = sample_rows(columns.height, seed)
    sample, judge = Columns(columns.rows[rows], columns.forms), _Judge.of(goal[rows], seed)
    values = {name: _numbered(sample.as_texts(name)) for name in names}
    told = {name: judge.means(own) for name, own in values.items() if _repeats(own)}
    best = sorted(told, key=lambda name: judge.loss(told[name]))[:_MOST_COLUMNS]
    found: dict[tuple[str, str], float] = {}
    for first, second in combinations([name for name in names if name in best], 2):
        own = _pairs(values[first], values[second])
        if _repeats(own):
            loss = judge.loss(judge.means(own))
            gain = judge.loss(judge.added(told[first], told[second])) - loss
            if gain > _LEAST_GAIN * judge.spread and loss not in found.values():
                found[first, second] = loss  # of columns that say the same the first pair is enough
    return {JOINED.join(pair): (pair[0], JOINED, pair[1]) for pair in sorted(found, key=lambda pair: found[pair])[:count]}


@dataclass(frozen=True)
class _Judge:
    """How well values tell a target, each row judged by the other parts alone."""

    goal: Floats
    parts: Places
    spread: float

    @classmethod
    def of(cls, goal: Floats, seed: int) -> _Judge:
        first = goal.argmax(axis=1).astype(np.float64) if goal.shape[1] > 1 else goal[:, 0]
        return cls(goal, deal(first, _PARTS, seed), float(goal.var(axis=0).sum()))

    def means(self, places: Places) -> Floats:
        """Smoothed means of the target where each row's value occurs in other parts, ``[n, targets]``."""
        made = np.empty_like(self.goal)
        for part in np.unique(self.parts):
            own = self.parts == part
            rest, goal = places[~own], self.goal[~own]
            rows = np.bincount(rest, minlength=_count(places))
            sums = np.column_stack([np.bincount(rest, column, len(rows)) for column in goal.T])
            means = (sums + _SMOOTHING * goal.mean(axis=0)) / (rows + _SMOOTHING)[:, None]
            made[own] = means[places[own]]
        return made

    def added(self, first: Floats, second: Floats) -> Floats:
        """What the means by two columns tell as a sum, with the weights that suit best."""
        both = np.column_stack([np.ones(len(first)), first, second])
        weights = np.linalg.lstsq(both, self.goal, rcond=None)[0]
        return np.asarray(both @ weights)

    def loss(self, made: Floats) -> float:
        """Mean squared error over all columns of the target, to what is the same for equal partitions of the rows."""
        return round(float(((made - self.goal) ** 2).sum(axis=1).mean()), 9)


def _numbered(texts: pl.Series) -> Places:
    """A number for each value of a column; missing is one of them."""
    return np.asarray(texts.rank("dense").fill_null(0).to_numpy(), np.int64)


def _pairs(first: Places, second: Places) -> Places:
    return np.asarray(np.unique(first * _count(second) + second, return_inverse=True)[1], np.int64)


def _count(places: Places) -> int:
    return int(places.max(initial=-1)) + 1


def _repeats(places: Places) -> bool:
    """Whether a value occurs often enough to say something of others."""
    return len(np.unique(places)) * _ROWS_A_VALUE <= len(places)
