"""What like situations still differ by: how well the judged values can be guessed from *both* sides, the future included.

A forecast hardly does better than an interpolation with the same inputs. So the quick probe is fitted once more with the values
next to each row, before and after it, as further features. What this twin cannot explain is an estimate of the noise, no proof:
the twin is a small model of a sample, and a finished model of all rows has been seen to explain more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.stats.scored import BoolArray, FloatArray
from sevenstep.tasks.forecast.feasibility.material import Material
from sevenstep.tasks.forecast.feasibility.trial import Fitting, Trial, rerun
from sevenstep.tasks.forecast.features.history import transform
from sevenstep.tasks.forecast.features.table import FeatureTable

__all__ = ["Twin", "interpolated"]

Side = NDArray[np.float32]

LEAST_SEEN = 0.5  # share of judged rows that must have a value after them for such a neighbour to be a feature


@dataclass(frozen=True)
class Twin:
    """Predictions that saw both sides, and the judged rows for which there was a value after them."""

    prediction: FloatArray
    rows: BoolArray


def interpolated(material: Material, trial: Trial, fitting: Fitting) -> Twin | None:
    """The twin of a probe; None where too few judged rows have a value after them."""
    table = trial.table
    judged = table.cutoff >= 0
    sides = [pair for pair in _sides(material, table) if np.isfinite(pair[1][judged]).mean() >= LEAST_SEEN]
    if not sides:
        return None
    columns = [column for pair in sides for column in _differences(pair, table.base)]
    names = [f"beside_{position}" for position in range(len(columns))]
    richer = replace(table, names=[*table.names, *names], values=np.column_stack([table.values, *columns]).astype(np.float32))
    fitted = rerun(material, richer, trial.rows, fitting)
    if fitted is None:
        return None
    seen = np.zeros(len(material.panel.rows), dtype=bool)
    seen[table.row[judged]] = np.isfinite(np.column_stack([after for _, after in sides])[judged]).all(axis=1)
    return Twin(fitted.prediction, seen[material.row])


def _differences(pair: tuple[Side, Side], base: NDArray[np.float32]) -> list[Side]:
    """What lies before, what lies after, and their mean, each as its difference from the row's base."""
    before, after = pair
    mean = np.where(np.isfinite(before) & np.isfinite(after), (before + after) / 2, np.where(np.isfinite(before), before, after))
    return [column - base for column in (before, after, mean)]


def _sides(material: Material, table: FeatureTable) -> list[tuple[Side, Side]]:
    """The nearest values strictly before and after each row of the table: any value, same phase, same phase and event."""
    recipe = material.recipe
    phase = pl.col("step") % recipe.season
    events = [pl.col(column).cast(pl.String) for column in recipe.events]
    homes = [[], [phase.alias("phase")], [phase.alias("phase"), *events]][: 1 + bool(recipe.seasons) + bool(recipe.events)]
    scaled = pl.Series("scaled", transform(material.panel.rows[recipe.target].to_numpy(), recipe.transform)).fill_nan(None)
    rows = material.panel.rows.with_columns(scaled)
    return [_nearest(rows.select("series", "step", "scaled", *home), table.row) for home in homes]


def _nearest(rows: pl.DataFrame, wanted: NDArray[np.int64]) -> tuple[Side, Side]:
    home = [column for column in rows.columns if column not in ("step", "scaled")]
    known = rows.drop_nulls().sort("step")
    asked = rows.select("step", *home)[wanted].with_row_index("place").sort("step")
    found = []
    strategies: tuple[Literal["backward", "forward"], ...] = ("backward", "forward")
    for strategy in strategies:
        joined = asked.join_asof(known, on="step", by=home, strategy=strategy, allow_exact_matches=False, check_sortedness=False)
        found.append(joined.sort("place")["scaled"].cast(pl.Float32).fill_null(float("nan")).to_numpy())
    return found[0], found[1]
