"""Shewhart's control charts: what is plotted, its centre line and its limits, from a process whose figures are given.

Limits never estimate anything: a `Process` comes from `sevenstep.stats.control.process` (phase 1) or from a release (phase 2), so
that the same function draws both phases.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sevenstep.stats.control.constants import c4, d2, d3
from sevenstep.stats.control.process import Process, deviations_of, moving_ranges, ranges_of, sizes_of
from sevenstep.stats.scored import BoolArray, FloatArray

__all__ = [
    "WIDTH", "Chart", "c_chart", "individuals_chart", "moving_range_chart", "np_chart", "p_chart", "r_chart", "s_chart",
    "u_chart", "xbar_chart",
]  # fmt: skip

WIDTH = 3.0
"""Limits lie this many standard errors from the centre line."""


@dataclass(frozen=True)
class Chart:
    """Points in order with the limits of each, arrays ``[k]``; NaN where there is no point.

    Args:
        name: what is plotted, as people call it ("X-bar", "p").
        points: the plotted values, in the unit of the data.
        centre: the centre line.
        sigma: standard error of each point while the process is in control; run rules count in it.
        lower: lower control limit; 0 where the formula goes below what a range, a share or a count can be.
        upper: upper control limit.
        runs: whether run rules can be read: points in control are independent and lie evenly about the centre. Not so for
            ranges, standard deviations and moving averages, of which the limits alone are read.
    """

    name: str
    points: FloatArray
    centre: FloatArray
    sigma: FloatArray
    lower: FloatArray
    upper: FloatArray
    runs: bool = True

    @property
    def standardised(self) -> FloatArray:
        """Distance of each point from the centre in standard errors, ``[k]``; NaN where the standard error is 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.sigma > 0, (self.points - self.centre) / self.sigma, np.nan)

    @property
    def outside(self) -> BoolArray:
        """Which points lie beyond their limits."""
        return np.asarray((self.points > self.upper) | (self.points < self.lower), np.bool_)


def individuals_chart(values: FloatArray, process: Process, *, width: float = WIDTH) -> Chart:
    """Single values ``[k]`` in order (X, or I chart); limits ``centre +- width sigma``."""
    return _chart("individuals", values, process.centre, process.sigma, width)


def moving_range_chart(values: FloatArray, process: Process, *, width: float = WIDTH) -> Chart:
    """Distances between neighbouring values (MR chart); limits 0 to ``D4`` times the mean moving range at the usual width."""
    return _spread_chart("moving range", moving_ranges(values), np.full(len(values), 2.0), process.sigma, width, _of_ranges)


def xbar_chart(groups: FloatArray, process: Process, *, width: float = WIDTH) -> Chart:
    """Means of subgroups ``[k, m]`` (X-bar chart); limits ``centre +- width sigma / sqrt(n)``, each subgroup by its own size."""
    sizes = sizes_of(groups)
    known = sizes > 0
    means = np.full(len(groups), np.nan)
    means[known] = np.nanmean(groups[known], axis=1)
    with np.errstate(divide="ignore"):
        return _chart("X-bar", means, process.centre, process.sigma / np.sqrt(sizes), width)


def r_chart(groups: FloatArray, process: Process, *, width: float = WIDTH) -> Chart:
    """Ranges of subgroups ``[k, m]`` (R chart); with equal sizes the limits are ``D3 R`` and ``D4 R``."""
    return _spread_chart("R", ranges_of(groups), sizes_of(groups), process.sigma, width, _of_ranges)


def s_chart(groups: FloatArray, process: Process, *, width: float = WIDTH) -> Chart:
    """Standard deviations of subgroups ``[k, m]`` (S chart); with equal sizes the limits are ``B3 S`` and ``B4 S``."""
    return _spread_chart("S", deviations_of(groups), sizes_of(groups), process.sigma, width, _of_deviations)


def p_chart(counts: FloatArray, sizes: FloatArray, process: Process, *, width: float = WIDTH) -> Chart:
    """Share of defective items in each subgroup; limits ``p +- width sigma sqrt(p (1 - p) / n)``, cut at 0 and 1."""
    error = process.sigma * np.sqrt(process.centre * (1 - process.centre) / _sizes(sizes))
    return _chart("p", counts / _sizes(sizes), process.centre, error, width, least=0.0, most=1.0)


def np_chart(counts: FloatArray, sizes: FloatArray, process: Process, *, width: float = WIDTH) -> Chart:
    """Number of defective items in each subgroup; a p chart in counts, for subgroups of one size."""
    centre = sizes * process.centre
    error = process.sigma * np.sqrt(centre * (1 - process.centre))
    return _chart("np", counts, centre, error, width, least=0.0, most=sizes)


def c_chart(counts: FloatArray, process: Process, *, width: float = WIDTH) -> Chart:
    """Number of defects on units of equal size; limits ``c +- width sigma sqrt(c)``, cut at 0."""
    return _chart("c", counts, process.centre, process.sigma * np.sqrt(process.centre), width, least=0.0)


def u_chart(counts: FloatArray, sizes: FloatArray, process: Process, *, width: float = WIDTH) -> Chart:
    """Defects for each unit inspected; limits ``u +- width sigma sqrt(u / n)``, cut at 0."""
    error = process.sigma * np.sqrt(process.centre / _sizes(sizes))
    return _chart("u", counts / _sizes(sizes), process.centre, error, width, least=0.0)


def _sizes(sizes: FloatArray) -> FloatArray:
    """Sizes with NaN for 0, so that an empty subgroup has no point."""
    return np.where(sizes > 0, sizes, np.nan)


def _chart(
    name: str,
    points: FloatArray,
    centre: float | FloatArray,
    sigma: float | FloatArray,
    width: float,
    *,
    least: float = -np.inf,
    most: float | FloatArray = np.inf,
    runs: bool = True,
) -> Chart:
    middle, error = np.full(len(points), centre, np.float64), np.full(len(points), sigma, np.float64)
    lower, upper = np.maximum(middle - width * error, least), np.minimum(middle + width * error, most)
    return Chart(name, np.asarray(points, np.float64), middle, error, lower, upper, runs)


def _of_ranges(n: int) -> tuple[float, float]:
    return d2(n), d3(n)


def _of_deviations(n: int) -> tuple[float, float]:
    return c4(n), float(np.sqrt(1 - c4(n) ** 2))


def _spread_chart(
    name: str, points: FloatArray, sizes: FloatArray, sigma: float, width: float, moments: Callable[[int], tuple[float, float]]
) -> Chart:
    """A chart of a measure of spread, whose mean and standard deviation at standard deviation 1 are ``moments(size)``."""
    known = {size: moments(int(size)) if size > 1 else (np.nan, np.nan) for size in np.unique(sizes)}
    by_size = np.array([known[size] for size in sizes], np.float64).reshape(-1, 2)
    return _chart(name, points, sigma * by_size[:, 0], sigma * by_size[:, 1], width, least=0.0, runs=False)
