"""Scattering coefficients: how much structure of each size and direction a picture has, and how that is itself arranged.

A picture is filtered by oriented wavelets, and the mean modulus of each gives its energy by scale and direction (first
order). The modulus is filtered once more by wider wavelets (second order), which tells stripes from spots of the same fineness.
Nothing is learnt. Source: J. Bruna and S. Mallat, "Invariant Scattering Convolution Networks", IEEE PAMI 35(8), 2013, where the
Morlet wavelet and its constants are those of section 2.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

__all__ = ["names", "scattering", "wavelet"]

SCALES, DIRECTIONS = 4, 6
_FLOOR = 1e-5
"""Modulus below which there is nothing but rounding, of values from 0 to 1."""

Complex = NDArray[np.complex64]


def names() -> list[str]:
    """Name of each coefficient, in the order of `scattering`."""
    first = [f"wave {2**scale}px {_degrees(turn)}" for scale in range(SCALES) for turn in range(DIRECTIONS)]
    second = [
        f"wave {2**fine}px {_degrees(turn)} by {2**coarse}px {_degrees(other)}"
        for fine in range(SCALES)
        for coarse in range(fine + 1, SCALES)
        for turn in range(DIRECTIONS)
        for other in range(DIRECTIONS)
    ]
    return first + second


def _degrees(turn: int) -> str:
    return f"{180 * turn // DIRECTIONS}deg"


def scattering(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logarithm of the first- and second-order coefficients of a square picture, in the order of `names`.

    Its side is a multiple of ``2 ** (SCALES - 1)`` pixels. Each transform is made no finer than its wavelet needs: the spectrum
    is folded before it is turned back, which is to take every second (fourth, ...) pixel.
    """
    side = grey.shape[0]
    spectrum = fft.fft2(grey - grey.mean())
    first, second = [], []
    for fine in range(SCALES):
        step = _step(fine)
        modulus = np.abs(fft.ifft2(_folded(spectrum * _bank(side, 1, fine), step)))
        first.append(modulus.mean(axis=(1, 2)))
        if fine + 1 < SCALES:
            within = fft.fft2(modulus)
            second += [_second(within, side, step, coarse) for coarse in range(fine + 1, SCALES)]
    return np.log(np.concatenate([*first, *second]) + np.float32(_FLOOR))


def _second(within: Complex, side: int, step: int, coarse: int) -> NDArray[np.float32]:
    """Mean modulus of each moduli's spectrum ``within`` (every ``step``-th pixel) under each wavelet of a coarser scale."""
    filtered = within[:, None] * _bank(side, step, coarse)[None]
    means: NDArray[np.float32] = np.abs(fft.ifft2(_folded(filtered, _step(coarse) // step))).mean(axis=(2, 3))
    return means.ravel()


def _step(scale: int) -> int:
    """Pixels that may be stepped over at a scale without losing what its wavelet lets through."""
    return int(2**scale)


def _folded(spectrum: Complex, step: int) -> Complex:
    """Spectrum of every ``step``-th pixel of the picture whose spectrum is given (the last two axes)."""
    if step == 1:
        return spectrum
    *others, height, width = spectrum.shape
    blocks = spectrum.reshape(*others, step, height // step, step, width // step)
    folded: Complex = blocks.mean(axis=(-4, -2))
    return folded


@cache
def _bank(side: int, step: int, scale: int) -> NDArray[np.float32]:
    """Wavelets of one scale in all directions, as spectra ``[direction, side / step, side / step]``."""
    whole = np.stack([wavelet(side, scale, np.pi * turn / DIRECTIONS) for turn in range(DIRECTIONS)])
    short = side // step
    folded = whole.reshape(len(whole), step, short, step, short).sum(axis=(1, 3))
    return np.asarray(folded, dtype=np.float32)


def wavelet(side: int, scale: int, angle: float) -> NDArray[np.float64]:
    """Spectrum of a Morlet wavelet ``[side, side]``: a wave of ``2**scale`` times 8/3 pixels along ``angle`` under a bell.

    It lets no constant through. The spectrum of a sampled wavelet repeats, so its neighbours are added.
    """
    wave, constant = _bell(side, scale, angle, 0.75 * np.pi / 2**scale), _bell(side, scale, angle, 0.0)
    return np.asarray(wave - wave[0, 0] / constant[0, 0] * constant)


def _bell(side: int, scale: int, angle: float, centre: float) -> NDArray[np.float64]:
    """A bell around the frequency ``centre`` along ``angle``, longer across it."""
    width, slant = 0.8 * 2**scale, 4 / DIRECTIONS
    line = 2 * np.pi * (fft.fftfreq(side)[None, :] + np.array([-1.0, 0.0, 1.0])[:, None])
    down, right = line[:, None, :, None], line[None, :, None, :]
    along = np.cos(angle) * right + np.sin(angle) * down - centre
    across = (np.cos(angle) * down - np.sin(angle) * right) / slant
    return np.asarray(np.exp(-(width**2) / 2 * (along**2 + across**2)).sum(axis=(0, 1)))
