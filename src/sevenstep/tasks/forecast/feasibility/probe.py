"""The verdict for every KPI, told before training.

Per target one study (history, ladder, quick probe, bound, learning curves), per KPI one judgement of it. All work is capped by
counts that follow from the budget, so equal inputs give equal verdicts on any machine.
"""

from __future__ import annotations

from collections.abc import Sequence

from sevenstep.data.dataset import Dataset
from sevenstep.spec.brief import Brief
from sevenstep.spec.model import Kpi
from sevenstep.tasks.contract import Evidence, Feasibility
from sevenstep.tasks.forecast.feasibility.findings import findings
from sevenstep.tasks.forecast.feasibility.gauge import gauge_of
from sevenstep.tasks.forecast.feasibility.history import cleaned, history_evidence, history_of, too_short, worthless_target
from sevenstep.tasks.forecast.feasibility.outlook import outlook_of
from sevenstep.tasks.forecast.feasibility.pictures import pictures
from sevenstep.tasks.forecast.feasibility.remedies import remedies_for
from sevenstep.tasks.forecast.feasibility.sample import Effort
from sevenstep.tasks.forecast.feasibility.study import Study, study_of
from sevenstep.tasks.forecast.feasibility.verdict import judged
from sevenstep.tasks.forecast.panel import Settings
from sevenstep.tasks.forecast.zeros import telling_inputs, with_zero_rows

__all__ = ["probe"]


def probe(data: Dataset, brief: Brief) -> Sequence[Feasibility]:
    """Whether each KPI's goal can be reached, with evidence, remedies and what it is worth.

    Args:
        data: the rows as they came in, with roles and facts; not cleaned yet.
        brief: what the step may read; of the task's section the horizon.

    Returns:
        One `Feasibility` for each KPI, in the order of the spec; ``dataclasses.asdict`` gives JSON values.
    """
    by_target: dict[str, list[Kpi]] = {}
    for kpi in brief.kpis:
        by_target.setdefault(kpi.target or brief.targets[0], []).append(kpi)
    effort = Effort.within(brief.budget / len(by_target))
    found = [verdict for target, kpis in by_target.items() for verdict in _of_target(data, brief, target, kpis, effort)]
    order = [kpi.id for kpi in brief.kpis]
    return sorted(found, key=lambda verdict: order.index(verdict.kpi))


def _of_target(data: Dataset, brief: Brief, target: str, kpis: Sequence[Kpi], effort: Effort) -> list[Feasibility]:
    settings, recorded = Settings.of(data), cleaned(data, target)
    items = with_zero_rows(recorded, data.roles, settings, [target])
    worthless = worthless_target(items, target)
    if worthless:
        remedy = f"Check the source of '{target}', or name another target."
        return [_stopped(kpi, Evidence("target", worthless, n=len(items)), remedy) for kpi in kpis]
    history = history_of(items, data, settings, target, int(brief.section.horizon))
    if history.missing:
        return [_stopped(kpi, history_evidence(history), too_short(history)) for kpi in kpis]
    telling = telling_inputs(recorded, items, data.roles)
    study = study_of(items, data, settings, history, kpis, target, effort, brief.seed, tuple(telling))
    return [_of_kpi(study, kpi, brief.seed) for kpi in kpis]


def _stopped(kpi: Kpi, evidence: Evidence, remedy: str) -> Feasibility:
    return Feasibility(kpi.id, "no_go", None, None, None, (evidence,), (remedy,))


def _of_kpi(study: Study, kpi: Kpi, seed: int) -> Feasibility:
    outlook = outlook_of(study, gauge_of(kpi, study.material, seed))
    verdict, goal = judged(outlook, study.problems)
    evidence = findings(study, outlook, goal)
    remedies = remedies_for(study, outlook, verdict)
    blocks = pictures(study, outlook)
    return Feasibility(kpi.id, verdict, outlook.value, outlook.low, outlook.high, tuple(evidence), tuple(remedies), tuple(blocks))
