"""Gradients: how strong edges are, which way they run, and where they lie.

The histograms of oriented gradients are those of N. Dalal and B. Triggs, "Histograms of Oriented Gradients for Human Detection",
CVPR 2005, with unsigned directions and cells as large as a quarter of the picture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["gradients", "names"]

DIRECTIONS, CELLS = 9, 4
_QUANTILES = (0.25, 0.5, 0.75, 0.9, 0.99)


def names() -> list[str]:
    """Name of each figure, in the order of `gradients`."""
    strength = ["edge mean", "edge spread", *[f"edge quantile {share:g}" for share in _QUANTILES]]
    tensor = ["edge coherence", "edge across", "edge along"]
    whole = [f"edge {180 * number // DIRECTIONS}deg" for number in range(DIRECTIONS)]
    cells = [
        f"edge cell {row}{column} {180 * number // DIRECTIONS}deg"
        for row in range(CELLS)
        for column in range(CELLS)
        for number in range(DIRECTIONS)
    ]
    return [*strength, *tensor, *whole, *cells]


def gradients(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Strength of the edges, their common direction (structure tensor), shares by direction, then the same by cell."""
    down, right = np.gradient(grey, axis=0), np.gradient(grey, axis=1)
    strength = np.hypot(down, right)
    histograms = _by_cell(down, right, strength)
    cells = np.sqrt(histograms / (histograms.sum(axis=2, keepdims=True) + 1e-6))
    total = histograms.sum(axis=(0, 1))
    figures = [strength.mean(), strength.std(), *np.quantile(strength, _QUANTILES), *_tensor(down, right)]
    return np.concatenate([figures, np.sqrt(total / (total.sum() + 1e-6)), cells.ravel()]).astype(np.float32)


def _tensor(down: NDArray[np.float32], right: NDArray[np.float32]) -> tuple[float, float, float]:
    """Coherence of the mean structure tensor, 0 (no direction) to 1, and the parts of it along the two axes and diagonals."""
    vertical, horizontal, mixed = float((down**2).mean()), float((right**2).mean()), float((down * right).mean())
    total = vertical + horizontal + 1e-9
    return float(np.hypot(vertical - horizontal, 2 * mixed)) / total, (vertical - horizontal) / total, 2 * mixed / total


def _by_cell(down: NDArray[np.float32], right: NDArray[np.float32], strength: NDArray[np.float32]) -> NDArray[np.float64]:
    """Strength summed by cell and direction ``[row, column, direction]``."""
    height, width = strength.shape
    direction = np.minimum((np.arctan2(down, right) % np.pi * (DIRECTIONS / np.pi)).astype(np.int64), DIRECTIONS - 1)
    rows, columns = np.arange(height) * CELLS // height, np.arange(width) * CELLS // width
    place = (rows[:, None] * CELLS + columns[None, :]) * DIRECTIONS + direction
    sums = np.bincount(place.ravel(), weights=strength.ravel(), minlength=CELLS * CELLS * DIRECTIONS)
    return np.asarray(sums, dtype=np.float64).reshape(CELLS, CELLS, DIRECTIONS)
