"""Columns that give the target away in ways a single strength does not show: pairs, encoded targets, flags set afterwards, ranks.

Each look has a threshold that honest inputs of real tables stay well below (`bench/leaks.py` holds them to it).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sevenstep.tasks.tabular.explore.strength import Strength, association, coarse
from sevenstep.tasks.tabular.explore.view import Binned, Floats, View
from sevenstep.wording import roughly

__all__ = ["RANKED", "Giveaway", "giveaways"]

PAIR = 0.75  # share of a class's uncertainty that two columns explain together
BY_ARITHMETIC = 0.998  # share of variance that a product, quotient or weighted sum of two numbers explains
RANKED = 0.98  # rank correlation of a number with the target
MEANS = 0.9999  # squared correlation of a column with the means of the target by a category
FEWEST_LEVELS = 20  # of that category
PURE, CAUGHT, FEWEST = 0.995, 0.4, 40  # share of one class where a value stands, share of the class it catches, rows
MOST_COLUMNS, MOST_ROWS = 40, 5_000

Giveaway = tuple[tuple[str, ...], str, float]
"""Columns, what they do as a sentence, and the figure."""


def giveaways(view: View, ranked: Sequence[Strength], known: frozenset[str]) -> Iterator[Giveaway]:
    """All that is found; ``known`` are columns that are suspected already, and are not looked at again."""
    names = [one.column for one in ranked if one.column not in known]
    numbers = {name: view.columns.numbers(name) for name in names if view.problem.kinds[name] == "number"}
    found = list(_single(view, names, numbers))
    yield from found
    left = [name for name in names if name not in {column for columns, *_ in found for column in columns}]
    if view.problem.classes:
        yield from _pairs_of_bins(view, left[:MOST_COLUMNS], ranked)
    else:
        yield from _pairs_of_numbers(view, {name: numbers[name] for name in left if name in numbers})


def _single(view: View, names: Sequence[str], numbers: Mapping[str, Floats]) -> Iterator[Giveaway]:
    target = view.problem.target
    if not view.problem.classes:
        for name, values in numbers.items():
            known = np.isfinite(values)
            value = abs(float(stats.spearmanr(values[known], view.values[known])[0])) if _varies(values[known]) else 0.0
            if value >= RANKED and known.mean() > 0.5:
                yield (name,), f"'{name}' puts the rows into the order of '{target}' (rank correlation {value:.3f}).", value
    yield from _encoded(view, names, numbers)
    if view.problem.classes:
        yield from _flags(view, names)


def _varies(values: Floats) -> bool:
    return len(values) > FEWEST and bool(np.ptp(values) > 0)


def _encoded(view: View, names: Sequence[str], numbers: Mapping[str, Floats]) -> Iterator[Giveaway]:
    """Numbers that are the means of the target by a category: an encoding in which each row saw its own target."""
    outcomes = [view.values] if not view.problem.classes else [view.values == code for code in range(len(view.problem.classes))]
    for category in (name for name in names if view.problem.kinds[name] == "category"):
        _, codes = np.unique(view.columns.texts(category).fill_null("").to_numpy(), return_inverse=True)
        count = np.bincount(codes)
        if len(count) < FEWEST_LEVELS or len(count) == len(codes):
            continue
        means = [np.bincount(codes, outcome) / count for outcome in outcomes]
        for name, values in numbers.items():
            level = np.bincount(codes, np.nan_to_num(values)) / count
            if np.allclose(level[codes], values, rtol=1e-6, atol=1e-9, equal_nan=False) and np.ptp(level) > 0:
                share = max(_squared(level, mean) for mean in means)
                if share >= MEANS:
                    text = f"'{name}' is the mean of '{view.problem.target}' by '{category}', each row's own value included."
                    yield (name,), text, share


def _squared(one: Floats, two: Floats) -> float:
    return float(np.corrcoef(one, two)[0, 1] ** 2) if np.ptp(one) > 0 and np.ptp(two) > 0 else 0.0


def _flags(view: View, names: Sequence[str]) -> Iterator[Giveaway]:
    """Values that stand beside nearly one class alone, and beside much of it: set when that class was known."""
    outcome = view.outcome
    share = np.bincount(outcome.codes, minlength=outcome.levels) / len(outcome.codes)
    for name in names:
        column = view.inputs.get(name)
        if column is None or column.levels > FEWEST_LEVELS:
            continue
        table = np.zeros((column.levels, outcome.levels))
        np.add.at(table, (column.codes, outcome.codes), 1.0)
        pure = table / np.maximum(table.sum(axis=1, keepdims=True), 1.0)
        caught = table / np.maximum(table.sum(axis=0, keepdims=True), 1.0)
        told = (pure >= PURE) & (caught >= CAUGHT) & (table.sum(axis=1, keepdims=True) >= FEWEST) & (share <= 0.5)
        for level, code in np.argwhere(told)[:1]:
            beside = f"'{outcome.labels[code]}' alone, and beside {roughly(float(caught[level, code]))} of it"
            text = f"'{name}' is '{column.labels[level]}' beside {beside}: is it set afterwards?"
            yield (name,), text, float(caught[level, code])


def _pairs_of_bins(view: View, names: Sequence[str], ranked: Sequence[Strength]) -> Iterator[Giveaway]:
    """Two columns whose bins together tell the class."""
    alone = {one.column: one.share for one in ranked}
    bins = {name: coarse(view.inputs[name]) for name in names if name in view.inputs}
    for one, two in combinations(bins, 2):
        joint = bins[one].codes * bins[two].levels + bins[two].codes
        labels = tuple(str(number) for number in range(bins[one].levels * bins[two].levels))
        share, _ = association(Binned(joint, labels), view.outcome)
        if share >= PAIR and share > 1.2 * max(alone[one], alone[two]):
            text = f"'{one}' and '{two}' together give '{view.problem.target}' away ({roughly(share)} of its uncertainty)."
            yield (one, two), text, share


def _pairs_of_numbers(view: View, numbers: Mapping[str, Floats]) -> Iterator[Giveaway]:
    """Two numbers whose product, quotient or weighted sum is the target."""
    rows = np.linspace(0, len(view.values) - 1, min(MOST_ROWS, len(view.values))).astype(np.int64)
    y = view.values[rows]
    kept = {name: values[rows] for name, values in list(numbers.items())[:MOST_COLUMNS]}
    for one, two in combinations(kept, 2):
        a, b = kept[one], kept[two]
        told = np.isfinite(a) & np.isfinite(b)
        if told.sum() < 10 * FEWEST:
            continue
        for sign, share in _arithmetic(y[told], a[told], b[told]):
            if share >= BY_ARITHMETIC:
                text = f"'{view.problem.target}' follows from '{one}' {sign} '{two}' ({roughly(share)} of its variance)."
                yield (one, two), text, share
                break


def _arithmetic(y: Floats, a: Floats, b: Floats) -> Iterator[tuple[str, float]]:
    yield "x", _squared(y, a * b)
    for over, under in ((a, b), (b, a)):
        if np.all(np.abs(under) > 1e-12):
            yield "/", _squared(y, over / under)
    design: NDArray[np.float64] = np.column_stack([np.ones(len(y)), a, b])
    rest = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    total = float(((y - y.mean()) ** 2).sum())
    yield "and", 1.0 - float(rest @ rest) / total if total > 0 else 0.0
