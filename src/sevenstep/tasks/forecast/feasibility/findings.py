"""The figures behind a verdict, in the order in which a person asks for them."""

from __future__ import annotations

from collections.abc import Iterator

from sevenstep.stats.intervals import Estimate
from sevenstep.stats.wording import figure
from sevenstep.tasks.contract import Evidence
from sevenstep.tasks.forecast.feasibility.ahead import ahead_evidence
from sevenstep.tasks.forecast.feasibility.calibration import BOUND_SLACK
from sevenstep.tasks.forecast.feasibility.history import history_evidence
from sevenstep.tasks.forecast.feasibility.outlook import PROBE, Outlook
from sevenstep.tasks.forecast.feasibility.study import Study
from sevenstep.tasks.forecast.feasibility.worth import baseline_of, worth_evidence
from sevenstep.tasks.forecast.wording import RULE_NAMES, moment, span
from sevenstep.wording import counted, roughly

__all__ = ["findings"]


def findings(study: Study, outlook: Outlook, goal: Evidence) -> list[Evidence]:
    """All evidence of one KPI, the sentence about its goal first."""
    found = [goal, _reachable(study, outlook), *_rungs(study, outlook), *_bound(outlook), *_curve(study, outlook)]
    found += [suspicion.evidence for suspicion in study.suspicions]
    rest = [history_evidence(study.history), ahead_evidence(study.ahead), worth_evidence(outlook)]
    return [*found, *(evidence for evidence in rest if evidence is not None)]


def _measured(name: str, text: str, estimate: Estimate, metric: str) -> Evidence:
    return Evidence(name, text, estimate.value, estimate.low, estimate.high, estimate.n, metric)


def _reachable(study: Study, outlook: Outlook) -> Evidence:
    start, experience, metric = outlook.measured, outlook.experience, outlook.gauge.kpi.metric
    name = "the quick probe" if outlook.start == PROBE else f"the rule '{RULE_NAMES[outlook.start].lower()}'"
    if not outlook.gauge.is_error:
        text = f"Calibration aims at {figure(outlook.value, metric)}; {name} alone has {figure(start.value, metric)}."
    else:
        series = f", {roughly(outlook.from_series)} less for learning from all series" if outlook.from_series else ""
        text = (
            f"{figure(start.value, metric)} is where {name} stands{series}, {roughly(experience.gain)} less for tuning and "
            f"combining (experience: {experience.source})"
        )
        held = outlook.bound is not None and outlook.value == outlook.bound
        text += f", but not less than {figure(outlook.bound, metric)}, the estimate of the noise." if held else "."
    return Evidence("reachable", text, outlook.value, outlook.low, outlook.high, start.n, metric)


def _rungs(study: Study, outlook: Outlook) -> Iterator[Evidence]:
    clock, cutoffs = study.history.clock, study.material.cutoffs
    sample = f"{study.material.panel.shape[0]:,} of {counted(study.history.series, 'series')}"
    where = f"on {sample} from {counted(len(cutoffs), 'origin')}, {span(study.history.horizon, clock)} ahead"
    name = baseline_of(outlook)
    if name is not None:
        best = outlook.rungs[name]
        named = "the baseline of this KPI" if name == outlook.gauge.kpi.baseline else "the best simple rule"
        yield _measured("baseline", f"{RULE_NAMES[name]}, {named}, {where} ({best.method}).", best, outlook.gauge.kpi.metric)
    if PROBE in outlook.rungs and study.trial is not None:
        probe = outlook.rungs[PROBE]
        learnt = f"learnt from {counted(len(study.trial.rows), 'row')} up to {_until(study)}"
        yield _measured(
            "quick probe", f"A small boosting model, {learnt}, {where} ({probe.method}).", probe, outlook.gauge.kpi.metric
        )
    else:
        yield Evidence("quick probe", "Too few rows to learn from: only the simple rules were measured.")


def _until(study: Study) -> str:
    material = study.material
    if material.settings.shared:
        return moment(material.cutoffs[0] + int(material.panel.offsets[0]), material.panel.clock)
    return f"{counted(material.panel.end - material.cutoffs[0], 'step')} before the end of each series"


def _bound(outlook: Outlook) -> Iterator[Evidence]:
    if outlook.bound is not None:
        text = (
            "What like situations still differ by: the error of a probe that also sees the values after each target, less "
            f"{roughly(BOUND_SLACK)} for what a finished model explains better. An estimate from a sample, not a limit: a "
            "forecast may come out below it."
        )
        yield Evidence("noise", text, outlook.bound, metric=outlook.gauge.kpi.metric)


def _curve(study: Study, outlook: Outlook) -> Iterator[Evidence]:
    curve, clock, metric = outlook.by_history, study.history.clock, outlook.gauge.kpi.metric
    if curve is None:
        if outlook.gauge.is_error:
            yield Evidence("learning curve", "The history is too short to be shortened further, so no learning curve was drawn.")
        return
    pairs = zip(curve.sizes, curve.errors, strict=True)
    points = ", ".join(f"{figure(error, metric)} with {span(size, clock)}" for size, error in pairs)
    text = f"Error of the probe by history: {points}; fitted limit {figure(curve.floor, metric)}."
    yield Evidence("learning curve", text, curve.floor, metric=metric)
