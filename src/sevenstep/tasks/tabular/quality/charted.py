"""A rate or a number that is watched by a control chart: its limits, what its rules say, and how it goes on with newer rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sevenstep.stats.control.charts import Chart
from sevenstep.stats.control.phases import Baseline, phase_1, phase_2
from sevenstep.stats.control.process import Process
from sevenstep.stats.control.rules import WESTERN_ELECTRIC, Violation, violations
from sevenstep.stats.control.runlength import chance_of_signals
from sevenstep.stats.scored import FloatArray
from sevenstep.tasks.tabular.quality.choosing import (
    Choice,
    Considered,
    choose_count,
    choose_number,
    choose_rate,
    frozen_of,
    samples_of,
)
from sevenstep.tasks.tabular.quality.subgroups import Subgroups

__all__ = ["RULES", "Charted", "Settings", "chart_number", "chart_rate"]

RULES = tuple(WESTERN_ELECTRIC.values())
_SPREAD_ALARMS = 0.005


@dataclass(frozen=True)
class Settings:
    """What a chart needs to go on after release, as plain values: frozen limits and how rows make subgroups.

    ``form`` is ``rate`` (share of defects), ``count`` (counts for each row), ``single`` (each row), ``groups`` (X-bar and R or S)
    or ``means`` (means of subgroups as single values); ``size`` is rows to a subgroup, ``lots`` whether it is of whole lots.
    """

    column: str
    form: str
    kind: str
    size: int
    lots: bool
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
        considered: the charts that came into question, the one taken first.
        charts: all points with the limits of the first ``frozen`` of them; the main chart first.
        starts: position of the first row of each point.
        sizes: rows of each point.
        frozen: how many points the limits came from.
        baseline: what phase 1 left out; None where the limits were given.
        found: rules that fired, among all points.
    """

    settings: Settings
    label: str
    considered: tuple[Considered, ...]
    charts: tuple[Chart, ...]
    starts: Sequence[int]
    sizes: Sequence[int]
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
    def going_on(cls, settings: Mapping[str, Any], label: str, values: FloatArray, lots: NDArray[np.int64] | None) -> Charted:
        """Judge newer ``values`` (defects as 0 and 1, or the number), in order, by frozen limits.

        ``lots`` labels the lot of each row; a chart of lots reads neighbouring rows where it is None.
        """
        known = Settings(**settings)
        if lots is not None and known.lots:
            subgroups = Subgroups.of_lots(lots, known.size)
        else:
            subgroups = Subgroups.of_rows(len(values), known.size)
        charts = phase_2(known.kind, samples_of(known.form, values, subgroups), known.process)
        why = (Considered(known.kind, True, "limits as released"),)
        return cls(known, label, why, charts, subgroups.starts, subgroups.sizes.tolist(), 0, None, _read(charts))


def chart_rate(column: str, label: str, defects: FloatArray, lots: NDArray[np.int64] | None) -> Charted | None:
    """A chart of the share of defects ``[n]`` in order; None where `choosing.choose_rate` finds none."""
    choice = choose_rate(defects, lots)
    return None if choice is None else _charted(column, label, defects, choice)


def chart_number(column: str, values: FloatArray, lots: NDArray[np.int64] | None) -> Charted | None:
    """A chart of a number or a count ``[n]`` in order, NaN where missing; None where too few are known or they do not vary."""
    choice = choose_count(values, lots) or choose_number(values, lots)
    return None if choice is None else _charted(column, column, values, choice)


def _charted(column: str, label: str, values: FloatArray, choice: Choice) -> Charted:
    subgroups, kind = choice.subgroups, choice.kind
    samples, frozen = samples_of(choice.form, values, subgroups), frozen_of(len(subgroups))
    baseline = phase_1(kind, samples.at(slice(frozen)))
    charts = phase_2(kind, samples, baseline.process)
    process = baseline.process
    settings = Settings(column, choice.form, kind, subgroups.size, subgroups.lots, process.centre, process.sigma, process.points)
    sizes, found = subgroups.sizes.tolist(), _read(charts)
    return Charted(settings, label, choice.considered, charts, subgroups.starts, sizes, frozen, baseline, found)


def _read(charts: tuple[Chart, ...]) -> tuple[Violation, ...]:
    return tuple(violation for chart in charts for violation in violations(chart, RULES))
