"""The KPI thread: where each KPI stands, with its interval, at any point of the process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sevenstep.search.leaderboard import kpi_estimate, metric_named
from sevenstep.spec.model import Kpi
from sevenstep.stats.intervals import Estimate
from sevenstep.tasks.leading import leading_kpi, leading_metric, target_of
from sevenstep.tasks.scoretable import ScoreTable

__all__ = ["KpiState", "gate_of", "kpi_states", "leading_kpi", "leading_metric", "target_of"]


@dataclass(frozen=True)
class KpiState:
    """A KPI with what was measured: ``state`` is ``met``, ``missed`` or ``not_measured``.

    ``sure`` tells whether the whole interval lies on the same side of the goal. ``baseline_value`` is what the KPI's baseline
    rule reached on the same rows; ``worth`` what the gain over it is worth, in the KPI's own unit of worth.
    """

    id: str
    metric: str
    target: str
    goal: str
    goal_value: float
    value: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int
    method: str
    state: str
    sure: bool
    baseline: str | None = None
    baseline_value: float | None = None
    worth: float | None = None
    worth_unit: str = ""

    def to_json(self) -> dict[str, Any]:
        """The state as JSON values."""
        return asdict(self)


def kpi_states(
    kpis: Sequence[Kpi],
    targets: Sequence[str],
    scores: Mapping[str, ScoreTable],
    baselines: Mapping[str, Mapping[str, float | None]],
    seed: int,
) -> list[KpiState]:
    """Where every KPI stands.

    Args:
        kpis: of the spec.
        targets: of the spec.
        scores: for each target the rows of the model to be judged.
        baselines: for each KPI id the values simple rules reached on the same rows, by rule.
        seed: seed of the resamples.
    """
    states = []
    for kpi in kpis:
        target = target_of(kpi, targets)
        table = scores.get(target)
        found = kpi_estimate(table, kpi.metric, seed) if table is not None else None
        states.append(_state(kpi, target, found, baselines.get(kpi.id, {})))
    return states


def _state(kpi: Kpi, target: str, found: Estimate | None, rules: Mapping[str, float | None]) -> KpiState:
    goal = kpi.goal
    rule, reference = _reference(kpi, rules)
    value = None if found is None else found.value
    state = "not_measured" if value is None else ("met" if _met(kpi, value) else "missed")
    ends = [] if found is None or found.low is None or found.high is None else [_met(kpi, found.low), _met(kpi, found.high)]
    worth = None
    if kpi.worth is not None and value is not None and reference is not None:
        points = 100 if metric_named(kpi.metric).unit == "share" else 1
        worth = abs(reference - value) * points * kpi.worth.per_point * (1 if _better(kpi, value, reference) else -1)
    return KpiState(
        id=kpi.id,
        metric=kpi.metric,
        target=target,
        goal=str(goal),
        goal_value=goal.value,
        value=value,
        low=None if found is None else found.low,
        high=None if found is None else found.high,
        n=0 if found is None else found.n,
        clusters=0 if found is None else found.clusters,
        method="no score table" if found is None else found.method,
        state=state,
        sure=len(ends) == 2 and len(set(ends)) == 1,
        baseline=rule,
        baseline_value=reference,
        worth=worth,
        worth_unit="" if kpi.worth is None else kpi.worth.unit,
    )


def _met(kpi: Kpi, value: float) -> bool:
    """Whether a figure reaches the goal; a signed error (bias) is as bad below 0 as above it, so its size is held to the goal."""
    return kpi.goal.met_by(abs(value) if metric_named(kpi.metric).goal == 0.0 else value)


def _better(kpi: Kpi, value: float, reference: float) -> bool:
    if metric_named(kpi.metric).goal == 0.0:
        value, reference = abs(value), abs(reference)
    return value <= reference if kpi.goal.direction == "lower" else value >= reference


def _reference(kpi: Kpi, rules: Mapping[str, float | None]) -> tuple[str | None, float | None]:
    """The baseline the KPI names, or the best of the simple rules."""
    known = {name: value for name, value in rules.items() if value is not None}
    if kpi.baseline in known:
        return kpi.baseline, known[str(kpi.baseline)]
    if not known:
        return None, None
    better = min if kpi.goal.direction == "lower" else max
    name = better(known, key=lambda rule: known[rule])
    return name, known[name]


def gate_of(states: Sequence[KpiState]) -> str:
    """``missed`` if any KPI is missed, else ``not_measured`` if any could not be measured, else ``met``."""
    found = {state.state for state in states}
    return next((state for state in ("missed", "not_measured") if state in found), "met")
