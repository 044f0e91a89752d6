"""Worlds with a known truth for the tests of the forecast task: data sets, briefs, recipes and score tables made by code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset, Roles
from sevenstep.spec.brief import Brief, Seen
from sevenstep.spec.design import Design
from sevenstep.spec.model import Kpi
from sevenstep.tasks.contract import Candidate, Fold
from sevenstep.tasks.forecast.families.question import Question
from sevenstep.tasks.forecast.features.history import Asked
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.features.table import FeatureTable, build_table, features_for
from sevenstep.tasks.forecast.panel import Panel, Settings, build_panel
from sevenstep.tasks.forecast.section import Forecast
from sevenstep.tasks.scoretable import BOUNDS, ScoreTable

START = date(2022, 1, 3)
SMALL = {
    "rounds": 30,
    "learning_rate": 0.1,
    "leaves": 15,
    "least_in_leaf": 10,
    "feature_share": 0.6,
    "row_share": 0.7,
    "ridge": 1.0,
}


def facts(**values: Any) -> dict[str, Any]:
    """Facts about time, as step 2 leaves them."""
    given = {"frequency": "1d", "season": 7, "year": 0, "gaps": "missing", "clock": "common"} | values
    return {name: {"value": value, "reason": ""} for name, value in given.items()}


def shops(series: int = 4, days: int = 200, seed: int = 7, missing: float = 0.0, ahead: int = 0) -> pl.DataFrame:
    """Daily sales with a week, a promotion known ahead, visitors known afterwards; the last ``ahead`` days are open."""
    generator = np.random.default_rng(seed)
    t = np.arange(days + ahead)
    promotion = generator.random((series, len(t))) < 0.3
    level = generator.uniform(50, 500, (series, 1))
    noise = 0.05 * generator.standard_normal((series, len(t)))
    y = np.round(level * np.exp(0.3 * np.sin(2 * np.pi * t / 7) + 0.4 * promotion + noise), 2)
    frame = pl.DataFrame(
        {
            "shop": np.repeat([f"s{one:02d}" for one in range(series)], len(t)),
            "day": [START + timedelta(int(one)) for _ in range(series) for one in t],
            "promotion": promotion.ravel(),
            "price": np.round(generator.uniform(1, 2, y.size), 2),
            "visitors": np.round(3 * y.ravel()),
            "y": y.ravel(),
        }
    )
    kept = frame.filter(pl.Series(generator.random(len(frame)) >= missing) | (pl.col("day") >= START + timedelta(days)))
    unknown = pl.col("day") >= START + timedelta(days)
    return kept.with_columns(pl.when(~unknown).then(pl.col(name)).alias(name) for name in ("y", "visitors"))


def shop_data(items: pl.DataFrame, **values: Any) -> Dataset:
    """The world of `shops` as a data set."""
    roles = Roles(("y",), "day", keys=("shop",), known_ahead=("promotion", "price"), observed=("visitors",))
    return Dataset({"items": items}, roles, facts(**values))


def plain_data(values: Sequence[Sequence[float | None]], start: date = START, **facts_given: Any) -> Dataset:
    """Series of a target alone, daily, one list each; None is a row without a value."""
    parts = [
        pl.DataFrame({"id": [f"a{at}"] * len(own), "day": [start + timedelta(step) for step in range(len(own))], "y": own})
        for at, own in enumerate(values)
    ]
    items = pl.concat(parts, how="vertical_relaxed").with_columns(pl.col("y").cast(pl.Float64))
    return Dataset({"items": items}, Roles(("y",), "day", keys=("id",)), facts(**facts_given))


def panel_of(data: Dataset) -> tuple[Panel, Settings]:
    """A data set on its grid."""
    settings = Settings.of(data)
    return build_panel(data, settings), settings


def shop_recipe(horizon: int = 14, **values: Any) -> FeatureRecipe:
    """Features that use everything the world of `shops` has."""
    base = FeatureRecipe(
        target="y",
        horizon=horizon,
        seasons=(7,),
        year=91,
        events=("promotion",),
        numbers=("price",),
        categories={"promotion": ("false", "true")},
        shifted=("promotion",),
        closures=True,
        calendar={"period": "day", "country": "DE"},
        samples=2,
    )
    return replace(base, **values)


def plain_recipe(horizon: int = 14, **values: Any) -> FeatureRecipe:
    """Features of a target alone."""
    return replace(FeatureRecipe(target="y", horizon=horizon, seasons=(7,)), **values)


def brief_of(
    horizon: int = 14, metric: str = "wape", targets: Sequence[str] = ("y",), country: str | None = None, **parts: Any
) -> Brief:
    """What a step may read, with one KPI and the calendar of a country or none."""
    given: dict[str, Any] = {
        "kpis": [Kpi.model_validate({"id": "accuracy", "metric": metric, "goal": "<= 0.2", "target": targets[0]})],
        "targets": tuple(targets),
        "budget": 600.0,
        "seed": 1,
        "design": Design(),
    }
    section = Forecast.model_validate({"horizon": horizon, "calendar": {"country": country}})
    return Brief({**given, **parts}, Seen(section, tuple(Forecast.model_fields)))


def candidate(family: str, recipe: FeatureRecipe, name: str = "", cutoffs: Sequence[int] = (), **parameters: Any) -> Candidate:
    """A candidate as a plan would make it, with few rounds."""
    own: dict[str, Any] = {"recipe": recipe.to_json(), "season": recipe.seasons[0] if recipe.seasons else 1}
    stage = None
    if family == "boosting":
        own, stage = {**SMALL, "scale": "log", "loss": "l2"}, {"recipe": recipe.to_json(), "cutoffs": list(cutoffs)}
    if family == "statistical":
        own = {"seasons": list(recipe.seasons), "longest": 1_000}
    if family == "smoothed":
        own = {"seasons": list(recipe.seasons), "longest": 1_000, "groups": list(recipe.groups), "trend": "damped"}
    if family == "drivers":
        own = {**SMALL, "loss": "l1", "recipe": recipe.to_json()}
    return Candidate(name or family, family, recipe.target, "", {**own, **parameters}, stage=stage)


def fold_at(cutoff: int, horizon: int, number: int = 0) -> Fold:
    """The fold of one origin."""
    return Fold(f"from {cutoff}", number, {"until": cutoff}, {"after": cutoff, "steps": horizon})


def ask(panel: Panel, settings: Settings, cells: Sequence[tuple[int, int, int]], target: str = "y") -> Question:
    """The question for (series, step, origin) cells, with their rows where there are any."""
    series, step, origin = (np.array(column, dtype=np.int32) for column in zip(*cells, strict=True))
    known = {key: row for row, key in enumerate(zip(panel.series.tolist(), panel.steps.tolist(), strict=True))}
    row = np.array([known.get((one, at), -1) for one, at in zip(series.tolist(), step.tolist(), strict=True)], dtype=np.int64)
    asked = Asked(series, step, origin)
    return Question(panel, settings, target, asked, row, lambda recipe: features_for(panel, recipe, asked, row))


def table_of(panel: Panel, recipe: FeatureRecipe, *cutoffs: int) -> FeatureTable:
    """The feature table of some origins."""
    return build_table(panel, recipe, cutoffs)


def score_table(
    truth: NDArray[np.float64],
    prediction: NDArray[np.float64],
    *,
    fold: NDArray[np.int64],
    lead: NDArray[np.int64] | None = None,
    cluster: NDArray[np.int64] | None = None,
    name: str = "one",
) -> ScoreTable:
    """A score table of made-up rows; items are numbered within each fold."""
    rows = len(truth)
    item = np.zeros(rows, dtype=np.int64)
    for number in np.unique(fold):
        item[fold == number] = np.arange(int((fold == number).sum()))
    frame = pl.DataFrame(
        {
            "candidate": [name] * rows,
            "target": ["y"] * rows,
            "fold": fold,
            "origin": np.zeros(rows, dtype=np.int64),
            "time": item,
            "lead": np.ones(rows, dtype=np.int32) if lead is None else lead.astype(np.int32),
            "item": item,
            "cluster": np.zeros(rows, dtype=np.int32) if cluster is None else cluster.astype(np.int32),
            "weight": np.ones(rows),
            "scale": np.ones(rows),
            "root_scale": np.ones(rows),
            "truth": truth,
            "prediction": prediction,
        }
    )
    return ScoreTable(frame.with_columns(pl.lit(None, dtype=pl.Float64).alias(bound) for bound in BOUNDS))
