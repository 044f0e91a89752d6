"""Predictions of several candidates on the same rows, in one order: what members are chosen from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.scoretable import ScoreTable

__all__ = ["Library"]

_KEYS = ["fold", "item"]


@dataclass(frozen=True)
class Library:
    """Predictions of several candidates on the same rows.

    Args:
        frame: the rows (a score table without candidate and prediction).
        names: candidates, in the order of the columns of ``predictions``.
        predictions: ``[row, candidate]``.
        costs: planned seconds of each candidate.
    """

    frame: pl.DataFrame
    names: Sequence[str]
    predictions: NDArray[np.float64]
    costs: NDArray[np.float64]

    @classmethod
    def of(cls, tables: Mapping[str, ScoreTable], costs: Mapping[str, float]) -> Library:
        """Bring score tables of one target into one order of rows; only rows all of them have are kept."""
        frames = {name: table.frame.sort(_KEYS) for name, table in tables.items()}
        first = next(iter(frames.values()))
        common = first.select(_KEYS)
        for frame in frames.values():
            if not frame.select(_KEYS).equals(common):
                common = common.join(frame.select(_KEYS), on=_KEYS, how="semi")
        rows = first.join(common, on=_KEYS, how="semi").sort(_KEYS)
        columns = [frame.join(common, on=_KEYS, how="semi").sort(_KEYS)["prediction"].to_numpy() for frame in frames.values()]
        names = list(frames)
        return cls(rows, names, np.column_stack(columns), np.array([costs[name] for name in names], dtype=np.float64))

    def only(self, rows: NDArray[np.bool_]) -> Library:
        """The rows where ``rows`` is true."""
        return replace(self, frame=self.frame.filter(pl.Series(rows)), predictions=self.predictions[rows])

    @cached_property
    def fold_numbers(self) -> list[int]:
        """The folds the rows are of, in order."""
        return [int(fold) for fold in np.unique(self.folds)]

    @property
    def folds(self) -> NDArray[np.int32]:
        """Fold number of each row."""
        return self.frame["fold"].to_numpy()

    def without(self) -> dict[int, Library]:
        """For each fold the rows of all others."""
        return {fold: self.only(self.folds != fold) for fold in self.fold_numbers}

    def cost(self, weights: NDArray[np.float64]) -> float:
        """Planned seconds of all members with a weight."""
        return float(self.costs[weights > 0].sum())

    def table(self, prediction: NDArray[np.float64], name: str) -> ScoreTable:
        """A score table of these rows with a prediction of one's own."""
        return ScoreTable(self.frame.with_columns(pl.lit(name).alias("candidate"), pl.Series("prediction", prediction)))
