"""Is a model of old rows as good on new ones? The probe judged by time against the same probe judged at random."""

from __future__ import annotations

from dataclasses import dataclass

from sevenstep.stats.intervals import Estimate
from sevenstep.stats.wording import figure
from sevenstep.tasks.contract import Evidence
from sevenstep.tasks.tabular.feasibility.gauge import Gauge
from sevenstep.tasks.tabular.feasibility.material import Material
from sevenstep.tasks.tabular.feasibility.trial import PROBE, Trial, out_of_fold

__all__ = ["Drift", "Times", "drift_evidence", "drift_of", "times_of"]

NOTABLE = 0.05  # share by which the loss is larger on newer rows before it is called drift


@dataclass(frozen=True)
class Times:
    """The quick probe on the same rows, judged on newer rows by older ones, and at random."""

    by_time: Trial
    at_random: Trial


@dataclass(frozen=True)
class Drift:
    """A KPI by both ways of judging; ``found`` where newer rows are clearly harder."""

    by_time: Estimate
    at_random: Estimate
    share: float

    @property
    def found(self) -> bool:
        """Whether newer rows are harder than others."""
        return self.share > NOTABLE


def times_of(material: Material, probe: Trial) -> Times | None:
    """Both ways of judging; None without a time, or where one of them cannot be had."""
    time = material.data.roles.time
    if time is None or material.data.items[time].n_unique() < 2 * material.effort.folds:
        return None
    usual = "stratified" if material.problem.classes else "random"
    other = usual if material.problem.split == "time" else "time"
    scores = out_of_fold(material.split(other), PROBE)
    if scores is None:
        return None
    return Times(probe, scores) if other == usual else Times(scores, probe)


def drift_of(times: Times | None, gauge: Gauge) -> Drift | None:
    """The gap for one KPI, in shares of its loss at random."""
    if times is None or gauge.aims:
        return None
    newer, mixed = gauge.estimate(times.by_time), gauge.estimate(times.at_random)
    if newer.value is None or mixed.value is None:
        return None
    return Drift(newer, mixed, gauge.loss(newer.value) / max(gauge.loss(mixed.value), 1e-12) - 1.0)


def drift_evidence(drift: Drift, gauge: Gauge) -> Evidence:
    """The gap in words."""
    by_time, at_random = (figure(one.value, gauge.kpi.metric) for one in (drift.by_time, drift.at_random))
    says = "newer rows are harder, so the data drift" if drift.found else "newer rows are not harder"
    text = f"The probe reaches {by_time} on newer rows learnt from older ones, {at_random} on rows drawn at random: {says}."
    return Evidence("drift", text, drift.by_time.value, drift.by_time.low, drift.by_time.high, drift.by_time.n, gauge.kpi.metric)
