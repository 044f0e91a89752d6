"""The house rule of a choice: what cannot be told apart goes to the cheaper, within what may be given up untested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.search.groups import groups_of
from sevenstep.search.library import Library
from sevenstep.search.losses import FoldLoss
from sevenstep.stats.choice import Choice, prefer_cheaper, tolerated_loss
from sevenstep.stats.compare import compare
from sevenstep.stats.metric import Metric
from sevenstep.stats.scored import Scored

__all__ = ["Rule", "Taken", "thrifty"]

REACH = 2.0  # times the tolerated loss within which a cheaper candidate is compared with the best


@dataclass(frozen=True)
class Rule:
    """What a choice goes by.

    Args:
        metric: what is measured.
        min_gain: smallest gain worth a dearer model, as the KPI states it; None when it states none.
        seed: seed of the resamples of comparisons.
    """

    metric: Metric
    min_gain: float | None = None
    seed: int = 0


@dataclass(frozen=True)
class Taken:
    """A choice with the loss of each of those it was made among."""

    choice: Choice
    losses: Mapping[str, float]


def thrifty(library: Library, predictions: Mapping[str, NDArray[np.float64]], costs: Mapping[str, float], rule: Rule) -> Taken:
    """Choose among predictions of the rows of a library: the best one, or a cheaper one it is not worth its cost against.

    Only what is cheaper and near the best is compared with it: each comparison resamples, and nothing else can be taken.
    """
    loss = FoldLoss(library.frame, rule.metric)
    losses = {name: loss(prediction) for name, prediction in predictions.items()}
    best = min(losses, key=lambda name: (not np.isfinite(losses[name]), losses[name]))
    rows = _scored(library.frame, rule.metric, predictions)
    whole = float(rule.metric.loss(np.asarray(rule.metric.value(rows[best]))))
    tolerance = tolerated_loss(whole, rule.min_gain)
    near = [name for name in losses if costs[name] < costs[best] and losses[name] - losses[best] <= REACH * tolerance]
    groups = groups_of(library.frame)
    found = {name: groups.noted(compare(rule.metric, rows[best], rows[name], groups.codes, rule.seed)) for name in near}
    choice = prefer_cheaper(best, found, costs, tolerance=tolerance, min_gain=rule.min_gain, metric=rule.metric.name)
    return Taken(choice, losses)


def _scored(frame: pl.DataFrame, metric: Metric, predictions: Mapping[str, NDArray[np.float64]]) -> dict[str, Scored]:
    reads = [name for name in dict.fromkeys(("truth", *metric.reads)) if name in frame.columns and name != "prediction"]
    columns = {name: frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in reads}
    return {name: Scored.of(prediction=prediction, **columns) for name, prediction in predictions.items()}
