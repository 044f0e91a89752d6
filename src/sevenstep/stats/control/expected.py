"""How large a share of what a process makes will miss its specification: told from its spread where it is too small to count."""

from __future__ import annotations

import numpy as np
from scipy import special, stats

from sevenstep.stats.control.skewed import Skewed, transformed
from sevenstep.stats.control.specification import Index, Specification
from sevenstep.stats.scored import FloatArray

__all__ = ["NORMAL_P", "expected_outside", "is_normal"]

NORMAL_P = 0.01
"""Values are taken as normal unless the test of D'Agostino and Pearson says otherwise at this level."""
_FITTED_P = 0.1
"""Asked of values that were transformed to be normal: heavy tails, which no power mends, would pass a lower bar too often."""
_LEAST_TESTED = 20
_DRAWS = 4000


def is_normal(values: FloatArray, least_p: float = NORMAL_P) -> bool:
    """Whether values ``[n]`` could come from a normal distribution; fewer than 20 tell nothing and are taken as such."""
    return bool(stats.normaltest(values).pvalue >= least_p) if len(values) >= _LEAST_TESTED else True


def expected_outside(values: FloatArray, specification: Specification, level: float, sizes: tuple[float, float]) -> Index:
    """Share of all that will be made outside of the specification, from a distribution fitted to the values ``[n]``.

    A normal one; where the values are not normal, one that is so after a power transformation; where that does not fit either,
    nothing is expected and ``value`` is None. Intervals are of shares at figures drawn as the data leave them open: generalised
    of the normal distribution (Krishnamoorthy and Mathew 2009, Statistical tolerance regions), by large samples of the other.

    Args:
        values: without gaps.
        specification: with one limit at least.
        level: of the interval.
        sizes: how many independent values the mean is worth, and degrees of freedom of the standard deviation.
    """
    if is_normal(values):
        return _of_normal(values, specification, level, sizes)
    middle, scale = float(np.median(values)), float(values.std())
    fit = Skewed.of((values - middle) / scale)
    if not is_normal(fit.moved, _FITTED_P):
        return Index(None, None, None, "no distribution fits")
    lower, upper = (None if limit is None else (limit - middle) / scale for limit in (specification.lower, specification.upper))
    drawn = fit.drawn(np.random.default_rng(0), _DRAWS, min(sizes) / len(values))
    shares = _skewed_share(drawn, lower, upper)
    value = float(_skewed_share(fit.figures[None, :], lower, upper)[0])
    return _between(value, shares, level, "normal after a Yeo-Johnson transformation")


def _of_normal(values: FloatArray, specification: Specification, level: float, sizes: tuple[float, float]) -> Index:
    """Drawn with one seed, so that equal values give equal intervals."""
    n, freedom = sizes
    random = np.random.default_rng(0)
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    deviations = deviation * np.sqrt(freedom / random.chisquare(freedom, _DRAWS))
    means = mean + deviations * random.standard_normal(_DRAWS) / np.sqrt(n)
    lower, upper = specification.lower, specification.upper
    value = float(_share(lower, upper, np.array([mean]), np.array([deviation]))[0])
    return _between(value, _share(lower, upper, means, deviations), level, "normal")


def _between(value: float, shares: FloatArray, level: float, method: str) -> Index:
    low, high = np.quantile(shares, [(1 - level) / 2, (1 + level) / 2])
    return Index(value, float(low), float(high), method)


def _skewed_share(figures: FloatArray, lower: float | None, upper: float | None) -> FloatArray:
    """Share outside for each row of figures: mean, logarithm of the deviation, power."""
    means, deviations, powers = figures[:, 0], np.exp(figures[:, 1]), figures[:, 2]
    ends = [None if limit is None else transformed(limit, powers) for limit in (lower, upper)]
    return _share(ends[0], ends[1], means, deviations)


def _share(
    lower: float | FloatArray | None, upper: float | FloatArray | None, means: FloatArray, deviations: FloatArray
) -> FloatArray:
    below = 0.0 if lower is None else special.ndtr((lower - means) / deviations)
    above = 0.0 if upper is None else special.ndtr((means - upper) / deviations)
    return np.asarray(below + above, np.float64)
