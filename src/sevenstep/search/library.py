"""Predictions of several candidates on the same rows, in one order: what members are chosen from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.scoretable import ScoreTable, figure_columns

__all__ = ["Blend", "Library"]

Blend = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
"""What members with these weights predict together, row by row."""

_KEYS = ["fold", "item"]


@dataclass(frozen=True)
class Library:
    """Predictions of several candidates on the same rows.

    Args:
        frame: the rows (a score table without candidate and prediction).
        names: candidates, in the order of the columns of ``predictions``.
        predictions: ``[row, candidate]``.
        costs: planned seconds of each candidate.
        figures: further figures of the items (`figure_columns`), ``[row, candidate]`` each, by their column.
    """

    frame: pl.DataFrame
    names: Sequence[str]
    predictions: NDArray[np.float64]
    costs: NDArray[np.float64]
    figures: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

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
        parts = [frame.join(common, on=_KEYS, how="semi").sort(_KEYS) for frame in frames.values()]
        names = list(frames)
        # A column that some of them lack is a figure of another target.
        told = [name for name in figure_columns(rows) if all(name in part.columns for part in parts)]
        figures = {name: _side_by_side(parts, name) for name in told}
        own = np.array([costs[name] for name in names], dtype=np.float64)
        return cls(rows, names, _side_by_side(parts, "prediction"), own, figures)

    def only(self, rows: NDArray[np.bool_]) -> Library:
        """The rows where ``rows`` is true."""
        figures = {name: values[rows] for name, values in self.figures.items()}
        return replace(self, frame=self.frame.filter(pl.Series(rows)), predictions=self.predictions[rows], figures=figures)

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

    def table(self, blend: Blend, weights: NDArray[np.float64], name: str) -> ScoreTable:
        """A score table of these rows with what members with these weights come to together."""
        made = {"prediction": self.predictions, **self.figures}
        columns = [pl.Series(column, blend(values, weights)) for column, values in made.items()]
        return ScoreTable(self.frame.with_columns(pl.lit(name).alias("candidate"), *columns))


def _side_by_side(frames: Sequence[pl.DataFrame], column: str) -> NDArray[np.float64]:
    return np.column_stack([frame[column].cast(pl.Float64).fill_null(np.nan).to_numpy() for frame in frames])
