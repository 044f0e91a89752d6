"""The feature table of one target: what every boosting candidate and every fold shares.

A training row is an observed value together with one origin before it, drawn at random up to the horizon, and sees only what that
origin had seen. So one table serves all leads and all folds: a fold takes the training rows whose own time is not after its
cutoff, and adds the rows whose origin *is* its cutoff, to be scored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.forecast.features.calendar import feast_steps, twin_steps
from sevenstep.tasks.forecast.features.history import Asked, history_features, levels, surprises, transform
from sevenstep.tasks.forecast.features.inputs import event_states, input_features
from sevenstep.tasks.forecast.features.pooled import blocks, pooled
from sevenstep.tasks.forecast.features.published import expected_from
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.features.shared import shared_columns, shared_guess
from sevenstep.tasks.forecast.features.smoothing import smoothing_forecasts
from sevenstep.tasks.forecast.features.units import UNIT, in_units
from sevenstep.tasks.forecast.features.winters import winters
from sevenstep.tasks.forecast.folds import scored_rows
from sevenstep.tasks.forecast.panel import Panel

__all__ = ["FeatureTable", "build_table", "features_for", "row_weights"]

FEWEST_SERIES = 10  # from which on what a feast did to all is told apart from what happened to one

_ARRAYS = ("values", "base", "truth", "weight", "series", "step", "origin", "cutoff", "row")


@dataclass(frozen=True)
class FeatureTable:
    """Features and what they belong to, arrays of equal length.

    ``cutoff`` is -1 for a training row; otherwise the origin of the fold the row is scored in. ``base`` is the best single
    guess at the scaled target, from which models learn the rest. ``truth`` is the target in its own units, ``weight`` what its
    error counts. ``row`` points into the panel.
    """

    recipe: FeatureRecipe
    names: Sequence[str]
    values: NDArray[np.float32]
    base: NDArray[np.float32]
    truth: NDArray[np.float64]
    weight: NDArray[np.float32]
    series: NDArray[np.int32]
    step: NDArray[np.int32]
    origin: NDArray[np.int32]
    cutoff: NDArray[np.int32]
    row: NDArray[np.int64]

    def save(self, folder: Path) -> None:
        """Write as NumPy files and JSON."""
        for name in _ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name), allow_pickle=False)
        about = {"recipe": self.recipe.to_json(), "names": list(self.names)}
        (folder / "table.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> FeatureTable:
        """Map the files into memory; rows are read when they are used."""
        about = json.loads((folder / "table.json").read_text(encoding="utf-8"))
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _ARRAYS}
        return cls(recipe=FeatureRecipe.from_json(about["recipe"]), names=about["names"], **arrays)


def build_table(panel: Panel, recipe: FeatureRecipe, cutoffs: Sequence[int]) -> FeatureTable:
    """Draw the training rows, add the rows of each fold, and compute the features of all of them."""
    truth = panel.rows[recipe.target].cast(pl.Float64).to_numpy()
    parts = [_training_rows(panel, recipe, truth)]
    for cutoff in cutoffs:
        scored = scored_rows(panel, truth, cutoff, recipe.horizon)
        parts.append((scored, np.full(len(scored), cutoff, dtype=np.int32)))
    row = np.concatenate([part[0] for part in parts])
    origin = np.concatenate([part[1] for part in parts]).astype(np.int32)
    judged = np.concatenate([np.full(len(part[0]), at, np.int32) for part, at in zip(parts, [-1, *cutoffs], strict=True)])
    asked = Asked(panel.series[row], panel.steps[row], origin)
    names, values, base = features_for(panel, recipe, asked, row)
    weight = row_weights(panel, recipe.weights)[row]
    return FeatureTable(recipe, names, values, base, truth[row], weight, asked.series, asked.step, origin, judged, row)


def row_weights(panel: Panel, weights: Mapping[str, float]) -> NDArray[np.float32]:
    """What the error of each row of the panel counts: 1, times the weight of each named column that is not 0 or false there."""
    total = np.ones(len(panel.rows), dtype=np.float32)
    for column, factor in weights.items():
        total[panel.rows[column].cast(pl.Float64).fill_null(0.0).to_numpy() != 0] *= factor
    return total


def _training_rows(
    panel: Panel, recipe: FeatureRecipe, truth: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    generator = np.random.default_rng(recipe.seed)
    first = _first_seen(panel, truth)
    rows = np.flatnonzero(np.isfinite(truth))
    drawn, origins = [], []
    for _ in range(recipe.samples):
        lead = _leads(generator, panel, recipe, rows)
        origin = panel.steps[rows] - lead
        usable = origin >= first[panel.series[rows]] + _warm_up(recipe)
        drawn.append(rows[usable])
        origins.append(origin[usable])
    row, origin = np.concatenate(drawn), np.concatenate(origins).astype(np.int32)
    if recipe.smoothed > 1:  # few leads to draw among
        row, origin = np.unique(np.stack([row, origin.astype(np.int64)]), axis=1)
        origin = origin.astype(np.int32)
    if len(row) > recipe.most_rows:
        kept = np.sort(generator.choice(len(row), recipe.most_rows, replace=False))
        row, origin = row[kept], origin[kept]
    return row, origin


def _leads(generator: np.random.Generator, panel: Panel, recipe: FeatureRecipe, rows: NDArray[np.int64]) -> NDArray[np.integer]:
    """A lead for each row, drawn among those whose origin is one of every so many steps before the end of the panel."""
    every = max(recipe.smoothed, 1)
    if every == 1:
        return generator.integers(1, recipe.horizon + 1, len(rows))
    least = 1 + (panel.steps[rows] - panel.end - 1) % every
    return least + every * generator.integers(0, (recipe.horizon - least) // every + 1)


def _warm_up(recipe: FeatureRecipe) -> int:
    """Steps of history a series must have at the origin before its rows teach anything."""
    return recipe.seasons[0] if recipe.seasons else 2


def _first_seen(panel: Panel, truth: NDArray[np.float64]) -> NDArray[np.int32]:
    first = np.full(panel.shape[0], panel.shape[1], dtype=np.int32)
    known = np.isfinite(truth)
    np.minimum.at(first, panel.series[known], panel.steps[known])
    return first


def features_for(
    panel: Panel, recipe: FeatureRecipe, asked: Asked, row: NDArray[np.int64]
) -> tuple[list[str], NDArray[np.float32], NDArray[np.float32]]:
    """Names, values ``[row, feature]`` and base of the asked rows, computed a block of series at a time."""
    scaled = transform(panel.grid(recipe.target), recipe.transform).astype(np.float32)
    states = event_states(panel, recipe)
    level = _levels(scaled, recipe)
    every = pooled(level, surprises(scaled, level, recipe) if recipe.year else None, states, recipe)
    calm, level = _without_feasts(panel, recipe, scaled, level, every.odd)
    twin = twin_steps(panel, recipe, asked)
    ahead = list(input_features(panel, recipe, asked, row))
    smoothed = smoothing_forecasts(panel.exact_grid(recipe.target), recipe, asked) if recipe.smoothed else {}
    past: dict[str, NDArray[np.float32]] = {}
    for low, high in blocks(panel.shape):
        mine = (asked.series >= low) & (asked.series < high)
        if len(row) and not mine.any():
            continue
        local = Asked(asked.series[mine] - np.int32(low), asked.step[mine], asked.origin[mine])
        local_states = None if states is None else states[low:high]
        own = history_features(scaled[low:high], calm[low:high], level[low:high], local_states, every, twin[mine], recipe, local)
        if recipe.transform == "units":
            told = {name: made[mine] for name, made in smoothed.items()}
            own = in_units(dict(own), scaled[low:high], recipe, local, told)
        for name, column in own:
            past.setdefault(recipe.free_name(name), np.empty(len(row), dtype=np.float32))[mine] = column
    base, known = past[recipe.free_name("base")], dict(ahead)
    if recipe.transform == "units":
        unit = past[recipe.free_name(UNIT)]
        past |= {recipe.free_name(name): (made - base) / unit for name, made in winters(scaled, recipe.season, asked)}
    if recipe.shares:
        guess = shared_guess(panel, recipe, asked)
        past |= {recipe.free_name(name): made for name, made in shared_columns(guess, base, past[recipe.free_name("level")])}
        base = np.where(np.isfinite(guess), guess, base)
    columns = past | known | _pickup(panel, recipe, asked, known, base)
    return list(columns), np.column_stack(list(columns.values())), base


def _without_feasts(
    panel: Panel, recipe: FeatureRecipe, scaled: NDArray[np.float32], level: NDArray[np.float32], odd: NDArray[np.float32] | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The scaled target without what big events did to all series alike, and its level: the week before Easter tells little of
    the week after it.
    """
    if odd is None or len(scaled) < FEWEST_SERIES or (feast := feast_steps(panel, recipe)) is None or not feast.any():
        return scaled, level
    calm = scaled - np.where(feast & np.isfinite(odd), odd, np.float32(0.0))
    if recipe.transform == "log1p":
        calm = np.maximum(calm, np.float32(0.0))  # nothing was sold on some days, feast or not
    return calm, _levels(calm, recipe)


def _levels(scaled: NDArray[np.float32], recipe: FeatureRecipe) -> NDArray[np.float32]:
    return np.concatenate([levels(scaled[low:high], recipe) for low, high in blocks(scaled.shape)])


def _pickup(
    panel: Panel, recipe: FeatureRecipe, asked: Asked, ahead: Mapping[str, NDArray[np.float32]], base: NDArray[np.float32]
) -> dict[str, NDArray[np.float32]]:
    """How far what was booked so far promises to lie from the base, for each published column that counts up."""
    growing = [name for name in recipe.numbers if name in panel.published and name in panel.published[name].growing]
    found = {}
    for name in growing:
        expected = expected_from(panel, recipe, asked, name, ahead[name])
        found[f"{name} pickup"] = (transform(expected, recipe.transform) - base).astype(np.float32)
    return found
