"""At which probability to decide for a class: what the costs say, or what the KPI's metric rewards.

With calibrated probabilities and costs the threshold follows (Elkan, 2001, The foundations of cost-sensitive learning): alarm
where the expected cost of a miss exceeds that of a false alarm. It is left for the plain one (more likely than not) only where
scored items speak against it more than the probabilities speak for it. A metric such as F1 has no such rule. Of two classes its
threshold is the one that was best on scored items, and it is taken only where it also helps on parts of the items it was not
chosen on. Of more, rare ones have too few items for that: their cuts are best for the counts that the probabilities expect
(Dembczynski et al., 2013, Optimizing the F-measure in multi-label classification), unless scored items speak against them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sevenstep.spec.model import Kpi
from sevenstep.stats.metric import Metric
from sevenstep.stats.metrics import METRICS
from sevenstep.stats.scored import Scored
from sevenstep.tasks.tabular.judged import Judged
from sevenstep.tasks.tabular.mapping import mean_and_error

__all__ = ["HALF", "LARGEST", "Aim", "aim_of", "cuts_by_cost", "decided_codes", "paying_cuts", "plain_cuts", "tuned_cuts"]

HALF, LARGEST = 0.5, 1.0
"""Cuts without costs: more likely than not, and the largest of several."""

HALVES = ("precision", "recall")  # each alone is perfect at a threshold of no use
FACTORS = np.exp(np.linspace(-1.0, 1.0, 21))  # what the cut of a class is multiplied with, one class at a time
ROUNDS = 2
SMOOTHED = 0.01  # share of the items on either side that a threshold is averaged over, so that no single item decides it

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Aim:
    """What a threshold is for: one metric, or goals for precision and recall that are to be met together."""

    metric: Metric
    goals: Sequence[tuple[Metric, float]] = ()

    def losses(self, counts: Floats, costs: Floats) -> Floats:
        """Loss of decisions counted by true and decided class, ``[..., true, decided]``."""
        loss = self.metric.loss(_figures(self.metric, counts, costs))
        if not self.goals:
            return loss
        short = [np.maximum(goal - _figures(metric, counts, costs), 0.0) for metric, goal in self.goals]
        return np.asarray(100.0 * np.sum(short, axis=0) + loss)  # what is short of a goal counts before the mean of both


def aim_of(kpis: Sequence[Kpi]) -> Aim | None:
    """What the KPIs of a target ask of its threshold; None where it follows from the costs.

    The first KPI that depends on decisions leads. Precision or recall alone leads nowhere; both together are met as F1 is best.
    """
    deciding = [kpi for kpi in kpis if kpi.metric in METRICS and "cut" in METRICS[kpi.metric].needs]
    if not deciding or "weight" in METRICS[deciding[0].metric].needs:
        return None
    if deciding[0].metric not in HALVES:
        return Aim(METRICS[deciding[0].metric])
    halves = {kpi.metric: (METRICS[kpi.metric], kpi.goal.value) for kpi in reversed(deciding) if kpi.metric in HALVES}
    return Aim(METRICS["f1"], tuple(halves.values())) if len(halves) == len(HALVES) else None


def cuts_by_cost(costs: Floats) -> Floats:
    """Cuts with the least expected cost: one for two classes, one for each of more."""
    if len(costs) == 2:
        return np.array([float(costs[0] / max(float(costs.sum()), 1e-12))])
    cheapest = np.where(costs > 0, costs, np.inf).min()
    return np.where(costs > 0, cheapest / np.maximum(costs, 1e-12), np.inf) if np.isfinite(cheapest) else np.ones(len(costs))


def plain_cuts(classes: int) -> Floats:
    """Cuts without costs: one for two classes, one for each of more."""
    return np.array([HALF]) if classes == 2 else np.full(classes, LARGEST)


def paying_cuts(items: Judged, cuts: Floats) -> Floats:
    """The cuts that follow from the costs, or the plain ones where those would have been cheaper.

    Right probabilities hold what they promise; where the signal is weak and shares drift, they may not be right.

    Args:
        items: with probabilities calibrated without each item's part.
        cuts: by cost (`cuts_by_cost`).
    """
    plain = plain_cuts(items.classes)
    decided = [decided_codes(items.probability, each) for each in (plain, cuts)]
    if len(items) == 0 or (decided[0] == decided[1]).all():
        return cuts
    lost = [items.cost[items.truth] * (codes != items.truth) for codes in decided]
    every = items.probability * items.cost
    expected = [every.sum(axis=1) - every[np.arange(len(items)), codes] for codes in decided]
    promised = float(np.average(expected[0] - expected[1], weights=items.worth))
    saved, error = mean_and_error(lost[0] - lost[1], items.worth)
    return plain if _refuted(promised, saved, error) else cuts


def decided_codes(probability: Floats, cuts: Floats) -> Places:
    """The class each item is decided for."""
    if len(cuts) == 1:
        return np.asarray(probability[:, 1] >= cuts[0], dtype=np.int64)
    return np.asarray((probability / cuts).argmax(axis=1), dtype=np.int64)


def tuned_cuts(items: Judged, aim: Aim, start: Floats) -> Floats:
    """The cuts with the least loss, or ``start`` where they do not pay on parts they were not chosen on.

    What was chosen by what came true must save more than chance does; what was chosen by probabilities is taken unless what came
    true speaks against it.
    """
    single = len(start) == 1
    tune = _tuned_single if single else _tuned_several
    gains = []
    for part in np.unique(items.part):
        own = items.at(items.part == part)
        if len(own) < len(items):
            counts = [_counts(own, start), _counts(own, tune(items.at(items.part != part), aim, start))]
            usual, chosen = aim.losses(np.stack(counts), items.cost)
            gains.append(float(usual - chosen))
    if len(gains) < 2:
        return start
    cuts, saved, error = tune(items, aim, start), float(np.mean(gains)), float(np.std(gains, ddof=1) / np.sqrt(len(gains)))
    if single:
        return cuts if saved > error else start
    usual, chosen = aim.losses(np.stack([_expected_counts(items, start), _expected_counts(items, cuts)]), items.cost)
    return start if _refuted(float(usual - chosen), saved, error) else cuts


def _refuted(promised: float, saved: float, error: float) -> bool:
    """Whether what was saved, with its standard error, speaks against a saving that probabilities promise.

    The promise counts as one observation with a standard error as large as itself; refuted is it where the mean of both, weighted
    by precision, is a loss.
    """
    return not saved * promised >= -(error**2)


def _tuned_single(items: Judged, aim: Aim, start: Floats) -> Floats:
    """The threshold of two classes whose loss, averaged over its neighbours, is least."""
    order = np.argsort(-items.probability[:, 1], kind="stable")
    score, truth = items.probability[order, 1], items.truth[order]
    alarmed = np.stack([np.concatenate([[0], np.cumsum(truth == code)]) for code in (0, 1)], axis=1)
    left = alarmed[-1] - alarmed
    losses = aim.losses(np.stack([left, alarmed], axis=-1).astype(np.float64), items.cost)
    between = np.concatenate([[score[0]], (score[:-1] + score[1:]) / 2, [score[-1]]])
    able = np.concatenate([[False], score[:-1] > score[1:], [True]]) & np.isfinite(losses)
    if not able.any():
        return start
    smooth = _averaged(np.where(np.isfinite(losses), losses, np.nanmax(losses)), max(1, round(SMOOTHED * len(score))))
    return np.array([between[int(np.argmin(np.where(able, smooth, np.inf)))]])


def _averaged(values: Floats, reach: int) -> Floats:
    """Mean of each value and ``reach`` neighbours on both sides, of fewer at the ends."""
    totals = np.concatenate([[0.0], np.cumsum(values)])
    low = np.maximum(np.arange(len(values)) - reach, 0)
    high = np.minimum(np.arange(len(values)) + reach + 1, len(values))
    averaged: Floats = (totals[high] - totals[low]) / (high - low)
    return averaged


def _tuned_several(items: Judged, aim: Aim, start: Floats) -> Floats:
    """Cuts of more classes, improved one class at a time for what the probabilities expect."""
    cuts = start.copy()
    for _ in range(ROUNDS):
        for place in range(len(cuts)):
            tried = np.repeat(cuts[None, :], len(FACTORS), axis=0)
            tried[:, place] *= FACTORS
            losses = aim.losses(np.stack([_expected_counts(items, row) for row in tried]), items.cost)
            if np.isfinite(losses).any():
                cuts = tried[int(np.nanargmin(losses))]
    return np.asarray(cuts / cuts.max())


def _counts(items: Judged, cuts: Floats) -> Floats:
    """Items by true and decided class."""
    pair = items.truth * items.classes + decided_codes(items.probability, cuts)
    counted = np.bincount(pair, minlength=items.classes**2).astype(np.float64)
    return counted.reshape(items.classes, items.classes)


def _expected_counts(items: Judged, cuts: Floats) -> Floats:
    """Items by true and decided class as the probabilities expect them."""
    decided = decided_codes(items.probability, cuts)[:, None] == np.arange(items.classes)
    return np.asarray(items.probability.T @ decided)


def _figures(metric: Metric, counts: Floats, costs: Floats) -> Floats:
    """A metric of decisions, from how many items there are of each true and decided class."""
    classes = counts.shape[-1]
    return metric.finish(counts.reshape(*counts.shape[:-2], classes**2) @ _pair_terms(metric, costs))


def _pair_terms(metric: Metric, costs: Floats) -> Floats:
    """What one item of each pair of true and decided class adds to the sums of a metric, ``[pair, sum]``."""
    classes = len(costs)
    true, decided = np.divmod(np.arange(classes**2), classes)
    if classes == 2:
        return metric.terms(Scored.of(truth=true, prediction=decided, weight=costs[true]))
    label, unit = np.tile(np.arange(classes), classes**2), np.repeat(np.arange(classes**2), classes)
    rows = Scored.of(
        truth=label == true[unit], prediction=label == decided[unit], weight=costs[label], unit=unit, label=label,
        cut=np.ones(len(label)),
    )  # fmt: skip
    return np.asarray(metric.terms(rows).reshape(classes**2, classes, -1).sum(axis=1))
