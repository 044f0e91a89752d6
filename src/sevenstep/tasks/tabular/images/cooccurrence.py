"""Co-occurrence of brightness: which levels stand beside which, at a few distances.

Source: R. Haralick, K. Shanmugam and I. Dinstein, "Textural Features for Image Classification", IEEE SMC 3(6), 1973.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["co_occurrence", "matrix", "names"]

LEVELS = 16
DISTANCES = (1, 3, 8)
_TURNS = ((0, 1), (-1, 1), (-1, 0), (-1, -1))
_FIGURES = ("contrast", "homogeneity", "energy", "correlation", "entropy")
_LEVEL = np.arange(LEVELS)
_APART = _LEVEL[:, None] - _LEVEL[None, :]


def names() -> list[str]:
    """Name of each figure, in the order of `co_occurrence`."""
    return [f"beside {distance}px {figure} {over}" for distance in DISTANCES for over in ("mean", "range") for figure in _FIGURES]


def co_occurrence(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean and range over four directions of each figure of the co-occurrence matrix, by distance."""
    levels = np.minimum((grey * LEVELS).astype(np.int64), LEVELS - 1)
    found = []
    for distance in DISTANCES:
        figures = np.array([_figures(matrix(levels, distance * down, distance * right)) for down, right in _TURNS])
        found += [figures.mean(axis=0), np.ptp(figures, axis=0)]
    return np.concatenate(found).astype(np.float32)


def matrix(levels: NDArray[np.int64], down: int, right: int) -> NDArray[np.float64]:
    """Share of pairs of pixels ``down`` and ``right`` of each other by their two levels, counted both ways."""
    height, width = levels.shape
    here = levels[max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)]
    there = levels[max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)]
    counts = np.bincount((here * LEVELS + there).ravel(), minlength=LEVELS**2).reshape(LEVELS, LEVELS)
    shares: NDArray[np.float64] = (counts + counts.T) / (2 * here.size)
    return shares


def _figures(shares: NDArray[np.float64]) -> tuple[float, ...]:
    """The figures of one matrix in the order of their names; a picture of one level is fully correlated with itself."""
    margin = shares.sum(axis=1)
    centred = _LEVEL - margin @ _LEVEL
    variance = float(margin @ centred**2)
    correlation = float(centred @ shares @ centred) / variance if variance > 1e-12 else 1.0
    seen = shares[shares > 0]
    contrast, homogeneity = float((shares * _APART**2).sum()), float((shares / (1 + _APART**2)).sum())
    return contrast, homogeneity, float(np.sqrt((shares**2).sum())), correlation, float(-(seen * np.log(seen)).sum())
