"""Ranked causes of a defect, from the columns of a data set."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.stats.causes import Ranking, rank_causes
from sevenstep.stats.scored import FloatArray
from sevenstep.tasks.tabular.quality.ordered import Ordered

__all__ = ["find_causes"]

_MOST_ROWS = 20_000
_LEAST_DEFECTS = 20
_LEAST_ROWS = 100


def find_causes(ordered: Ordered, seed: int) -> Ranking | None:
    """Rank all categories, numbers and groups as causes; None where the target is a number or defects are too few.

    Beyond 20,000 rows a sample is looked at, of whole groups where there are any.
    """
    defects = ordered.defects
    if (
        ordered.defect is None
        or len(defects) < _LEAST_ROWS
        or not _LEAST_DEFECTS <= defects.sum() <= len(defects) - _LEAST_DEFECTS
    ):
        return None
    cluster = _clusters(ordered)
    taken = _taken(len(defects), cluster, seed)
    kinds = ordered.problem.kinds
    texts = [*(name for name, kind in kinds.items() if kind == "category"), *(key for key in ordered.keys if key not in kinds)]
    categories = {name: _texts(ordered.columns.texts(name), taken) for name in texts}
    numbers: dict[str, FloatArray] = {name: ordered.columns.numbers(name)[taken] for name in ordered.numbers}
    return rank_causes(defects[taken], categories, numbers, cluster=None if cluster is None else cluster[taken], seed=seed)


def _texts(values: pl.Series, taken: NDArray[np.intp]) -> NDArray[np.object_]:
    return np.array(values.to_list(), object)[taken]


def _clusters(ordered: Ordered) -> NDArray[np.int64] | None:
    if not ordered.keys:
        return None
    return ordered.rows.select(pl.struct(ordered.keys).rank("dense")).to_series().to_numpy().astype(np.int64)


def _taken(rows: int, cluster: NDArray[np.int64] | None, seed: int) -> NDArray[np.intp]:
    """All rows, or whole clusters drawn at random until there are enough."""
    if rows <= _MOST_ROWS:
        return np.arange(rows)
    labels = np.arange(rows) if cluster is None else cluster
    order = np.random.default_rng(seed).permutation(int(labels.max()) + 1)[labels]
    return np.sort(np.argsort(order, kind="stable")[:_MOST_ROWS])
