"""The verdict for every KPI, told before training.

One study (sample, ladder, quick probe, learning curve, leaks, noise, drift), one judgement of it for each KPI. All work is capped
by counts that follow from the budget, so equal inputs give equal verdicts on any machine.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sevenstep.data.dataset import Dataset
from sevenstep.spec.brief import Brief
from sevenstep.spec.model import Kpi
from sevenstep.tasks.contract import Evidence, Feasibility
from sevenstep.tasks.tabular.feasibility.findings import findings
from sevenstep.tasks.tabular.feasibility.gauge import Gauge
from sevenstep.tasks.tabular.feasibility.outlook import outlook_of
from sevenstep.tasks.tabular.feasibility.pictures import pictures
from sevenstep.tasks.tabular.feasibility.remedies import remedies_for
from sevenstep.tasks.tabular.feasibility.study import Study, study_of
from sevenstep.tasks.tabular.feasibility.verdict import judged
from sevenstep.tasks.tabular.problem import Problem
from sevenstep.wording import counted

__all__ = ["probe"]

FEWEST_ROWS, FEWEST_OF_CLASS = 40, 6


def probe(data: Dataset, brief: Brief) -> Sequence[Feasibility]:
    """Whether each KPI's goal can be reached, with evidence, remedies and what it is worth.

    Args:
        data: the rows as they came in, with roles and facts; not cleaned yet.
        brief: what the step may read.

    Returns:
        One `Feasibility` for each KPI, in the order of the spec; ``dataclasses.asdict`` gives JSON values.
    """
    lacking = _too_few(data)
    if lacking is not None:
        return [_stopped(kpi, *lacking) for kpi in brief.kpis]
    study = study_of(data, brief)
    return [_of_kpi(study, kpi) for kpi in brief.kpis]


def _too_few(data: Dataset) -> tuple[Evidence, str] | None:
    """Why nothing can be judged, with the remedy; None where there is enough to deal out."""
    problem = Problem.of(data)
    values = problem.values(data.items)
    known = values[np.isfinite(values)]
    if len(known) < FEWEST_ROWS:
        text = f"{counted(len(known), 'row')} with a known '{problem.target}': too few to learn from and to judge by."
        return Evidence("rows", text, float(len(known)), n=len(known)), f"Bring at least {FEWEST_ROWS - len(known)} more rows."
    if not problem.classes:
        return None
    counts = np.bincount(known.astype(np.int64), minlength=len(problem.classes))
    rare = int(counts.argmin())
    if problem.binary and counts[rare] < FEWEST_OF_CLASS:
        name, rows = problem.classes[rare], counted(int(counts[rare]), "row")
        text = f"'{problem.target}' is '{name}' in {rows}: whatever is measured on them is chance."
        return Evidence("rows", text, float(counts[rare]), n=len(known)), f"Bring at least 50 rows in which it is '{name}'."
    return None


def _stopped(kpi: Kpi, evidence: Evidence, remedy: str) -> Feasibility:
    return Feasibility(kpi.id, "no_go", None, None, None, (evidence,), (remedy,))


def _of_kpi(study: Study, kpi: Kpi) -> Feasibility:
    outlook = outlook_of(study, Gauge(kpi, study.material.problem.split == "time"))
    verdict, goal = judged(outlook, sum(suspicion.grave for suspicion in study.suspicions))
    evidence = findings(study, outlook, goal)
    remedies = remedies_for(study, outlook, verdict)
    blocks = pictures(outlook, study.material.population)
    return Feasibility(kpi.id, verdict, outlook.value, outlook.low, outlook.high, tuple(evidence), tuple(remedies), tuple(blocks))
