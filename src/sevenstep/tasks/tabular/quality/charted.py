"""A rate or a number that is watched by a control chart: how rows make subgroups, which chart fits, and what its rules say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from sevenstep.stats.control.charts import Chart
from sevenstep.stats.control.phases import Baseline, Samples, phase_1, phase_2
from sevenstep.stats.control.process import (
    Process,
    estimate_by_deviations,
    estimate_individuals,
    overdispersion,
)
from sevenstep.stats.control.rules import WESTERN_ELECTRIC, Violation, violations
from sevenstep.stats.control.runlength import chance_of_signals
from sevenstep.stats.scored import FloatArray

__all__ = ["RULES", "Charted", "Settings", "chart_number", "chart_rate"]

RULES = tuple(WESTERN_ELECTRIC.values())
_MOST_POINTS, _LEAST_POINTS = 60, 12
_SPLIT = 40
"""With as many points, the older half gives the limits and the newer half is judged by them."""
_FEW_ROWS = 80
_EXPECTED = 5.0
_SMALLEST = 4
_WIDER = 1.25
_RESTLESS = 1.5
_HEAVY = 5.0
_SPREAD_ALARMS = 0.005


@dataclass(frozen=True)
class Settings:
    """What a chart needs to go on after release, as plain values: frozen limits and how rows make subgroups.

    ``form`` is ``rate`` (share of defects), ``single`` (each row), ``groups`` (X-bar and S) or ``means`` (means of subgroups as
    single values); ``size`` is rows to a subgroup.
    """

    column: str
    form: str
    kind: str
    size: int
    centre: float
    sigma: float
    points: int

    @property
    def process(self) -> Process:
        """The frozen process."""
        return Process(self.centre, self.sigma, self.points)


@dataclass(frozen=True)
class Charted:
    """A column on a control chart.

    Args:
        settings: how to go on.
        label: what is charted, in words.
        reason: why this kind of chart.
        charts: all points with the limits of the first ``frozen`` of them; the main chart first.
        starts: position of the first row of each point.
        frozen: how many points the limits came from.
        baseline: what phase 1 left out; None where the limits were given.
        found: rules that fired, among all points.
    """

    settings: Settings
    label: str
    reason: str
    charts: tuple[Chart, ...]
    starts: Sequence[int]
    frozen: int
    baseline: Baseline | None
    found: tuple[Violation, ...]

    @property
    def signals(self) -> int:
        """How many points signal on any of the charts."""
        return len({point for violation in self.found for point in violation.points})

    @property
    def chance(self) -> float:
        """Chance of as many signals on the main chart, or on the chart of the spread, of a process in control.

        Beyond the limits of a chart of the spread lies about one point in 200 of it.
        """
        main, points = self.charts[0], len(self.starts)
        fired = {point for violation in self.found if violation.chart == main.name for point in violation.points}
        outside = [int(chart.outside.sum()) for chart in self.charts[1:]]
        of_spread = [float(stats.binom.sf(count - 1, points, _SPREAD_ALARMS)) for count in outside]
        chances = [chance_of_signals(RULES, points, len(fired)), *of_spread]
        return min(1.0, len(chances) * min(chances))

    @classmethod
    def going_on(cls, settings: Mapping[str, Any], label: str, values: FloatArray) -> Charted:
        """Judge newer ``values`` (defects as 0 and 1, or the number), in order, by frozen limits."""
        known = Settings(**settings)
        samples = _samples(known.form, values, known.size)
        charts = phase_2(known.kind, samples, known.process)
        return cls(known, label, "limits as released", charts, _starts(samples, known.size), 0, None, _read(charts))


def chart_rate(column: str, label: str, defects: FloatArray) -> Charted | None:
    """A chart of the share of defects ``[n]`` in order; None where they are too few for a dozen points.

    A subgroup has enough rows for five expected defects. Where shares vary more than a binomial count, limits are Laney's.
    """
    rate = float(defects.mean()) if len(defects) else 0.0
    if not 0 < rate < 1:
        return None
    size = max(int(np.ceil(_EXPECTED / min(rate, 1 - rate))), -(-len(defects) // _MOST_POINTS))
    samples = _samples("rate", defects, size)
    if len(samples.values) < _LEAST_POINTS:
        return None
    older = samples.at(slice(_frozen(samples)))
    ratio = overdispersion(older.values, older.units, rate, rate * (1 - rate))
    if ratio > _WIDER:
        reason = f"shares vary {ratio:.1f} times as much as a binomial count would: Laney's limits, which allow for it"
        return _charted(column, label, "rate", "laney_p", size, samples, reason)
    return _charted(column, label, "rate", "p", size, samples, "shares vary as a binomial count does")


def chart_number(column: str, values: FloatArray) -> Charted | None:
    """A chart of a number ``[n]`` in order, NaN where missing; None where too few are known or they do not vary."""
    known = values[~np.isnan(values)]
    if len(known) < _LEAST_POINTS or np.ptp(known) == 0:
        return None
    if len(known) <= _FEW_ROWS:
        return _charted(column, column, "single", "individuals", 1, _samples("single", known, 1), "each value on its own")
    size = max(_SMALLEST, -(-len(values) // _MOST_POINTS))
    groups = _samples("groups", values, size)
    older = groups.values[: _frozen(groups)]
    if not _several_known(older):
        return None
    form, kind, reason = _number_form(older, size)
    return _charted(column, column, form, kind, size, _samples(form, values, size), reason)


def _several_known(groups: FloatArray) -> bool:
    """Whether most subgroups have values that vary, so that a spread within them can be told."""
    varied = (~np.isnan(groups)).sum(axis=1) > 1
    return bool(varied.mean() > 0.5 and estimate_by_deviations(groups).sigma > 0)


def _number_form(groups: FloatArray, size: int) -> tuple[str, str, str]:
    """X-bar and S, unless tails are heavy or means move more from subgroup to subgroup than the spread within them explains."""
    means = _means(groups)
    if _kurtosis(groups) > _HEAVY:
        return "means", "individuals", "tails too heavy for a chart of the spread: means are read as single values"
    within = estimate_by_deviations(groups).sigma / np.sqrt((~np.isnan(groups)).sum(axis=1).mean())
    ratio = estimate_individuals(means).sigma / within
    if ratio > _RESTLESS:
        reason = f"means vary {ratio:.1f} times as much from subgroup to subgroup as within: means are read as single values"
        return "means", "individuals", reason
    return "groups", "xbar_s", f"subgroups of {size} rows in order"


def _kurtosis(groups: FloatArray) -> float:
    """Kurtosis within subgroups: 3 where values are normal."""
    about = groups - _means(groups)[:, None]
    return float(np.nanmean(about**4) / np.nanmean(about**2) ** 2)


def _means(groups: FloatArray) -> FloatArray:
    """Mean of each subgroup, NaN where it has no value."""
    known = ~np.isnan(groups)
    sums = np.where(known, groups, 0.0).sum(axis=1)
    return np.where(known.any(axis=1), sums / np.maximum(known.sum(axis=1), 1), np.nan)


def _samples(form: str, values: FloatArray, size: int) -> Samples:
    """Whole subgroups of neighbouring rows; rows left over at the end wait for more."""
    points = len(values) // size
    groups = values[: points * size].reshape(points, size)
    if form == "rate":
        return Samples(groups.sum(axis=1), np.full(points, float(size)))
    if form == "single":
        return Samples(groups[:, 0])
    if form == "groups":
        return Samples(groups)
    return Samples(_means(groups))


def _frozen(samples: Samples) -> int:
    points = len(samples.values)
    return points // 2 if points >= _SPLIT else points


def _starts(samples: Samples, size: int) -> range:
    return range(0, len(samples.values) * size, size)


def _charted(column: str, label: str, form: str, kind: str, size: int, samples: Samples, reason: str) -> Charted:
    frozen = _frozen(samples)
    baseline = phase_1(kind, samples.at(slice(frozen)))
    charts = phase_2(kind, samples, baseline.process)
    process = baseline.process
    settings = Settings(column, form, kind, size, process.centre, process.sigma, process.points)
    return Charted(settings, label, reason, charts, _starts(samples, size), frozen, baseline, _read(charts))


def _read(charts: tuple[Chart, ...]) -> tuple[Violation, ...]:
    return tuple(violation for chart in charts for violation in violations(chart, RULES))
