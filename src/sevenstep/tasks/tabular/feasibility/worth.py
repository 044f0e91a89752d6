"""What reaching the goal is worth, in the person's own unit, and what decisions cost today."""

from __future__ import annotations

import numpy as np

from sevenstep.stats.metrics import METRICS
from sevenstep.stats.wording import figure
from sevenstep.tasks.contract import Evidence
from sevenstep.tasks.tabular.feasibility.gauge import scored_rows
from sevenstep.tasks.tabular.feasibility.outlook import Outlook
from sevenstep.tasks.tabular.feasibility.study import Study
from sevenstep.tasks.tabular.feasibility.trial import PROBE
from sevenstep.tasks.tabular.feasibility.wording import RUNG_NAMES
from sevenstep.wording import short

__all__ = ["baseline_of", "cost_evidence", "worth_evidence"]


def baseline_of(outlook: Outlook) -> str | None:
    """The rung the KPI names, or the best simple one; None where none could be measured."""
    known = {name: float(rung.value) for name, rung in outlook.rungs.items() if name != PROBE and rung.value is not None}
    if outlook.gauge.kpi.baseline in known:
        return outlook.gauge.kpi.baseline
    return min(known, key=lambda name: outlook.gauge.loss(known[name])) if known else None


def worth_evidence(outlook: Outlook) -> Evidence | None:
    """Points from the baseline to the goal times what a point is worth; None without ``worth`` or where points mean nothing.

    A point is 0.01 of a metric that is a share of 1, else 1.
    """
    gauge, name = outlook.gauge, baseline_of(outlook)
    kpi, metric = gauge.kpi, gauge.kpi.metric
    if kpi.worth is None or name is None or gauge.aims:
        return None
    per_unit = kpi.worth.per_point * (100 if gauge.metric.unit == "share" else 1)
    baseline = float(outlook.rungs[name].value or 0.0)
    gain = (gauge.loss(baseline) - gauge.loss(kpi.goal.value)) * per_unit
    rule = f"{figure(baseline, metric)} ({RUNG_NAMES[name].lower()})"
    if gain <= 0:
        return Evidence("worth", f"A simple rule has {rule} and meets the goal already: nothing to gain.", 0.0)
    text = f"From {rule} to the goal of {figure(kpi.goal.value, metric)} is worth {gain:,.0f} {kpi.worth.unit}"
    if outlook.value is not None and not kpi.goal.met_by(outlook.value):
        expected = max(gauge.loss(baseline) - gauge.loss(outlook.value), 0.0) * per_unit
        text += f"; the {figure(outlook.value, metric)} that is expected is worth {expected:,.0f}"
    return Evidence("worth", f"{text}.", gain)


def cost_evidence(study: Study) -> Evidence | None:
    """What decisions by the costs of the spec save over always deciding alike; None without costs or a probe."""
    if not study.material.problem.priced or PROBE not in study.rungs:
        return None
    metric = METRICS["cost_per_item"]
    rows = scored_rows(study.rungs[PROBE].calibrated.frame, metric)
    by_model = metric.value(rows)
    counts = np.bincount(study.material.values.astype(np.int64), minlength=len(study.material.problem.classes))
    costs = np.asarray(study.material.problem.miss) * counts / counts.sum()
    alike = float(costs.sum() - costs.max())
    saved = 1 - by_model / alike if alike > 0 else 0.0
    text = (
        f"At the costs of the spec, deciding alike for every row costs {short(1000 * alike)} for 1,000 rows at best; by the "
        f"quick probe and its threshold {short(1000 * by_model)}, {100 * saved:.0f} % {'less' if saved >= 0 else 'more'}."
    )
    return Evidence("cost", text, by_model, n=len(rows))
