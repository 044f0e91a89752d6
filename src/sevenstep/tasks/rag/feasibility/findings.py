"""The figures behind a verdict, what would help, and what the goal is worth."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sevenstep.spec.brief import Brief
from sevenstep.stats.wording import difference, figure
from sevenstep.tasks.contract import Evidence
from sevenstep.tasks.rag.explore.gap import Gap
from sevenstep.tasks.rag.feasibility.curve import Curve
from sevenstep.tasks.rag.feasibility.outlook import Outlook
from sevenstep.tasks.rag.feasibility.sample import Sample
from sevenstep.tasks.rag.feasibility.trial import READ
from sevenstep.wording import counted, percent, roughly

__all__ = ["evidence_of", "remedies_of"]

_FEW = 100


def evidence_of(outlook: Outlook, sample: Sample, gap: Gap, curve: Curve | None) -> Iterator[Evidence]:
    """All evidence of one KPI behind the sentence about its goal."""
    metric, measured = outlook.kpi.metric, outlook.measured
    yield from _reachable(outlook)
    if measured is not None:
        asked, among = counted(len(sample.questions), "question"), counted(len(sample.documents), "document")
        rule = {"answer_f1": "The best sentence", "exact_match": "The best sentence", "abstention_error": "Always answering"}
        text = f"{rule.get(metric, 'BM25')} on {asked} among {among} ({measured.method})."
        yield Evidence("baseline", text, measured.value, measured.low, measured.high, measured.n, metric)
    if outlook.ceiling is not None:
        ceiling = outlook.ceiling
        text = f"Questions of which an answer stands word for word in the first {READ} documents of BM25: no more can be quoted."
        yield Evidence("ceiling", text, ceiling.value, ceiling.low, ceiling.high, ceiling.n, "exact_match")
    if gap.found and "@" in metric:
        share = float(np.mean(gap.found))
        text = (
            f"Terms of a question that stand in a document judged right; all of them for {percent(gap.whole)} of the questions."
        )
        yield Evidence("words in common", text, share, n=len(gap.found), metric="recall@1")
    if curve is not None:
        points = ", ".join(
            f"{figure(value, metric)} among {size:,}" for size, value in zip(curve.sizes, curve.values, strict=True)
        )
        text = f"BM25 by documents: {points}; each doubling changes it by {difference(curve.slope, metric)}."
        yield Evidence("learning curve", text, curve.at(2 * curve.sizes[-1]), metric=metric)
    yield from _worth(outlook)


def _reachable(outlook: Outlook) -> Iterator[Evidence]:
    experience, measured, metric = outlook.experience, outlook.measured, outlook.kpi.metric
    if outlook.value is None or measured is None:
        return
    if experience is None:
        text = "Refusing where the evidence is weak saves some of the errors of always answering."
    elif outlook.ceiling is not None:
        text = f"{roughly(experience.share)} of what can be quoted ({experience.source})."
    else:
        text = (
            f"{figure(measured.value, metric)} is where BM25 stands, {roughly(experience.share)} less loss by tuning and learning"
        )
        text += f" ({experience.source})."
    yield Evidence("reachable", text, outlook.value, outlook.low, outlook.high, measured.n, metric)


def _worth(outlook: Outlook) -> Iterator[Evidence]:
    """Points from the simple rule to the goal times what a point (0.01 of a share) is worth."""
    kpi, measured = outlook.kpi, outlook.measured
    if kpi.worth is None or measured is None or measured.value is None:
        return
    unit = 100 if "@" in kpi.metric or kpi.metric in ("answer_f1", "exact_match", "groundedness", "abstention_error") else 1
    per_unit = kpi.worth.per_point * unit * (-1 if outlook.lower_is_better else 1)
    gain = (kpi.goal.value - measured.value) * per_unit
    if gain <= 0:
        yield Evidence("worth", "The simple rule meets the goal already: nothing to gain.", 0.0)
        return
    text = f"From {figure(measured.value, kpi.metric)} to the goal of {figure(kpi.goal.value, kpi.metric)} is worth {gain:,.0f} "
    text += kpi.worth.unit
    if outlook.value is not None:
        expected = max((outlook.value - measured.value) * per_unit, 0.0)
        text += f"; the {figure(outlook.value, kpi.metric)} that is expected is worth {expected:,.0f}"
    yield Evidence("worth", f"{text}.", gain)


def remedies_of(outlook: Outlook, sample: Sample, gap: Gap, brief: Brief) -> Iterator[str]:
    """What would improve the outlook, most helpful first."""
    kpi = outlook.kpi
    if outlook.value is None and kpi.metric not in ("latency_ms", "cost_usd"):
        what = "judgements" if "@" in kpi.metric else "known answers"
        yield f"Add questions with {what}, or accept proposals: sevenstep questions propose"
    met = (
        outlook.low is not None
        and outlook.high is not None
        and kpi.goal.met_by(outlook.high if outlook.lower_is_better else outlook.low)
    )
    if met:
        return
    if "@" in kpi.metric and brief.section.retrieve.embedding is None and gap.found and float(np.mean(gap.found)) < 0.75:
        yield "Name a pretrained embedding (rag.retrieve.embedding): questions and documents use different words for the same"
    if outlook.ceiling is not None and brief.section.model is None and brief.section.local is None:
        yield "Name a generating model (rag.model or rag.local): it answers more of what is found than quoting does"
    if outlook.measured is not None and outlook.measured.n < _FEW:
        yield f"Judge more questions: {outlook.measured.n} leave the interval wide; four times as many halve it"
    if kpi.metric == "abstention_error" and not sample.known.unanswerable:
        yield "Add questions the documents hold no answer to (an empty list of answers)"
    near = sample.known.documents["near"]
    if near.len() > 0 and near.null_count() < 0.95 * near.len():
        yield "Leave out documents that are superseded: nearly equal ones push others out of the ranking"
