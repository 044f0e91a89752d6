"""Is one better than the other? Paired on the same rows, clustered, corrected for many questions; a tie goes to the cheaper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sevenstep.stats.clusters import Spread, Statistic, cluster_sums, figures_by_cluster, spread
from sevenstep.stats.intervals import LEVEL, RESAMPLES
from sevenstep.stats.metric import Metric
from sevenstep.stats.scored import BoolArray, FloatArray, Scored

__all__ = ["Choice", "Comparison", "compare", "corrected_p_values", "holm", "prefer_cheaper"]


@dataclass(frozen=True)
class Comparison:
    """How much better the first of two predictions is than the second, on the rows both have; plain JSON values.

    Args:
        gain: above 0 when the first is better: in the metric's unit, or as a share of the second's loss when relative (a skill).
            None when the two share no measured row.
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
    metric with a goal of its own (bias, coverage) the gain is how much nearer to the goal the first is.

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
    sums, statistic = _paired(metric, first.at(both), second.at(both), cluster[both], relative, balanced)
    found = spread(sums, statistic, seed=seed, resamples=resamples, level=level)
    return _comparison(found, both, int((one ^ other).sum()), len(sums), level)


def _comparison(found: Spread, both: BoolArray, left_out: int, clusters: int, level: float) -> Comparison:
    gain = found.value if np.isfinite(found.value) else None
    return Comparison(gain, found.low, found.high, found.p, int(both.sum()), clusters, left_out, found.method, level)


def _paired(
    metric: Metric, first: Scored, second: Scored, cluster: npt.NDArray[Any], relative: bool, balanced: bool
) -> tuple[FloatArray, Statistic]:
    """Cluster sums of both side by side, and the gain as a function of them."""
    labels, codes = np.unique(cluster, return_inverse=True)
    parts = [cluster_sums(metric.terms(rows), codes, len(labels)) for rows in (first, second)]
    finish = metric.finish
    if balanced:
        parts, finish = figures_by_cluster(metric, parts)
    half = parts[0].shape[1]

    def gain(sums: FloatArray) -> FloatArray:
        better = metric.loss(finish(sums[..., half:])) - metric.loss(finish(sums[..., :half]))
        if not relative:
            return better
        loss = np.abs(metric.loss(finish(sums[..., half:])))
        share = np.full(np.shape(better), np.nan)
        np.divide(better, loss, out=share, where=loss > 0)
        return share

    return np.concatenate(parts, axis=1), gain


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


@dataclass(frozen=True)
class Choice:
    """Which candidate to take, and why; plain JSON values.

    Args:
        name: the choice.
        best: the candidate with the best figure.
        same_as_best: candidates that cannot be told apart from the best, itself among them, cheapest first.
        p_holm: corrected p value of each comparison with the best; None where it could not be tested.
        reason: one sentence.
    """

    name: str
    best: str
    same_as_best: tuple[str, ...]
    p_holm: Mapping[str, float | None]
    reason: str


def prefer_cheaper(
    best: str, against_best: Mapping[str, Comparison], costs: Mapping[str, float], *, min_gain: float = 0.0, level: float = LEVEL
) -> Choice:
    """Choose the cheapest candidate that cannot be told apart from the best.

    A candidate is told apart when the best is better by at least ``min_gain`` and the Holm-corrected p value of the paired
    comparison is below ``1 - level``. Where nothing could be tested (a single cluster), the gain alone decides.

    Args:
        best: the candidate with the best figure.
        against_best: for every other candidate, `compare` of the best (first) with it (second).
        costs: cost of each candidate in any one unit (seconds of a fit, money of a call).
        min_gain: smallest gain worth paying for, in the metric's unit.
        level: confidence of the comparisons.

    Raises:
        KeyError: when a candidate has no cost.
    """
    p_holm, alpha = corrected_p_values(against_best), 1 - level
    same = [name for name, found in against_best.items() if not _told_apart(found, p_holm[name], min_gain, alpha)]
    gains = {name: against_best[name].gain or 0.0 for name in same} | {best: 0.0}
    ranked = tuple(sorted(gains, key=lambda name: (costs[name], gains[name], name != best, name)))
    name = ranked[0]
    reason = _why_best(best, against_best) if name == best else _why(name, best, gains[name], p_holm[name], alpha, min_gain)
    return Choice(name, best, ranked, p_holm, reason)


def corrected_p_values(comparisons: Mapping[str, Comparison]) -> dict[str, float | None]:
    """`holm` over the comparisons that could be tested, by name; None for the others."""
    tested = {name: found.p for name, found in comparisons.items() if found.p is not None}
    corrected = dict(zip(tested, holm(list(tested.values())).tolist(), strict=True))
    return {name: corrected.get(name) for name in comparisons}


def _told_apart(found: Comparison, p_holm: float | None, min_gain: float, alpha: float) -> bool:
    if found.gain is None:
        return True
    return found.gain > 0 and found.gain >= min_gain and (p_holm is None or p_holm < alpha)


def _why_best(best: str, against_best: Mapping[str, Comparison]) -> str:
    untested = sum(found.p is None for found in against_best.values())
    note = (
        f"; {untested} of {len(against_best)} comparisons could not be tested, the figure alone decided them" if untested else ""
    )
    return f"{best} has the best figure and no cheaper candidate is as good{note}"


def _why(name: str, best: str, gain: float, p_holm: float | None, alpha: float, min_gain: float) -> str:
    if gain <= 0:
        return f"{name} is as good as {best} on the rows both have and is cheaper"
    if p_holm is not None and p_holm >= alpha:
        return f"{name} cannot be told apart from {best} (gain {gain:.4g}, p {p_holm:.2g}) and is cheaper"
    return f"{best} gains {gain:.4g} over {name}, less than the {min_gain:.4g} worth paying for, and {name} is cheaper"
