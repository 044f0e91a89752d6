"""A factor on predictions that suits a metric: a model of means, say, predicts too much where relative errors count."""

from __future__ import annotations

import numpy as np
import polars as pl

from sevenstep.stats.metrics import METRICS
from sevenstep.stats.scored import Scored

__all__ = ["best_shift"]

SHIFTS = np.round(np.arange(0.90, 1.1001, 0.0025), 4)
LEAST_GAIN = 0.002  # share of the loss a shift must save on unseen folds: less is what chance alone saves


def best_shift(frame: pl.DataFrame, metric: str) -> float:
    """The factor that is best for a metric on scored rows, kept only when it helps on folds it was not fitted on."""
    folds = frame["fold"].unique().sort().to_list()
    if len(folds) < 2 or metric not in METRICS or METRICS[metric].direction == "target":
        return 1.0
    parts = [frame.filter(pl.col("fold") == fold) for fold in folds]
    losses = np.array([[_loss(part, metric, shift) for shift in SHIFTS] for part in parts])
    others = losses.sum(axis=0, keepdims=True) - losses
    left_out = losses[np.arange(len(folds)), np.argmin(others, axis=1)].mean()
    plain = losses[:, np.argmin(np.abs(SHIFTS - 1.0))].mean()
    if not np.isfinite(losses).all() or plain - left_out <= LEAST_GAIN * abs(plain):
        return 1.0
    return float(SHIFTS[np.argmin(losses.sum(axis=0))])


def _loss(part: pl.DataFrame, metric: str, shift: float) -> float:
    columns = {name: part[name].to_numpy() for name in ("truth", "weight", "scale", "root_scale")}
    value = METRICS[metric].value(Scored.of(prediction=part["prediction"].to_numpy() * shift, **columns))
    return float(METRICS[metric].loss(np.array([value]))[0])
