"""Out-of-fold forecasts of series and sums side by side on grids, and what each way of making them add up comes to there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.forecast.hierarchy.reconcile import Errors, minimum_trace, shrunk, structural, top_down
from sevenstep.tasks.forecast.hierarchy.tree import Tree, level_name

__all__ = ["BOTTOM_UP", "Side", "left_out", "made_coherent", "ways_of"]

BOTTOM_UP, STRUCTURAL, SHRUNK, TOP_DOWN = "bottom_up", "mint_structural", "mint_shrink", "top_down from "

Floats = NDArray[np.float64]


def ways_of(tree: Tree) -> list[str]:
    """Ways of making forecasts add up, the simplest first: a sum of the series is never worse founded than they are."""
    return [BOTTOM_UP, *(TOP_DOWN + level_name(level) for level in tree.levels), STRUCTURAL, SHRUNK]


@dataclass(frozen=True)
class Side:
    """Forecasts of one target with what came of them, a column for each fold and time.

    Args:
        fold: fold of each column.
        lead: lead of each column.
        truth: ``[series, column]``, 0 where there is no row.
        series: forecasts of the series, 0 where there is no row.
        there: where there is a row.
        nodes: ``[node, column]`` own forecasts of the sums; NaN where there is none.
    """

    fold: NDArray[np.int64]
    lead: NDArray[np.int64]
    truth: Floats
    series: Floats
    there: NDArray[np.bool_]
    nodes: Floats

    @classmethod
    def of(cls, own: pl.DataFrame, sums: pl.DataFrame, places: NDArray[np.int64], tree: Tree) -> Side:
        """From the score tables of the series (``cluster`` counts them as the tree does) and of the sums.

        ``places`` gives for each cluster of ``sums`` its node in the tree.
        """
        known = own.filter(pl.col("truth").is_finite() & pl.col("prediction").is_finite())
        columns = known.select("fold", "time", "lead").unique(["fold", "time"]).sort("fold", "time").with_row_index("at")
        at = known.join(columns.drop("lead"), on=["fold", "time"], how="left", maintain_order="left")
        shape = (tree.adds.shape[1], len(columns))
        place = (at["cluster"].to_numpy(), at["at"].to_numpy())
        truth, series, there = np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=bool)
        truth[place], series[place], there[place] = at["truth"].to_numpy(), at["prediction"].to_numpy(), True
        nodes = np.full((tree.adds.shape[0], shape[1]), np.nan)
        told = sums.join(columns.drop("lead"), on=["fold", "time"], how="inner", maintain_order="left")
        nodes[places[told["cluster"].to_numpy()], told["at"].to_numpy()] = told["prediction"].to_numpy()
        fold, lead = columns["fold"].to_numpy().astype(np.int64), columns["lead"].to_numpy().astype(np.int64)
        return cls(fold, lead, truth, series, there, nodes)

    @property
    def folds(self) -> list[int]:
        """The folds, in order."""
        return [int(one) for one in np.unique(self.fold)]

    def only(self, columns: NDArray[np.bool_]) -> Side:
        """Some of the columns."""
        return Side(
            self.fold[columns], self.lead[columns], self.truth[:, columns], self.series[:, columns], self.there[:, columns],
            self.nodes[:, columns],
        )  # fmt: skip

    def errors(self, tree: Tree) -> Errors:
        """The shrunk covariance of the errors of nodes and series."""
        return shrunk(self.nodes - tree.adds @ self.truth, self.series - self.truth)


def made_coherent(way: str, tree: Tree, errors: Errors | None, side: Side, *, floor: bool) -> Floats:
    """Forecasts of the series made coherent in one way; ``errors`` are those of `SHRUNK`, which without them is `BOTTOM_UP`."""
    if way.startswith(TOP_DOWN):
        position = [TOP_DOWN + level_name(level) for level in tree.levels].index(way)
        return top_down(tree.adds, tree.level == position, side.nodes, side.series)
    if way == STRUCTURAL:
        return minimum_trace(tree.adds, structural(tree.adds), side.nodes, side.series, there=side.there, floor=floor)
    if way == SHRUNK and errors is not None:
        return minimum_trace(tree.adds, errors, side.nodes, side.series, there=side.there, floor=floor)
    return side.series


def left_out(side: Side, tree: Tree, ways: Sequence[str], *, floor: bool) -> Mapping[str, Floats]:
    """For each way the coherent forecasts of the series, each fold made with the errors of the others."""
    made = {way: side.series.copy() for way in ways}
    for fold in side.folds:
        own = side.fold == fold
        others = side.only(~own)
        errors = others.errors(tree) if len(others.fold) else None
        for way in ways:
            made[way][:, own] = made_coherent(way, tree, errors, side.only(own), floor=floor)
    return made
