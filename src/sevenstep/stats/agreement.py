"""How far several labellers agree, beyond what chance would give: kappa for two and for many, alpha for any level of measurement.

Labels come as one matrix ``[item, labeller]`` of class numbers, -1 where a labeller has not seen an item. Every figure is a
function of sums over items, so its interval comes from drawing whole items, as all intervals of the house do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

from sevenstep.stats.clusters import spread
from sevenstep.stats.intervals import LEVEL, RESAMPLES, Estimate
from sevenstep.stats.scored import FloatArray

__all__ = ["Level", "cohen_kappa", "fleiss_kappa", "krippendorff_alpha", "label_counts"]

Labels = npt.NDArray[np.int64]
Level = Literal["nominal", "ordinal", "interval"]
Distance = Callable[[FloatArray], FloatArray]


def label_counts(labels: Labels, classes: int) -> FloatArray:
    """How many labellers gave each class to each item, ``[item, class]``; -1 counts for none."""
    counts = (labels[:, :, None] == np.arange(classes)).sum(axis=1)
    return np.asarray(counts, np.float64)


def cohen_kappa(first: Labels, second: Labels, classes: int, *, seed: int = 0) -> Estimate:
    """Agreement of two labellers beyond chance, where each keeps to his own shares of the classes.

    ``(p_o - p_e) / (1 - p_e)``; Cohen (1960), A coefficient of agreement for nominal scales.

    Args:
        first: class numbers of the first labeller, ``[item]``, -1 where there is none.
        second: those of the second; items only one of them has seen are left out.
        classes: number of classes.
        seed: of the draws behind the interval.
    """
    both = (first >= 0) & (second >= 0)
    cells = np.zeros((int(both.sum()), classes * classes))
    cells[np.arange(len(cells)), first[both] * classes + second[both]] = 1.0

    def kappa(sums: FloatArray) -> FloatArray:
        table = _as_table(sums, classes)
        seen = table.sum(axis=(-2, -1))
        agreed = _share(np.trace(table, axis1=-2, axis2=-1), seen)
        chance = _share((table.sum(axis=-1) * table.sum(axis=-2)).sum(axis=-1), seen**2)
        return _share(agreed - chance, 1.0 - chance)

    return _estimate(cells, kappa, seed, int((~both).sum()))


def fleiss_kappa(labels: Labels, classes: int, *, seed: int = 0) -> Estimate:
    """Agreement of many labellers beyond chance, where all share the same shares of the classes.

    Items need not have been seen by the same labellers, nor by equally many; those seen by fewer than two are left out.
    Fleiss (1971), Measuring nominal scale agreement among many raters.
    """
    counts = label_counts(labels, classes)
    seen = counts.sum(axis=1)
    shared = seen >= 2
    counts, seen = counts[shared], seen[shared]
    agreed = (counts * (counts - 1)).sum(axis=1) / (seen * (seen - 1))

    def kappa(sums: FloatArray) -> FloatArray:
        given = sums[..., 2:]
        chance = _share((given**2).sum(axis=-1), given.sum(axis=-1) ** 2)
        return _share(_share(sums[..., 0], sums[..., 1]) - chance, 1.0 - chance)

    return _estimate(np.column_stack([agreed, np.ones_like(agreed), counts]), kappa, seed, int((~shared).sum()))


def krippendorff_alpha(
    labels: Labels, classes: int, level: Level = "nominal", values: FloatArray | None = None, *, seed: int = 0
) -> Estimate:
    """One less the disagreement seen over the disagreement of labels dealt out at random; missing labels are allowed.

    Krippendorff (2011), Computing Krippendorff's alpha-reliability. 1 is full agreement, 0 is chance; 0.8 is the usual demand and
    0.667 the least for tentative conclusions (Krippendorff, 2004, Content analysis).

    Args:
        labels: class numbers ``[item, labeller]``, -1 where there is none.
        classes: number of classes; for ``ordinal`` they are numbered in their order.
        level: ``nominal`` (all differences weigh the same), ``ordinal`` (by the labels that lie between), or ``interval``.
        values: number each class stands for, ``[class]``; read by ``interval``, the class numbers when not given.
        seed: of the draws behind the interval.
    """
    counts = label_counts(labels, classes)
    seen = counts.sum(axis=1)
    shared = seen >= 2
    counts, seen = counts[shared], seen[shared]
    pairs = counts[:, :, None] * (counts[:, None, :] - np.eye(classes)) / np.maximum(seen - 1, 1)[:, None, None]
    distance = _distance(level, np.arange(classes, dtype=np.float64) if values is None else np.asarray(values, np.float64))

    def alpha(sums: FloatArray) -> FloatArray:
        table = _as_table(sums, classes)
        given = table.sum(axis=-1)
        apart = distance(given)
        by_chance = (given[..., :, None] * given[..., None, :] * apart).sum(axis=(-2, -1))
        return 1.0 - _share((given.sum(axis=-1) - 1) * (table * apart).sum(axis=(-2, -1)), by_chance)

    return _estimate(pairs.reshape(len(pairs), classes * classes), alpha, seed, int((~shared).sum()))


def _distance(level: Level, values: FloatArray) -> Distance:
    """Squared distance between classes, ``[..., class, class]``, given how often each class was given."""
    if level == "ordinal":
        return _ordinal
    apart = (values[:, None] - values[None, :]) ** 2
    fixed = apart if level == "interval" else (apart > 0).astype(np.float64)
    return lambda given: fixed


def _ordinal(given: FloatArray) -> FloatArray:
    """Labels that lie between two classes, half of those of the two themselves included, squared."""
    middle = np.cumsum(given, axis=-1) - given / 2.0
    return np.asarray((middle[..., :, None] - middle[..., None, :]) ** 2)


def _as_table(sums: FloatArray, classes: int) -> FloatArray:
    return np.asarray(sums).reshape(*np.shape(sums)[:-1], classes, classes)


def _share(above: FloatArray, below: FloatArray) -> FloatArray:
    """A quotient, NaN where the lower part is 0 (all labels of one class: nothing could have been disagreed on)."""
    result = np.full(np.shape(above), np.nan)
    np.divide(above, below, out=result, where=np.abs(below) > 1e-12)
    return result


def _estimate(terms: FloatArray, statistic: Distance, seed: int, left_out: int) -> Estimate:
    found = spread(terms, statistic, seed=seed, resamples=RESAMPLES, level=LEVEL)
    items = len(terms)
    value = found.value if np.isfinite(found.value) else None
    low, high = (None if end is None else min(max(end, -1.0), 1.0) for end in (found.low, found.high))
    return Estimate(value, low, high, items, items, found.method, LEVEL, left_out)
