"""From the measurements to the KPI value a finished model is expected to reach, with its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sevenstep.stats.intervals import Estimate
from sevenstep.stats.scored import FloatArray
from sevenstep.tasks.forecast.feasibility.calibration import BOUND_SLACK, CALIBRATION, INTERVAL_Z, MOST_FROM_SERIES, Calibration
from sevenstep.tasks.forecast.feasibility.curve import Curve, curve_of
from sevenstep.tasks.forecast.feasibility.gauge import Gauge
from sevenstep.tasks.forecast.feasibility.study import Study

__all__ = ["PROBE", "Outlook", "outlook_of"]

PROBE = "probe"
_Z95 = 1.96


@dataclass(frozen=True)
class Outlook:
    """What one KPI looks like before training.

    Args:
        gauge: the KPI on the judged rows.
        rungs: value of each simple rule and of the quick probe, by name.
        start: name of the best of them, from which the expectation starts.
        prediction: its predictions.
        value: KPI value expected of a finished model; None where nothing could be measured.
        low: optimistic end.
        high: pessimistic end.
        bound: estimate of the error that noise alone makes; None where it could not be measured.
        from_series: share of the error that learning from all series is expected to save.
        experience: the calibration used.
        by_history: error against history.
    """

    gauge: Gauge
    rungs: Mapping[str, Estimate]
    start: str
    prediction: FloatArray
    value: float | None
    low: float | None
    high: float | None
    bound: float | None
    from_series: float
    experience: Calibration
    by_history: Curve | None

    @property
    def measured(self) -> Estimate:
        """The estimate the expectation starts from."""
        return self.rungs[self.start]


def outlook_of(study: Study, gauge: Gauge) -> Outlook:
    """Start from the best of ladder and probe and take off what all data, tuning and combination are expected to bring."""
    predictions = dict(study.ladder) | ({PROBE: study.trial.prediction} if study.trial else {})
    rungs = {name: gauge.estimate(prediction) for name, prediction in predictions.items()}
    start = min(rungs, key=lambda name: _loss(gauge, rungs[name]))
    experience = CALIBRATION[PROBE if start == PROBE else "rule"]
    from_series = _from_series(study, gauge) if start == PROBE else 0.0
    bound = _bound(study, gauge, rungs[start], predictions[start])
    value, low, high = _expected(gauge, rungs[start], (1 - from_series) * (1 - experience.gain), experience.spread, bound)
    by_history = curve_of(study.by_history, gauge)
    return Outlook(gauge, rungs, start, predictions[start], value, low, high, bound, from_series, experience, by_history)


def _loss(gauge: Gauge, estimate: Estimate) -> float:
    return math.inf if estimate.value is None else float(gauge.metric.loss(np.asarray(estimate.value)))


def _from_series(study: Study, gauge: Gauge) -> float:
    curve = curve_of(study.by_series, gauge)
    if curve is None or study.trial is None:
        return 0.0
    saved = 1.0 - curve.at(study.material.population) / max(curve.at(len(study.trial.rows)), 1e-12)
    return float(np.clip(saved, 0.0, MOST_FROM_SERIES))


def _bound(study: Study, gauge: Gauge, measured: Estimate, prediction: FloatArray) -> float | None:
    """The twin's error in proportion to that of the start on the same rows, less the slack; never above the start."""
    if study.twin is None or not gauge.is_error or measured.value is None:
        return None
    rows = study.twin.rows
    share = gauge.value(study.twin.prediction, rows) / max(gauge.value(prediction, rows), 1e-12)
    return measured.value * min(share, 1.0) * (1.0 - BOUND_SLACK) if math.isfinite(share) else None


def _expected(
    gauge: Gauge, measured: Estimate, factor: float, spread: float, bound: float | None
) -> tuple[float | None, float | None, float | None]:
    """Expected value and interval; errors are log-normal about it, a metric with a best value keeps its measured interval.

    Nothing below the estimate of the noise is expected, but that is an estimate too: it does not cut the interval.
    """
    if measured.value is None:
        return None, None, None
    low, high = measured.low, measured.high
    if not gauge.is_error:
        best = gauge.metric.goal or 0.0
        ends = [end for end in (low, high, measured.value) if end is not None]
        return best, min(*ends, best), max(*ends, best)
    sampling = math.log(high / low) / (2 * _Z95) if low and high else 0.0
    reach = math.exp(INTERVAL_Z * math.hypot(sampling, spread))
    value = max(measured.value * factor, bound or 0.0)
    return value, value / reach, value * reach
