"""Ranked causes of a defect, or of a number being higher or lower, from the columns of a data set."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.stats.causes import Ranking, rank_causes, rank_number_causes
from sevenstep.stats.scored import FloatArray
from sevenstep.tasks.tabular.quality.ordered import Ordered

__all__ = ["find_causes"]

_MOST_ROWS = 20_000
_LEAST_DEFECTS = 20
_LEAST_ROWS = 100


def find_causes(ordered: Ordered, seed: int) -> Ranking | None:
    """Rank all categories, numbers and groups as causes; None where rows are too few, or defects, or a number never changes.

    Beyond 20,000 rows a sample is looked at, of whole groups where there are any.
    """
    outcome = ordered.values if ordered.defect is None else ordered.defects
    if len(outcome) < _LEAST_ROWS or not _differs(outcome, defects=ordered.defect is not None):
        return None
    cluster = ordered.clusters
    taken = _taken(len(outcome), cluster, seed)
    if not _differs(outcome[taken], defects=ordered.defect is not None):
        return None
    kinds = ordered.problem.kinds
    texts = [*(name for name, kind in kinds.items() if kind == "category"), *(key for key in ordered.keys if key not in kinds)]
    categories = {name: _texts(ordered.columns.texts(name), taken) for name in texts}
    numbers: dict[str, FloatArray] = {name: ordered.columns.numbers(name)[taken] for name in ordered.numbers}
    rank = rank_number_causes if ordered.defect is None else rank_causes
    return rank(outcome[taken], categories, numbers, cluster=None if cluster is None else cluster[taken], seed=seed)


def _differs(outcome: FloatArray, *, defects: bool) -> bool:
    if defects:
        return bool(_LEAST_DEFECTS <= outcome.sum() <= len(outcome) - _LEAST_DEFECTS)
    return bool(np.ptp(outcome) > 0)


def _texts(values: pl.Series, taken: NDArray[np.intp]) -> NDArray[np.object_]:
    return np.array(values.to_list(), object)[taken]


def _taken(rows: int, cluster: NDArray[np.int64] | None, seed: int) -> NDArray[np.intp]:
    """All rows, or whole clusters drawn at random until there are enough."""
    if rows <= _MOST_ROWS:
        return np.arange(rows)
    labels = np.arange(rows) if cluster is None else cluster
    order = np.random.default_rng(seed).permutation(int(labels.max()) + 1)[labels]
    return np.sort(np.argsort(order, kind="stable")[:_MOST_ROWS])
