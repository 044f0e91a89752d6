"""Go, go with risk, or no go: where the goal lies against what is expected."""

from __future__ import annotations

from sevenstep.stats.wording import interval, spoken
from sevenstep.tasks.contract import Evidence, Verdict
from sevenstep.tasks.leading import goal_of
from sevenstep.tasks.tabular.feasibility.experience import CLEARLY_OUT, NEAR
from sevenstep.tasks.tabular.feasibility.outlook import Outlook

__all__ = ["judged"]


def judged(outlook: Outlook, problems: int) -> tuple[Verdict, Evidence]:
    """The verdict and the sentence that gives its reason; ``problems`` of the data turn a go into a go with risk."""
    verdict, reason = _by_goal(outlook)
    if verdict == "go" and problems:
        verdict, reason = "go_with_risk", f"{reason}, but the data have a fault that may undo it (see below)"
    kpi = outlook.gauge.kpi
    return verdict, Evidence("goal", f"{reason}.", kpi.goal.value, metric=kpi.metric)


def _by_goal(outlook: Outlook) -> tuple[Verdict, str]:
    gauge, goal, aim = outlook.gauge, outlook.gauge.kpi.goal, goal_of(outlook.gauge.kpi)
    if outlook.value is None or outlook.good is None or outlook.bad is None:
        return "go_with_risk", f"Whether {spoken(gauge.kpi.metric)} {aim} can be reached could not be measured"
    expected = interval(outlook.value, outlook.low, outlook.high, gauge.kpi.metric)
    if goal.met_by(outlook.good) and goal.met_by(outlook.bad):
        return "go", f"The goal {aim} is met at both ends of what is expected, {expected}"
    if outlook.nothing_found and not gauge.aims:
        where = (
            "that goes with the target on newer rows" if outlook.drift and outlook.drift.found else "that goes with the target"
        )
        return "no_go", f"Nothing was found {where}: expected is {expected}, and guessing lies inside"
    if goal.met_by(outlook.good):
        side = "expected to be met" if goal.met_by(outlook.value) else "harder than expected"
        return "go_with_risk", f"The goal {aim} lies inside what is expected, {expected}: {side}, not sure"
    return _beyond(outlook, expected)


def _beyond(outlook: Outlook, expected: str) -> tuple[Verdict, str]:
    gauge, aim = outlook.gauge, goal_of(outlook.gauge.kpi)
    wanted, best = gauge.loss(gauge.kpi.goal.value), gauge.loss(float(outlook.good or 0.0))
    if wanted <= 0 or best / wanted > CLEARLY_OUT:
        how = f"over {CLEARLY_OUT:g} times nearer to perfect than the optimistic end of what is expected"
        return "no_go", f"The goal {aim} is {how}, {expected}"
    how = "just beyond" if best / wanted - 1 <= NEAR else "well beyond"
    return "go_with_risk", f"The goal {aim} lies {how} the optimistic end of what is expected, {expected}"
