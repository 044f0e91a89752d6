"""The figures behind a verdict, in the order in which a person asks for them."""

from __future__ import annotations

from collections.abc import Iterator

from sevenstep.stats.intervals import Estimate
from sevenstep.stats.wording import figure
from sevenstep.tasks.contract import Evidence
from sevenstep.tasks.tabular.feasibility.drift import drift_evidence
from sevenstep.tasks.tabular.feasibility.noise import noise_evidence
from sevenstep.tasks.tabular.feasibility.outlook import Outlook
from sevenstep.tasks.tabular.feasibility.study import Study
from sevenstep.tasks.tabular.feasibility.trial import PROBE
from sevenstep.tasks.tabular.feasibility.wording import RUNG_NAMES
from sevenstep.tasks.tabular.feasibility.worth import baseline_of, cost_evidence, worth_evidence
from sevenstep.wording import counted, roughly

__all__ = ["findings"]

_FEW = 100  # rows of the class that counts, below which the interval is told to be wide because of them


def findings(study: Study, outlook: Outlook, goal: Evidence) -> list[Evidence]:
    """All evidence of one KPI, the sentence about its goal first."""
    found = [goal, *_reachable(outlook), *_rungs(study, outlook), *_few(study), *_curve(outlook)]
    found += [suspicion.evidence for suspicion in study.suspicions]
    found += [drift_evidence(outlook.drift, outlook.gauge)] if outlook.drift is not None else []
    rest = [worth_evidence(outlook), cost_evidence(study)]
    return [*found, *noise_evidence(study.noise, study.material), *(evidence for evidence in rest if evidence is not None)]


def _reachable(outlook: Outlook) -> Iterator[Evidence]:
    measured, metric = outlook.measured, outlook.gauge.kpi.metric
    if measured is None or outlook.value is None:
        return
    stands = f"{figure(measured.value, metric)} is where {_named(outlook.start)} stands"
    if outlook.gauge.aims:
        text = f"Calibration aims at {figure(outlook.value, metric)}; {stands}."
    else:
        rows = f", {roughly(outlook.from_rows)} less loss for learning from all rows" if outlook.from_rows else ""
        gain, source = roughly(outlook.experience.gain), outlook.experience.source
        text = f"{stands}{rows}, {gain} less loss for tuning and combining (experience: {source})."
    yield Evidence("reachable", text, outlook.value, outlook.low, outlook.high, measured.n, metric)


def _named(rung: str) -> str:
    return "the quick probe" if rung == PROBE else f"the rung '{RUNG_NAMES[rung].lower()}'"


def _rungs(study: Study, outlook: Outlook) -> Iterator[Evidence]:
    material = study.material
    judged = f"on {counted(material.rows, 'row')} of {material.population:,}, {_judged(study)}"
    name = baseline_of(outlook)
    if name is not None:
        named = "the baseline of this KPI" if name == outlook.gauge.kpi.baseline else "the best simple rule"
        yield _measured(
            "baseline",
            f"{RUNG_NAMES[name]}, {named}, {judged} ({outlook.rungs[name].method}).",
            outlook.rungs[name],
            outlook.gauge.kpi.metric,
        )
    if PROBE in outlook.rungs:
        probe = outlook.rungs[PROBE]
        yield _measured("quick probe", f"A small boosting model, {judged} ({probe.method}).", probe, outlook.gauge.kpi.metric)
    else:
        yield Evidence("quick probe", "Too few rows to learn from: only the simple rules were measured.")


def _judged(study: Study) -> str:
    folds = len(study.material.folds)
    ways = {"time": f"in {folds} stretches of newer rows", "groups": f"in {folds} parts of whole groups"}
    return ways.get(study.material.problem.split, f"in {folds} parts")


def _measured(name: str, text: str, estimate: Estimate, metric: str) -> Evidence:
    return Evidence(name, text, estimate.value, estimate.low, estimate.high, estimate.n, metric)


def _few(study: Study) -> Iterator[Evidence]:
    """Where few rows of one class carry every figure."""
    name, rows = study.material.rarest()
    if name and rows < _FEW:
        text = (
            f"Only {counted(rows, 'row')} of {study.material.population:,} have {study.material.problem.target} = {name}: every "
            "figure rests on them, and the intervals are wide because of it."
        )
        yield Evidence("few rows", text, float(rows), n=study.material.rows)


def _curve(outlook: Outlook) -> Iterator[Evidence]:
    curve, gauge = outlook.curve, outlook.gauge
    if curve is None:
        if not gauge.aims:
            yield Evidence("learning curve", "There is too little to learn from to learn from less, so no curve was drawn.")
        return
    pairs = zip(curve.sizes, curve.losses, strict=True)
    points = ", ".join(f"{figure(gauge.value(loss), gauge.kpi.metric)} with {size:,} rows" for size, loss in pairs)
    limit, metric = gauge.value(curve.floor), gauge.kpi.metric
    text = f"The probe by rows learnt from: {points}; fitted limit {figure(limit, metric)}."
    yield Evidence("learning curve", text, limit, metric=metric)
