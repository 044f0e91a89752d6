"""How far two sets of counts lie apart: the population stability index and the total variation distance."""

from __future__ import annotations

import numpy as np

from sevenstep.stats.scored import FloatArray

__all__ = ["stability_index", "total_variation"]

_LEAST_SHARE = 1e-4


def stability_index(expected: FloatArray, found: FloatArray) -> float:
    """``sum (q - p) ln(q / p)`` over the shares ``p`` and ``q`` of two rows of counts ``[bins]``, each with a sum above 0.

    An empty bin would make it infinite: no share is taken as less than one in ten thousand, or than half a row of the smaller
    side. Source: Lewis (1994), An introduction to credit scoring; it is the divergence of Jeffreys (1946).
    """
    least = max(_LEAST_SHARE, 0.5 / float(min(expected.sum(), found.sum())))
    p, q = (np.maximum(counts / counts.sum(), least) for counts in (expected, found))
    return float(((q - p) * np.log(q / p)).sum())


def total_variation(expected: FloatArray, found: FloatArray) -> float:
    """Share of rows that would have to change their category to make two rows of counts alike: ``sum |q - p| / 2``."""
    return float(np.abs(found / found.sum() - expected / expected.sum()).sum() / 2)
