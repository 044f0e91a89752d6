"""Where a process runs and how much it varies by itself: the two figures every control limit is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sevenstep.stats.control.constants import c4, d2, d3
from sevenstep.stats.scored import FloatArray

__all__ = [
    "Process", "deviations_of", "estimate_by_deviations", "estimate_by_ranges", "estimate_individuals", "estimate_rate",
    "estimate_share", "moving_ranges", "overdispersion", "ranges_of", "sizes_of",
]  # fmt: skip


@dataclass(frozen=True)
class Process:
    """A process in control.

    Args:
        centre: mean of the values; of shares and counts the mean share, or the mean count for each unit inspected.
        sigma: standard deviation of single values within subgroups, in their unit. Of shares and counts it is the ratio of the
            spread seen to the spread of a binomial or Poisson count: 1 unless overdispersion is allowed for.
        points: how many subgroups (or single values) it was estimated from.
    """

    centre: float
    sigma: float
    points: int


def sizes_of(groups: FloatArray) -> FloatArray:
    """How many values each subgroup ``[k, m]`` has; NaN stands for "no value"."""
    return np.asarray((~np.isnan(groups)).sum(axis=1), np.float64)


def ranges_of(groups: FloatArray) -> FloatArray:
    """Largest less smallest value of each subgroup ``[k, m]``; NaN where it has fewer than two values."""
    several = sizes_of(groups) > 1
    result = np.full(len(groups), np.nan)
    result[several] = np.nanmax(groups[several], axis=1) - np.nanmin(groups[several], axis=1)
    return result


def deviations_of(groups: FloatArray) -> FloatArray:
    """Standard deviation of each subgroup ``[k, m]``; NaN where it has fewer than two values."""
    several = sizes_of(groups) > 1
    result = np.full(len(groups), np.nan)
    result[several] = np.nanstd(groups[several], axis=1, ddof=1)
    return result


def moving_ranges(values: FloatArray) -> FloatArray:
    """Distance of each value from the one before, ``[k]``; NaN for the first, and where either is missing."""
    return np.concatenate([[np.nan], np.abs(np.diff(values))])


def estimate_individuals(values: FloatArray) -> Process:
    """From single values in order: their mean, and sigma from the mean moving range over ``d2(2)``.

    Raises:
        ValueError: when there are no two neighbouring values.
    """
    steps = moving_ranges(values)
    known = ~np.isnan(steps)
    if not known.any():
        raise ValueError("no two neighbouring values: their spread cannot be told")
    return Process(float(np.nanmean(values)), float(steps[known].mean()) / d2(2), int((~np.isnan(values)).sum()))


def estimate_by_ranges(groups: FloatArray) -> Process:
    """From subgroups ``[k, m]``: the grand mean, and sigma from ranges, each weighted by its precision where sizes differ.

    With equal sizes sigma is the mean range over ``d2``. Source: Burr (1969), Control charts for measurements with varying sample
    sizes. Raises ValueError when no subgroup has two values.
    """
    sizes = sizes_of(groups)
    spread, factor = ranges_of(groups), _by_size(sizes, d2)
    return _weighted(groups, spread, factor, _by_size(sizes, lambda n: (d2(n) / d3(n)) ** 2))


def estimate_by_deviations(groups: FloatArray) -> Process:
    """From subgroups ``[k, m]``: the grand mean, and sigma from standard deviations, weighted by precision where sizes differ.

    With equal sizes sigma is the mean standard deviation over ``c4``. Source: Burr (1969). Raises ValueError when no subgroup has
    two values.
    """
    sizes = sizes_of(groups)
    spread, factor = deviations_of(groups), _by_size(sizes, c4)
    return _weighted(groups, spread, factor, _by_size(sizes, lambda n: c4(n) ** 2 / (1 - c4(n) ** 2)))


def _by_size(sizes: FloatArray, constant: Callable[[int], float]) -> FloatArray:
    """A constant for each subgroup; NaN where it has fewer than two values."""
    known = {size: constant(int(size)) if size > 1 else np.nan for size in np.unique(sizes)}
    return np.array([known[size] for size in sizes], np.float64)


def _weighted(groups: FloatArray, spread: FloatArray, factor: FloatArray, weight: FloatArray) -> Process:
    known = ~np.isnan(spread)
    if not known.any():
        raise ValueError("no subgroup has two values: their spread cannot be told")
    sigma = float((weight[known] * spread[known] / factor[known]).sum() / weight[known].sum())
    return Process(float(np.nanmean(groups)), sigma, int((sizes_of(groups) > 0).sum()))


def estimate_share(counts: FloatArray, sizes: FloatArray, *, overdispersed: bool = False) -> Process:
    """From counts of defective items ``[k]`` among ``sizes`` inspected: the mean share.

    With ``overdispersed``, sigma is the spread of the standardised shares from one subgroup to the next instead of 1, which
    keeps large subgroups from signalling for ever over what varies in any process. Source: Laney (2002), Improved control charts
    for attributes. Raises ValueError when nothing was inspected.
    """
    mean = _mean_rate(counts, sizes)
    return Process(mean, _ratio(counts, sizes, mean, mean * (1 - mean), overdispersed), int((~np.isnan(counts)).sum()))


def estimate_rate(counts: FloatArray, sizes: FloatArray, *, overdispersed: bool = False) -> Process:
    """From counts of defects ``[k]`` on ``sizes`` units inspected (area, length, hours): the mean count for each unit.

    ``overdispersed`` as in `estimate_share`. Raises ValueError when nothing was inspected.
    """
    mean = _mean_rate(counts, sizes)
    return Process(mean, _ratio(counts, sizes, mean, mean, overdispersed), int((~np.isnan(counts)).sum()))


def _mean_rate(counts: FloatArray, sizes: FloatArray) -> float:
    known = ~np.isnan(counts)
    if not sizes[known].sum() > 0:
        raise ValueError("nothing was inspected: a rate needs a size above 0")
    return float(counts[known].sum() / sizes[known].sum())


def _ratio(counts: FloatArray, sizes: FloatArray, mean: float, variance: float, overdispersed: bool) -> float:
    return overdispersion(counts, sizes, mean, variance) if overdispersed else 1.0


def overdispersion(counts: FloatArray, sizes: FloatArray, mean: float, variance: float) -> float:
    """Spread of rates from one subgroup to the next over the spread a pure count would have; about 1 where it is one.

    ``variance`` is that of the count on one unit: ``p (1 - p)`` of a share, the rate itself of a Poisson count.
    """
    if variance <= 0:
        return 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        standardised = (counts / sizes - mean) / np.sqrt(variance / sizes)
    steps = moving_ranges(standardised)
    known = steps[~np.isnan(steps)]
    return float(known.mean()) / d2(2) if len(known) else 1.0
