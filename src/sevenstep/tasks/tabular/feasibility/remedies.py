"""What would improve the outlook, most helpful first, with figures."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sevenstep.stats.wording import figure, spoken
from sevenstep.tasks.contract import Verdict
from sevenstep.tasks.tabular.feasibility.outlook import Outlook
from sevenstep.tasks.tabular.feasibility.study import Study
from sevenstep.tasks.tabular.feasibility.trial import PROBE
from sevenstep.tasks.tabular.feasibility.wording import rounded_up
from sevenstep.wording import counted, roughly

__all__ = ["remedies_for"]

MOST_GROWTH = 4.0  # more new rows than this many times today's are no remedy within reach
FEW_TWINS = 0.01  # share of rows that equal others, below which they matter little
CONSTANT = ("majority", "never", "always", "prior", "mean", "median")
NOISY = 0.05  # share of pairs of equal rows that differ, from which labels are worth a look
SMALL = 0.02  # share of the loss below which a gain is not worth a word


def remedies_for(study: Study, outlook: Outlook, verdict: Verdict) -> list[str]:
    """Faults of the data to mend first; then, where the goal is not safe, what would bring it nearer."""
    found = list(_faults(study))
    if verdict == "go" or outlook.value is None or outlook.gauge.aims:
        return found
    return [*found, *_more_rows(study, outlook), *_surer(study, outlook), *_drift(outlook), *_labels(study), *_goal(outlook)]


def _faults(study: Study) -> Iterator[str]:
    for suspicion in study.suspicions:
        yield f"Check '{suspicion.column}': put it under data.drop unless its value is known when the prediction is made."


def _rows_said(study: Study, more: float) -> str:
    """New rows in words: of the class that counts where it is rare, with the rows that takes."""
    rows = rounded_up(more)
    name, rare = study.material.rarest()
    share = rare / study.material.population
    if not name or share >= 0.2:
        return f"about {counted(rows, 'more row')}"
    target = study.material.problem.target
    return f"about {rounded_up(more * share):,} more rows with {target} = {name} ({rows:,} rows at today's share)"


def _more_rows(study: Study, outlook: Outlook) -> Iterator[str]:
    """Rows that would bring the goal within reach, by the learning curve."""
    curve, gauge, today = outlook.curve, outlook.gauge, study.material.population
    if curve is None or curve.slope == 0 or outlook.value is None or outlook.start != PROBE:
        return
    if gauge.kpi.goal.met_by(outlook.value):
        return
    metric = gauge.kpi.metric
    scale = gauge.loss(outlook.value) / curve.at(today)
    needed = curve.rows_for(gauge.loss(gauge.kpi.goal.value) / scale)
    more = math.inf if needed is None else needed - today
    if 0 < more <= MOST_GROWTH * today:
        goal = figure(gauge.kpi.goal.value, metric)
        yield f"{_sentence(_rows_said(study, more))} would bring {spoken(metric)} near {goal}, by the learning curve."
        return
    doubled = curve.at(2 * today) * scale
    if doubled < (1 - SMALL) * gauge.loss(outlook.value):
        reached = figure(gauge.value(doubled), metric)
        yield f"Twice the rows would bring {spoken(metric)} near {reached}, by the learning curve: not enough alone."


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _surer(study: Study, outlook: Outlook) -> Iterator[str]:
    """Rows after which the interval is narrow enough to tell which side of the goal the model is on."""
    measured, gauge = outlook.measured, outlook.gauge
    if measured is None or measured.low is None or measured.high is None or outlook.value is None:
        return
    half = (measured.high - measured.low) / 2
    gap = abs(outlook.value - gauge.kpi.goal.value)
    if not 0 < gap < half:
        return
    more = ((half / gap) ** 2 - 1) * study.material.population
    said = _rows_said(study, more) if more <= MOST_GROWTH * study.material.population else "several times today's rows"
    ends = f"{figure(measured.low, gauge.kpi.metric)} to {figure(measured.high, gauge.kpi.metric)}"
    yield f"{_sentence(said)} would narrow the interval of today, {ends}, enough to tell whether the goal is met."


def _drift(outlook: Outlook) -> Iterator[str]:
    drift = outlook.drift
    if drift is not None and drift.found:
        metric = outlook.gauge.kpi.metric
        by_time, at_random = figure(drift.by_time.value, metric), figure(drift.at_random.value, metric)
        yield (
            f"Find out what changes over time: the same probe has {at_random} at random and {by_time} on newer rows; "
            "learn again often, or give inputs that tell the change."
        )


def _labels(study: Study) -> Iterator[str]:
    noise = study.noise
    if study.material.problem.classes and noise.twins >= FEW_TWINS * study.material.rows and (noise.differing or 0.0) >= NOISY:
        yield (
            f"Look at the {counted(noise.twins, 'row')} that equal others in all inputs: {roughly(noise.differing or 0.0)} of "
            "their pairs differ in class; a further input would tell them apart, or the labels are wrong."
        )


def _goal(outlook: Outlook) -> Iterator[str]:
    goal, bad = outlook.gauge.kpi.goal, outlook.bad
    if bad is not None and not goal.met_by(bad) and outlook.gauge.loss(_safe(outlook, bad)) < _trivial(outlook):
        yield f"A goal of {goal.operator} {_safe(outlook, bad):.10g} is in reach now."


def _trivial(outlook: Outlook) -> float:
    """Loss of the best rule that looks at no input: a goal no better than that is none."""
    known = [rung.value for name, rung in outlook.rungs.items() if name in CONSTANT and rung.value is not None]
    return min((outlook.gauge.loss(value) for value in known), default=math.inf)


def _safe(outlook: Outlook, bad: float) -> float:
    """The pessimistic end in two digits of its loss, on its safe side."""
    unit = 10.0 ** (math.floor(math.log10(abs(bad))) - 1) if bad else 0.01
    if outlook.gauge.metric.direction == "higher":
        return round(math.floor(bad / unit + 1e-9) * unit, 10)
    return round(math.ceil(bad / unit - 1e-9) * unit, 10)
