"""What reaching the goal is worth, in the person's own unit."""

from __future__ import annotations

from sevenstep.stats.wording import figure
from sevenstep.tasks.contract import Evidence
from sevenstep.tasks.forecast.feasibility.outlook import PROBE, Outlook
from sevenstep.tasks.forecast.wording import RULE_NAMES

__all__ = ["baseline_of", "worth_evidence"]


def baseline_of(outlook: Outlook) -> str | None:
    """The simple rule the KPI names, or the best one; None where none could be measured."""
    values = {name: rung.value for name, rung in outlook.rungs.items() if name != PROBE and rung.value is not None}
    if outlook.gauge.kpi.baseline in values:
        return outlook.gauge.kpi.baseline
    return min(values, key=lambda name: float(values[name] or 0.0)) if values else None


def worth_evidence(outlook: Outlook) -> Evidence | None:
    """Points from the baseline to the goal times what a point is worth; None without ``worth`` or where points mean nothing.

    A point is 0.01 of a metric that is a share of 1, else 1.
    """
    kpi, name = outlook.gauge.kpi, baseline_of(outlook)
    if kpi.worth is None or name is None or not outlook.gauge.is_error:
        return None
    baseline = float(outlook.rungs[name].value or 0.0)
    per_unit = kpi.worth.per_point * (100 if outlook.gauge.is_share else 1)
    gain = (baseline - kpi.goal.value) * per_unit
    rule = f"{figure(baseline, kpi.metric)} ({RULE_NAMES[name].lower()})"
    if gain <= 0:
        return Evidence("worth", f"A simple rule has {rule} and meets the goal already: nothing to gain.", 0.0)
    points = f"{gain / kpi.worth.per_point:.3g}"
    text = (
        f"From {rule} to the goal of {figure(kpi.goal.value, kpi.metric)} are {points} points, worth {gain:,.0f} {kpi.worth.unit}"
    )
    if outlook.value is not None and outlook.value > kpi.goal.value:
        worth = max(baseline - outlook.value, 0.0) * per_unit
        text += f"; the {figure(outlook.value, kpi.metric)} that is expected is worth {worth:,.0f}"
    return Evidence("worth", f"{text}.", gain)
