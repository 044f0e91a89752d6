"""Sums by cluster, and how much a statistic of them varies when clusters are drawn anew.

Rows of one cluster (a series, a lot, a document) are not independent, so what is resampled is whole clusters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import special

from sevenstep.stats.metric import Metric, ratio
from sevenstep.stats.scored import FloatArray, Scored

__all__ = ["FEW", "MANY", "Sample", "Spread", "Statistic", "cluster_sums", "figures_by_cluster", "sample_of", "spread"]

Statistic: TypeAlias = Callable[[FloatArray], FloatArray]

# Below FEW clusters too few distinct resamples exist, above MANY the t interval is as exact: in both cases the jackknife is used.
FEW = 10
MANY = 2500
_SAME = 1e-12


@dataclass(frozen=True)
class Sample:
    """Rows of one or more predictions boiled down to sums: ``sums`` is ``[clusters, k]``, ``n`` rows went in.

    ``finish`` turns sums into figures; ``left_out`` counts rows that could not be measured.
    """

    sums: FloatArray
    finish: Statistic
    n: int
    left_out: int


@dataclass(frozen=True)
class Spread:
    """A statistic with its interval, the p value of "it is 0", and how they came about; None where there is none."""

    value: float
    low: float | None
    high: float | None
    p: float | None
    method: str


def cluster_sums(terms: FloatArray, codes: npt.NDArray[np.intp], clusters: int) -> FloatArray:
    """Terms ``[n, k]`` added up by cluster code to ``[clusters, k]``."""
    columns = [np.bincount(codes, terms[:, column], minlength=clusters) for column in range(terms.shape[1])]
    return np.column_stack(columns)


def sample_of(metric: Metric, rows: Scored, cluster: npt.NDArray[Any], *, balanced: bool = False) -> Sample:
    """Boil measured rows down to sums by cluster; ``balanced`` gives every cluster the same say (a mean of its figures)."""
    mask = metric.measured(rows)
    labels, codes = np.unique(cluster[mask], return_inverse=True)
    sums = cluster_sums(metric.terms(rows.at(mask)), codes, len(labels))
    n = int(mask.sum())
    if not balanced:
        return Sample(sums, metric.finish, n, len(rows) - n)
    figures, finish = figures_by_cluster(metric, [sums])
    return Sample(figures[0], finish, n, len(rows) - n)


def figures_by_cluster(metric: Metric, parts: list[FloatArray]) -> tuple[list[FloatArray], Statistic]:
    """Sums of several predictions replaced by each cluster's own figure and a count, and the function that averages them.

    Clusters without a figure in any part (all actuals 0, say) are left out of all.
    """
    figures = np.column_stack([metric.finish(part) for part in parts])
    known = figures[~np.isnan(figures).any(axis=1)]
    return [np.column_stack([column, np.ones_like(column)]) for column in known.T], ratio


def spread(sums: FloatArray, statistic: Statistic, *, seed: int, resamples: int, level: float) -> Spread:
    """Interval and p value of a statistic of cluster sums.

    A symmetric studentised cluster bootstrap: ``|t*| = |statistic* - statistic| / error*`` over resamples of clusters, with the
    delta method for ``error``; the p value is ``(1 + #{|t*| >= |t|}) / (1 + resamples)``, so it agrees with the interval and is
    never 0. With fewer than `FEW` or more than `MANY` clusters: delete-one-cluster jackknife with t quantiles. Where more
    resamples than the interval can bear have no finite ``t*``: percentiles of the resamples, and ``method`` says so.

    Source: Hall (1988), On symmetric bootstrap confidence intervals; Davison and Hinkley (1997), chapters 4 and 5; MacKinnon,
    Nielsen and Webb (2023), Fast and reliable jackknife and bootstrap methods for cluster-robust inference.
    """
    clusters = len(sums)
    value = float(statistic(sums.sum(axis=0)))
    if clusters < 2 or not np.isfinite(value):
        return Spread(value, None, None, None, _reason(clusters))
    left_one_out = statistic(sums.sum(axis=0) - sums)
    if not np.isfinite(left_one_out).all():
        return Spread(value, None, None, None, "no interval: the value hangs on a single cluster")
    error = float(np.sqrt((clusters - 1) * np.var(left_one_out)))
    if error <= _SAME * abs(value):
        return Spread(value, None, None, 1.0 if value == 0 else None, "no interval: every cluster gives the same value")
    if clusters < FEW or clusters > MANY:
        return _by_jackknife(value, error, clusters, resamples, level)
    return _by_bootstrap(sums, statistic, value, seed, resamples, level)


def _reason(clusters: int) -> str:
    if clusters == 0:
        return "not measured: no row has all that is needed"
    if clusters == 1:
        return "no interval: all rows belong to one cluster"
    return "no interval: the value lies at the end of its scale or is not finite"


def _by_jackknife(value: float, error: float, clusters: int, resamples: int, level: float) -> Spread:
    reach = float(special.stdtrit(clusters - 1, 0.5 + level / 2)) * error
    p = 2.0 * float(special.stdtr(clusters - 1, -abs(value) / error))
    method = f"jackknife over {clusters:,} clusters, t interval"
    return Spread(value, value - reach, value + reach, max(p, 1 / (resamples + 1)), method)


def _by_bootstrap(sums: FloatArray, statistic: Statistic, value: float, seed: int, resamples: int, level: float) -> Spread:
    drawn, errors = _resample(sums, statistic, seed, resamples)
    error = float(_delta_errors(np.ones((1, len(sums))), sums, sums.sum(axis=0)[None, :], statistic)[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        distances = np.abs(drawn - value) / errors
    distances[~np.isfinite(distances)] = np.inf
    reach = float(np.quantile(distances, level, method="higher")) * error
    if not np.isfinite(reach) or error == 0:
        return _by_percentile(drawn, value, len(sums), level)
    p = (1 + int((distances >= abs(value) / error).sum())) / (1 + resamples)
    method = f"studentised bootstrap over {len(sums):,} clusters, {resamples:,} resamples"
    return Spread(value, value - reach, value + reach, p, method)


def _by_percentile(drawn: FloatArray, value: float, clusters: int, level: float) -> Spread:
    known = drawn[~np.isnan(drawn)]
    low = float(np.quantile(known, (1 - level) / 2, method="lower"))
    high = float(np.quantile(known, (1 + level) / 2, method="higher"))
    tail = min(int((known <= 0).sum()), int((known >= 0).sum()))
    method = f"percentile bootstrap over {clusters:,} clusters, {len(known):,} resamples (too few differ for a studentised one)"
    return Spread(value, low, high, min(1.0, (1 + 2 * tail) / (1 + len(known))), method)


def _resample(sums: FloatArray, statistic: Statistic, seed: int, resamples: int) -> tuple[FloatArray, FloatArray]:
    """The statistic and its standard error in every resample of clusters, each ``[resamples]``."""
    weights = _weights(len(sums), resamples, seed)
    totals = weights @ sums
    return statistic(totals), _delta_errors(weights, sums, totals, statistic)


@lru_cache(maxsize=2)
def _weights(clusters: int, resamples: int, seed: int) -> FloatArray:
    """How often each cluster is drawn in each resample, ``[resamples, clusters]``; kept, as comparisons share their draws."""
    drawn = np.random.default_rng(seed).integers(0, clusters, size=(resamples, clusters))
    drawn += clusters * np.arange(resamples)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=resamples * clusters).astype(np.float64).reshape(resamples, clusters)
    counts.setflags(write=False)
    return counts


def _delta_errors(weights: FloatArray, sums: FloatArray, totals: FloatArray, statistic: Statistic) -> FloatArray:
    """Standard error of each resample by the delta method, ``[resamples]``.

    What each cluster moves the statistic by is squared and added up over the clusters drawn. Needs no centring, as statistics
    are homogeneous of degree 0 in the sums.
    """
    with np.errstate(invalid="ignore"):  # where a link is infinite a resample has no slope: it counts as far away
        slope = _slope(totals, np.sqrt(weights @ sums**2), statistic)
        moved = slope @ sums.T
        moved *= moved
        variance = np.einsum("rc,rc->r", weights, moved) * len(sums) / (len(sums) - 1)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)), np.float64)


def _slope(totals: FloatArray, size: FloatArray, statistic: Statistic) -> FloatArray:
    """Central differences of the statistic in each sum, ``[..., k]``.

    ``size`` is the norm of the cluster sums behind each total: a step of that measure suits sums that cancel, and never takes a
    sum of squares below 0.
    """
    slope = np.empty_like(totals)
    for column in range(totals.shape[-1]):
        step = np.zeros_like(totals)
        step[..., column] = np.where(size[..., column] > 0, 1e-5 * size[..., column], 1.0)
        slope[..., column] = (statistic(totals + step) - statistic(totals - step)) / (2 * step[..., column])
    return slope
