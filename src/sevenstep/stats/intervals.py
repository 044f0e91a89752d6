"""A figure with its interval, n and method: no figure is shown without them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from sevenstep.stats.clusters import Sample, Spread, sample_of, spread
from sevenstep.stats.metric import Metric
from sevenstep.stats.scored import FloatArray, Scored

__all__ = ["LEVEL", "RESAMPLES", "Estimate", "cluster_estimate", "estimate_of"]

RESAMPLES = 2000
LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval; plain JSON values.

    Args:
        value: the figure, or None when nothing could be measured.
        low: lower end of the interval, or None when there is none (``method`` says why).
        high: upper end.
        n: rows measured.
        clusters: independent groups of rows behind it.
        method: how the interval came about.
        level: confidence of the interval.
        left_out: rows without what is needed (no truth, no prediction, no scale ...): not measured, not wrong.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int
    method: str
    level: float = LEVEL
    left_out: int = 0


@dataclass(frozen=True)
class _Link:
    """A scale on which the interval is symmetric, so that it cannot leave the metric's limits."""

    forward: Callable[[FloatArray], FloatArray]
    inverse: Callable[[float], float]


def _log(values: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(values), np.float64)


_IDENTITY = _Link(lambda values: values, lambda value: value)
_LOG = _Link(_log, lambda value: float(np.exp(min(value, 700.0))))
_LOGIT = _Link(lambda values: np.asarray(special.logit(values), np.float64), lambda value: float(special.expit(value)))


def cluster_estimate(
    metric: Metric,
    rows: Scored,
    cluster: npt.NDArray[Any],
    seed: int,
    resamples: int = RESAMPLES,
    *,
    level: float = LEVEL,
    balanced: bool = False,
) -> Estimate:
    """A metric over rows with its interval, from a bootstrap of whole clusters (see `spread` for the method).

    Use it wherever a figure is shown. In forecasting ``cluster`` is the series: rows of one series are correlated in time and
    are drawn together. What this cannot see is what all series share at one time (weather, a strike, a holiday): the interval
    holds for other series at *these* times. With few origins it is too narrow for other times; where there are fewer series
    than origins, give the origin as ``cluster``.

    Args:
        metric: what to measure.
        rows: scored rows.
        cluster: label of each row's cluster, ``[n]``.
        seed: seed of the resamples.
        resamples: number of resamples.
        level: confidence of the interval.
        balanced: mean of the clusters' own figures instead of the figure over all rows, which is how M4 averages MASE and M5
            RMSSE over series.

    Raises:
        ValueError: when ``cluster`` has another length than the rows.
    """
    if len(cluster) != len(rows):
        raise ValueError(f"{len(cluster)} cluster labels for {len(rows)} rows")
    sample = sample_of(metric, rows, cluster, balanced=balanced)
    return estimate_of(metric, sample, seed, resamples, level)


def estimate_of(metric: Metric, sample: Sample, seed: int, resamples: int = RESAMPLES, level: float = LEVEL) -> Estimate:
    """The estimate from sums by cluster, for callers that boil rows down once and use them twice."""
    clusters = len(sample.sums)
    value = float(sample.finish(sample.sums.sum(axis=0))) if clusters else float("nan")
    if not np.isfinite(value):
        reason = "the value is not a finite number" if sample.n else "no row has all that is needed"
        return Estimate(None, None, None, sample.n, clusters, f"not measured: {reason}", level, sample.left_out)
    low, high, method = _interval(metric, sample, seed, resamples, level)
    return Estimate(value, low, high, sample.n, clusters, method, level, sample.left_out)


def _interval(metric: Metric, sample: Sample, seed: int, resamples: int, level: float) -> tuple[float | None, float | None, str]:
    """Symmetric on the metric's own scale; where that scale ends (a share of 0 or 1), on the plain one, cut at the limits."""
    for link in dict.fromkeys((_link(metric), _IDENTITY)):
        found = _spread_on(link, sample, seed, resamples, level)
        if found.low is not None and found.high is not None:
            smallest, largest = metric.limits
            return max(link.inverse(found.low), smallest), min(link.inverse(found.high), largest), found.method
    return None, None, found.method


def _link(metric: Metric) -> _Link:
    if metric.limits == (0.0, 1.0):
        return _LOGIT
    return _LOG if metric.limits[0] == 0.0 else _IDENTITY


def _spread_on(link: _Link, sample: Sample, seed: int, resamples: int, level: float) -> Spread:
    def linked(sums: FloatArray) -> FloatArray:
        return link.forward(sample.finish(sums))

    return spread(sample.sums, linked, seed=seed, resamples=resamples, level=level)
