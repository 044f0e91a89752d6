"""Inputs that know too much: columns that follow the target, and a probe that is good because of one input alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.stats.scored import FloatArray
from sevenstep.tasks.contract import Evidence
from sevenstep.tasks.forecast.feasibility.material import Material
from sevenstep.tasks.forecast.feasibility.trial import Fitting, Trial, importances, rerun
from sevenstep.tasks.forecast.foresight import foresights
from sevenstep.tasks.forecast.panel import Panel
from sevenstep.wording import roughly

__all__ = ["Suspicion", "arithmetic", "dominating", "made_of_target"]

CONTINUOUS = 20  # distinct values from which a column can carry the target; a promotion flag cannot
FOLLOWS = 0.98  # share of the target's changes that a column, or a few together, explain
MOST_COLUMNS = 3  # columns that may add up to the target
DOMINATES = 0.25  # share of the probe's gain from one input that is worth a second look
TOO_GOOD = 2.0  # times the error grows without it
MOST_ROWS = 50_000


@dataclass(frozen=True)
class Suspicion:
    """Columns that may leak the target, with the figure that says so."""

    columns: tuple[str, ...]
    evidence: Evidence


def arithmetic(panel: Panel, target: str, columns: Sequence[str]) -> Suspicion | None:
    """Known-ahead columns whose changes are those of the target, alone or as a weighted sum of up to three.

    Args:
        panel: the series; of what is published over time an origin sees what had been published, so it is not looked at.
        target: the target.
        columns: known-ahead columns.

    Changes from one step to the next are compared, not levels, so that a common trend or season is no suspicion.
    """
    known = panel.rows.filter(pl.col(target).is_not_null()).head(MOST_ROWS)
    columns = [column for column in columns if column not in panel.published]
    numbers = [column for column in columns if known.schema[column].is_numeric() and known[column].n_unique() > CONTINUOUS]
    if not numbers:
        return None
    changes = known.select(pl.col(target, *numbers).cast(pl.Float64).diff().over("series")).drop_nulls().to_numpy()
    changes = changes[np.isfinite(changes).all(axis=1)]
    if len(changes) < 10 * MOST_COLUMNS:
        return None
    found, share = _forward(changes[:, 0], changes[:, 1:])
    if share < FOLLOWS:
        return None
    names = tuple(numbers[position] for position in found)
    together = "follows" if len(names) == 1 else "together follow"
    text = f"{_quoted(names)} {together} '{target}': {roughly(share)} of its changes from step to step; left out of the probe."
    return Suspicion(names, Evidence("leakage", text, share, n=len(changes)))


def made_of_target(panel: Panel, target: str, columns: Sequence[str], horizon: int) -> list[Suspicion]:
    """Known-ahead columns that are made of the target's own values from after the origin, see `foresights`."""
    found = []
    for one in foresights(panel, target, columns, horizon):
        span = f"{one.first:+d} to {one.last:+d} steps around it" if one.first < one.last else f"{one.first:+d} steps from it"
        text = f"'{one.column}' is made of '{target}' {span}: {roughly(one.share)} of its changes; left out of the probe."
        found.append(Suspicion((one.column,), Evidence("leakage", text, one.share, n=one.n)))
    return found


def _forward(truth: NDArray[np.float64], inputs: NDArray[np.float64]) -> tuple[list[int], float]:
    """Columns taken one by one while the explained share of squares grows enough, and that share."""
    total = float(truth @ truth)
    chosen: list[int] = []
    share = 0.0
    while share < FOLLOWS and len(chosen) < min(MOST_COLUMNS, inputs.shape[1]) and total > 0:
        shares = {one: _share(truth, inputs[:, [*chosen, one]], total) for one in range(inputs.shape[1]) if one not in chosen}
        best = max(shares, key=lambda one: shares[one])
        chosen, share = [*chosen, best], shares[best]
    return chosen, share


def _share(truth: NDArray[np.float64], inputs: NDArray[np.float64], total: float) -> float:
    rest = truth - inputs @ np.linalg.lstsq(inputs, truth, rcond=None)[0]
    return 1.0 - float(rest @ rest) / total


def dominating(material: Material, trial: Trial, fitting: Fitting) -> Suspicion | None:
    """A continuous input without which the probe's absolute error at least doubles; None where there is none."""
    shares = importances(trial)
    able = [name for name in material.recipe.numbers if name not in material.panel.published]
    inputs = [name for name in able if shares.get(name, 0.0) >= DOMINATES]
    continuous = [name for name in inputs if material.panel.rows[name].n_unique() > CONTINUOUS]
    if not continuous:
        return None
    name = max(continuous, key=lambda one: shares[one])
    kept = [position for position, other in enumerate(trial.table.names) if other != name]
    table = replace(trial.table, names=[trial.table.names[position] for position in kept], values=trial.table.values[:, kept])
    without = rerun(material, table, trial.rows, fitting)
    if without is None:
        return None
    times = _size(without.prediction - material.truth) / max(_size(trial.prediction - material.truth), 1e-12)
    if times < TOO_GOOD:
        return None
    text = f"Without '{name}' alone the probe's error is {times:.3g} times as large: is it known ahead? Left out of the probe."
    return Suspicion((name,), Evidence("leakage", text, times, n=len(material.truth)))


def _size(error: FloatArray) -> float:
    return float(np.nanmean(np.abs(error)))


def _quoted(names: Sequence[str]) -> str:
    return " and ".join(f"'{name}'" for name in names)
