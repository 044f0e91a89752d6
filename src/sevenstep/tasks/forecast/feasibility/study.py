"""All that is measured for one target, once for all its KPIs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl

from sevenstep.data.dataset import Dataset, Roles
from sevenstep.spec.model import Kpi
from sevenstep.stats.scored import FloatArray
from sevenstep.tasks.forecast.feasibility.ahead import Ahead, known_ahead_of
from sevenstep.tasks.forecast.feasibility.bound import Twin, interpolated
from sevenstep.tasks.forecast.feasibility.curve import LearningRuns, history_runs, series_runs
from sevenstep.tasks.forecast.feasibility.history import History
from sevenstep.tasks.forecast.feasibility.ladder import climb, rungs_of
from sevenstep.tasks.forecast.feasibility.leakage import Suspicion, arithmetic, dominating, made_of_target
from sevenstep.tasks.forecast.feasibility.material import Material, prepare_material
from sevenstep.tasks.forecast.feasibility.sample import Effort
from sevenstep.tasks.forecast.feasibility.trial import Fitting, Trial, run_trial
from sevenstep.tasks.forecast.panel import Settings

__all__ = ["Study", "study_of"]


@dataclass(frozen=True)
class Study:
    """Measurements of one target.

    Args:
        roles: roles of the columns.
        history: how long it has been observed.
        ahead: what the open rows know.
        material: the judged rows.
        ladder: predictions of the simple rules.
        trial: the quick probe; None with too little to learn from.
        suspicions: inputs that may leak the target, left out of the probe.
        twin: the probe that also saw the future.
        by_history: probes that learnt from less history.
        by_series: probes that learnt from fewer series.
    """

    roles: Roles
    history: History
    ahead: Ahead
    material: Material
    ladder: Mapping[str, FloatArray]
    trial: Trial | None
    suspicions: Sequence[Suspicion]
    twin: Twin | None
    by_history: LearningRuns | None
    by_series: LearningRuns | None

    @property
    def problems(self) -> int:
        """Faults of the data that put even a goal in reach at risk."""
        return len(self.suspicions) + len(self.ahead.lacking)


def study_of(
    items: pl.DataFrame,
    data: Dataset,
    settings: Settings,
    history: History,
    kpis: Sequence[Kpi],
    target: str,
    effort: Effort,
    seed: int,
    without: Sequence[str] = (),
) -> Study:
    """Measure a target whose history is long enough.

    ``items`` are the cleaned rows, ``kpis`` those of the target, the leading one first; ``without`` names inputs that must not be
    used.
    """
    prepare = partial(prepare_material, items, data, settings, target, history.horizon, effort, seed)
    material = prepare(without)
    suspicions = [found] if (found := arithmetic(material.panel, target, data.roles.known_ahead)) else []
    told = {column for suspicion in suspicions for column in suspicion.columns}
    suspicions += made_of_target(
        material.panel, target, [one for one in data.roles.known_ahead if one not in told], history.horizon
    )
    if suspicions:
        material = prepare([*without, *(column for suspicion in suspicions for column in suspicion.columns)])
    fitting = Fitting.for_metric(kpis[0].metric, effort.rounds)
    trial = run_trial(material, fitting)
    dominant = dominating(material, trial, fitting) if trial else None
    if dominant:
        suspicions.append(dominant)
        material = prepare([*without, *(column for suspicion in suspicions for column in suspicion.columns)])
        trial = run_trial(material, fitting)
    ladder = climb(material, rungs_of(material, [kpi.baseline for kpi in kpis]))
    ahead = known_ahead_of(data.items, data, target, history.clock)
    if trial is None:
        return Study(data.roles, history, ahead, material, ladder, None, suspicions, None, None, None)
    twin = interpolated(material, trial, fitting)
    runs = history_runs(material, trial, fitting), series_runs(material, trial, fitting)
    return Study(data.roles, history, ahead, material, ladder, trial, suspicions, twin, *runs)
