"""Brightness and colour: how light a picture is, how its values spread, and how they are laid out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["brightness", "colours", "names_of_brightness", "names_of_colours"]

_QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
BINS, CELLS, SATURATIONS = 16, 6, 6


def names_of_brightness() -> list[str]:
    """Name of each figure, in the order of `brightness`."""
    moments = ["light mean", "light spread", "light skew", "light tails", "light entropy"]
    quantiles = [f"light quantile {share:g}" for share in _QUANTILES]
    bins = [f"light bin {number}" for number in range(BINS)]
    cells = [f"light cell {row}{column}" for row in range(CELLS) for column in range(CELLS)]
    lines = ["light down spread", "light across spread"]
    return [*moments, *quantiles, *bins, *cells, *lines]


def brightness(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Moments, quantiles and histogram of the brightness, the means of cells, and how rows and columns differ."""
    mean, spread = float(grey.mean()), float(grey.std())
    shape = (grey - mean) / max(spread, 1e-6)
    shares = np.bincount(np.minimum((grey * BINS).astype(np.int64), BINS - 1).ravel(), minlength=BINS) / grey.size
    seen = shares[shares > 0]
    moments = [mean, spread, float((shape**3).mean()), float((shape**4).mean()), float(-(seen * np.log(seen)).sum())]
    cells = grey.reshape(CELLS, grey.shape[0] // CELLS, CELLS, grey.shape[1] // CELLS).mean(axis=(1, 3)).ravel()
    lines = [grey.mean(axis=1).std(), grey.mean(axis=0).std()]
    return np.concatenate([moments, np.quantile(grey, _QUANTILES), np.sqrt(shares), cells, lines]).astype(np.float32)


def names_of_colours() -> list[str]:
    """Name of each figure, in the order of `colours`."""
    channels = [f"colour {channel} {figure}" for figure in ("mean", "spread") for channel in ("red-green", "blue-yellow")]
    return [*channels, *[f"colour saturation {number}" for number in range(SATURATIONS)]]


def colours(colour: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean and spread of the two opponent colours, and the histogram of saturation; all the same for grey pictures."""
    red, green, blue = np.moveaxis(colour[::2, ::2], 2, 0)
    opponents = np.stack([red - green, blue - (red + green) / 2])
    most = np.maximum(np.maximum(red, green), blue)
    saturation = 1 - np.minimum(np.minimum(red, green), blue) / np.maximum(most, 1 / 255)
    bins = np.minimum((saturation * SATURATIONS).astype(np.int64), SATURATIONS - 1)
    shares = np.bincount(bins.ravel(), minlength=SATURATIONS) / bins.size
    return np.concatenate([opponents.mean(axis=(1, 2)), opponents.std(axis=(1, 2)), np.sqrt(shares)]).astype(np.float32)
