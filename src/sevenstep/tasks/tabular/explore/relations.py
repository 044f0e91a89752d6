"""What holds among the inputs themselves: columns that say the same, values missing for a reason, values far out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse, stats
from scipy.sparse.csgraph import connected_components

from sevenstep.tasks.tabular.explore.strength import Strength, association, corrected
from sevenstep.tasks.tabular.explore.view import MISSING, Binned, Floats, View

__all__ = ["Extremes", "Gap", "correlated_groups", "extremes", "gaps"]

_ALIKE = 0.95  # rank correlation from which two columns say the same
_MOST_ROWS, _MOST_COLUMNS = 4_000, 600
_FENCE = 3.0  # interquartile ranges beyond the quartiles: the outer fences of Tukey, 1977
_SOME = 0.01  # share missing from which a column is looked at


@dataclass(frozen=True)
class Gap(Strength):
    """A column with missing values: the share ``missing`` of them, and what it says about the target that a value is missing."""

    missing: float


@dataclass(frozen=True)
class Extremes:
    """A column with values beyond the outer fences: how many, the share, and the quotient of the farthest to the fence."""

    column: str
    rows: int
    share: float
    farthest: float


def correlated_groups(view: View, ranked: Sequence[Strength]) -> list[list[str]]:
    """Groups of number columns linked by rank correlations of 0.95 and more, the most telling of each first."""
    names = [one.column for one in ranked if view.problem.kinds[one.column] == "number"][:_MOST_COLUMNS]
    if len(names) < 2:
        return []
    every = -(-len(view.rows) // _MOST_ROWS)  # rows from the whole of the data: what is alike at one time need not stay so
    ranks = np.column_stack([_ranks(view.columns.numbers(name)[::every]) for name in names])
    with np.errstate(invalid="ignore", divide="ignore"):
        linked = np.abs(np.corrcoef(ranks, rowvar=False)) >= _ALIKE
    _, group = connected_components(sparse.csr_matrix(linked), directed=False)
    found = [[names[place] for place in np.flatnonzero(group == number)] for number in range(int(group.max()) + 1)]
    return sorted((members for members in found if len(members) > 1), key=lambda members: (-len(members), members))


def _ranks(numbers: Floats) -> Floats:
    """Ranks with the missing in the middle, so that they neither make nor break a correlation."""
    known = np.isfinite(numbers)
    ranks = np.full(len(numbers), (known.sum() + 1) / 2.0)
    ranks[known] = stats.rankdata(numbers[known])
    return ranks


def gaps(view: View) -> list[Gap]:
    """Columns with missing values and what their absence says about the target, the most telling first."""
    found = []
    for name, column in view.inputs.items():
        absent = np.array([label == MISSING for label in column.labels])[column.codes]
        if _SOME <= absent.mean() < 1:
            share, p = association(Binned(absent.astype(np.int64), ("there", MISSING)), view.outcome)
            found.append((name, float(absent.mean()), share, p))
    rates = corrected([p for *_, p in found])
    made = [Gap(name, share, q, len(view.rows), missing) for (name, missing, share, _), q in zip(found, rates, strict=True)]
    return sorted(made, key=lambda gap: (-gap.share, -gap.missing, gap.column))


def extremes(view: View) -> list[Extremes]:
    """Number columns with values beyond the outer fences, the largest share first; counts and flags have no fences."""
    found = [one for name in view.numbers if (one := _extremes(name, view.columns.numbers(name)))]
    return sorted(found, key=lambda one: (-one.share, one.column))


def _extremes(name: str, numbers: Floats) -> Extremes | None:
    known = numbers[np.isfinite(numbers)]
    if len(known) < 20 or len(np.unique(known)) <= 10:
        return None
    low, high = np.quantile(known, [0.25, 0.75])
    reach = _FENCE * (high - low)
    distance = np.maximum(low - known, known - high)
    beyond = int((distance > reach).sum())
    if reach == 0 or beyond == 0:
        return None
    return Extremes(name, beyond, beyond / len(known), float(distance.max() / reach))
