"""How well the champion is expected to do on what it served lately, before any truth is known: an estimate, and called one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import special

from sevenstep.live.check import Check
from sevenstep.live.monitor.classes import ClassTable, class_table
from sevenstep.live.monitor.released import Released
from sevenstep.search.leaderboard import metric_named
from sevenstep.spec.model import Spec
from sevenstep.stats.estimated import Reference, classified_rows, estimate_performance
from sevenstep.stats.intervals import Estimate
from sevenstep.stats.metric import Metric
from sevenstep.stats.scored import FloatArray
from sevenstep.stats.wording import figure, interval
from sevenstep.tasks.leading import goal_of

__all__ = ["BEFORE", "class_names", "estimate_checks", "probabilities"]

BEFORE = "probability_"
"""How a served prediction names the probability of a class."""


def class_names(served: Sequence[Mapping[str, Any]], released: Released) -> list[str]:
    """Names of the classes in the order of the data the release learnt from; none where no probabilities were served."""
    facts: Mapping[str, Any] = released.collected.artifact.json("facts")
    names = [str(name) for name in facts.get("classes", {}).get("value", ())]
    told = bool(served) and all(f"{BEFORE}{name}" in served[0]["details"] for name in names)
    return names if told else []


def probabilities(served: Sequence[Mapping[str, Any]], names: Sequence[str]) -> FloatArray:
    """Probabilities of the classes ``[n, classes]`` of served predictions; those that tell none are left out."""
    rows = [[row["details"].get(f"{BEFORE}{name}") for name in names] for row in served]
    told = np.array([row for row in rows if None not in row], np.float64).reshape(-1, len(names))
    return np.clip(told, 0.0, 1.0)


def estimate_checks(spec: Spec, served: Sequence[Mapping[str, Any]], released: Released, alpha: float) -> list[Check]:
    """An estimate of each KPI on what was served; none where the task tells no probabilities.

    Alarms where the estimate is measurably beyond the goal and worse than what the release reached.
    """
    rows = released.of_target(spec.targets[0]) if served else None
    then = None if rows is None else class_table(rows)
    probability = probabilities(served, class_names(served, released))
    if then is None or not len(probability) or probability.shape[1] != then.count:
        return []
    return [_check(spec, place, probability, then, alpha / len(spec.kpis)) for place in range(len(spec.kpis))]


def _check(spec: Spec, place: int, probability: FloatArray, then: ClassTable, alpha: float) -> Check:
    kpi = spec.kpis[place]
    metric, reference = metric_named(kpi.metric), Reference(then.probability, then.truth)
    cut: FloatArray | float = then.cut if then.count > 2 else float(then.cut[-1])
    found = estimate_performance(probability, cut, metric, costs=then.costs, reference=reference, seed=spec.seed)
    usual = metric.value(classified_rows(then.probability, then.truth, cut, then.costs))
    p = max(_beyond(metric, found, kpi.goal.value), _beyond(metric, found, usual))
    alarm = p <= alpha and found.value is not None and not kpi.goal.met_by(found.value)
    told = interval(found.value, found.low, found.high, kpi.metric)
    text = (
        f"{kpi.id} is estimated at {told} on what was served lately, before labels, its goal {goal_of(kpi)}; "
        f"at release it was {figure(usual, kpi.metric)}"
    )
    evidence = {"goal": str(kpi.goal), "at_release": usual, "estimate": True}
    return Check(
        "estimate", kpi.id, "", text, alarm, found.value, found.low, found.high, found.n, found.method, p,
        cause="inputs unlike those it learnt from" if alarm else "", evidence=evidence,
    )  # fmt: skip


def _beyond(metric: Metric, found: Estimate, limit: float) -> float:
    """One-sided p value of "no worse than a limit", by the normal tail that the draws of the estimate spread like."""
    if found.value is None or found.low is None or found.high is None or found.high <= found.low:
        return 1.0
    loss = metric.loss(np.array([found.value, limit]))
    error = (found.high - found.low) / 2 / float(special.ndtri(0.5 + found.level / 2))
    return float(special.ndtr(-(loss[0] - loss[1]) / error))
