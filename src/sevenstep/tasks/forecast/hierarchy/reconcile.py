"""Making forecasts of series and of their sums add up: bottom-up, top-down and minimum trace, with sparse matrices.

Minimum trace (Wickramasuriya, Athanasopoulos and Hyndman, 2019) moves all forecasts as little as their errors allow, so that they
add up. It is written here as a projection: with ``C = [I, -A]`` (nodes less the sums of their series) and the error covariance
``W``, the coherent forecasts are ``y - W C' (C W C')^-1 C y``. Only a matrix of nodes by nodes is solved, never one of series by
series, so ten thousand series take a second. A shrunk sample covariance is a diagonal and a product of few columns, which
the Woodbury identity takes without forming it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags
from scipy.sparse.linalg import splu

__all__ = ["Errors", "minimum_trace", "shrunk", "structural", "top_down"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
LEAST = 1e-9  # variance of a forecast that never erred, as a share of the mean variance: keeps the system solvable
MOST_NODES = 500  # up to which each time that falls below 0 is worth factorisations of its own
ROUNDS = 4  # times that series below 0 are set to 0 and the rest is reconciled anew, before the last are cut


@dataclass(frozen=True)
class Errors:
    """The covariance of forecast errors, ``diag(nodes, series) + common common'``.

    Args:
        nodes: variances of the nodes.
        series: variances of the series.
        nodes_common: ``[node, k]`` of what errors have in common; k is 0 where nothing.
        series_common: ``[series, k]``.
    """

    nodes: Floats
    series: Floats
    nodes_common: Floats
    series_common: Floats


def structural(adds: csr_matrix) -> Errors:
    """Errors as if every series erred alike and alone: the variance of a node is the number of its series."""
    counts = np.asarray(adds.sum(axis=1)).ravel()
    return Errors(counts, np.ones(adds.shape[1]), np.zeros((adds.shape[0], 0)), np.zeros((adds.shape[1], 0)))


def shrunk(nodes: Floats, series: Floats) -> Errors:
    """The covariance of past errors, its correlations shrunk towards none (Schäfer and Strimmer, 2005).

    Args:
        nodes: ``[node, time]`` errors out of fold; NaN where none is known, which counts as no error.
        series: ``[series, time]``.

    The weight of the shrinkage is the ratio of the summed variances of the correlations to their summed squares, taken from the
    Gram matrix of times, so that no matrix of series by series is formed.
    """
    both = np.nan_to_num(np.vstack([nodes, series]))
    times = both.shape[1]
    variance = np.mean(both**2, axis=1)
    floor = LEAST * (float(variance.mean()) or 1.0)
    kept = np.maximum(variance, floor)
    weight = _shrinkage(both / np.sqrt(kept)[:, None], times)
    common = np.sqrt((1.0 - weight) / times) * both
    alone = np.maximum(weight * kept, floor)
    count = len(nodes)
    return Errors(alone[:count], alone[count:], common[:count], common[count:])


def _shrinkage(standard: Floats, times: int) -> float:
    """Intensity between 0 (the sample correlations) and 1 (none)."""
    if times < 3:
        return 1.0
    gram = standard.T @ standard
    squares = float(np.sum(gram**2)) / times**2 - float(np.sum(np.mean(standard**2, axis=1) ** 2))
    size = np.sum(standard**2, axis=0)
    products = float(np.sum(size**2)) - float(np.sum(standard**4))
    spread = (products / times - squares) / (times - 1)
    return float(np.clip(spread / squares, 0.0, 1.0)) if squares > 0 else 1.0


def top_down(adds: csr_matrix, level: NDArray[np.bool_], nodes: Floats, series: Floats) -> Floats:
    """Series scaled so that the nodes of one level meet their own forecasts: shares are those of the series' forecasts.

    Args:
        adds: ``[node, series]``.
        level: nodes of the level that is met; each series is part of one of them.
        nodes: ``[node, time]`` own forecasts.
        series: ``[series, time]``.

    A node whose series are forecast as 0, or that has no forecast, is left as it is.
    """
    own = adds[np.flatnonzero(level)]
    sums = own @ series
    told = np.isfinite(nodes[level]) & (sums > 0)
    factor = np.where(told, np.divide(nodes[level], sums, out=np.ones_like(sums), where=told), 1.0)
    return np.asarray(series * (own.T @ factor))


def minimum_trace(
    adds: csr_matrix,
    errors: Errors,
    nodes: Floats,
    series: Floats,
    *,
    there: Mask | None = None,
    floor: bool = False,
) -> Floats:
    """The coherent forecasts of the series; sums of them are those of the nodes.

    Args:
        adds: ``[node, series]``.
        errors: covariance of the errors of both.
        nodes: ``[node, time]`` own forecasts; where one is NaN the node says nothing at that time.
        series: ``[series, time]`` own forecasts, 0 where a series has no row.
        there: ``[series, time]``, false where a series has no row: it stays as it is and takes no part.
        floor: nothing may fall below 0: what would is set to 0 and the rest reconciled anew, or left where there are many nodes.
    """
    part = np.ones(series.shape, dtype=bool) if there is None else there
    result = series.copy()
    for columns in _alike(part, np.isfinite(nodes)):
        result[:, columns] = _solved(adds, errors, nodes[:, columns], series[:, columns], part[:, columns[0]], floor)
    return result


def _alike(there: NDArray[np.bool_], told: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Times at which the same series and nodes take part: they share one factorisation."""
    packed = np.packbits(np.vstack([there, told]), axis=0).T
    _, group = np.unique(np.ascontiguousarray(packed), axis=0, return_inverse=True)
    return [np.flatnonzero(group.ravel() == one) for one in range(int(group.max()) + 1)]


def _solved(adds: csr_matrix, errors: Errors, nodes: Floats, series: Floats, there: NDArray[np.bool_], floor: bool) -> Floats:
    """One group of times; with ``floor``, times that fall below 0 are done anew without their offenders."""
    told = np.isfinite(nodes[:, 0])
    if not told.any() or not there.any():
        return series
    result = _projected(adds, errors, nodes, series, told, there)
    if not floor:
        return result
    if len(nodes) > MOST_NODES:
        return np.maximum(result, 0.0)
    for at in np.flatnonzero((result < 0).any(axis=0)):
        result[:, at] = _not_negative(adds, errors, nodes[:, [at]], series[:, [at]], told, there, result[:, at])
    return result


def _not_negative(
    adds: csr_matrix,
    errors: Errors,
    nodes: Floats,
    series: Floats,
    told: NDArray[np.bool_],
    there: NDArray[np.bool_],
    first: Floats,
) -> Floats:
    """Series below 0 are held at 0 and the others reconciled again, a few times; what is left below 0 is cut."""
    free, current = there.copy(), first
    for _ in range(ROUNDS):
        below = free & (current < 0)
        if not below.any():
            break
        free &= ~below
        held = np.where(free | ~there, series[:, 0], 0.0)
        current = _projected(adds, errors, nodes, held[:, None], told, free)[:, 0] if free.any() else held
    return np.maximum(current, 0.0)


def _projected(adds: csr_matrix, errors: Errors, nodes: Floats, series: Floats, told: Mask, free: Mask) -> Floats:
    own = adds[np.flatnonzero(told)]
    alone = np.where(free, errors.series, 0.0)
    spread = own @ diags(alone)
    system = (diags(errors.nodes[told]) + spread @ own.T).tocsc()
    solve = splu(system).solve
    common = np.where(free[:, None], errors.series_common, 0.0)
    gap = nodes[told] - own @ series
    if not common.shape[1]:
        return np.asarray(series + spread.T @ solve(gap))
    shared = errors.nodes_common[told] - own @ common
    inner = np.eye(shared.shape[1]) + shared.T @ solve(shared)
    found = solve(gap)
    found = found - solve(shared) @ np.linalg.solve(inner, shared.T @ found)
    return np.asarray(series + spread.T @ found - common @ (shared.T @ found))
