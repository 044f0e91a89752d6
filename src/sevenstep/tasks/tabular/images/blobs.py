"""Blobs: how many dark and bright spots stand out from their surroundings, how large they are and what shape they have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sevenstep.tasks.tabular.images.patterns import shrink

__all__ = ["blobs", "names"]

_FIGURES = ("count", "area", "largest", "typical", "length", "fill", "contrast")
_OUT = 2.0
"""Spreads by which a pixel must differ from its surroundings to stand out."""


def names() -> list[str]:
    """Name of each figure, in the order of `blobs`."""
    return [f"{kind} spots {figure}" for kind in ("dark", "bright") for figure in _FIGURES]


def blobs(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Figures of the dark, then of the bright spots of a picture, after a light smoothing at half its size."""
    small = ndimage.uniform_filter(shrink(grey, 2), 3, mode="reflect")
    middle = float(np.median(small))
    away = small - middle
    spread = max(1.4826 * float(np.median(np.abs(away))), 1 / 255)
    return np.array([*_spots(-away / spread), *_spots(away / spread)], dtype=np.float32)


def _spots(out: NDArray[np.float32]) -> tuple[float, ...]:
    """Figures of the connected regions where ``out`` (in spreads) is large; zeros where there are none.

    Count (logarithm), share of the area, share of the largest, its length against its width, how much of the box around it the
    largest fills, and by how much the spots stand out.
    """
    marked = out > _OUT
    labels, count = ndimage.label(marked)
    if not count:
        return (0.0,) * len(_FIGURES)
    sizes = np.bincount(labels.ravel())[1:]
    largest = int(sizes.argmax())
    rows, columns = ndimage.find_objects(labels)[largest]
    box = (rows.stop - rows.start) * (columns.stop - columns.start)
    length = np.log((rows.stop - rows.start) / (columns.stop - columns.start))
    area = marked.size
    return (
        float(np.log1p(count)), sizes.sum() / area, sizes[largest] / area, float(np.log(np.median(sizes))), float(length),
        sizes[largest] / box, float(np.log(out[marked].mean())),
    )  # fmt: skip
