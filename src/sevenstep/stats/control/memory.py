"""Charts with a memory, for small and lasting shifts: EWMA and CUSUM."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sevenstep.stats.control.charts import Chart
from sevenstep.stats.control.process import Process
from sevenstep.stats.scored import BoolArray, FloatArray

__all__ = ["Cusum", "cusum_chart", "ewma_chart"]


def ewma_chart(
    values: FloatArray, process: Process, *, weight: float = 0.1, width: float = 2.814, sizes: FloatArray | None = None
) -> Chart:
    """Exponentially weighted moving average of values ``[k]`` in order, with exact limits that widen from the start.

    ``z_i = weight x_i + (1 - weight) z_(i-1)`` from the centre on, with standard error
    ``sigma sqrt(weight / (2 - weight) (1 - (1 - weight)^(2 i)))``. The defaults give one false alarm in 500 points (Lucas and
    Saccucci 1990). A missing value leaves the average where it is, and has no point.

    Args:
        values: single values, or means of subgroups.
        process: its centre and the standard deviation of single values.
        weight: of the newest value, above 0 and up to 1.
        width: limits lie this many standard errors from the centre.
        sizes: of the subgroups whose means ``values`` are; 1 when not given.

    Raises:
        ValueError: when ``weight`` is not above 0 and at most 1.
    """
    if not 0 < weight <= 1:
        raise ValueError(f"the weight of the newest value must be above 0 and at most 1, not {weight}")
    errors = process.sigma / np.sqrt(np.ones(len(values)) if sizes is None else sizes)
    points, variances = np.full(len(values), np.nan), np.full(len(values), np.nan)
    average, variance = process.centre, 0.0
    for place in np.flatnonzero(~np.isnan(values)):
        average += weight * (values[place] - average)
        variance = (1 - weight) ** 2 * variance + (weight * errors[place]) ** 2
        points[place], variances[place] = average, variance
    sigma = np.sqrt(variances)
    centre = np.full(len(values), process.centre)
    return Chart("EWMA", points, centre, sigma, centre - width * sigma, centre + width * sigma, runs=False)


@dataclass(frozen=True)
class Cusum:
    """A tabular CUSUM in standard errors, arrays ``[k]``.

    Args:
        above: cumulated distance above ``centre + slack``; ``below`` likewise under it, both 0 or more.
        interval: decision interval; a sum beyond it signals.
        since_above: position of the first of the points that make up ``above``: the likely time of the shift. ``since_below``
            likewise.
    """

    above: FloatArray
    below: FloatArray
    interval: float
    since_above: FloatArray
    since_below: FloatArray

    @property
    def outside(self) -> BoolArray:
        """Which points signal."""
        return np.asarray((self.above > self.interval) | (self.below > self.interval), np.bool_)


def cusum_chart(
    values: FloatArray,
    process: Process,
    *,
    slack: float = 0.5,
    interval: float = 5.0,
    head_start: float = 0.0,
    sizes: FloatArray | None = None,
) -> Cusum:
    """Tabular CUSUM of values ``[k]`` in order (Page 1954; Montgomery, section 9.1).

    ``above_i = max(0, above_(i-1) + z_i - slack)`` with ``z`` the distance from the centre in standard errors, and ``below`` its
    mirror image. A slack of half the shift to be found is best for it; ``slack`` 0.5 and ``interval`` 5 alarm wrongly once in
    465 points and find a shift of one sigma after 10. ``head_start`` (half the interval is usual; Lucas and Crosier 1982) finds
    a process that starts off target sooner. A missing value leaves the sums as they are.
    """
    scale = process.sigma / np.sqrt(np.ones(len(values)) if sizes is None else sizes)
    z = (values - process.centre) / scale
    above, since_above = _cumulated(z, slack, head_start)
    below, since_below = _cumulated(-z, slack, head_start)
    return Cusum(above, below, interval, since_above, since_below)


def _cumulated(z: FloatArray, slack: float, head_start: float) -> tuple[FloatArray, FloatArray]:
    sums, since = np.full(len(z), np.nan), np.full(len(z), np.nan)
    total, first = head_start, 0
    for place in np.flatnonzero(~np.isnan(z)):
        if total <= 0:
            first = int(place)
        total = max(0.0, total + z[place] - slack)
        sums[place], since[place] = total, first if total > 0 else np.nan
    return sums, since
