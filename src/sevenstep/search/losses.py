"""The loss a search goes by: the metric's mean over folds, so that every fold counts the same, however many rows it has."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.search.leaderboard import metric_named
from sevenstep.stats.metric import Metric
from sevenstep.stats.scored import Scored
from sevenstep.tasks.scoretable import ScoreTable

__all__ = ["FoldLoss", "loss_of"]


class FoldLoss:
    """The loss of predictions of the same rows; the rows are sorted out once, because a search asks thousands of times.

    Args:
        frame: rows of a score table; what the metric reads besides the prediction is taken from it.
        metric: what to measure.
    """

    def __init__(self, frame: pl.DataFrame, metric: Metric) -> None:
        fold = frame["fold"].to_numpy()
        reads = dict.fromkeys(("truth", *metric.reads))
        known = [name for name in reads if name in frame.columns]
        columns = {name: frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in known}
        whole = Scored.of(**{"prediction": np.zeros(len(frame)), **columns})
        self._metric = metric
        measured = metric.measured(whole)
        rows = [np.flatnonzero((fold == number) & measured) for number in np.unique(fold)]
        self._folds = [(own, whole.at(own)) for own in rows]

    def __call__(self, prediction: NDArray[np.float64]) -> float:
        """Mean loss over the folds it can be measured on; NaN where it can be measured on none."""
        values = [self._value(replace(scored, prediction=prediction[rows])) for rows, scored in self._folds]
        losses = self._metric.loss(np.array(values, dtype=np.float64))
        known = losses[np.isfinite(losses)]
        return float(known.mean()) if len(known) else float("nan")

    def _value(self, scored: Scored) -> float:
        """The metric of rows of which only the prediction may be missing."""
        if np.isnan(scored.prediction).any():
            return self._metric.value(scored)
        return self._metric.figure(scored)


def loss_of(table: ScoreTable, metric: str) -> float:
    """The loss of a candidate's own predictions."""
    return FoldLoss(table.frame, metric_named(metric))(table.frame["prediction"].cast(pl.Float64).to_numpy())
