"""Go, go with risk, or no go: where the goal lies against what is reachable."""

from __future__ import annotations

from sevenstep.stats.wording import figure, interval, spoken
from sevenstep.tasks.contract import Evidence, Verdict
from sevenstep.tasks.forecast.feasibility.calibration import CLEARLY_OUT, NEAR
from sevenstep.tasks.forecast.feasibility.outlook import Outlook
from sevenstep.tasks.leading import goal_of

__all__ = ["judged"]


def judged(outlook: Outlook, problems: int) -> tuple[Verdict, Evidence]:
    """The verdict and the sentence that gives its reason; ``problems`` of the data turn a go into a go with risk."""
    verdict, reason = _by_goal(outlook)
    if verdict == "go" and problems:
        verdict, reason = "go_with_risk", f"{reason}, but the data have a fault that may undo it (see below)"
    kpi = outlook.gauge.kpi
    return verdict, Evidence("goal", f"{reason}.", kpi.goal.value, metric=kpi.metric)


def _by_goal(outlook: Outlook) -> tuple[Verdict, str]:
    kpi, aim = outlook.gauge.kpi, goal_of(outlook.gauge.kpi)
    goal, metric = kpi.goal, kpi.metric
    value, low, high = outlook.value, outlook.low, outlook.high
    if value is None or low is None or high is None:
        return (
            "go_with_risk",
            f"Whether {spoken(metric)} {aim} can be reached could not be measured: {outlook.measured.method}",
        )
    expected = interval(value, low, high, metric)
    if goal.met_by(low) and goal.met_by(high):
        return "go", f"The goal {aim} is met at both ends of what is expected, {expected}"
    if not outlook.gauge.is_error:
        ends = f"{figure(low, metric)} to {figure(high, metric)}"
        return "go_with_risk", f"The goal {aim} lies inside what is expected before calibration, {ends}"
    if goal.met_by(low):
        side = "expected to be met" if goal.met_by(value) else "harder than expected"
        return "go_with_risk", f"The goal {aim} lies inside what is expected, {expected}: {side}, not sure"
    return _beyond(outlook, expected, low)


def _beyond(outlook: Outlook, expected: str, low: float) -> tuple[Verdict, str]:
    goal, bound, aim = outlook.gauge.kpi.goal, outlook.bound, goal_of(outlook.gauge.kpi)
    if bound is not None and not goal.met_by(bound):
        noise = f"noise alone is estimated to make {figure(bound, outlook.gauge.kpi.metric)}"
        return "no_go", f"The goal {aim} lies beyond the optimistic end of what is expected, {expected}, and {noise}"
    if goal.value <= 0 or low / goal.value > CLEARLY_OUT:
        how = f"is over {CLEARLY_OUT:g} times better than"
        return "no_go", f"The goal {aim} {how} the optimistic end of what is expected, {expected}"
    beyond = low / goal.value - 1
    how = "just beyond" if beyond <= NEAR else "well beyond"
    return "go_with_risk", f"The goal {aim} lies {how} the optimistic end of what is expected, {expected}"
