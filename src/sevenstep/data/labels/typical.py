"""One typical row of each of so many clusters: a batch that covers what it is drawn from without its outliers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["typical_rows"]

ROUNDS = 10

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


def typical_rows(points: Floats, weight: Floats, count: int, seed: int = 0) -> Codes:
    """Positions of the points nearest to the middles of ``count`` clusters, in order of their weight; no point twice.

    Weighted k-means: Lloyd (1982), Least squares quantization in PCM, begun as Arthur and Vassilvitskii (2007), k-means++. Where
    points coincide and there are fewer clusters, the heaviest of the other points make up the number.

    Args:
        points: ``[row, coordinate]``.
        weight: how much each point counts, ``[row]``, 0 or above.
        count: at most as many as there are points.
        seed: of the first middles.
    """
    mass = np.asarray(weight, np.float64) + 1e-9
    middles = _first_middles(points, mass, count, np.random.default_rng(seed))
    for _ in range(ROUNDS):
        cluster = _squared(points, middles).argmin(axis=1)
        total = np.bincount(cluster, mass, minlength=count)
        sums = np.stack([np.bincount(cluster, mass * column, minlength=count) for column in points.T], axis=1)
        filled = total > 0
        middles[filled] = sums[filled] / total[filled, None]
    apart = _squared(points, middles)
    cluster = apart.argmin(axis=1)
    own = [np.flatnonzero(cluster == number) for number in range(count)]
    chosen = [int(rows[apart[rows, number].argmin()]) for number, rows in enumerate(own) if len(rows)]
    others = np.setdiff1d(np.argsort(-mass, kind="stable"), chosen, assume_unique=True)
    found = np.array([*chosen, *others[: count - len(chosen)]], dtype=np.int64)
    return found[np.argsort(-mass[found], kind="stable")]


def _first_middles(points: Floats, mass: Floats, count: int, random: np.random.Generator) -> Floats:
    """Points drawn with a chance that grows with their weight and with the squared distance to those drawn before."""
    drawn = [int(mass.argmax())]
    nearest = _squared(points, points[drawn])[:, 0]
    while len(drawn) < count:
        chance = mass * nearest
        if chance.sum() <= 0:  # all points coincide with drawn ones
            chance = mass
        drawn.append(int(random.choice(len(points), p=chance / chance.sum())))
        nearest = np.minimum(nearest, _squared(points, points[drawn[-1:]])[:, 0])
    return np.array(points[drawn], np.float64)


def _squared(points: Floats, middles: Floats) -> Floats:
    """Squared distances ``[point, middle]``."""
    products = points @ middles.T
    sizes = (points**2).sum(axis=1)[:, None] + (middles**2).sum(axis=1)[None, :]
    return np.asarray(np.maximum(sizes - 2 * products, 0.0))
