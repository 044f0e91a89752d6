"""In which way one input separates the classes, or moves the number: the figure a person can picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from sevenstep.stats.intervals import Estimate, cluster_estimate
from sevenstep.stats.metrics import METRICS
from sevenstep.stats.scored import Scored
from sevenstep.tasks.tabular.explore.view import MISSING, OTHER, Binned, Floats, Mask, View, short
from sevenstep.wording import percent

__all__ = ["Separation", "level_estimates", "separation_of"]

_FEWEST = 20  # rows of a level before it is named
_TO_BE_SHOWN = 2  # levels a comparison needs
_ONE_WAY = 0.1  # |AUC - 0.5| or |rank correlation| below which "the higher, the more" would mislead


@dataclass(frozen=True)
class Separation:
    """One input in words (``text``) with the figures behind it (``evidence``)."""

    text: str
    evidence: str


def separation_of(view: View, column: str) -> Separation | None:
    """How an input goes with the target; None where it has no two levels of enough rows."""
    kind = view.problem.kinds[column]
    if kind not in ("number", "time"):
        return _levelled(view, column)
    numbers = view.columns.numbers(column) if kind == "number" else view.columns.seconds(column)
    known = np.isfinite(numbers)
    if known.sum() < _FEWEST:
        return _levelled(view, column)
    one_way = _ranked(view, column, numbers, known) if view.problem.classes else _moves(view, column, numbers, known)
    return one_way or _levelled(view, column)


def _ranked(view: View, column: str, numbers: Floats, known: Mask) -> Separation | None:
    found = {label: _area(numbers[known], view.values[known] == label) for label in _told_classes(view)}
    found = {label: area for label, area in found.items() if area.value is not None}
    if not found:
        return None
    label = max(found, key=lambda one: abs(float(found[one].value or 0.5) - 0.5))
    area, name = found[label], view.problem.classes[label]
    value = float(area.value or 0.5)
    if abs(value - 0.5) < _ONE_WAY:
        return None
    text = f"{'A high' if value > 0.5 else 'A low'} {column} goes with {view.problem.target} = {name}"
    return Separation(text, f"AUC {max(value, 1 - value):.2f}{_area_ends(area)} by this column alone, n = {area.n:,}")


def _area_ends(area: Estimate) -> str:
    """The interval of an area, turned to the side above one half."""
    if area.low is None or area.high is None:
        return ""
    low, high = (area.low, area.high) if float(area.value or 0.5) > 0.5 else (1 - area.high, 1 - area.low)
    return f" ({low:.2f} to {high:.2f})"


def _told_classes(view: View) -> list[int]:
    return [1] if view.problem.binary else list(range(len(view.problem.classes)))


def _area(numbers: Floats, positive: Mask) -> Estimate:
    ranks = stats.rankdata(numbers) / (len(numbers) + 1.0)
    return cluster_estimate(METRICS["roc_auc"], Scored.of(positive.astype(float), ranks), np.arange(len(numbers)), 0, 200)


def _moves(view: View, column: str, numbers: Floats, known: Mask) -> Separation | None:
    correlation = float(stats.spearmanr(numbers[known], view.values[known]).statistic)
    if not abs(correlation) >= _ONE_WAY:
        return None
    low, high = np.quantile(numbers[known], [0.1, 0.9])
    ends = [short(float(np.median(view.values[known & side]))) for side in (numbers <= low, numbers >= high)]
    way, target = "more" if correlation > 0 else "less", view.problem.target
    text = f"The more {column}, the {way} {target}: {ends[0]} for its lowest tenth, {ends[1]} for its highest"
    return Separation(text, f"medians; rank correlation {correlation:+.2f}, n = {int(known.sum()):,}")


def _levelled(view: View, column: str) -> Separation | None:
    rows = level_estimates(view, view.inputs[column])
    rows = [row for row in rows if row[0] != OTHER]
    if len(rows) < _TO_BE_SHOWN:
        return None
    best, worst = max(rows, key=lambda row: row[1]), min(rows, key=lambda row: row[1])
    names = [_with(view, column, row[0]) for row in (best, worst)]
    if view.problem.classes:
        text = f"{_outcome(view)} in {percent(best[1])} of the rows {names[0]}, in {percent(worst[1])} {names[1]}"
    else:
        text = f"The median {view.problem.target} is {short(best[1])} {names[0]}, {short(worst[1])} {names[1]}"
    evidence = f"95 % intervals {_ends(view, best)} and {_ends(view, worst)}, n = {best[4]:,} and {worst[4]:,}"
    return Separation(text, evidence)


def _with(view: View, column: str, label: str) -> str:
    if label == MISSING:
        return f"where {column} is missing"
    return f"with {column} {'= ' if view.problem.kinds[column] == 'category' else ''}{label}"


def _ends(view: View, row: tuple[str, float, float, float, int]) -> str:
    if view.problem.classes:
        return f"{percent(row[2])} to {percent(row[3])}"
    return f"{short(row[2])} to {short(row[3])}"


def _outcome(view: View) -> str:
    return f"{view.problem.target} = {view.problem.classes[_shown_class(view)]}"


def _shown_class(view: View) -> int:
    """The class a share is told of: the positive one of two, the most frequent of more."""
    return 1 if view.problem.binary else int(np.bincount(view.outcome.codes).argmax())


def level_estimates(view: View, column: Binned) -> list[tuple[str, float, float, float, int]]:
    """Of each bin with enough rows: name, share of the class told (or median of the number), its 95 % interval, rows.

    Shares have Wilson intervals, medians those of order statistics (Conover, 1999, Practical Nonparametric Statistics, 3.2).
    """
    found = []
    for code, label in enumerate(column.labels):
        inside = view.values[column.codes == code]
        if len(inside) >= _FEWEST:
            found.append((label, *_level(view, inside), len(inside)))
    return found


def _level(view: View, inside: Floats) -> tuple[float, float, float]:
    if not view.problem.classes:
        ordered = np.sort(inside)
        low, high = stats.binom.ppf([0.025, 0.975], len(ordered), 0.5).astype(int)
        return float(np.median(ordered)), float(ordered[low]), float(ordered[min(high, len(ordered) - 1)])
    hits = int((inside == _shown_class(view)).sum())
    ends = stats.binomtest(hits, len(inside)).proportion_ci(method="wilson")
    return hits / len(inside), float(ends.low), float(ends.high)
