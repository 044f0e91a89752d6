"""Simple rules that any model must beat; they need no features, or one column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.tabular.encode.categories import level_counts
from sevenstep.tasks.tabular.encode.parts import deal
from sevenstep.tasks.tabular.encode.reading import Columns
from sevenstep.tasks.tabular.families.learning import Floats
from sevenstep.tasks.tabular.problem import Problem

__all__ = ["RULES", "Rule", "fit_rule"]

RULES = ("majority", "never", "always", "prior", "single_rule", "mean", "median")
_BINS = 6
_LEVELS = 20
_SMOOTHING = 2.0


@dataclass(frozen=True)
class Rule:
    """The same prediction for every row, or one by the interval or the level of a single column.

    Args:
        predictions: probabilities or number of each case, ``[cases][classes or 1]``; the last case is for all other rows.
        column: the column that tells the case, empty for the same prediction everywhere.
        edges: where intervals of numbers end.
        levels: levels of a category.
    """

    predictions: tuple[tuple[float, ...], ...]
    column: str = ""
    edges: tuple[float, ...] = ()
    levels: tuple[str, ...] = ()

    def predict(self, columns: Columns) -> Floats:
        """Predictions of all rows."""
        return np.asarray(self.predictions, np.float64)[self.cases(columns)]

    def cases(self, columns: Columns) -> NDArray[np.int64]:
        """Number of the case of each row."""
        rest = len(self.predictions) - 1 if self.predictions else len(self.edges) + len(self.levels) + bool(self.edges)
        if not self.column:
            return np.full(columns.height, rest)
        if self.levels:
            numbers = {level: number for number, level in enumerate(self.levels)}
            texts = columns.texts(self.column)
            return texts.replace_strict(numbers, default=rest, return_dtype=pl.Int64).fill_null(rest).to_numpy()
        values = columns.numbers(self.column)
        return np.where(np.isnan(values), rest, np.searchsorted(self.edges, values, side="left"))

    def to_json(self) -> dict[str, Any]:
        """All fields as JSON values."""
        return dict(self.__dict__)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Rule:
        """Read back what `to_json` gave."""
        predictions = tuple(tuple(row) for row in value["predictions"])
        return cls(predictions, value["column"], tuple(value["edges"]), tuple(value["levels"]))


def fit_rule(name: str, columns: Columns, problem: Problem, goal: Floats, seed: int) -> Rule:
    """One of `RULES`: for classes majority, never, always, prior and single_rule; for numbers mean and median."""
    if not problem.classes:
        return Rule(((float(np.median(goal) if name == "median" else np.mean(goal)),),))
    classes = len(problem.classes)
    shares = np.bincount(goal.astype(np.int64), minlength=classes) / len(goal)
    if name == "single_rule":
        return _single_rule(columns, problem, goal, seed)
    if name == "prior":
        return Rule((tuple(shares.tolist()),))
    chosen = {"never": 0, "always": classes - 1}.get(name, int(np.argmax(shares)))
    return Rule((tuple(float(place == chosen) for place in range(classes)),))


def _single_rule(columns: Columns, problem: Problem, goal: Floats, seed: int) -> Rule:
    """Class shares by intervals or levels of the one column that tells most about rows left out.

    After Holte (1993), Very simple classification rules perform well on most commonly used datasets.
    """
    classes, parts = len(problem.classes), deal(goal, 3, seed)
    onehot = (goal[:, None] == np.arange(classes)).astype(np.float64)
    best, least = Rule((tuple(onehot.mean(axis=0).tolist()),)), np.inf
    for name, kind in problem.kinds.items():
        if kind not in ("number", "category"):
            continue
        rule = _cut(columns, name, kind)
        cases = rule.cases(columns)
        loss = sum(_loss(cases, onehot, parts == part) for part in range(3))
        if loss < least:
            tables = _shares(cases, onehot, int(cases.max(initial=0)), len(rule.edges) + len(rule.levels) + bool(rule.edges))
            best, least = Rule(tuple(map(tuple, tables.tolist())), name, rule.edges, rule.levels), loss
    return best


def _cut(columns: Columns, name: str, kind: str) -> Rule:
    if kind == "category":
        return Rule((), name, (), tuple(level for level, _ in level_counts(columns.texts(name))[:_LEVELS]))
    known = columns.numbers(name)
    known = known[np.isfinite(known)]
    edges = np.unique(np.quantile(known, np.arange(1, _BINS) / _BINS)) if len(known) else np.zeros(1)
    return Rule((), name, tuple(edges.tolist()))


def _shares(cases: NDArray[np.int64], onehot: Floats, most: int, rest: int) -> Floats:
    """Smoothed class shares of each case."""
    count = max(most, rest) + 1
    sums = np.column_stack([np.bincount(cases, weights=column, minlength=count) for column in onehot.T])
    return np.asarray((sums + _SMOOTHING * onehot.mean(axis=0)) / (sums.sum(axis=1, keepdims=True) + _SMOOTHING))


def _loss(cases: NDArray[np.int64], onehot: Floats, aside: NDArray[np.bool_]) -> float:
    shares = _shares(cases[~aside], onehot[~aside], int(cases.max(initial=0)), 0)
    return float(-np.log(np.maximum((shares[cases[aside]] * onehot[aside]).sum(axis=1), 1e-15)).sum())
