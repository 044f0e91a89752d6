"""The quick probe: a small boosting model on the sample, fitted before the oldest origin and judged at all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.stats.scored import FloatArray
from sevenstep.tasks.forecast.families.boosting import BoostingMember, fit_boosting
from sevenstep.tasks.forecast.feasibility.material import Material
from sevenstep.tasks.forecast.features.table import FeatureTable, build_table

__all__ = ["FEWEST_ROWS", "Fitting", "Trial", "importances", "rerun", "run_trial", "with_history"]

FEWEST_ROWS = 100  # fewer rows to learn from teach no tree anything
_SQUARED = ("mse", "rmse", "rmspe", "rmsse")  # metrics that grow with the square of an error
_PARAMETERS = {
    "scale": "log",
    "learning_rate": 0.1,
    "leaves": 31,
    "least_in_leaf": 30,
    "feature_share": 0.7,
    "row_share": 0.8,
    "ridge": 1.0,
}


@dataclass(frozen=True)
class Trial:
    """One fit: the table, the rows learnt from, the model, and its predictions of the judged rows (NaN where it has none)."""

    table: FeatureTable
    rows: NDArray[np.int64]
    member: BoostingMember
    prediction: FloatArray


@dataclass(frozen=True)
class Fitting:
    """How probes of one target are fitted: ``rounds`` of boosting under a ``loss``."""

    rounds: int
    loss: str

    @classmethod
    def for_metric(cls, metric: str, rounds: int) -> Fitting:
        """Squared errors where the KPI that leads the target grows with squares, absolute ones otherwise."""
        return cls(rounds, "l2" if metric in _SQUARED else "l1")


def run_trial(material: Material, fitting: Fitting) -> Trial | None:
    """Build the features and fit; None with fewer than `FEWEST_ROWS` rows to learn from."""
    table = build_table(material.panel, material.recipe, material.cutoffs)
    rows = np.flatnonzero((table.cutoff < 0) & (table.step <= material.cutoffs[0]))
    return rerun(material, table, rows, fitting)


def rerun(material: Material, table: FeatureTable, rows: NDArray[np.int64], fitting: Fitting) -> Trial | None:
    """Fit on the given rows of a table that is there already."""
    if len(rows) < FEWEST_ROWS:
        return None
    least = int(np.clip(len(rows) // 50, 5, _PARAMETERS["least_in_leaf"]))  # type: ignore[call-overload]
    parameters = _PARAMETERS | {"rounds": fitting.rounds, "loss": fitting.loss, "least_in_leaf": least}
    member = fit_boosting(table, rows, parameters, material.recipe.seed)
    return Trial(table, rows, member, _aligned(material, table, member))


def _aligned(material: Material, table: FeatureTable, member: BoostingMember) -> FloatArray:
    judged = np.flatnonzero(table.cutoff >= 0)
    predicted = member.predict_features((list(table.names), table.values[judged], table.base[judged]))
    if np.array_equal(table.row[judged], material.row):
        return predicted  # where origins lie closer than a horizon, a row is judged at several of them
    by_row = np.full(len(material.panel.rows), np.nan)
    by_row[table.row[judged]] = predicted
    return by_row[material.row]


def with_history(material: Material, share: float) -> Material:
    """The same judged rows where only the newest ``share`` of the history before the oldest origin had been recorded."""
    start = material.cutoffs[0] + 1 - round(share * (material.cutoffs[0] + 1))
    target = material.recipe.target
    recorded = pl.when(pl.col("step") >= start).then(pl.col(target)).alias(target)
    panel = replace(material.panel, rows=material.panel.rows.with_columns(recorded))
    recipe = replace(material.recipe, most_rows=max(round(material.recipe.most_rows * share), FEWEST_ROWS))
    return replace(material, panel=panel, recipe=recipe)


def importances(trial: Trial) -> dict[str, float]:
    """Share of the loss each feature saved, largest first."""
    import lightgbm

    gain = lightgbm.Booster(model_str=trial.member.text).feature_importance("gain")
    shares = dict(zip(trial.table.names, (gain / max(float(gain.sum()), 1e-12)).tolist(), strict=True))
    return dict(sorted(shares.items(), key=lambda item: -item[1]))
