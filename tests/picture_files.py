"""Pictures made by code, as bytes of files."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def file_of(pixels: NDArray[np.uint8] | NDArray[np.uint16], kind: str = "PNG", **options: object) -> bytes:
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, kind, **options)
    return written.getvalue()


def noise(seed: int, side: int = 64, colours: bool = False) -> NDArray[np.uint8]:
    shape = (side, side, 3) if colours else (side, side)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def texture(kind: str, seed: int, side: int = 64) -> NDArray[np.uint8]:
    """Stripes, spots or a step of brightness under noise: places and phases differ from seed to seed."""
    random = np.random.default_rng(seed)
    down, right = np.mgrid[:side, :side]
    if kind == "stripes":
        shape = np.sin(2 * np.pi * (right / 8 + random.random()))
    elif kind == "spots":
        shape = np.full((side, side), -0.5)
        for row, column in random.integers(6, side - 6, (8, 2)):
            shape[(down - row) ** 2 + (right - column) ** 2 < 12] = 1.0
    else:
        shape = np.where(right > random.integers(side // 4, 3 * side // 4), 0.8, -0.8)
    return np.asarray(np.clip(128 + 60 * shape + random.normal(0, 25, (side, side)), 0, 255), dtype=np.uint8)
