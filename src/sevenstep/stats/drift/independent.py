"""P values of "window and reference are drawn alike" for rows that are independent of each other."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from sevenstep.stats.scored import FloatArray

__all__ = ["FEW", "TINY", "Numbers", "all_in_window", "chi_square_p", "ks_p", "ks_p_of_few", "proportions_p"]

Numbers: TypeAlias = npt.NDArray[np.floating[Any]]
"""Values of single or double precision."""

TINY = float(np.finfo(np.float64).tiny)
"""Least p value: what is smaller than a number can be is not 0."""

FEW = 1_000_000
"""Pairs of values up to which the exact distribution of the Kolmogorov-Smirnov distance is worked out."""

_LEAST_EXPECTED = 10.0


def ks_p(distance: float, n: int, other: int) -> float:
    """Of a two-sample Kolmogorov-Smirnov distance, by the distribution for one sample of ``n other / (n + other)``.

    As `scipy.stats.ks_2samp` has it for large samples. Ties make it conservative.
    """
    return max(float(stats.kstwo.sf(distance, max(round(n * other / (n + other)), 1))), TINY)


def ks_p_of_few(values: Numbers, others: Numbers) -> float:
    """The same by the exact distribution, for at most `FEW` pairs of values."""
    return max(float(stats.ks_2samp(values, others, method="auto").pvalue), TINY)


def chi_square_p(counts: FloatArray) -> float:
    """Of two rows of counts ``[2, cells]``: Pearson's test of homogeneity.

    Cells in which either row expects fewer than 10 are thrown together, and with the smallest other one where that is still too
    few, as the tail far out, where corrected p values lie, needs more than the usual 5. With one cell left there is nothing to
    tell apart and p is 1.
    """
    rows, cells = counts.sum(axis=1), counts.sum(axis=0)
    if rows.min() == 0:
        return 1.0
    least = cells * rows.min() / rows.sum()
    merged = _merged(counts, least)
    if merged.shape[1] < 2:
        return 1.0
    expected = np.outer(rows, merged.sum(axis=0)) / rows.sum()
    figure = float(((merged - expected) ** 2 / expected).sum())
    return max(float(special.chdtrc(merged.shape[1] - 1, figure)), TINY)


def _merged(counts: FloatArray, least: FloatArray) -> FloatArray:
    order = np.argsort(least, kind="stable")
    rare = int((least < _LEAST_EXPECTED).sum())
    while 0 < rare < len(order) and least[order[:rare]].sum() < _LEAST_EXPECTED:
        rare += 1
    together = counts[:, order[:rare]].sum(axis=1, keepdims=True)
    kept = counts[:, order[rare:]]
    return np.hstack([together, kept]) if rare else kept


def proportions_p(part: int, n: int, part_other: int, other: int) -> float:
    """Of two shares ``part / n`` and ``part_other / other``: Fisher's exact test, two-sided."""
    if part + part_other in (0, n + other):
        return 1.0
    table = [[part, n - part], [part_other, other - part_other]]
    return max(float(stats.fisher_exact(table).pvalue), TINY)


def all_in_window(count: int, n: int, other: int) -> float:
    """Chance that ``count`` given units all lie among the ``n`` of the window and none among the ``other`` of the reference.

    Where units can be exchanged, every choice of which ``n`` are the window's is as likely:
    ``C(n + other - count, other) / C(n + other, other)``. It judges the largest values, and the members of one category.
    """
    if count > n:
        raise ValueError(f"{count} units cannot all lie among {n}")
    log = special.gammaln([n + 1, n + other - count + 1]).sum() - special.gammaln([n - count + 1, n + other + 1]).sum()
    return float(np.clip(np.exp(log), TINY, 1.0))
