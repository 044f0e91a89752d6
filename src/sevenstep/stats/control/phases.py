"""Phase 1: limits from a process that may have had upsets, with what was left out and why. Phase 2: the limits stay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from sevenstep.stats.control.charts import (
    Chart,
    c_chart,
    individuals_chart,
    moving_range_chart,
    np_chart,
    p_chart,
    r_chart,
    s_chart,
    u_chart,
    xbar_chart,
)
from sevenstep.stats.control.process import (
    Process,
    estimate_by_deviations,
    estimate_by_ranges,
    estimate_individuals,
    estimate_rate,
    estimate_share,
)
from sevenstep.stats.scored import BoolArray, FloatArray

__all__ = ["CHARTS", "Baseline", "ChartKind", "Removal", "Samples", "phase_1", "phase_2"]

MOST_REMOVED = 0.25
"""Share of the points that may be left out; where more lie beyond the limits there is no stable process to take limits from."""


@dataclass(frozen=True)
class Samples:
    """What is charted, in order: single ``values`` or counts ``[k]``, or subgroups ``[k, m]``; NaN stands for "no value".

    ``sizes`` are the units inspected behind each count; a count without them is one unit.
    """

    values: FloatArray
    sizes: FloatArray | None = None

    @property
    def units(self) -> FloatArray:
        """Units inspected, 1 where no sizes were given."""
        return np.ones(len(self.values)) if self.sizes is None else self.sizes

    def without(self, left_out: BoolArray) -> Samples:
        """The same points with some blanked out, so that no moving range spans the gap they leave."""
        values = self.values.astype(np.float64, copy=True)
        values[left_out] = np.nan
        return Samples(values, self.sizes)

    def at(self, part: slice) -> Samples:
        """A stretch of the points."""
        return Samples(self.values[part], None if self.sizes is None else self.sizes[part])


@dataclass(frozen=True)
class ChartKind:
    """A kind of control chart: how its process is estimated, and the charts that are drawn of it."""

    name: str
    estimate: Callable[[Samples], Process]
    draw: Callable[[Samples, Process], tuple[Chart, ...]]


@dataclass(frozen=True)
class Removal:
    """A point that phase 1 left out of the limits: its position, the round in which it went, and why."""

    point: int
    round: int
    reason: str


@dataclass(frozen=True)
class Baseline:
    """Limits found in phase 1.

    Args:
        kind: name of the chart kind, a key of `CHARTS`.
        process: what the limits are made of; freeze it for phase 2.
        removed: points left out, in the order in which they went.
        stable: whether the points that stayed lie within their limits and are not too few; where not, the limits describe no
            stable process and should not be monitored by.
        charts: the charts of all points, those left out included, with the final limits.
    """

    kind: str
    process: Process
    removed: tuple[Removal, ...]
    stable: bool
    charts: tuple[Chart, ...]


def phase_1(kind: str, samples: Samples, *, most_removed: float = MOST_REMOVED) -> Baseline:
    """Find limits: estimate, leave out the points beyond the limits, estimate anew, until all that stay lie within.

    Only points beyond a limit are left out, each with its reason; a run points to a stretch of time rather than to a point, so
    runs are for a person to judge. Use it to look back at a stretch of data, and `phase_2` to judge new points by its result.

    Args:
        kind: a key of `CHARTS`.
        samples: the points in order.
        most_removed: share of the points that may go before the process counts as not stable.

    Raises:
        KeyError: for a kind that is none of `CHARTS`.
        ValueError: when the points do not suffice to estimate anything.
    """
    chart_kind = CHARTS[kind]
    left_out = np.zeros(len(samples.values), np.bool_)
    removed: list[Removal] = []
    allowed = int(most_removed * len(left_out))
    while True:
        kept = samples.without(left_out)
        process = chart_kind.estimate(kept)
        found = _beyond(chart_kind.draw(kept, process), 1 + (removed[-1].round if removed else 0))
        if not found or len(removed) + len(found) > allowed:
            return Baseline(kind, process, tuple(removed), not found, chart_kind.draw(samples, process))
        removed += found
        left_out[[removal.point for removal in found]] = True


def _beyond(charts: tuple[Chart, ...], number: int) -> list[Removal]:
    """The points beyond a limit of any of the charts, each once, with the first chart that says so."""
    reasons: dict[int, str] = {}
    for chart in charts:
        for point in np.flatnonzero(chart.outside):
            above = chart.points[point] > chart.upper[point]
            side, limit = ("above", chart.upper[point]) if above else ("below", chart.lower[point])
            reasons.setdefault(int(point), f"{chart.name} {chart.points[point]:.4g} {side} its limit {limit:.4g}")
    return [Removal(point, number, reasons[point]) for point in sorted(reasons)]


def phase_2(kind: str, samples: Samples, process: Process) -> tuple[Chart, ...]:
    """Judge new points by limits that were found before; raises KeyError for a kind that is none of `CHARTS`."""
    return CHARTS[kind].draw(samples, process)


def _measured(name: str, estimate: Callable[[FloatArray], Process], *charts: Callable[[FloatArray, Process], Chart]) -> ChartKind:
    return ChartKind(
        name,
        lambda samples: estimate(samples.values),
        lambda samples, process: tuple(chart(samples.values, process) for chart in charts),
    )


def _counted(
    name: str,
    estimate: Callable[..., Process],
    chart: Callable[[FloatArray, FloatArray, Process], Chart],
    *,
    overdispersed: bool = False,
) -> ChartKind:
    return ChartKind(
        name,
        lambda samples: estimate(samples.values, samples.units, overdispersed=overdispersed),
        lambda samples, process: (chart(samples.values, samples.units, process),),
    )


def _c_of(counts: FloatArray, sizes: FloatArray, process: Process) -> Chart:
    return c_chart(counts, process)


CHARTS: Mapping[str, ChartKind] = {
    "individuals": _measured("individuals and moving range", estimate_individuals, individuals_chart, moving_range_chart),
    "xbar_r": _measured("X-bar and R", estimate_by_ranges, xbar_chart, r_chart),
    "xbar_s": _measured("X-bar and S", estimate_by_deviations, xbar_chart, s_chart),
    "p": _counted("p", estimate_share, p_chart),
    "np": _counted("np", estimate_share, np_chart),
    "c": _counted("c", estimate_rate, _c_of),
    "u": _counted("u", estimate_rate, u_chart),
    "laney_p": _counted("Laney's p'", estimate_share, p_chart, overdispersed=True),
    "laney_u": _counted("Laney's u'", estimate_rate, u_chart, overdispersed=True),
}
"""Kinds of control chart, by the name they go by in settings."""
