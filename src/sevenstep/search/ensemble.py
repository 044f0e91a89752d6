"""Greedy ensemble selection, judged on folds it has not seen.

Members are added one at a time, with replacement, whichever lowers the error of the blend most (Caruana et al., 2004). Because
weights chosen on out-of-fold predictions would flatter themselves on those same rows, every fold is also predicted with weights
chosen on the other folds only; that is the score that is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.stats.metric import Metric
from sevenstep.stats.metrics import METRICS
from sevenstep.stats.scored import Scored
from sevenstep.tasks.scoretable import ScoreTable

__all__ = ["Library", "Selection", "mean_loss", "select"]

Blend = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
Weights = NDArray[np.float64]
ROUNDS = 20
LEAST_GAIN = 0.002  # share of the loss a larger blend must save on unseen folds to be worth its fits


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
    costs: Weights

    @classmethod
    def of(cls, tables: Mapping[str, ScoreTable], costs: Mapping[str, float]) -> Library:
        """Bring score tables of one target into one order of rows; only rows all of them have are kept."""
        keys = ["fold", "item"]
        frames = {name: table.frame.sort(keys) for name, table in tables.items()}
        first = next(iter(frames.values()))
        common = first.select(keys)
        for frame in frames.values():
            if not frame.select(keys).equals(common):
                common = common.join(frame.select(keys), on=keys, how="semi")
        rows = first.join(common, on=keys, how="semi").sort(keys)
        columns = [frame.join(common, on=keys, how="semi").sort(keys)["prediction"].to_numpy() for frame in frames.values()]
        names = list(frames)
        return cls(rows, names, np.column_stack(columns), np.array([costs[name] for name in names]))

    def only(self, rows: NDArray[np.bool_]) -> Library:
        """The rows where ``rows`` is true."""
        return replace(self, frame=self.frame.filter(pl.Series(rows)), predictions=self.predictions[rows])

    @property
    def folds(self) -> NDArray[np.int32]:
        """Fold number of each row."""
        return self.frame["fold"].to_numpy()

    def table(self, prediction: NDArray[np.float64], name: str) -> ScoreTable:
        """A score table of these rows with a prediction of one's own."""
        return ScoreTable(self.frame.with_columns(pl.lit(name).alias("candidate"), pl.Series("prediction", prediction)))


@dataclass(frozen=True)
class Selection:
    """Weights of the final blend, and its predictions with weights that have not seen the row's fold.

    ``trace`` tells how it came about; ``unseen`` is None with a single fold, where no fold can be left out.
    """

    weights: Weights
    by_fold: Mapping[int, Weights]
    unseen: NDArray[np.float64] | None
    trace: Mapping[str, Any]


def select(library: Library, metric: Metric, blend: Blend) -> Selection:
    """Choose weights on all folds, and for each fold, in the same way, on the others alone.

    A blend is taken only where it saves at least `LEAST_GAIN` of the loss of the best single candidate on folds neither has seen;
    otherwise the single one, which is cheaper to fit, to serve and to understand. That decision too is made for each fold
    without it.
    """
    if not np.isfinite(_single_losses(library, metric)).any():
        metric = METRICS["mae"]  # the KPI's metric cannot be measured on these rows, and something must lead
    folds = [int(fold) for fold in np.unique(library.folds)]
    weights, trace = _chosen(library, metric, blend)
    if len(folds) < 2:
        return Selection(weights, {folds[0]: weights}, None, trace)
    by_fold = {fold: _chosen(library.only(library.folds != fold), metric, blend)[0] for fold in folds}
    return Selection(weights, by_fold, _unseen(library, by_fold, blend), trace)


def _chosen(library: Library, metric: Metric, blend: Blend) -> tuple[Weights, dict[str, Any]]:
    """Weights of a blend, or of the best single candidate, whichever does better when each fold is left out in turn."""
    folds = [int(fold) for fold in np.unique(library.folds)]
    single = _best_single(library, metric)
    if len(folds) < 2:
        return single, {"taken": "single", "why": "one fold cannot judge a blend"}
    rest = {fold: library.only(library.folds != fold) for fold in folds}
    blended = {fold: _greedy(part, metric, blend) for fold, part in rest.items()}
    alone = {fold: _best_single(part, metric) for fold, part in rest.items()}
    losses = {
        name: mean_loss(library.frame, metric, _unseen(library, weights, blend))
        for name, weights in (("blend", blended), ("single", alone))
    }
    needed = losses["single"] - LEAST_GAIN * abs(losses["single"])
    taken = "blend" if losses["blend"] < needed else "single"
    trace = {"taken": taken, "loss_unseen": losses, "folds": len(folds)}
    return (_greedy(library, metric, blend) if taken == "blend" else single), trace


def _unseen(library: Library, weights: Mapping[int, Weights], blend: Blend) -> NDArray[np.float64]:
    result = np.full(len(library.frame), np.nan)
    for fold, own in weights.items():
        rows = library.folds == fold
        result[rows] = blend(library.predictions[rows], own)
    return result


def mean_loss(frame: pl.DataFrame, metric: Metric, prediction: NDArray[np.float64]) -> float:
    """Mean of the metric's loss over the folds it can be measured on; NaN where it can be measured on none.

    Every fold counts the same, however many rows it has.
    """
    folds = frame["fold"].to_numpy()
    columns = {name: frame[name].cast(pl.Float64).to_numpy() for name in ("truth", "weight", "scale", "root_scale")}
    whole = Scored.of(prediction=prediction, **columns)
    losses = metric.loss(np.array([metric.value(whole.at(folds == fold)) for fold in np.unique(folds)], dtype=np.float64))
    known = losses[np.isfinite(losses)]
    return float(known.mean()) if len(known) else float("nan")


def _best_single(library: Library, metric: Metric) -> Weights:
    losses = _single_losses(library, metric)
    weights = np.zeros(len(library.names))
    weights[int(np.argmin(np.where(np.isfinite(losses), losses, np.inf)))] = 1.0
    return weights


def _single_losses(library: Library, metric: Metric) -> NDArray[np.float64]:
    return np.array([mean_loss(library.frame, metric, column) for column in library.predictions.T])


def _greedy(library: Library, metric: Metric, blend: Blend) -> Weights:
    """Counts of each member after the best of `ROUNDS` additions, as weights."""
    losses = _single_losses(library, metric)
    order = np.argsort(losses)[: min(12, len(losses))]
    counts = np.zeros(len(losses))
    counts[order[0]] = 1.0
    best, best_counts = float(losses[order[0]]), counts.copy()
    for _ in range(ROUNDS - 1):
        tried = [
            (mean_loss(library.frame, metric, blend(library.predictions, counts + _one(at, counts))), int(at)) for at in order
        ]
        loss, at = min(tried, key=lambda one: one[0] if np.isfinite(one[0]) else np.inf)
        counts = counts + _one(at, counts)
        if loss < best - 1e-12:
            best, best_counts = loss, counts.copy()
    weights: Weights = best_counts / best_counts.sum()
    return weights


def _one(at: int, counts: Weights) -> Weights:
    addition = np.zeros_like(counts)
    addition[at] = 1.0
    return addition
