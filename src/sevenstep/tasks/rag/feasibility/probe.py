"""The probe: a sample, BM25 and the best sentence on it, and for each KPI the verdict with what it rests on."""

from __future__ import annotations

from collections.abc import Sequence

from sevenstep.data.dataset import Dataset
from sevenstep.spec.brief import Brief
from sevenstep.spec.model import Kpi
from sevenstep.tasks.contract import Feasibility
from sevenstep.tasks.rag.explore.gap import Gap, gap_of
from sevenstep.tasks.rag.feasibility.curve import curve_of, reading_curve
from sevenstep.tasks.rag.feasibility.findings import evidence_of, remedies_of
from sevenstep.tasks.rag.feasibility.outlook import outlook_of
from sevenstep.tasks.rag.feasibility.pictures import pictures
from sevenstep.tasks.rag.feasibility.sample import sample_of
from sevenstep.tasks.rag.feasibility.trial import Terms, Trial
from sevenstep.tasks.rag.feasibility.verdict import judged
from sevenstep.tasks.rag.generating.judging import demand_judge
from sevenstep.tasks.rag.known import Known

__all__ = ["probe"]


def probe(data: Dataset, brief: Brief) -> Sequence[Feasibility]:
    """See `Task.probe`; raises InputError ``RAG-JUDGE``, a KPI asks for a judge's figure and none is named."""
    demand_judge(brief)  # a figure that nobody can give is told at once
    sample = sample_of(Known(data), brief.budget, brief.seed)
    terms = Terms(sample)
    trial = terms.tried(sample.documents)
    right = {document for question in sample.questions for document in question.relevant}
    gap = gap_of(sample.known.part_of(sorted(right), [one.id for one in sample.questions]), trial.language)
    return [_of_kpi(kpi, terms, trial, gap, brief) for kpi in brief.kpis]


def _of_kpi(kpi: Kpi, terms: Terms, trial: Trial, gap: Gap, brief: Brief) -> Feasibility:
    sample = terms.sample
    outlook = outlook_of(kpi, trial, brief)
    curve = curve_of(terms, trial, kpi.metric) if "@" in kpi.metric else None
    reading = reading_curve(trial) if outlook.ceiling is not None else []
    verdict, goal = judged(outlook)
    return Feasibility(
        kpi.id,
        verdict,
        outlook.value,
        outlook.low,
        outlook.high,
        evidence=[goal, *evidence_of(outlook, sample, gap, curve)],
        remedies=list(remedies_of(outlook, sample, gap, brief)),
        blocks=pictures(outlook, curve, reading),
    )
