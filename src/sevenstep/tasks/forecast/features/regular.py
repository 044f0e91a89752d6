"""Series without gaps, as models that are fitted series by series need them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["aligned", "regular"]

Floats = NDArray[np.float64]


def regular(values: Floats) -> Floats:
    """A series from its first observation on, its gaps filled; after its last observation a missing value is the last one."""
    seen = np.flatnonzero(np.isfinite(values))
    columns = np.arange(seen[0], len(values))
    return np.interp(columns, seen, values[seen])


def aligned(series: list[Floats]) -> Floats:
    """Series of unlike lengths on one grid ``[series, step]``, their ends in the last column and NaN before their first value."""
    result = np.full((len(series), max(map(len, series), default=0)), np.nan)
    for own, values in zip(result, series, strict=True):
        own[len(own) - len(values) :] = values
    return result
