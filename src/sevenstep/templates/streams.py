"""One stream of random numbers per noun, so that a change to one leaves the numbers of all others as they were."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Booleans", "Floats", "Integers", "stream"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]


def stream(seed: int, noun: str) -> np.random.Generator:
    """The generator for ``noun``; equal arguments give equal numbers, different nouns independent ones."""
    return np.random.default_rng([seed, *noun.encode()])
