"""Classified items as arrays: what was so, what was decided, how probable each class was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.scoretable import ScoreTable
from sevenstep.tasks.tabular.decide import decided_codes
from sevenstep.tasks.tabular.judged import Judged
from sevenstep.tasks.tabular.problem import Problem

__all__ = ["Decisions", "decisions_of"]


@dataclass(frozen=True)
class Decisions:
    """Items of a score table whose class is known.

    Args:
        problem: with the classes in their order.
        truth: code of the true class, ``[n]``.
        decided: code of the class decided for, ``[n]``.
        probability: of each class, ``[n, classes]``.
        cut: the usual cut of two classes, where folds differ; NaN with more.
        row: position of the item in the data, ``[n]``.
    """

    problem: Problem
    truth: NDArray[np.int64]
    decided: NDArray[np.int64]
    probability: NDArray[np.float64]
    cut: float
    row: NDArray[np.int64]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.problem.classes

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """Which items were decided wrongly."""
        return np.asarray(self.truth != self.decided)

    @property
    def confidence(self) -> NDArray[np.float64]:
        """Probability of the class decided for."""
        return np.asarray(self.probability[np.arange(len(self.decided)), self.decided])


def decisions_of(scores: ScoreTable, problem: Problem) -> Decisions:
    """Read the items of a score table; those whose class or probability is not known are left out."""
    items = Judged.of(scores.frame).known()
    cuts = scores.frame["cut"].cast(pl.Float64).to_numpy()[items.rows]
    decided = np.empty(len(items), np.int64)
    for own in np.unique(cuts, axis=0):
        same = (cuts == own).all(axis=1)
        decided[same] = decided_codes(items.probability[same], own)
    several = 1 if problem.binary else len(problem.classes)
    row = scores.frame["item"].to_numpy()[items.rows[:, 0]] // several
    cut = float(np.median(cuts)) if problem.binary else float("nan")
    return Decisions(problem, items.truth, decided, items.probability, cut, row.astype(np.int64))
