"""Classified items read back from a score table: a matrix of probabilities, and the true class of each item."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = ["Judged"]

MOST_PARTS = 5  # stretches of items that choices are checked on in turn
HALVED = 0.25  # share of the items in order of time by which an item must be older to count half

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Judged:
    """Classified items, whichever shape their rows have.

    Args:
        probability: of each class, ``[item, class]``; rows sum to 1.
        truth: number of the true class, -1 where it is not known.
        part: number of the part an item is left out with, when choices are checked on items they were not made on.
        cost: of not finding each class; with two classes the first is that of a false alarm.
        rows: position in the frame of the row of each item and class; of two classes only the second has one.
        worth: how much each item says of those to come, 1 for the newest: shares of classes drift, so that where folds follow
            one another in time older items count less.
    """

    probability: Floats
    truth: Places
    part: Places
    cost: Floats
    rows: Places
    worth: Floats

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Judged:
        """Read the rows of a score table of one candidate and target."""
        several = int(frame["label"].max() or 0) + 1  # type: ignore[arg-type]
        order = np.lexsort((frame["label"].to_numpy(), frame["unit"].to_numpy(), frame["fold"].to_numpy()))
        rows = order.reshape(-1, several)
        prediction = frame["prediction"].cast(pl.Float64).to_numpy()[rows]
        truth = frame["truth"].cast(pl.Float64).fill_null(np.nan).to_numpy()[rows]
        known = np.isfinite(truth[:, 0])
        weight = frame["weight"].cast(pl.Float64).to_numpy()[rows]
        if several == 1:
            prediction = np.column_stack([1 - prediction, prediction])
            codes, cost = truth[:, 0], _two_costs(truth[:, 0], weight[:, 0])
        else:
            codes, cost = truth.argmax(axis=1).astype(np.float64), weight[0] if len(weight) else np.ones(several)
        part = _parts(frame["fold"].to_numpy()[rows[:, 0]], frame["unit"].to_numpy()[rows[:, 0]])
        worth = _worth(frame["fold"].to_numpy()[rows[:, 0]], frame["time"].to_physical().to_numpy()[rows[:, 0]])
        return cls(prediction, np.where(known, codes, -1).astype(np.int64), part, cost, rows, worth)

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.probability.shape[1])

    def known(self) -> Judged:
        """Only the items whose class is known and whose probabilities are numbers."""
        return self.at((self.truth >= 0) & np.isfinite(self.probability).all(axis=1))

    def at(self, items: NDArray[np.bool_]) -> Judged:
        """Only some of the items."""
        taken = {name: getattr(self, name)[items] for name in ("probability", "truth", "part", "rows", "worth")}
        return replace(self, **taken)

    def with_probability(self, probability: Floats) -> Judged:
        """The same items with other probabilities."""
        return replace(self, probability=probability)

    def own(self) -> Floats:
        """Probability of each item's true class."""
        own: Floats = self.probability[np.arange(len(self)), self.truth]
        return own

    def by_row(self, values: Floats) -> Floats:
        """Values ``[item, class]`` in the order of the frame's rows."""
        flat = np.empty(self.rows.size)
        flat[self.rows] = values[:, -self.rows.shape[1] :]
        return flat


def _two_costs(truth: Floats, weight: Floats) -> Floats:
    return np.array([float(weight[truth == code].mean()) if (truth == code).any() else 1.0 for code in (0, 1)])


def _parts(fold: NDArray[np.int32], unit: Places) -> Places:
    """Folds put together to a few parts; items in turn where there is one fold alone."""
    numbers, place = np.unique(fold, return_inverse=True)
    return (place if len(numbers) > 1 else unit) % MOST_PARTS


def _worth(fold: NDArray[np.int32], time: NDArray[Any]) -> Floats:
    """Halved with every quarter of the items that is newer, where each fold is newer than the one before; else 1."""
    moment = time.astype(np.float64)
    numbers = np.unique(fold)
    ends = [(moment[fold == number].min(), moment[fold == number].max()) for number in numbers]
    if len(numbers) < 2 or not all(before[1] <= after[0] for before, after in pairwise(ends)):
        return np.ones(len(fold))  # among them items without a time: what is not known is never in order
    newer = (len(moment) - np.searchsorted(np.sort(moment), moment, "right")) / len(moment)
    worth: Floats = 0.5 ** (newer / HALVED)
    return worth
