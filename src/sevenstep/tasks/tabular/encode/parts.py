"""Training rows dealt into parts of equal make-up, for whatever must not be judged by the rows it was learnt from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["deal"]


def deal(
    goal: NDArray[Any], parts: int, seed: int, *, groups: NDArray[np.int64] | None = None, in_time: bool = False
) -> NDArray[np.int64]:
    """Number of the part each row is in, ``[n]``.

    Rows of one class (or of similar target values) are dealt in turn, so that each part has its share of them. ``groups`` keeps
    rows of one group together; ``in_time`` cuts rows, which are in the order of time, into stretches, the newest the last.
    """
    rows = len(goal)
    parts = max(2, min(parts, rows))
    if in_time:
        return np.arange(rows) * parts // max(rows, 1)
    random = np.random.default_rng(seed)
    if groups is not None:
        return _whole_groups(groups, parts, random)
    order = np.lexsort((random.random(rows), goal))
    places = np.empty(rows, np.int64)
    turns = np.concatenate([random.permutation(parts) for _ in range(-(-rows // parts))])[:rows]
    places[order] = turns
    return places


def _whole_groups(groups: NDArray[np.int64], parts: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Groups in random order, each to the part with the fewest rows so far."""
    names, places, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    filled, chosen = np.zeros(parts), np.zeros(len(names), np.int64)
    for group in random.permutation(len(names)):
        chosen[group] = int(np.argmin(filled))
        filled[chosen[group]] += sizes[group]
    return np.asarray(chosen[places], np.int64)
