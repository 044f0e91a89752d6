"""A few values written in another unit: told from the shape of a column alone, and as a suspicion that changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["UnitMixture", "unit_mixture"]

_FEWEST = 20  # values from which the shape of a column says something
_REPEATED = 2  # a single value far off is an outlier, not a habit
_FACTORS = (1000.0, 1_000_000.0)  # steps of the units people mix: mm and m, g and kg, W and MW
_SMALL_PART = 0.05
_WITHIN = 2.0  # how far the quotient of the medians may lie from the factor, as a quotient itself
_APART = 8.0  # quotient of the nearest two values of both parts: a heavy tail has no such gap


@dataclass(frozen=True)
class UnitMixture:
    """A small part of the values, ``rows`` of them, about ``factor`` times as large as the rest (below 1: as small).

    ``border`` lies between the two parts, in absolute values.
    """

    factor: float
    rows: int
    border: float


def unit_mixture(values: NDArray[np.float64]) -> UnitMixture | None:
    """A part of at most a twentieth of the values, two at least, that lies a usual factor of units above or below the rest.

    There must be a gap between the parts, and they must be alike but for the factor: divided by it, the small part lies within
    the range of the other. ``values`` may hold NaN; zeros say nothing of units.
    """
    known = np.sort(np.abs(values[np.isfinite(values) & (values != 0)]))
    if len(known) < _FEWEST:
        return None
    most = max(1, int(_SMALL_PART * len(known)))
    gaps = np.flatnonzero(known[1:] >= _APART * known[:-1]) + 1
    found = (_split_at(known, int(cut)) for cut in gaps if _REPEATED <= min(cut, len(known) - cut) <= most)
    return next((mixture for mixture in found if mixture), None)


def _split_at(known: NDArray[np.float64], cut: int) -> UnitMixture | None:
    low, high = known[:cut], known[cut:]
    factor = next((factor for factor in _FACTORS if _alike(low, high / factor)), None)
    if factor is None:
        return None
    above = len(high) < len(low)
    return UnitMixture(factor if above else 1 / factor, min(len(low), len(high)), float(np.sqrt(low[-1] * high[0])))


def _alike(low: NDArray[np.float64], high: NDArray[np.float64]) -> bool:
    quotient = float(np.median(high) / np.median(low))
    few, many = sorted((low, high), key=len)
    inside = (few >= many[0] / _WITHIN) & (few <= many[-1] * _WITHIN)
    return bool(1 / _WITHIN <= quotient <= _WITHIN and inside.mean() >= 0.9)
