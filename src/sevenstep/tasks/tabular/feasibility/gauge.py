"""A KPI as a measuring device: a score table in, its value with an interval out, on a scale where less is better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from sevenstep.spec.model import Kpi
from sevenstep.stats.intervals import Estimate, cluster_estimate
from sevenstep.stats.metric import Metric
from sevenstep.stats.metrics import METRICS
from sevenstep.stats.scored import Scored
from sevenstep.tasks.scoretable import BOUNDS
from sevenstep.tasks.tabular.feasibility.trial import Trial

__all__ = ["Gauge", "between_parts", "scored_rows"]

_RANKING = ("roc_auc", "average_precision")
_RESAMPLES = 400
_Z95 = 1.96


@dataclass(frozen=True)
class Gauge:
    """One KPI's metric, how it is measured, and what its values mean; ``in_time`` where folds are stretches of time."""

    kpi: Kpi
    in_time: bool

    @property
    def metric(self) -> Metric:
        """The metric."""
        return METRICS[self.kpi.metric]

    @property
    def aims(self) -> bool:
        """Whether the metric has a best value of its own (coverage, bias) instead of the less or the more the better."""
        return self.metric.direction == "target"

    @property
    def chance(self) -> float | None:
        """What guessing reaches whatever the data, where that is known."""
        return {"roc_auc": 0.5, "mcc": 0.0, "r2": 0.0}.get(self.kpi.metric)

    def loss(self, value: float) -> float:
        """How far a value is from perfect, never negative: itself where less is better, else what it lacks to the best one."""
        if self.aims:
            return abs(value - float(self.metric.goal or 0.0))
        return max(self._best() - value, 0.0) if self.metric.direction == "higher" else max(value, 0.0)

    def value(self, loss: float) -> float:
        """The value at a loss; the inverse of `loss` for metrics that do not aim."""
        return self._best() - loss if self.metric.direction == "higher" else loss

    def _best(self) -> float:
        return self.metric.limits[1] if np.isfinite(self.metric.limits[1]) else 1.0

    def _frame(self, trial: Trial) -> pl.DataFrame:
        """The rows to measure: calibrated, but where that would change nothing that the metric sees, or little."""
        reads = set(self.metric.needs) & {"label", *BOUNDS}
        plain = self.kpi.metric in _RANKING or not reads
        return (trial.scores if plain else trial.calibrated).frame

    def point(self, trial: Trial) -> float:
        """The value alone; NaN where nothing can be measured."""
        return self.metric.value(scored_rows(self._frame(trial), self.metric))

    def estimate(self, trial: Trial) -> Estimate:
        """The value with its interval over groups of rows, wider where folds are stretches of time that differ."""
        frame = self._frame(trial)
        found = self._of_rows(frame)
        return self._over_time(frame, found) if self.in_time else found

    def _over_time(self, frame: pl.DataFrame, found: Estimate) -> Estimate:
        """Wider by how much stretches of time differ beyond the chance of their rows."""
        if found.value is None or found.low is None or found.high is None:
            return found
        parts = [self._of_rows(part) for part in frame.partition_by("fold", maintain_order=True)]
        between = between_parts(parts)
        if between == 0.0:
            return found
        factor = float(np.hypot(1.0, 2 * _Z95 * between / (found.high - found.low)))
        smallest, largest = self.metric.limits
        low = max(found.value - factor * (found.value - found.low), smallest)
        high = min(found.value + factor * (found.high - found.value), largest)
        method = f"{found.method}, wider by how much {len(parts)} stretches of time differ"
        return replace(found, low=low, high=high, method=method)

    def _of_rows(self, frame: pl.DataFrame) -> Estimate:
        rows = scored_rows(frame, self.metric)
        found = cluster_estimate(self.metric, rows, frame["cluster"].to_numpy(), 0, _RESAMPLES)
        return replace(found, n=frame["unit"].n_unique()) if "unit" in frame.columns else found


def between_parts(parts: Sequence[Estimate]) -> float:
    """Standard error that the spread between parts adds to their mean, beyond what the chance of their rows explains.

    The moment estimate of the variance between parts (DerSimonian and Laird, 1986, Meta-analysis in clinical trials).
    """
    told = []
    for part in parts:
        if part.value is not None and part.low is not None and part.high is not None and part.high > part.low:
            told.append((part.value, (part.high - part.low) / (2 * _Z95)))
    if len(told) < 2:
        return 0.0
    values, errors = (np.array(column) for column in zip(*told, strict=True))
    weights = 1 / errors**2
    mean = (weights * values).sum() / weights.sum()
    excess = float((weights * (values - mean) ** 2).sum()) - (len(values) - 1)
    return float(np.sqrt(max(excess, 0.0) / (weights.sum() - (weights**2).sum() / weights.sum()) / len(values)))


def scored_rows(frame: pl.DataFrame, metric: Metric) -> Scored:
    """The rows of a score table as the arrays a metric reads."""
    return Scored.of(**{name: frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in metric.reads})
