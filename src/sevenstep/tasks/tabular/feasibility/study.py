"""All that is measured, once for all KPIs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sevenstep.data.dataset import Dataset
from sevenstep.spec.brief import Brief
from sevenstep.tasks.leading import leading_kpi
from sevenstep.tasks.tabular.feasibility.curve import shorter_runs
from sevenstep.tasks.tabular.feasibility.drift import Times, times_of
from sevenstep.tasks.tabular.feasibility.effort import Effort
from sevenstep.tasks.tabular.feasibility.gauge import Gauge
from sevenstep.tasks.tabular.feasibility.leakage import Suspicion, dominating, suspicions_of
from sevenstep.tasks.tabular.feasibility.material import Material, prepare
from sevenstep.tasks.tabular.feasibility.noise import Noise, noise_of
from sevenstep.tasks.tabular.feasibility.trial import PROBE, Trial, ladder_of, out_of_fold
from sevenstep.tasks.tabular.problem import Problem

__all__ = ["Study", "study_of"]


@dataclass(frozen=True)
class Study:
    """Measurements of the one target.

    Args:
        material: the rows.
        rungs: out-of-fold scores of the simple rules, the linear model and, where there is enough to learn from, the quick probe.
        runs: scores of the quick probe by rows learnt from.
        suspicions: inputs that may leak the target.
        noise: what cannot be told apart.
        times: the probe by time and at random.
    """

    material: Material
    rungs: Mapping[str, Trial]
    runs: Mapping[int, Trial]
    suspicions: Sequence[Suspicion]
    noise: Noise
    times: Times | None


def study_of(data: Dataset, brief: Brief) -> Study:
    """Measure the target of a data set with at least two folds to deal out."""
    problem = Problem.of(data)
    suspicions, ranked = suspicions_of(data, brief.seed)
    material = prepare(data, problem, Effort.within(brief.budget, problem), brief)
    usable = material.without([one.column for one in suspicions if one.left_out])
    material = usable if usable.problem.kinds else material
    names = [*ladder_of(material, {kpi.baseline for kpi in brief.kpis if kpi.baseline}), PROBE]
    scored = {name: out_of_fold(material, name) for name in names}
    rungs = {name: scores for name, scores in scored.items() if scores is not None}
    probe = rungs.get(PROBE)
    if probe is None:
        return Study(material, rungs, {}, suspicions, noise_of(material), None)
    kpi = leading_kpi(brief.kpis, problem.target, brief.targets) or brief.kpis[0]
    dominant = dominating(material, probe, ranked, Gauge(kpi, material.problem.split == "time"))
    if dominant is not None and dominant.column not in {one.column for one in suspicions}:
        suspicions = [*suspicions, dominant]
    runs = shorter_runs(material, PROBE, probe)
    return Study(material, rungs, runs, suspicions, noise_of(material), times_of(material, probe))
