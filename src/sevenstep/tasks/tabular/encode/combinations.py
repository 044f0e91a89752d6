"""Arithmetic combinations of pairs of numbers: a tree needs many splits to draw a product, a ratio or a difference.

Which combinations help is asked of a quick boosted model on the training rows of the fold: those it gains most from are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.tabular.encode.numbers import stacked
from sevenstep.tasks.tabular.encode.part import Matrix
from sevenstep.tasks.tabular.encode.reading import Columns, Combined

__all__ = ["find_combinations", "sample_rows", "strongest"]

_MOST_COLUMNS = 12
_MOST_ROWS = 8000
_ALIKE = 20.0  # times the spread of one may be that of the other for their sum to mean something
_ROUNDS = 60


def find_combinations(
    columns: Columns, numbers: Sequence[str], goal: NDArray[np.float64], several: bool, count: int, seed: int
) -> dict[str, Combined]:
    """The combinations a quick model gains most from, by name.

    Args:
        columns: training rows.
        numbers: columns of numbers; only the strongest dozen are combined.
        goal: class codes or numbers, ``[n]``.
        several: whether ``goal`` holds class codes.
        count: most combinations to keep.
        seed: seed of the sample of rows.
    """
    rows = sample_rows(columns.height, seed)
    sample, wanted = Columns(columns.rows[rows], columns.forms), goal[rows]
    varied = [name for name in numbers if len(np.unique(sample.numbers(name))) > 2]
    values = _values(sample, varied)
    if len(varied) > _MOST_COLUMNS:
        keep = strongest(values, wanted, several, _MOST_COLUMNS, seed)
        varied, values = [varied[place] for place in keep], values[:, keep]
    options = _options(sample, varied)
    made = _values(Columns(sample.rows, sample.forms, options), list(options))
    best = strongest(np.hstack([values, made]), wanted, several, len(varied) + count, seed)
    chosen = [list(options)[place - len(varied)] for place in best if place >= len(varied)]
    return {name: options[name] for name in chosen[:count]}


def sample_rows(rows: int, seed: int) -> NDArray[np.int64]:
    """Places of so many rows that a quick look is quick, in their order."""
    if rows <= _MOST_ROWS:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, _MOST_ROWS, replace=False))


def _values(columns: Columns, names: Sequence[str]) -> Matrix:
    return stacked([columns.numbers(name) for name in names], columns.height)


def _options(columns: Columns, names: Sequence[str]) -> dict[str, Combined]:
    """Every product and ratio; sums and differences only of numbers of comparable spread: of others they equal the larger one."""
    options = {}
    for first, second in combinations(names, 2):
        with np.errstate(over="ignore"):
            spreads = [float(np.nanstd(columns.numbers(name))) for name in (first, second)]
        alike = min(spreads) > 0 and max(spreads) / min(spreads) <= _ALIKE
        for operation in ("*", "/", "-", "+") if alike else ("*", "/"):
            options[f"{first} {operation} {second}"] = (first, operation, second)
    return options


def strongest(values: Matrix, goal: NDArray[np.float64], several: bool, count: int, seed: int) -> list[int]:
    """Columns by what a quick boosted model gained from them, best first; without those it made no use of."""
    import lightgbm

    if not values.shape[1]:
        return []
    classes = int(goal.max()) + 1 if several else 0
    objective = {0: "regression", 2: "binary"}.get(classes, "multiclass")
    parameters = {
        "objective": objective, "num_leaves": 15, "learning_rate": 0.1, "feature_fraction": 0.4, "min_data_in_leaf": 20,
        "max_bin": 63, "seed": seed, "num_threads": 1, "deterministic": True, "force_col_wise": True, "verbose": -1,
    } | ({"num_class": classes} if classes > 2 else {})  # fmt: skip
    rounds = _ROUNDS if classes <= 2 else max(10, 2 * _ROUNDS // classes)
    booster = lightgbm.train(parameters, lightgbm.Dataset(values, goal), rounds)
    gains = booster.feature_importance("gain")
    order = np.argsort(-gains, kind="stable")
    return [int(place) for place in order[:count] if gains[place] > 0]
