"""Pictures as arrays of one size, whatever their format, depth, colours and orientation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sevenstep.data.pictures import open_picture

__all__ = ["SIDE", "Picture", "pixels", "read_picture"]

SIDE = 192
"""Pixels of a side when features are measured: three halvings stay whole, and a Fourier transform of it is fast."""


@dataclass(frozen=True)
class Picture:
    """One picture with values from 0 to 1.

    Args:
        grey: brightness ``[side, side]``.
        colour: red, green and blue ``[side, side, 3]``; three times the brightness where the picture has no colours.
    """

    grey: NDArray[np.float32]
    colour: NDArray[np.float32]


def read_picture(content: bytes, side: int = SIDE) -> Picture:
    """The picture in ``content`` (the bytes of a picture file), stretched to ``side`` pixels each way.

    Raises:
        UnreadablePicture: see `open_picture`.
    """
    image = _resized(content, side)
    grey = _scaled(image.convert("L"))
    if image.mode == "L":
        return Picture(grey, np.repeat(grey[:, :, None], 3, axis=2))
    return Picture(grey, _scaled(image))


def pixels(content: bytes, side: int) -> NDArray[np.uint8]:
    """Red, green and blue ``[side, side, 3]`` from 0 to 255; raises `UnreadablePicture` as `open_picture` does."""
    return np.asarray(_resized(content, side).convert("RGB"))


def _resized(content: bytes, side: int) -> Image.Image:
    return open_picture(content, about=side).resize((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)


def _scaled(image: Image.Image) -> NDArray[np.float32]:
    return np.asarray(image, dtype=np.float32) / np.float32(255)
