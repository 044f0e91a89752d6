"""Probabilities of classes in a score table, one row for each item."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from sevenstep.stats.estimated import Codes
from sevenstep.stats.scored import FloatArray
from sevenstep.tasks.scoretable import CLASS_COLUMNS

__all__ = ["ClassTable", "class_table"]


@dataclass(frozen=True)
class ClassTable:
    """Items by class.

    Args:
        probability: ``[n, classes]``; with two classes that of the positive one stands last.
        truth: number of the true class, ``[n]``.
        cut: probability at which each class is decided for, ``[classes]``.
        costs: of not finding each class, ``[classes]``.
    """

    probability: FloatArray
    truth: Codes
    cut: FloatArray
    costs: FloatArray

    @property
    def count(self) -> int:
        """How many classes there are."""
        return int(self.probability.shape[1])


def class_table(rows: pl.DataFrame) -> ClassTable | None:
    """The items of one target; None where its rows are of no classes."""
    if not set(CLASS_COLUMNS) <= set(rows.columns) or rows["label"].null_count() == len(rows):
        return None
    labels = int(rows["label"].max()) + 1  # type: ignore[arg-type]  # not all are null
    ordered = rows.sort("fold", "unit", "label")
    prediction, truth, weight = (ordered[name].to_numpy() for name in ("prediction", "truth", "weight"))
    cut = ordered.group_by("label").agg(pl.col("cut").mean()).sort("label")["cut"].to_numpy()
    if labels == 1:
        told = truth.astype(np.int64)
        costs = np.array([weight[told == label].mean() if (told == label).any() else 1.0 for label in (0, 1)])
        return ClassTable(np.column_stack([1 - prediction, prediction]), told, np.array([1 - cut[0], cut[0]]), costs)
    costs = ordered.group_by("label").agg(pl.col("weight").mean()).sort("label")["weight"].to_numpy()
    return ClassTable(prediction.reshape(-1, labels), truth.reshape(-1, labels).argmax(axis=1), cut, costs)
