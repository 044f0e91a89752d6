"""Bounds of sums: what coherent out-of-fold forecasts of each level missed by, as shares of the forecast and by lead.

Bounds of series say nothing of their sum, whose errors partly cancel: bounds that added up would be far too wide. A sum has
bounds of its own, made like those of a series: quantiles of past errors with the correction for few of them (split conformal,
Vovk et al., 2005).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.forecast.hierarchy.tree import Tree
from sevenstep.tasks.scoretable import BOUNDS

__all__ = ["bounds_of", "learn_bounds"]

LEVELS = (0.10, 0.90, 0.025, 0.975)  # of `BOUNDS`
FEWEST = 60  # errors in a run of neighbouring leads
FLOOR = 0.05  # of a node's mean forecast: below it, errors are not divided any further

Floats = NDArray[np.float64]
Learnt = Sequence[Mapping[str, Any]]


def learn_bounds(tree: Tree, made: Floats, truth: Floats, lead: NDArray[np.int64]) -> Learnt:
    """For each level the quantiles of the errors of its nodes for runs of neighbouring leads.

    Args:
        tree: the nodes.
        made: ``[node, column]`` coherent forecasts out of fold.
        truth: ``[node, column]``.
        lead: of each column.
    """
    found = []
    for position in range(len(tree.levels)):
        own = np.flatnonzero(tree.level == position)
        share = (truth[own] - made[own]) / _unit(made[own])
        found.append({"runs": [_run(share, lead, low, high) for low, high in _runs(lead, len(own))]})
    return found


def _unit(made: Floats) -> Floats:
    unit: Floats = np.maximum(np.abs(made), np.maximum(FLOOR * np.abs(made).mean(axis=1, keepdims=True), 1e-9))
    return unit


def _runs(lead: NDArray[np.int64], nodes: int) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    values, counts = np.unique(lead, return_counts=True)
    low, held = None, 0
    for value, count in zip(values, counts, strict=True):
        low, held = (int(value) if low is None else low), held + int(count) * nodes
        if held >= FEWEST:
            runs.append((low, int(value)))
            low, held = None, 0
    if low is not None:
        runs.append((runs.pop()[0] if runs else low, int(values[-1])))
    return runs


def _run(share: Floats, lead: NDArray[np.int64], low: int, high: int) -> dict[str, float]:
    errors = np.sort(share[:, (lead >= low) & (lead <= high)].ravel())
    n = len(errors)
    ranks = [np.floor((n + 1) * at) if at < 0.5 else np.ceil((n + 1) * at) for at in LEVELS]
    told = {name: float(errors[int(np.clip(rank, 1, n)) - 1]) for name, rank in zip(BOUNDS, ranks, strict=True)}
    return {"from": float(low), "to": float(high), "n": float(n), **told}


def bounds_of(learnt: Learnt, tree: Tree, made: Floats, lead: NDArray[np.int64], *, floor: bool) -> dict[str, Floats]:
    """Bounds ``[node, column]`` of coherent forecasts, never on the wrong side of them."""
    found = {name: np.full(made.shape, np.nan) for name in BOUNDS}
    for position, one in enumerate(learnt):
        own = np.flatnonzero(tree.level == position)
        unit = _unit(made[own])
        ends = np.array([run["to"] for run in one["runs"]])
        at = np.minimum(np.searchsorted(ends, lead), len(ends) - 1)
        for name in BOUNDS:
            value = made[own] + unit * np.array([run[name] for run in one["runs"]])[at]
            value = np.minimum(value, made[own]) if name.startswith("lower") else np.maximum(value, made[own])
            found[name][own] = np.maximum(value, 0.0) if floor else value
    return found
