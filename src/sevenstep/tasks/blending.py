"""How members of a final model are put together where their predictions can be averaged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["weighted_mean"]

Floats = NDArray[np.float64]


def weighted_mean(predictions: Floats, weights: Floats) -> Floats:
    """Weighted mean over members, ``[item, member] -> [item]``; a member that cannot tell (NaN) leaves its weight to the others.

    Probabilities that sum to 1 over the classes of an item for each member do so in the mean.
    """
    used = weights > 0
    predictions, weights = predictions[:, used], weights[used]
    mean = np.asarray(predictions @ (weights / weights.sum()))
    if np.isfinite(mean).all():
        return mean
    share = np.isfinite(predictions) * weights
    total = share.sum(axis=1)
    mean = (np.where(share > 0, predictions, 0.0) * share).sum(axis=1) / np.where(total > 0, total, 1.0)
    return np.where(total > 0, mean, np.nan)
