"""Predictions of LightGBM's boosters over many rows, a piece of the trees at a time.

LightGBM takes each row through all trees. Those of a usual model are more than what a core keeps at hand, and every row reads
them anew from further away; a piece of them stays near while all rows pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["predicted"]

Floats = NDArray[np.float64]

LEAVES = 4_000
"""Leaves of a piece: about 120 kB."""

MANY = 2_000  # rows from which pieces pay for the calls they take


def _same(raw: Floats) -> Floats:
    return raw


def _share(raw: Floats) -> Floats:
    made: Floats = 1.0 / (1.0 + np.exp(-raw))
    return made


_RESPONSES: Mapping[str, Callable[[Floats], Floats]] = {
    "binary": _share,
    **dict.fromkeys(("regression", "regression_l1", "huber", "fair", "quantile", "mape"), _same),
    **dict.fromkeys(("poisson", "gamma", "tweedie"), np.exp),
}
"""From the sum of all trees to the prediction, by objective; boosters of others predict with all trees at once."""


def predicted(booster: Any, values: NDArray[Any], threads: int) -> NDArray[np.float64]:
    """What ``booster.predict(values)`` gives, but for the order in which the trees are summed.

    Args:
        booster: a ``lightgbm.Booster``.
        values: features, ``[row, feature]``.
        threads: LightGBM's ``num_threads``.
    """
    parameters = booster.params
    response = _RESPONSES.get(str(parameters.get("objective")))
    trees, size = booster.num_trees(), max(1, LEAVES // int(parameters.get("num_leaves", 31)))
    special = parameters.get("reg_sqrt") or parameters.get("boosting") == "rf" or parameters.get("sigmoid", 1.0) != 1.0
    if response is None or special or len(values) < MANY or trees <= size:
        return np.asarray(booster.predict(values, num_threads=threads), dtype=np.float64)
    total = np.zeros(len(values))
    for first in range(0, trees, size):
        total += booster.predict(values, start_iteration=first, num_iteration=size, raw_score=True, num_threads=threads)
    return response(total)
