"""Inputs that know too much: columns that nearly give the target, are named like it, or are filled in once it is known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.contract import Evidence
from sevenstep.tasks.tabular.explore.relations import gaps
from sevenstep.tasks.tabular.explore.strength import Strength, strengths
from sevenstep.tasks.tabular.explore.view import View, view_of
from sevenstep.tasks.tabular.feasibility.gauge import Gauge
from sevenstep.tasks.tabular.feasibility.giveaways import RANKED, giveaways
from sevenstep.tasks.tabular.feasibility.material import Material
from sevenstep.tasks.tabular.feasibility.trial import PROBE, Trial, out_of_fold
from sevenstep.wording import roughly, short

__all__ = ["Suspicion", "dominating", "suspicions_of"]

GIVES_AWAY = 0.75  # share of the target's uncertainty that one column explains alone
TELLING_GAP = 0.5  # the same for whether a column is filled in
NAMED_ALIKE = 0.1  # the same for a column whose name holds that of the target
OPEN_LACKS = 0.5  # gap in shares missing, open rows against known ones
TOO_GOOD = 3.0  # times the loss grows without one column
LEADS = 0.15  # share of the uncertainty from which a column is worth that second look
_SHORTEST_NAME = 4


@dataclass(frozen=True)
class Suspicion:
    """A column that may leak the target, with the figure that says so.

    It is ``left_out`` of the probe where that is nearly certain. It is no ``grave`` suspicion where a strong but honest input
    would look the same.
    """

    column: str
    evidence: Evidence
    left_out: bool
    grave: bool = True


def suspicions_of(data: Dataset, seed: int) -> tuple[list[Suspicion], list[Strength]]:
    """What the columns alone give away, and how strong each is, the strongest first."""
    view = view_of(data, seed)
    ranked, target = strengths(view), view.problem.target
    found: dict[str, Suspicion] = {}
    telling = {gap.column: gap.share for gap in gaps(view)}
    for one in ranked:
        text = _said(one, target, telling.get(one.column, 0.0))
        if text:
            found[one.column] = Suspicion(one.column, Evidence("leakage", text, one.share, n=one.n), one.share >= GIVES_AWAY)
    found |= {suspicion.column: suspicion for suspicion in _afterwards(data, view.problem.inputs, target)}
    for columns, said, figure in giveaways(view, ranked, frozenset(found)):
        evidence = Evidence("leakage", f"{said} Left out of the probe.", figure, n=len(view.rows))
        found |= {column: Suspicion(column, evidence, left_out=True) for column in columns}
    found |= {suspicion.column: suspicion for suspicion in _numbered(data, view)}
    return list(found.values()), ranked


def _numbered(data: Dataset, view: View) -> Iterator[Suspicion]:
    """Columns that number the rows, which are no inputs, and do so in the order of the target: rows were sorted by it."""
    values = view.problem.values(data.items)
    known = np.isfinite(values)
    for name in (name for name in data.items.columns if name not in view.problem.kinds and name != view.problem.target):
        column = data.items[name]
        if not column.dtype.is_numeric() or column.n_unique() < len(column) or known.sum() < 2:
            continue
        share = abs(float(stats.spearmanr(column.cast(pl.Float64).to_numpy()[known], values[known])[0]))
        most = float(np.sqrt(1.0 - _tied(values[known])))  # a rank correlation with classes cannot be 1
        if share >= RANKED * most:
            order = f"in the order of '{view.problem.target}' (rank correlation {share:.2f})"
            text = f"'{name}' numbers the rows {order}: it is no input."
            yield Suspicion(name, Evidence("leakage", text, share, n=int(known.sum())), left_out=True)


def _tied(values: NDArray[np.float64]) -> float:
    """Share of the variance of ranks that ties take away."""
    _, counts = np.unique(values, return_counts=True)
    n = len(values)
    return float((counts.astype(np.float64) ** 3 - counts).sum() / (float(n) ** 3 - n))


def _said(one: Strength, target: str, gap: float) -> str:
    if one.share >= GIVES_AWAY:
        return f"'{one.column}' alone gives '{target}' away ({roughly(one.share)} of its uncertainty): left out of the probe."
    if gap >= TELLING_GAP:
        return f"Whether '{one.column}' is filled in gives '{target}' away: is it filled in afterwards?"
    if one.share >= NAMED_ALIKE and _alike(one.column, target):
        return f"'{one.column}' is named like '{target}' and goes with it ({roughly(one.share)} explained): is it a part of it?"
    return ""


def _alike(column: str, target: str) -> bool:
    one, two = (re.sub(r"[^a-z0-9]", "", name.lower()) for name in (column, target))
    inside, outside = sorted((one, two), key=len)
    return len(inside) >= _SHORTEST_NAME and inside in outside


def _afterwards(data: Dataset, inputs: Sequence[str], target: str) -> Iterator[Suspicion]:
    """Inputs that rows without a target lack."""
    open_ = data.items[target].is_null()
    if open_.sum() < 20:
        return
    for name in inputs:
        lacks, lacked = (data.items[name].filter(side).null_count() / max(int(side.sum()), 1) for side in (open_, ~open_))
        if lacks - lacked >= OPEN_LACKS:
            text = (
                f"'{name}' is missing in {roughly(lacks)} of the rows that wait for a prediction and in {roughly(lacked)} of the "
                f"others: it seems to be known only afterwards, so it is left out of the probe."
            )
            yield Suspicion(name, Evidence("leakage", text, lacks - lacked, n=int(open_.sum())), True)


def dominating(material: Material, full: Trial, ranked: Sequence[Strength], gauge: Gauge) -> Suspicion | None:
    """The strongest input, where the quick probe loses several times as much without it."""
    name = next((one.column for one in ranked if one.column in material.problem.kinds and one.share >= LEADS), None)
    if name is None or len(material.problem.kinds) < 2 or gauge.aims:
        return None
    without = out_of_fold(material.without([name]), PROBE)
    if without is None:
        return None
    losses = [gauge.loss(gauge.point(scores)) for scores in (without, full)]
    times = losses[0] / max(losses[1], 1e-12)
    if not np.isfinite(times) or times < TOO_GOOD:
        return None
    text = f"Without '{name}' alone the probe loses {short(times)} times as much: is it known when the prediction is made?"
    return Suspicion(name, Evidence("leakage", text, times, n=material.rows), left_out=False, grave=False)
