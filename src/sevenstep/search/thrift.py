"""The house rule of a choice: what cannot be told apart goes to the cheaper, within what may be given up untested."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.search.groups import groups_of
from sevenstep.search.library import Library
from sevenstep.stats.choice import Choice, prefer_cheaper, tolerated_loss
from sevenstep.stats.compare import compare
from sevenstep.stats.intervals import RESAMPLES
from sevenstep.stats.metric import Metric
from sevenstep.stats.metrics import METRICS
from sevenstep.stats.scored import Scored

__all__ = ["Rule", "thrifty"]

NESTED_RESAMPLES = 400  # of a comparison whose p value nobody reads, only whether it is below 5 %
REACH = 2.0  # times the tolerated loss within which a cheaper candidate is compared with the best


@dataclass(frozen=True)
class Rule:
    """What a choice goes by.

    Args:
        metric: what is measured.
        min_gain: smallest gain worth a dearer model, as the KPI states it; None when it states none.
        seed: seed of the resamples of comparisons.
        resamples: how many resamples a comparison draws.
    """

    metric: Metric
    min_gain: float | None = None
    seed: int = 0
    resamples: int = RESAMPLES

    @property
    def guide(self) -> Metric:
        """What weights and hyperparameters are searched by: the metric itself, or a smooth one in its stead."""
        return METRICS[self.metric.guide] if self.metric.guide else self.metric

    @property
    def nested(self) -> Rule:
        """The rule for choices made anew without a fold, of which there are many: the same with fewer resamples."""
        return replace(self, resamples=min(NESTED_RESAMPLES, self.resamples))


def thrifty(
    library: Library, predictions: Mapping[str, NDArray[np.float64]], losses: Mapping[str, float], costs: Mapping[str, float],
    rule: Rule,
) -> Choice:  # fmt: skip
    """Choose among predictions of the rows of a library: the best one, or a cheaper one it is not worth its cost against.

    ``losses`` and ``costs`` are those of each of them, by the same names. Only what is cheaper and near the best is compared with
    it: each comparison resamples, and nothing else can be taken.
    """
    best = min(losses, key=lambda name: (not np.isfinite(losses[name]), losses[name]))
    of = _scored(library.frame, rule.metric)
    rows = of(predictions[best])
    tolerance = tolerated_loss(rule.metric, rule.metric.value(rows), rule.min_gain)
    near = [name for name in losses if costs[name] < costs[best] and losses[name] - losses[best] <= REACH * tolerance]
    groups = groups_of(library.frame)
    found = {
        name: groups.noted(compare(rule.metric, rows, of(predictions[name]), groups.codes, rule.seed, rule.resamples))
        for name in near
    }
    return prefer_cheaper(best, found, costs, tolerance=tolerance, min_gain=rule.min_gain, metric=rule.metric.name)


def _scored(frame: pl.DataFrame, metric: Metric) -> Callable[[NDArray[np.float64]], Scored]:
    """What the metric reads of the rows, given a prediction of them."""
    reads = [name for name in dict.fromkeys(("truth", *metric.reads)) if name in frame.columns and name != "prediction"]
    columns = {name: frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in reads}
    return lambda prediction: Scored.of(prediction=prediction, **columns)
