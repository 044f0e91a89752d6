"""The loss a search goes by: the metric's mean over folds, so that every fold counts the same, however many rows it has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.search.leaderboard import metric_named
from sevenstep.search.library import Blend, Library
from sevenstep.stats.metric import Metric
from sevenstep.stats.scored import Scored
from sevenstep.tasks.scoretable import ScoreTable

__all__ = ["BlendLosses", "FoldLoss", "loss_of"]


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
        self.rows = {int(number): np.flatnonzero((fold == number) & measured) for number in np.unique(fold)}
        self._scored = {number: whole.at(own) for number, own in self.rows.items()}

    def __call__(self, prediction: NDArray[np.float64]) -> float:
        """Mean loss over the folds it can be measured on; NaN where it can be measured on none."""
        return _mean_loss([self.on_fold(number, prediction[own]) for number, own in self.rows.items()])

    def on_fold(self, number: int, prediction: NDArray[np.float64]) -> float:
        """The loss on one fold, of predictions of its ``rows``; NaN where it cannot be measured."""
        scored = replace(self._scored[number], prediction=prediction)
        missing = np.isnan(prediction).any()
        value = self._metric.value(scored) if missing else self._metric.figure(scored)
        return float(self._metric.loss(np.asarray(value, dtype=np.float64)))


def _mean_loss(losses: Sequence[float]) -> float:
    """Mean over the folds a loss can be measured on; NaN where it can be measured on none."""
    known = [loss for loss in losses if np.isfinite(loss)]
    return float(np.mean(known)) if known else float("nan")


class BlendLosses:
    """The loss of blends of a library's candidates, remembered for each fold.

    Weights are chosen anew without each fold, and without each pair of folds, and most of these choices ask for the same blends:
    a blend's predictions of a fold do not depend on which other folds are looked at.

    Args:
        library: predictions of all candidates.
        metric: what to measure.
        blend: what members with these weights predict together, row by row.
    """

    def __init__(self, library: Library, metric: Metric, blend: Blend) -> None:
        self._blend = blend
        self._on = FoldLoss(library.frame, metric)
        self._predictions = {number: library.predictions[rows] for number, rows in self._on.rows.items()}
        self._known: dict[tuple[int, bytes], float] = {}

    def __call__(self, weights: NDArray[np.float64], folds: Iterable[int]) -> float:
        """Mean loss over ``folds`` of the blend with these weights, ``[candidate]``, of any scale."""
        key = weights.tobytes()
        return _mean_loss([self._loss(fold, key, weights) for fold in folds])

    def _loss(self, fold: int, key: bytes, weights: NDArray[np.float64]) -> float:
        if (fold, key) not in self._known:
            used = np.flatnonzero(weights)
            members = self._predictions[fold][:, used]
            prediction = members[:, 0] if len(used) == 1 else self._blend(members, weights[used])
            self._known[fold, key] = self._on.on_fold(fold, prediction)
        return self._known[fold, key]


def loss_of(table: ScoreTable, metric: str) -> float:
    """The loss of a candidate's own predictions."""
    return FoldLoss(table.frame, metric_named(metric))(table.frame["prediction"].cast(pl.Float64).to_numpy())
