"""Go, go with risk, or no go: where the goal lies against what is expected."""

from __future__ import annotations

from sevenstep.stats.wording import interval, spoken
from sevenstep.tasks.contract import Evidence, Verdict
from sevenstep.tasks.leading import goal_of
from sevenstep.tasks.rag.feasibility.outlook import Outlook

__all__ = ["judged"]

_CLEARLY_OUT = 1.5
"""A goal so many times nearer to perfect than the optimistic end is out of reach."""


def judged(outlook: Outlook) -> tuple[Verdict, Evidence]:
    """The verdict and the sentence that gives its reason."""
    verdict, reason = _by_goal(outlook)
    return verdict, Evidence("goal", f"{reason}.", outlook.kpi.goal.value, metric=outlook.kpi.metric)


def _by_goal(outlook: Outlook) -> tuple[Verdict, str]:
    kpi, aim = outlook.kpi, goal_of(outlook.kpi)
    if outlook.value is None or outlook.low is None or outlook.high is None:
        why = (
            "it is measured when the pipeline runs"
            if kpi.metric in ("latency_ms", "cost_usd")
            else "nothing is known to measure it by"
        )
        return "go_with_risk", f"Whether {spoken(kpi.metric)} {aim} can be reached is not known yet: {why}"
    expected = interval(outlook.value, outlook.low, outlook.high, kpi.metric)
    good, bad = (outlook.low, outlook.high) if outlook.lower_is_better else (outlook.high, outlook.low)
    if kpi.goal.met_by(good) and kpi.goal.met_by(bad):
        return "go", f"The goal {aim} is met at both ends of what is expected, {expected}"
    if kpi.goal.met_by(good):
        side = "expected to be met" if kpi.goal.met_by(outlook.value) else "harder than expected"
        return "go_with_risk", f"The goal {aim} lies inside what is expected, {expected}: {side}, not sure"
    lacks, wanted = (good, kpi.goal.value) if outlook.lower_is_better else (1 - good, 1 - kpi.goal.value)
    if wanted <= 0 or lacks / wanted > _CLEARLY_OUT:
        how = f"over {_CLEARLY_OUT:g} times nearer to perfect than the optimistic end of what is expected"
        return "no_go", f"The goal {aim} is {how}, {expected}"
    return "go_with_risk", f"The goal {aim} lies beyond the optimistic end of what is expected, {expected}"
