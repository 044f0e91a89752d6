"""Comparisons within the same series, season phase and stretch of time, with intervals that know what is not independent.

Rows are compared only with rows of their own *cell* (fixed effects): what differs between cells cannot be mistaken for an effect.
Errors of one series belong together, and so do errors of one date across series; intervals take account of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["Clusters", "Fit", "codes_of", "degrees_used", "group_means", "least_squares", "leftover", "mean_ratios", "within"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
ROUNDS = 6  # of alternating projections; nearly balanced panels have converged by then
NEWTON, SETTLED, LONGEST = 12, 1e-6, 2.0  # steps at most, the step that counts as none, and the longest one taken (logarithms)


@dataclass(frozen=True)
class Clusters:
    """What binds errors together: the series of each row, and the stretch of time shared by all series (codes from 0)."""

    series: Codes
    time: Codes

    def at(self, rows: NDArray[np.bool_]) -> Clusters:
        """The clusters of some rows."""
        return Clusters(self.series[rows], self.time[rows])

    @property
    def fewest(self) -> int:
        """The smaller number of clusters of the ways that have at least two; 0 when neither has."""
        counts = [_present(codes) for codes in (self.series, self.time)]
        return min([count for count in counts if count > 1], default=0)


@dataclass(frozen=True)
class Fit:
    """Coefficients with 95 % intervals, ``[column]``; NaN where a column does not vary within cells.

    ``clusters`` is the smaller number of clusters behind the intervals.
    """

    value: Floats
    low: Floats
    high: Floats
    clusters: int


def codes_of(*columns: NDArray[np.integer]) -> Codes:
    """One code from 0 for each distinct combination of whole numbers."""
    code, room = np.zeros(len(columns[0]), dtype=np.int64), 1
    for column in columns if len(code) else ():
        low = int(column.min())
        width = int(column.max()) - low + 1
        code, room = code * width + (column.astype(np.int64) - low), room * width
    if room > 8 * len(code) + 1_000_000:
        return np.unique(code, return_inverse=True)[1].reshape(-1)
    return (np.cumsum(np.bincount(code, minlength=1) > 0) - 1)[code]  # counting is faster than sorting


def _present(codes: Codes) -> int:
    return int(np.count_nonzero(np.bincount(codes))) if len(codes) else 0


def within(values: Floats, cells: Sequence[Codes]) -> Floats:
    """Values less the mean of their cell; with several groupings, less the additive means of all of them."""
    result = values.astype(np.float64)
    for _ in range(ROUNDS if len(cells) > 1 else 1):
        for codes in cells:
            count = np.bincount(codes)
            mean = np.bincount(codes, result) / np.maximum(count, 1)
            result = result - mean[codes]
    return result


def leftover(values: Floats, cells: Sequence[Codes]) -> float:
    """Variance left within cells, with the degrees of freedom the cell means use up taken off."""
    free = len(values) - degrees_used(cells)
    return float((within(values, cells) ** 2).sum() / free) if free > 0 else float("nan")


def degrees_used(cells: Sequence[Codes]) -> int:
    """Degrees of freedom that the means of the cells use up."""
    return sum(_present(codes) for codes in cells) - (len(cells) - 1)


def least_squares(
    y: Floats, columns: Sequence[Floats], cells: Sequence[Codes], clusters: Clusters, told: int | None = None
) -> Fit:
    """Ordinary least squares within cells on ``columns``, each ``[n]``, with intervals clustered by series and by time.

    The variance of each coefficient is the largest of three: clustered by series, by time, and two-way (Cameron, Gelbach and
    Miller, 2011); t quantiles with one less than the smaller number of clusters. With ``told`` only the first so many columns get
    coefficients; the others are held fixed.
    """
    left = within(y, cells)
    x = np.array([within(column, cells) for column in columns])
    size = np.sqrt((x**2).mean(axis=1))
    good = size > np.array([1e-9 * max(float(np.abs(column).max()), 1e-300) for column in columns])
    wanted = good & (np.arange(len(good)) < (told or len(good)))
    value, error = np.full(len(x), np.nan), np.full(len(x), np.nan)
    if not wanted.any():
        return Fit(value, value, value, clusters.fewest)
    scaled = x[good] / size[good, None]
    inverse = np.linalg.pinv(scaled @ scaled.T, rcond=1e-10, hermitian=True)
    beta = inverse @ (scaled @ left)
    kept = wanted[good]
    influence = (inverse[kept] @ scaled) * (left - beta @ scaled)
    value[wanted] = (beta / size[good])[kept]
    error[wanted] = _errors(influence, clusters, len(y), degrees_used(cells)) / size[good][kept]
    reach = _quantile(clusters.fewest) * error
    return Fit(value, value - reach, value + reach, clusters.fewest)


def mean_ratios(y: Floats, columns: Sequence[Floats], cells: Sequence[Codes], clusters: Clusters, told: int | None = None) -> Fit:
    """Logarithms of the ratio of *means* for one more unit of each of ``columns``, within cells, for values not below 0.

    With one column of 0 and 1 it is the ratio of sums with and without, each cell weighed by what it can tell. A mean of
    logarithms cannot say that where values are 0 now and then: from 0 to 30 is a jump by the factor 31 there. The fit is the
    Poisson pseudo-maximum likelihood with cell effects (Santos Silva and Tenreyro, 2006), which needs no more than the means to
    be right; cells that are 0 throughout tell nothing. Intervals and ``told`` as in `least_squares`.
    """
    x = np.array([within(column, cells) for column in columns])
    size = np.sqrt((x**2).mean(axis=1))
    good = size > np.array([1e-9 * max(float(np.abs(column).max()), 1e-300) for column in columns])
    value, error = np.full(len(x), np.nan), np.full(len(x), np.nan)
    if not good.any() or not y.any():
        return Fit(value, value, value, clusters.fewest)
    scaled = x[good] / size[good, None]
    beta, left, mu, inverse = _newton(y, scaled, cells)
    seen = (left**2 * mu).mean(axis=1) > 1e-9 * mu.mean()
    wanted, kept = good.copy(), seen & (np.flatnonzero(good) < (told or len(good)))
    wanted[good] = kept
    influence = (inverse[kept] @ left) * (y - mu)
    value[wanted] = (beta / size[good])[kept]
    error[wanted] = _errors(influence, clusters, len(y), degrees_used(cells)) / size[wanted]
    reach = _quantile(clusters.fewest) * error
    return Fit(value, value - reach, value + reach, clusters.fewest)


def _newton(y: Floats, x: Floats, cells: Sequence[Codes]) -> tuple[Floats, Floats, Floats, Floats]:
    """Coefficients of ``x[k, n]``, ``x`` less its weighted cell means, expected values, and the inverse information."""
    beta, mu = np.zeros(len(x)), _rescaled(np.ones(len(y)), y, cells)
    for _ in range(NEWTON):
        left = np.array([_weighed(column, mu, cells) for column in x])
        inverse = np.linalg.pinv((left * mu) @ left.T, rcond=1e-10, hermitian=True)
        step = inverse @ (left @ (y - mu))
        moved = step @ x
        shorter = min(1.0, LONGEST / max(float(np.abs(moved).max()), 1e-12))  # a state that is always 0 has no finite logarithm
        beta = beta + shorter * step
        mu = _rescaled(mu * np.exp(shorter * moved), y, cells)
        if np.abs(step).max() < SETTLED:
            break
    return beta, left, mu, inverse


def _rescaled(mu: Floats, y: Floats, cells: Sequence[Codes]) -> Floats:
    """``mu`` with the sums of ``y`` in all cells (iterative proportional fitting)."""
    for _ in range(ROUNDS if len(cells) > 1 else 1):
        for codes in cells:
            total = np.bincount(codes, mu)
            mu = mu * (np.bincount(codes, y) / np.where(total > 0, total, 1.0))[codes]
    return mu


def _weighed(values: Floats, weights: Floats, cells: Sequence[Codes]) -> Floats:
    """Values less the weighted mean of their cell."""
    for _ in range(ROUNDS if len(cells) > 1 else 1):
        for codes in cells:
            total = np.bincount(codes, weights)
            mean = np.bincount(codes, weights * values) / np.where(total > 0, total, 1.0)
            values = values - mean[codes]
    return values


def _errors(influence: Floats, clusters: Clusters, n: int, used: int) -> Floats:
    """Standard errors from what each row adds to each coefficient, ``influence[k, n]``."""
    ways = [codes for codes in (clusters.series, clusters.time) if _present(codes) > 1]
    if not ways:
        return np.full(len(influence), np.nan)
    variances = [_clustered(influence, codes) for codes in ways]
    if len(ways) == 2:
        variances.append(variances[0] + variances[1] - _clustered(influence, codes_of(*ways)))
    correction = n / max(n - min(used, n // 2), 1)  # cell means cost degrees of freedom
    return np.asarray(np.sqrt(correction * np.maximum.reduce(variances)), np.float64)


def _clustered(influence: Floats, codes: Codes) -> Floats:
    count = _present(codes)
    sums = np.array([np.bincount(codes, row) for row in influence])
    return np.asarray((sums**2).sum(axis=1) * count / (count - 1), np.float64)


def _quantile(clusters: int) -> float:
    return float(special.stdtrit(clusters - 1, 0.975)) if clusters > 1 else float("nan")


def group_means(values: Floats, groups: Codes, clusters: Clusters) -> tuple[Floats, Floats, Floats]:
    """Mean of each group with its interval (largest of clustered by series, by time, and two-way), each ``[group]``."""
    count = np.bincount(groups).astype(np.float64)
    mean = np.bincount(groups, values) / count
    residual = values - mean[groups]
    ways = [codes for codes in (clusters.series, clusters.time) if _present(codes) > 1]
    parts = [_group_variance(residual, groups, codes, count) for codes in ways]
    if len(parts) == 2:
        both = _group_variance(residual, groups, codes_of(clusters.series, clusters.time), count)
        parts.append(parts[0] + parts[1] - both)
    if not parts:
        return mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    reach = _quantile(clusters.fewest) * np.sqrt(np.maximum.reduce(parts))
    return mean, mean - reach, mean + reach


def _group_variance(residual: Floats, groups: Codes, codes: Codes, count: Floats) -> Floats:
    pairs = codes_of(groups, codes)
    sums = np.bincount(pairs, residual)
    group = np.zeros(len(sums), dtype=np.intp)
    group[pairs] = groups
    clusters = np.bincount(group, minlength=len(count))
    correction = np.where(clusters > 1, clusters / np.maximum(clusters - 1, 1), np.nan)
    return np.asarray(np.bincount(group, sums**2, minlength=len(count)) / count**2 * correction, np.float64)
