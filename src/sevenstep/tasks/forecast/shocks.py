"""How many independent errors there are at one time: what a day does to all series alike makes them fewer than the series."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["HELD", "independent_errors"]

Floats = NDArray[np.float64]
HELD = 0.99  # sizes beyond this quantile are cut to it: single failures say nothing of a day


def independent_errors(fold: NDArray[np.int32], lead: NDArray[np.int32], size: Floats) -> float:
    """How many errors of one origin and lead count as independent of each other, 1 to the number of series.

    Sizes of errors are held against what their lead and their origin usually have; how alike those of one origin and lead still
    are is their intraclass correlation ``r``, and ``n`` errors count as ``n / (1 + (n - 1) r)`` (Kish, 1965).

    Args:
        fold: number of the fold of each error.
        lead: its lead.
        size: its absolute value, in units in which series can be compared.

    Returns:
        The number; that of all errors at an origin and lead where there is a single fold or lead, and nothing can be told.
    """
    folds, row = np.unique(fold, return_inverse=True)
    leads, column = np.unique(lead, return_inverse=True)
    shape = (len(folds), len(leads))
    place = row * shape[1] + column
    held = np.minimum(size, np.quantile(size, HELD)) if len(size) else size
    count, total, squares = (
        np.bincount(place, weights, minlength=shape[0] * shape[1]).reshape(shape)
        for weights in (np.ones_like(held), held, held**2)
    )
    each = float(count.sum()) / max(int((count > 0).sum()), 1)
    if min(shape) < 2 or each <= 1:
        return max(each, 1.0)
    mean = total / np.maximum(count, 1)
    usual = total.sum(axis=0) / np.maximum(count.sum(axis=0), 1) + (total.sum(axis=1) / np.maximum(count.sum(axis=1), 1))[:, None]
    apart = mean - usual + float(total.sum() / count.sum())
    between = float((count * apart**2).sum()) / ((shape[0] - 1) * (shape[1] - 1))
    within = float((squares - count * mean**2).sum()) / max(float((count - 1).clip(0).sum()), 1.0)
    alike = max(between - within, 0.0) / max(between + (each - 1) * within, 1e-12)
    return each / (1 + (each - 1) * alike)
