"""Bounds recalibrated by what came true: each refresh stretches or narrows them so that live rows lie within as promised.

What the release was calibrated on is old by the time it serves. Every actual shows how far it lay out, in units of the distance
from forecast to bound; the quantile of those at the bound's level is the factor by which the distance would have had to be longer
(conformalised quantile regression, Romano, Patterson and Candes, 2019, with a factor in place of a sum). Days count, not
rows, because what happens on a day happens to all its rows: with few of them most of the old bounds stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.live.kept import kept_rows
from sevenstep.tasks.scoretable import BOUNDS

__all__ = ["Stretch", "stretch_of", "stretched"]

Stretch = Mapping[str, Mapping[str, float]]
"""For each target the factor of each bound's distance from the forecast; without an entry it is 1."""

LEVELS = {"lower_80": 0.9, "upper_80": 0.9, "lower_95": 0.975, "upper_95": 0.975}
"""Share of the rows that shall not lie beyond each bound."""

DAYS = 28  # newest days that are asked
PRIOR = 7.0  # days that the bounds of the release weigh as much as
FEWEST = 7  # days before anything changes
NARROWEST, WIDEST = 0.5, 4.0


def stretch_of(store: Path, release: int, earlier: Mapping[int, Stretch]) -> Stretch:
    """The factors that the live rows kept of a release ask for.

    Args:
        store: folder of the store.
        release: number of the release.
        earlier: factors of each version, by its number: rows are seen as they were without them.
    """
    rows, _ = kept_rows(store, release)
    if not len(rows) or "target" not in rows.columns:
        return {}
    newest = rows.filter(pl.col("time").rank("dense", descending=True) <= DAYS)
    found = {str(target): _of_target(part, earlier) for (target,), part in newest.partition_by("target", as_dict=True).items()}
    return {target: factors for target, factors in found.items() if factors}


def _of_target(rows: pl.DataFrame, earlier: Mapping[int, Stretch]) -> dict[str, float]:
    days = rows["time"].n_unique()
    if days < FEWEST:
        return {}
    weight = days / (days + PRIOR)
    return {bound: round(_factor(_out(rows, bound, earlier), LEVELS[bound]) ** weight, 4) for bound in BOUNDS}


def _out(rows: pl.DataFrame, bound: str, earlier: Mapping[int, Stretch]) -> NDArray[np.float64]:
    """How far each actual lay towards a bound, in units of the distance it had before any factor."""
    target = str(rows["target"][0])
    used = rows["fold"].replace_strict(
        {number: stretch.get(target, {}).get(bound, 1.0) for number, stretch in earlier.items()},
        default=1.0,
        return_dtype=pl.Float64,
    )
    distance = (rows[bound] - rows["prediction"]) / used
    out = (rows["truth"] - rows["prediction"]) / distance
    return out.filter(out.is_finite()).to_numpy()


def _factor(out: NDArray[np.float64], level: float) -> float:
    """The order statistic that a new row exceeds with at most the stated chance, within limits; 1 where there are no rows."""
    if not len(out):
        return 1.0
    rank = min(int(np.ceil((len(out) + 1) * level)), len(out))
    return float(np.clip(np.partition(out, rank - 1)[rank - 1], NARROWEST, WIDEST))


def stretched(frame: pl.DataFrame, stretch: Stretch) -> pl.DataFrame:
    """Predictions with their bounds moved; what could never be below 0 stays so."""
    factor = {bound: pl.lit(1.0) for bound in BOUNDS}
    for target, factors in stretch.items():
        own = pl.col("target") == target
        factor = {bound: pl.when(own).then(factors.get(bound, 1.0)).otherwise(factor[bound]) for bound in BOUNDS}
    said = pl.col("prediction")
    moved = {bound: said + (pl.col(bound) - said) * factor[bound] for bound in BOUNDS}
    kept = {
        bound: pl.when(pl.col(bound) >= 0).then(pl.max_horizontal(moved[bound], 0.0)).otherwise(moved[bound]) for bound in BOUNDS
    }
    return frame.with_columns(expression.alias(bound) for bound, expression in kept.items()) if stretch else frame
