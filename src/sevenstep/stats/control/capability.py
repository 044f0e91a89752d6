"""Can a process keep within its specification? Cp, Cpk, Pp, Ppk and Cpm with intervals, and the share that falls outside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from sevenstep.stats.control.constants import d2, d3
from sevenstep.stats.control.expected import expected_outside, is_normal
from sevenstep.stats.control.process import moving_ranges, sizes_of
from sevenstep.stats.control.specification import Index, Specification
from sevenstep.stats.control.worth import Worth
from sevenstep.stats.scored import FloatArray

__all__ = ["LEAST", "Capability", "capability"]

LEVEL = 0.95
LEAST = 8
"""Fewer values than this say nothing of a spread worth an index."""


@dataclass(frozen=True)
class Capability:
    """How a process stands to its specification.

    Cp and Cpk compare the specification with the spread *within* subgroups (what the process could do), Pp and Ppk with the
    spread of all values (what it did); Cpk and Ppk count how far it is off the middle, Cpm how far off the target.

    Args:
        n: values measured.
        mean: of all values.
        within: standard deviation within subgroups, or of neighbouring single values.
        overall: standard deviation of all values.
        cp: ``(upper - lower) / (6 within)``; ``pp`` the same with ``overall``.
        cpk: the smaller of ``(upper - mean) / (3 within)`` and ``(mean - lower) / (3 within)``; ``ppk`` with ``overall``.
        cpm: ``(upper - lower) / (6 sqrt(variance + (mean - target)^2))``.
        outside: share of the values outside of the specification as seen, with its exact binomial interval.
        expected: share of all that will be made outside of it, see `expected.expected_outside`.
        normal: whether the values could come from a normal distribution, which the usual reading of an index in parts per million
            takes for granted.
        note: what to bear in mind, one sentence, or empty.
    """

    n: int
    mean: float
    within: float
    overall: float
    cp: Index
    cpk: Index
    pp: Index
    ppk: Index
    cpm: Index
    outside: Index
    expected: Index
    normal: bool
    note: str


def capability(values: FloatArray, specification: Specification, *, level: float = LEVEL) -> Capability:
    """Capability of single values ``[k]`` in order, or of subgroups ``[k, m]``; NaN stands for "no value".

    Intervals: chi-square for Cp and Pp, Bissell (1990) for Cpk and Ppk, Boyles (1991) for Cpm. Where the values are not normal
    (test of D'Agostino and Pearson, p < 0.01) those would be too narrow for heavy tails, and a delta method with the values' own
    skewness and kurtosis takes their place. Values of one subgroup are alike, so that intervals of Pp, Ppk, Cpm and shares are as
    wide as lots that differ make them; subgroups and single values are taken as independent: a process that drifts has fewer.

    Raises:
        ValueError: without any limit, with limits in the wrong order, or with fewer than `LEAST` values or none that differ.
    """
    _check(specification)
    known = values[~np.isnan(values)].astype(np.float64)
    if len(known) < LEAST or known.min() == known.max():
        raise ValueError(f"{len(known)} values, which must be {LEAST} or more and differ")
    within, freedom = _within(values)
    normal, worth = is_normal(known), Worth.of(values)
    mean, overall = float(known.mean()), float(known.std(ddof=1))
    expected = expected_outside(known, specification, level, (worth.mean, worth.spread))
    moments = _Moments(mean, worth.mean, _skew(known, normal), _kurtosis(known, normal), normal, level)
    return Capability(
        len(known), mean, within, overall,
        cp=_two_sided(within, freedom, specification, moments),
        cpk=_nearest(within, freedom, specification, moments),
        pp=_two_sided(overall, worth.spread, specification, moments),
        ppk=_nearest(overall, worth.spread, specification, moments),
        cpm=_about_target(known, specification, moments),
        outside=_outside(values, specification, level),
        expected=expected,
        normal=normal,
        note="" if normal else f"{_NOT_NORMAL}; {expected.method}",
    )  # fmt: skip


_NOT_NORMAL = "not normal, so that an index does not tell the share outside"


@dataclass(frozen=True)
class _Moments:
    mean: float
    n: float
    skew: float
    kurtosis: float
    normal: bool
    level: float

    @property
    def z(self) -> float:
        return float(special.ndtri(0.5 + self.level / 2))


def _check(specification: Specification) -> None:
    lower, upper = specification.lower, specification.upper
    if lower is None and upper is None:
        raise ValueError("a specification needs a lower or an upper limit")
    if lower is not None and upper is not None and lower >= upper:
        raise ValueError(f"the lower limit {lower:g} must be below the upper limit {upper:g}")


def _skew(values: FloatArray, normal: bool) -> float:
    return 0.0 if normal else float(stats.skew(values))


def _kurtosis(values: FloatArray, normal: bool) -> float:
    return 3.0 if normal else float(stats.kurtosis(values, fisher=False))


def _within(values: FloatArray) -> tuple[float, float]:
    """Standard deviation within, and the degrees of freedom behind it.

    Subgroups: pooled variance. Single values: the mean moving range, whose variance (neighbouring ranges share a value) is set
    equal to that of a standard deviation, ``sigma^2 / (2 freedom)``. Source: Cryer and Ryan (1990), The estimation of sigma for
    an X chart, Journal of Quality Technology 22.
    """
    if values.ndim == 2:
        several = sizes_of(values) > 1
        freedom = float((sizes_of(values)[several] - 1).sum())
        about = values[several] - np.nanmean(values[several], axis=1, keepdims=True)
        return float(np.sqrt(np.nansum(about**2) / freedom)), freedom
    steps = moving_ranges(values)
    steps = steps[~np.isnan(steps)]
    count = len(steps)
    neighbours = 4 / np.pi * (np.sqrt(0.75) + np.pi / 12 - 1)  # covariance of two ranges that share a value
    variance = (count * d3(2) ** 2 + 2 * (count - 1) * neighbours) / (count * d2(2)) ** 2
    return float(steps.mean() / d2(2)), float(1 / (2 * variance))


def _chi_square_roots(freedom: float, level: float) -> FloatArray:
    """Roots of the lower and upper chi-square quantile over the degrees of freedom."""
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    return np.asarray(np.sqrt(2 * special.gammaincinv(freedom / 2, tails) / freedom), np.float64)


def _two_sided(sigma: float, freedom: float, specification: Specification, moments: _Moments) -> Index:
    """Cp or Pp: only the spread is estimated."""
    if specification.lower is None or specification.upper is None or sigma == 0:
        return Index(None, None, None, "needs both limits and a spread")
    value = (specification.upper - specification.lower) / (6 * sigma)
    if not moments.normal:
        reach = moments.z * value * np.sqrt((moments.kurtosis - 1) / 4 / (freedom + 1))
        return Index(value, float(max(value - reach, 0.0)), float(value + reach), "delta method with the values' own kurtosis")
    low, high = _chi_square_roots(freedom, moments.level)
    return Index(value, float(value * low), float(value * high), "chi-square")


def _nearest(sigma: float, freedom: float, specification: Specification, moments: _Moments) -> Index:
    """Cpk or Ppk: how many times three standard deviations lie between the mean and the nearer limit."""
    if sigma == 0:
        return Index(None, None, None, "needs a spread")
    sides = [(-1.0, specification.lower), (1.0, specification.upper)]
    value, side = min((side * (limit - moments.mean) / (3 * sigma), side) for side, limit in sides if limit is not None)
    spread = value**2 * (moments.kurtosis - 1) / 4 / freedom
    variance = 1 / (9 * moments.n) + spread + side * moments.skew * value / (3 * moments.n)
    reach = moments.z * float(np.sqrt(max(variance, 0.0)))
    method = "Bissell" if moments.normal else "delta method with the values' own skewness and kurtosis"
    return Index(float(value), float(value - reach), float(value + reach), method)


def _about_target(values: FloatArray, specification: Specification, moments: _Moments) -> Index:
    """Cpm: spread about the target; its square is about chi-square with degrees of freedom that grow with the distance."""
    lower, upper, aim = specification.lower, specification.upper, specification.aim
    if lower is None or upper is None or aim is None:
        return Index(None, None, None, "needs both limits")
    value = (upper - lower) / (6 * float(np.sqrt(np.mean((values - aim) ** 2))))
    away = ((moments.mean - aim) / float(values.std())) ** 2
    freedom = moments.n * (1 + away) ** 2 / (1 + 2 * away)
    if not moments.normal:
        squares = (values - aim) ** 2
        reach = moments.z * value * float(squares.std() / (2 * squares.mean() * np.sqrt(moments.n)))
        return Index(value, max(value - reach, 0.0), value + reach, "delta method with the values' own kurtosis")
    low, high = _chi_square_roots(freedom, moments.level)
    return Index(value, float(value * low), float(value * high), "Boyles")


def _outside(values: FloatArray, specification: Specification, level: float) -> Index:
    """The share seen; where lots differ in it, as if so many fewer had been looked at (Korn and Graubard 1998)."""
    below = values < (-np.inf if specification.lower is None else specification.lower)
    above = values > (np.inf if specification.upper is None else specification.upper)
    missed = np.where(np.isnan(values), np.nan, (below | above).astype(np.float64))
    share, n = float(np.nanmean(missed)), Worth.of(missed).mean
    count, tail = share * n, (1 - level) / 2
    low = float(special.betaincinv(count, n - count + 1, tail)) if count > 0 else 0.0
    high = float(special.betaincinv(count + 1, n - count, 1 - tail)) if share < 1 else 1.0
    return Index(share, low, high, "Clopper-Pearson")
