"""Nothing a fold uses was observed after its origin: everything later is poisoned, and not one bit may change."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from forecast_worlds import brief_of, candidate, fold_at, panel_of, shop_data, shop_recipe, shops
from sevenstep.search.ensemble import Selection
from sevenstep.search.judge import judge
from sevenstep.search.library import Library
from sevenstep.tasks.forecast.families.members import fit_member
from sevenstep.tasks.forecast.features.table import FeatureTable, build_table
from sevenstep.tasks.forecast.panel import Panel, Settings
from sevenstep.tasks.forecast.scoring import score_member
from sevenstep.tasks.forecast.task import ForecastTask
from sevenstep.tasks.scoretable import ScoreTable

HORIZON, CUTOFF = 14, 170
CUTOFFS = [CUTOFF - 2 * HORIZON, CUTOFF - HORIZON, CUTOFF]
RECIPE = shop_recipe(HORIZON, samples=3)
MEMBERS: dict[str, tuple[str, dict[str, Any]]] = {
    "naive": ("naive", {"rule": "naive"}),
    "seasonal_naive": ("naive", {"rule": "seasonal_naive"}),
    "same_event": ("naive", {"rule": "same_event"}),
    "moving_average": ("naive", {"rule": "moving_average"}),
    "drift": ("naive", {"rule": "drift"}),
    "theta": ("statistical", {"method": "theta"}),
    "stl_ets": ("statistical", {"method": "stl_ets"}),
    "boosting_log": ("boosting", {}),
    "boosting_ratio": ("boosting", {"scale": "ratio", "loss": "l1"}),
    "boosting_units": ("boosting", {"scale": "units", "loss": "l1"}),
    "boosting_smoothed": ("boosting", {"scale": "units", "loss": "l1"}),
    "boosting_shared": ("boosting", {"scale": "ratio", "loss": "l1"}),
    "smoothing": ("smoothed", {"form": "multiplies"}),
    "smoothing_adds": ("smoothed", {"form": "adds"}),
    "smoothing_shared": ("smoothed", {"form": "shared", "trend": "drift"}),
    "drivers": ("drivers", {}),
}


Stage = tuple[Panel, Settings, FeatureTable]


@cache
def stage(kind: str, after: int) -> Stage:
    """The world with all targets and all columns that are not known ahead replaced in rows later than a step."""
    items = shops(series=3, days=CUTOFF + 1 + HORIZON, missing=0.05)
    generator = np.random.default_rng(99)
    step = (pl.col("day") - items["day"].min()).dt.total_days()
    poison = {"huge": np.full(len(items), 1e12), "random": generator.uniform(0, 1e4, len(items))}
    if kind != "none":
        late = [
            pl.when(step > after).then(pl.Series(poison[kind])).otherwise(pl.col(name)).alias(name) for name in ("y", "visitors")
        ]
        items = items.with_columns(late)
    panel, settings = panel_of(shop_data(items))
    return panel, settings, build_table(panel, RECIPE, CUTOFFS)


OTHERS = {
    "boosting_units": replace(RECIPE, transform="units", base="moved"),
    "boosting_smoothed": replace(RECIPE, transform="units", base="smoothed", smoothed=3),
    "boosting_shared": replace(RECIPE, shares=True),
}


@cache
def table_of(kind: str, after: int, name: str) -> FeatureTable:
    return build_table(stage(kind, after)[0], OTHERS[name], CUTOFFS)


CLEAN = ("none", CUTOFF)


def features(kind: str, after: int) -> dict[str, NDArray[Any]]:
    """What the fold of `CUTOFF` may use: its training rows and the rows it is scored on."""
    table = stage(kind, after)[2]
    training = (table.cutoff == -1) & (table.step <= CUTOFF)
    scored = table.cutoff == CUTOFF
    return {
        "training": table.values[training],
        "truth": table.truth[training],
        "base": table.base[training | scored],
        "weight": table.weight[training],
        "scored": table.values[scored],
    }


@cache
def scores(kind: str, after: int, name: str, cutoff: int = CUTOFF) -> ScoreTable:
    family, parameters = MEMBERS[name]
    panel, settings, table = stage(kind, after)
    table = table_of(kind, after, name) if name in OTHERS else table
    own, fold = candidate(family, table.recipe, name, CUTOFFS, **parameters), fold_at(cutoff, HORIZON, CUTOFFS.index(cutoff))
    needed = table if family == "boosting" else None
    return score_member(fit_member(own, fold, panel, settings, needed, 3), own, fold, panel, settings, needed)


def predictions(kind: str, after: int, name: str) -> NDArray[np.float64]:
    return scores(kind, after, name).frame["prediction"].to_numpy()


def final(kind: str, after: int) -> pl.DataFrame:
    """The newest fold as the final model is judged on it: members blended, shift and bounds made from the older folds."""
    names = ["seasonal_naive", "theta", "boosting_log"]
    tables = {name: ScoreTable(pl.concat([scores(kind, after, name, cutoff).frame for cutoff in CUTOFFS])) for name in names}
    library = Library.of(tables, dict.fromkeys(names, 1.0))
    task = ForecastTask()
    weights = np.array([0.2, 0.3, 0.5])
    judged = judge(task, library, Selection(weights, dict.fromkeys(range(3), weights), None, {}), brief_of(HORIZON))
    return judged.scores.frame.filter(pl.col("fold") == 2).select("item", "prediction", "^(lower|upper)_.*$")


@pytest.mark.parametrize("kind", ["huge", "random"])
def test_no_feature_of_a_fold_sees_beyond_its_origin(kind: str) -> None:
    before, after = features(*CLEAN), features(kind, CUTOFF)
    assert len(before["training"]) > 1000
    assert len(before["scored"]) > 30
    for name, values in before.items():
        np.testing.assert_array_equal(after[name], values, err_msg=name)


@pytest.mark.parametrize("kind", ["huge", "random"])
@pytest.mark.parametrize("name", MEMBERS)
def test_no_member_sees_beyond_the_origin_of_its_fold(name: str, kind: str) -> None:
    before = predictions(*CLEAN, name)
    assert np.isfinite(before).all()
    np.testing.assert_array_equal(predictions(kind, CUTOFF, name), before)


@pytest.mark.parametrize("kind", ["huge", "random"])
def test_no_final_forecast_or_bound_of_the_newest_fold_sees_beyond_its_origin(kind: str) -> None:
    before, after = final(*CLEAN), final(kind, CUTOFF)
    assert before.null_count().sum_horizontal().item() == 0
    assert after.equals(before)


@pytest.mark.parametrize("name", MEMBERS)
def test_the_poison_is_felt_where_it_may_be_seen(name: str) -> None:
    assert not np.array_equal(predictions("huge", CUTOFF - 1, name), predictions(*CLEAN, name))


def test_the_poison_is_felt_in_features_and_final_forecasts_where_it_may_be_seen() -> None:
    before, after = features(*CLEAN), features("huge", CUTOFF - 1)
    for name in ("truth", "scored"):
        assert not np.array_equal(before[name], after[name], equal_nan=True)
    assert not final("huge", CUTOFF - 1).equals(final(*CLEAN))


def test_a_row_of_the_training_table_changes_only_with_its_own_past() -> None:
    middle = 120
    before, after = stage(*CLEAN)[2], stage("random", middle)[2]
    early = before.origin <= middle
    np.testing.assert_array_equal(after.values[early], before.values[early])
    assert not np.array_equal(after.values[~early], before.values[~early], equal_nan=True)
