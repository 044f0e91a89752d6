"""A booster that knows what is known ahead and when, but not what came before: for leads at which lags have nothing to say.

Two months ahead, the weather and the calendar of an hour tell more than any hour of the past. What lags would carry, the level of
the series, is taken apart: growth from year to year is a straight line taken out before the trees see the target, and how the
newest weeks differ from what their inputs explain moves the forecast.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.forecast.families.boosting import lightgbm_parameters
from sevenstep.tasks.forecast.families.question import Question, columns_learnt
from sevenstep.tasks.forecast.features.history import Asked, transform, untransform
from sevenstep.tasks.forecast.features.inputs import input_features
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.panel import Panel

__all__ = ["DriversMember", "fit_drivers"]

Floats = NDArray[np.float64]

YEARLY = 0.9  # share of the growth since last year that is believed: part of it is weather and chance
FORTNIGHTS = 26  # in a year: half-life of what the newest values tell of the level
MOVES = 0.6  # share of the newest difference to what inputs explain by which forecasts move
LOOKED_BACK = 8  # half-lives


@dataclass(frozen=True)
class DriversMember:
    """A fitted booster, kept as LightGBM's own text.

    Args:
        text: the model in LightGBM's text format.
        recipe: names the inputs, the calendar and the scale of the target.
        names: of the inputs and of what the calendar says, in the order of the trees.
        keys: of each series it was fitted to, as text.
        start: number of the first step it was fitted to.
        growth: change of each series a step on the scale of the target, ``[series]``.
        level: mean of each series without its growth, ``[series]``.
    """

    text: str
    recipe: FeatureRecipe
    names: Sequence[str]
    keys: Sequence[str]
    start: int
    growth: Floats
    level: Floats

    def predict(self, question: Question) -> Floats:
        """Predictions in units of the target; NaN for series that were not there when it was fitted."""
        asked = question.asked
        start, trees = self._parts(question.panel, asked, question.row)
        return untransform(start + trees.sum(axis=1) + self._moves(question), self.recipe.transform).astype(np.float64)

    def parts(self, question: Question) -> tuple[Floats, list[str], Floats, Floats]:
        """What the predictions are the sum of, on the scale of the target.

        Level with growth ``[row]``, names and contributions of the inputs ``[row, input + 1]`` (the last one is what all rows
        have in common), and by how much the newest values move them ``[row]``.
        """
        start, trees = self._parts(question.panel, question.asked, question.row, shared=True)
        return start, [*self.names, "time", "series"], trees, self._moves(question)

    def _parts(self, panel: Panel, asked: Asked, row: NDArray[np.int64], shared: bool = False) -> tuple[Floats, Floats]:
        import lightgbm

        place, when = self._place(panel)[asked.series], asked.step + panel.offsets[asked.series] - self.start
        names, ahead = _ahead(panel, self.recipe, asked, row)
        values = _values(columns_learnt(names, ahead, self.names), when, place)
        trees = np.asarray(lightgbm.Booster(model_str=self.text).predict(values, pred_contrib=shared), dtype=np.float64)
        start = np.where(place >= 0, self.level[place] + self.growth[place] * when, np.nan)
        return start, trees.reshape(len(row), -1)

    def _place(self, panel: Panel) -> NDArray[np.int64]:
        """For each series of a panel its place among those of the fit, -1 for a new one."""
        known = {key: place for place, key in enumerate(self.keys)}
        return np.array([known.get(key, -1) for key in _keys(panel)], dtype=np.int64)

    def _moves(self, question: Question) -> Floats:
        asked, moved = question.asked, np.zeros(len(question.row))
        for origin in np.unique(asked.origin):
            rows = asked.origin == origin
            moved[rows] = MOVES * self._unexplained(question.panel, int(origin))[asked.series[rows]]
        return moved

    def _unexplained(self, panel: Panel, origin: int) -> Floats:
        """Mean difference of the newest values of each series to what inputs explain of them, recent ones counting more."""
        half_life = _half_life(self.recipe)
        row = np.flatnonzero((panel.steps <= origin) & (panel.steps > origin - LOOKED_BACK * half_life))
        asked = Asked(panel.series[row], panel.steps[row], panel.steps[row])
        start, trees = self._parts(panel, asked, row)
        truth = transform(panel.rows[self.recipe.target].gather(row).cast(pl.Float64).to_numpy(), self.recipe.transform)
        away = truth - start - trees.sum(axis=1)
        counts = np.where(np.isfinite(away), 0.5 ** ((origin - asked.step) / half_life), 0.0)
        total = np.bincount(asked.series, counts * np.nan_to_num(away), minlength=panel.shape[0])
        weight = np.bincount(asked.series, counts, minlength=panel.shape[0])
        mean: Floats = total / np.where(weight > 0, weight, 1.0)
        return mean

    def save(self, folder: Path) -> dict[str, Any]:
        """The trees as ``model.txt``."""
        (folder / "model.txt").write_text(self.text, encoding="utf-8")
        plain = {"keys": list(self.keys), "start": self.start, "growth": self.growth.tolist(), "level": self.level.tolist()}
        return {"recipe": self.recipe.to_json(), "names": list(self.names), **plain}

    @classmethod
    def load(cls, folder: Path, about: dict[str, Any]) -> DriversMember:
        """Read back what `save` wrote."""
        text = (folder / "model.txt").read_text(encoding="utf-8")
        growth, level = (np.asarray(about[name], dtype=np.float64) for name in ("growth", "level"))
        recipe = FeatureRecipe.from_json(about["recipe"])
        return cls(text, recipe, about.get("names", ()), about["keys"], about["start"], growth, level)


def fit_drivers(panel: Panel, until: int, parameters: Mapping[str, Any], seed: int) -> DriversMember:
    """Fit on the values up to and including column ``until``.

    Args:
        panel: the series.
        until: the last column that may be seen.
        parameters: ``recipe`` and those of a booster, see `fit_boosting`.
        seed: seed of the row and feature draws.
    """
    import lightgbm

    recipe = FeatureRecipe.from_json(parameters["recipe"])
    grid = transform(panel.exact_grid(recipe.target)[:, : until + 1], recipe.transform)
    growth = _growth(grid, recipe.year)
    left = grid - growth[:, None] * np.arange(grid.shape[1])
    known = np.isfinite(left)
    level = np.where(known, left, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    row = np.flatnonzero(panel.steps <= until)
    row = row[known[panel.series[row], panel.steps[row]]]
    asked = Asked(panel.series[row], panel.steps[row], panel.steps[row])
    names, ahead = _ahead(panel, recipe, asked, row)
    data = lightgbm.Dataset(
        _values(ahead, asked.step, asked.series),
        (left - level[:, None])[asked.series, asked.step],
        params={"max_bin": 127, "verbose": -1},
    )
    booster = lightgbm.train(lightgbm_parameters(parameters, seed), data, int(parameters["rounds"]))
    return DriversMember(booster.model_to_string(), recipe, names, _keys(panel), int(panel.offsets.min()), growth, level)


def _keys(panel: Panel) -> list[str]:
    return [json.dumps([str(value) for value in row], ensure_ascii=False) for row in panel.keys.iter_rows()]


def _ahead(panel: Panel, recipe: FeatureRecipe, asked: Asked, row: NDArray[np.int64]) -> tuple[list[str], NDArray[np.float32]]:
    """Names and columns of what is known ahead about each row; the lead is no part of it."""
    made = {name: column for name, column in input_features(panel, recipe, asked, row) if name != recipe.free_name("lead")}
    return list(made), np.column_stack(list(made.values())) if made else np.empty((len(row), 0), dtype=np.float32)


def _values(ahead: NDArray[np.float32], when: NDArray[np.integer], place: NDArray[np.integer]) -> NDArray[np.float32]:
    return np.column_stack([ahead, when.astype(np.float32), place.astype(np.float32)])


def _half_life(recipe: FeatureRecipe) -> float:
    season = recipe.season
    return max(recipe.year / FORTNIGHTS, float(season))


def _growth(grid: Floats, year: int) -> Floats:
    """Mean change a step of each series against a year before, over at most the newest half year; 0 without a year."""
    if not year or grid.shape[1] <= year:
        return np.zeros(len(grid))
    change = (grid[:, year:] - grid[:, :-year])[:, -(year // 2) :]
    known = np.isfinite(change)
    mean: Floats = np.where(known, change, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return YEARLY * mean / year
