"""From the measurements to the KPI value a finished model is expected to reach, with its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sevenstep.stats.intervals import Estimate
from sevenstep.tasks.tabular.feasibility.curve import Curve, curve_of
from sevenstep.tasks.tabular.feasibility.drift import Drift, drift_of
from sevenstep.tasks.tabular.feasibility.experience import INTERVAL_Z, MOST_FROM_ROWS, Experience, experience_for
from sevenstep.tasks.tabular.feasibility.gauge import Gauge
from sevenstep.tasks.tabular.feasibility.study import Study
from sevenstep.tasks.tabular.feasibility.trial import PROBE

__all__ = ["Outlook", "outlook_of"]

_Z95 = 1.96
_LEAST = 1e-9


@dataclass(frozen=True)
class Outlook:
    """What one KPI looks like before training.

    Args:
        gauge: the KPI.
        rungs: value of each rung, by name.
        start: name of the best of them, from which the expectation starts; empty where nothing could be measured.
        value: KPI value expected of a finished model.
        good: the optimistic end.
        bad: the pessimistic end.
        from_rows: share of the loss that learning from all rows is expected to save.
        experience: with tuning and combining.
        curve: loss against rows.
        drift: judged by time and at random.
    """

    gauge: Gauge
    rungs: Mapping[str, Estimate]
    start: str
    value: float | None
    good: float | None
    bad: float | None
    from_rows: float
    experience: Experience
    curve: Curve | None
    drift: Drift | None

    @property
    def measured(self) -> Estimate | None:
        """The estimate the expectation starts from."""
        return self.rungs.get(self.start)

    @property
    def low(self) -> float | None:
        """The smaller end."""
        return None if self.good is None or self.bad is None else min(self.good, self.bad)

    @property
    def high(self) -> float | None:
        """The larger end."""
        return None if self.good is None or self.bad is None else max(self.good, self.bad)

    @property
    def nothing_found(self) -> bool:
        """Whether the best rung cannot be told from guessing."""
        measured, chance = self.measured, self.gauge.chance
        if measured is None or measured.low is None or measured.high is None or chance is None:
            return False
        return bool(measured.low <= chance <= measured.high)


def outlook_of(study: Study, gauge: Gauge) -> Outlook:
    """Start from the best rung and take off what all rows, tuning and combining are expected to bring."""
    rungs = {name: gauge.estimate(scores) for name, scores in study.rungs.items()}
    pictures = study.material.described is not None
    experience = experience_for(gauge.kpi.metric, pictures=pictures)
    known = {name: rung for name, rung in rungs.items() if rung.value is not None}
    curve, drift = curve_of(study.runs, gauge), drift_of(study.times, gauge)
    if not known:
        return Outlook(gauge, rungs, "", None, None, None, 0.0, experience, curve, drift)
    start = min(known, key=lambda name: gauge.loss(float(known[name].value or 0.0)))
    from_rows = _from_rows(study, curve) if start == PROBE else 0.0
    value, good, bad = _expected(gauge, known[start], (1 - from_rows) * (1 - experience.gain), experience.spread)
    return Outlook(gauge, rungs, start, value, good, bad, from_rows, experience, curve, drift)


def _from_rows(study: Study, curve: Curve | None) -> float:
    """What all rows bring over the rows of a fold of the sample, by the learning curve."""
    if curve is None:
        return 0.0
    saved = 1.0 - curve.at(study.material.population) / max(curve.at(curve.sizes[-1]), _LEAST)
    return float(np.clip(saved, 0.0, MOST_FROM_ROWS))


def _expected(gauge: Gauge, measured: Estimate, factor: float, spread: float) -> tuple[float, float, float]:
    """Expected value with its ends; losses are log-normal about it, a metric that aims keeps its measured interval."""
    value = float(measured.value or 0.0)
    ends = [end for end in (measured.low, measured.high) if end is not None] or [value]
    if gauge.aims:
        best = float(gauge.metric.goal or 0.0)
        return best, best, max([value, *ends], key=gauge.loss)
    losses = sorted(max(gauge.loss(end), _LEAST) for end in ends)
    sampling = math.log(losses[-1] / losses[0]) / (2 * _Z95)
    reach = math.exp(INTERVAL_Z * math.hypot(sampling, spread))
    loss = gauge.loss(value) * factor
    worst = gauge.loss(gauge.metric.limits[0]) if gauge.metric.direction == "higher" else math.inf
    return gauge.value(loss), gauge.value(loss / reach), gauge.value(min(loss * reach, worst))
