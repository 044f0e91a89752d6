"""Local binary patterns: how often each kind of spot, edge and corner occurs around a pixel, whatever its brightness and turn.

Source: T. Ojala, M. Pietikäinen and T. Mäenpää, "Multiresolution Gray-Scale and Rotation Invariant Texture Classification
with Local Binary Patterns", IEEE PAMI 24(7), 2002. A pixel's code is the number of neighbours on a ring that are at least as
bright as it, where they lie together; rings with more than two changes between brighter and darker share one code.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["names", "pattern_codes", "patterns", "shrink"]

RINGS = ((8, 1), (16, 2))
"""Neighbours and radius in pixels."""

SHRUNK = (1, 2, 4)
"""How many times smaller the picture is made, for patterns of coarser structure."""

CELLS = 2
"""Cells each way for the histograms that tell where in the picture a texture is."""

_SAME = np.float32(1e-4)
"""Difference in brightness below which two pixels are the same, well under a step of 1/255."""


def names() -> list[str]:
    """Name of each share, in the order of `patterns`."""
    whole = [f"pattern {points} at {shrunk}px {code}" for shrunk in SHRUNK for points, _ in RINGS for code in range(points + 2)]
    places = [f"{row}{column}" for row in range(CELLS) for column in range(CELLS)]
    return whole + [f"pattern 8 at 2px cell {place} {code}" for place in places for code in range(10)]


def patterns(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Square roots of the shares of each code, for the whole picture by size and ring, then for its cells.

    The square root makes the distance of two histograms that of Hellinger, which small shares count in.
    """
    shares, cells = [], []
    for shrunk in SHRUNK:
        small = shrink(grey, shrunk)
        for points, radius in RINGS:
            codes = pattern_codes(small, points, radius)
            shares.append(_shares(codes, points + 2))
            if (shrunk, points) == (2, 8):
                cells = [_shares(cell, points + 2) for cell in _cells(codes)]
    return np.asarray(np.sqrt(np.concatenate([*shares, *cells])), dtype=np.float32)


def pattern_codes(grey: NDArray[np.float32], points: int, radius: int) -> NDArray[np.uint8]:
    """Rotation-invariant uniform code of each pixel that has its whole ring within the picture, 0 to ``points + 1``."""
    inner = grey[radius : grey.shape[0] - radius, radius : grey.shape[1] - radius] - _SAME
    brighter = np.stack([neighbour >= inner for neighbour in _ring(grey, points, radius)])
    changes = (brighter[1:] != brighter[:-1]).sum(axis=0, dtype=np.uint8) + (brighter[0] != brighter[-1])
    return np.where(changes <= 2, brighter.sum(axis=0, dtype=np.uint8), np.uint8(points + 1))


def _ring(grey: NDArray[np.float32], points: int, radius: int) -> Iterator[NDArray[np.float32]]:
    """The picture moved to each neighbour on the ring in turn, interpolated between pixels."""
    for angle in 2 * np.pi * np.arange(points) / points:
        yield _moved(grey, round(-radius * np.sin(angle), 6), round(radius * np.cos(angle), 6), radius)


def _moved(grey: NDArray[np.float32], down: float, right: float, margin: int) -> NDArray[np.float32]:
    top, left = int(np.floor(down)), int(np.floor(right))
    low, beside = down - top, right - left
    height, width = grey.shape[0] - 2 * margin, grey.shape[1] - 2 * margin
    total = np.zeros((height, width), dtype=np.float32)
    for row, share in ((top, 1 - low), (top + 1, low)):
        for column, part in ((left, 1 - beside), (left + 1, beside)):
            if share * part > 0:
                view = grey[margin + row : margin + row + height, margin + column : margin + column + width]
                total += np.float32(share * part) * view
    return total


def shrink(grey: NDArray[np.float32], times: int) -> NDArray[np.float32]:
    """The picture with the means of ``times`` by ``times`` pixels; its sides must be multiples of ``times``."""
    if times == 1:
        return grey
    height, width = grey.shape
    return np.asarray(grey.reshape(height // times, times, width // times, times).mean(axis=(1, 3)))


def _cells(codes: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    return [cell for band in np.array_split(codes, CELLS) for cell in np.array_split(band, CELLS, axis=1)]


def _shares(codes: NDArray[np.uint8], kinds: int) -> NDArray[np.float64]:
    return np.bincount(codes.ravel(), minlength=kinds) / codes.size
