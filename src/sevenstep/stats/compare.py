"""Is one better than the other? Paired on the same rows, clustered, corrected for many questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from sevenstep.stats.clusters import Spread, Statistic, cluster_sums, figures_by_cluster, spread
from sevenstep.stats.intervals import LEVEL, RESAMPLES
from sevenstep.stats.metric import Metric
from sevenstep.stats.scored import BoolArray, FloatArray, Scored

__all__ = ["Comparison", "compare", "corrected_p_values", "holm"]

_Losses: TypeAlias = Callable[[FloatArray], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True)
class Comparison:
    """How much better the first of two predictions is than the second, on the rows both have; plain JSON values.

    Args:
        gain: above 0 when the first is better: in the metric's unit, or as a share of the second's loss when relative (a skill,
            at most 1 for an error). None when the two share no measured row.
        low: lower end of the gain's interval, None when there is none (``method`` says why).
        high: upper end.
        p: p value of "equally good", two-sided, never 0; None when it cannot be tested.
        n: rows compared.
        clusters: independent groups of rows behind it.
        left_out: rows that only one of the two could be measured on.
        method: how interval and p value came about.
        level: confidence of the interval.
    """

    gain: float | None
    low: float | None
    high: float | None
    p: float | None
    n: int
    clusters: int
    left_out: int
    method: str
    level: float = LEVEL


def compare(
    metric: Metric,
    first: Scored,
    second: Scored,
    cluster: npt.NDArray[Any],
    seed: int,
    resamples: int = RESAMPLES,
    *,
    level: float = LEVEL,
    relative: bool = False,
    balanced: bool = False,
) -> Comparison:
    """Compare two predictions row by row: ``first`` and ``second`` hold the same items in the same order.

    Pairing removes what makes an item hard for both; clusters are drawn as in `cluster_estimate`, with the same limit. For a
    metric with a goal of its own (bias, coverage) the gain is how much nearer to the goal the first is. A relative gain is
    tested on the logarithm of the ratio of losses, where it is nearer to symmetric and its interval cannot pass 100 %.

    Args:
        metric: what to measure.
        first: one prediction.
        second: the other.
        cluster: label of each row's cluster, ``[n]``.
        seed: seed of the resamples.
        resamples: number of resamples.
        level: confidence of the interval.
        relative: the gain as a share of the second's loss, ``1 - first / second`` for an error.
        balanced: compare means of the clusters' own figures.

    Raises:
        ValueError: when the lengths differ.
    """
    if not len(first) == len(second) == len(cluster):
        raise ValueError(f"{len(first)} and {len(second)} rows with {len(cluster)} cluster labels cannot be paired")
    one, other = metric.measured(first), metric.measured(second)
    both = one & other
    sums, losses = _paired(metric, first.at(both), second.at(both), cluster[both], balanced)
    spread_of = partial(spread, sums, seed=seed, resamples=resamples, level=level)
    found = _share_saved(losses, spread_of, metric) if relative else spread_of(lambda sums: _difference(*losses(sums)))
    return _comparison(found, both, int((one ^ other).sum()), len(sums), level)


def _comparison(found: Spread, both: BoolArray, left_out: int, clusters: int, level: float) -> Comparison:
    gain = found.value if np.isfinite(found.value) else None
    return Comparison(gain, found.low, found.high, found.p, int(both.sum()), clusters, left_out, found.method, level)


def _paired(
    metric: Metric, first: Scored, second: Scored, cluster: npt.NDArray[Any], balanced: bool
) -> tuple[FloatArray, _Losses]:
    """Cluster sums of both side by side, and the losses of both as a function of them."""
    labels, codes = np.unique(cluster, return_inverse=True)
    parts = [cluster_sums(metric.terms(rows), codes, len(labels)) for rows in (first, second)]
    finish = metric.finish
    if balanced:
        parts, finish = figures_by_cluster(metric, parts)
    half = parts[0].shape[1]

    def losses(sums: FloatArray) -> tuple[FloatArray, FloatArray]:
        return metric.loss(finish(sums[..., :half])), metric.loss(finish(sums[..., half:]))

    return np.concatenate(parts, axis=1), losses


def _share_saved(losses: _Losses, spread_of: Callable[[Statistic], Spread], metric: Metric) -> Spread:
    """The gain as a share of the second's loss: by the logarithm of the ratio, or by the share itself where one is not above 0.

    Source: Friedrich, Adelman and Ades (2008), The ratio of means method as an alternative to mean differences.
    """
    found = spread_of(lambda sums: _log_ratio(*losses(sums)))
    if np.isfinite(found.value) and found.low is not None and found.high is not None:
        low, value, high = (-float(np.expm1(end)) for end in (found.high, found.value, found.low))
        return Spread(value, low, high, found.p, f"{found.method}, on the logarithm of the ratio")
    plain = spread_of(lambda sums: _share(*losses(sums)))
    if plain.high is None or plain.high <= 1 or metric.direction == "higher":
        return plain
    return replace(plain, high=1.0, method=f"{plain.method}, cut at 100 %")


def _difference(first: FloatArray, second: FloatArray) -> FloatArray:
    return second - first


def _log_ratio(first: FloatArray, second: FloatArray) -> FloatArray:
    """Logarithm of the ratio of two errors; NaN where one of them is not above 0."""
    able = (first > 0) & (second > 0)
    ratio = np.full(np.shape(able), np.nan)
    np.divide(first, second, out=ratio, where=able)
    return np.asarray(np.log(ratio), np.float64)


def _share(first: FloatArray, second: FloatArray) -> FloatArray:
    size = np.abs(second)
    share = np.full(np.shape(size), np.nan)
    np.divide(second - first, size, out=share, where=size > 0)
    return share


def holm(p_values: Sequence[float] | FloatArray) -> FloatArray:
    """P values corrected so that all of them may be read together: the chance of any false alarm stays at the level.

    Args:
        p_values: one-dimensional, in any order.

    Returns:
        Corrected values in the same order, at most 1.

    Source: Holm (1979), A simple sequentially rejective multiple test procedure.
    """
    values = np.asarray(p_values, np.float64)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * (len(values) - np.arange(len(values))))
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected


def corrected_p_values(comparisons: Mapping[str, Comparison]) -> dict[str, float | None]:
    """`holm` over the comparisons that could be tested, by name; None for the others."""
    tested = {name: found.p for name, found in comparisons.items() if found.p is not None}
    corrected = dict(zip(tested, holm(list(tested.values())).tolist(), strict=True))
    return {name: corrected.get(name) for name in comparisons}
