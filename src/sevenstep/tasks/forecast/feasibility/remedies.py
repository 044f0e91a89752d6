"""What would improve the outlook, most helpful first, with figures."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sevenstep.stats.wording import figure, spoken
from sevenstep.tasks.contract import Verdict
from sevenstep.tasks.forecast.feasibility.outlook import PROBE, Outlook
from sevenstep.tasks.forecast.feasibility.study import Study
from sevenstep.tasks.forecast.wording import span

__all__ = ["remedies_for"]

SHORTER = (0.75, 0.5, 0.25)  # shares of the horizon tried, in the order of preference
MOST_GROWTH = 1.0  # more history than this share of today's is no remedy within reach
NAMED = 3  # observed columns named at most


def remedies_for(study: Study, outlook: Outlook, verdict: Verdict) -> list[str]:
    """Faults of the data to mend first; then, where the goal is not safe, what would bring it nearer."""
    found = list(_faults(study))
    if verdict == "go" or outlook.value is None or not outlook.gauge.is_error:
        return found
    found += [*_history(study, outlook), *_horizon(study, outlook), *_inputs(study), *_goal(outlook)]
    return found


def _faults(study: Study) -> Iterator[str]:
    for suspicion in study.suspicions:
        names = ", ".join(f"'{column}'" for column in suspicion.columns)
        yield f"Check {names}: take it out of forecast.known_ahead unless its value is really known when the forecast is made."
    if study.ahead.lacking:
        names = ", ".join(f"'{column}'" for column in study.ahead.lacking)
        yield f"Fill in {names} for the steps to be forecast, or take it out of forecast.known_ahead."


def _history(study: Study, outlook: Outlook) -> Iterator[str]:
    curve, clock = outlook.by_history, study.history.clock
    if curve is None or curve.slope == 0 or outlook.value is None or outlook.start != PROBE:
        return
    metric, goal, today = outlook.gauge.kpi.metric, outlook.gauge.kpi.goal.value, curve.sizes[-1]
    scale = outlook.value / curve.at(today)
    needed = curve.size_for(goal / scale)
    more = math.inf if needed is None else needed - today
    reachable = outlook.bound is None or goal > outlook.bound
    if 0 < more <= MOST_GROWTH * today and reachable:
        near = f"{spoken(metric)} near {figure(goal, metric)}"
        yield f"About {span(more, clock)} more of history would bring {near}, by the learning curve."
        return
    doubled = max(curve.at(2 * today) * scale, outlook.bound or 0.0)
    if doubled < 0.98 * outlook.value:
        near = f"{spoken(metric)} near {figure(doubled, metric)} by the learning curve"
        yield f"{span(today, clock)} more of history, twice that of today, would bring {near}: not enough alone."


def _horizon(study: Study, outlook: Outlook) -> Iterator[str]:
    goal, horizon = outlook.gauge.kpi.goal, study.history.horizon
    lead = study.material.asked.step - study.material.asked.origin
    for share in SHORTER:
        steps = math.floor(share * horizon)
        if steps < 1 or outlook.measured.value is None or outlook.value is None:
            return
        near = outlook.gauge.value(outlook.prediction, lead <= steps) * outlook.value / outlook.measured.value
        if goal.met_by(near):
            first = span(steps, study.history.clock)
            expected = figure(near, outlook.gauge.kpi.metric)
            yield f"For the first {first} of the horizon {expected} is expected, which meets the goal."
            return


def _inputs(study: Study) -> Iterator[str]:
    if study.roles.known_ahead:
        return
    observed = ", ".join(f"'{column}'" for column in study.roles.observed[:NAMED])
    planned = f"; {observed} would count if planned values of them exist" if observed else ""
    yield f"Name what is known ahead (promotions, prices, events, weather) in forecast.known_ahead: nothing is yet{planned}."


def _goal(outlook: Outlook) -> Iterator[str]:
    if outlook.high is not None and not outlook.gauge.kpi.goal.met_by(outlook.high):
        yield f"A goal of {outlook.gauge.kpi.goal.operator} {_rounded_up(outlook.high):.10g} is in reach now."


def _rounded_up(value: float) -> float:
    """To two significant digits, upwards."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 1) if value > 0 else 1.0
    return math.ceil(value / unit - 1e-9) * unit
