"""Series on a grid, and the origins at which forecasts are judged on it."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from forecast_worlds import START, facts, panel_of, plain_data, shop_data, shops
from sevenstep.data.dataset import Dataset, Roles
from sevenstep.tasks.contract import Fold
from sevenstep.tasks.forecast.folds import plan_folds, scored_rows
from sevenstep.tasks.forecast.panel import Panel
from sevenstep.tasks.forecast.scoring import key_labels, naive_scale


def counted(rows: dict[str, list[tuple[int, float | None]]], **values: Any) -> Dataset:
    """Series over whole-number times."""
    cells = [(key, time, value) for key, own in rows.items() for time, value in own]
    items = pl.DataFrame(cells, schema={"id": pl.String, "t": pl.Int64, "y": pl.Float64}, orient="row")
    return Dataset({"items": items}, Roles(("y",), "t", keys=("id",)), facts(frequency=1, season=1, **values))


def test_a_common_clock_puts_one_moment_in_one_column() -> None:
    late = plain_data([[1, 2, 3, 4]]).items
    short = late.with_columns(pl.lit("b").alias("id"), (pl.col("day") + timedelta(2)), pl.col("y") * 10)[:1]
    data = Dataset({"items": pl.concat([short, late])}, Roles(("y",), "day", keys=("id",)), facts())
    panel, _ = panel_of(data)
    np.testing.assert_array_equal(panel.grid("y"), [[1, 2, 3, 4], [np.nan, np.nan, 10, np.nan]])
    assert panel.keys["id"].to_list() == ["a0", "b"]
    assert panel.end == 3
    times = panel.times(np.array([1], np.int32), np.array([2], np.int32))
    assert times.to_list() == [START + timedelta(2)]


def test_under_a_clock_of_their_own_series_end_in_the_same_column() -> None:
    panel, _ = panel_of(counted({"a": [(1, 1.0), (2, 2.0), (3, 3.0)], "b": [(7, 7.0), (8, 8.0), (9, None)]}, clock="each"))
    np.testing.assert_array_equal(panel.grid("y"), [[1, 2, 3, np.nan], [np.nan, 7, 8, np.nan]])
    assert panel.end == 2
    for series, steps, expected in ((0, [0, 2], [1, 3]), (1, [1, 2, 3], [7, 8, 9])):
        times = panel.times(np.full(len(steps), series, np.int32), np.array(steps, np.int32))
        assert times.to_list() == expected


def test_a_series_without_observations_waits_after_the_end_under_a_clock_of_its_own() -> None:
    rows: dict[str, list[tuple[int, float | None]]] = {"a": [(time, 1.0) for time in range(1, 11)], "new": [(1, None), (2, None)]}
    panel, _ = panel_of(counted(rows, clock="each"))
    mine = panel.rows.filter(pl.col("id") == "new")
    assert mine["step"].to_list() == [panel.end + 1, panel.end + 2]
    assert panel.times(np.array([1, 1], np.int32), mine["step"].to_numpy()).to_list() == [1, 2]


def test_open_rows_lie_after_the_end_and_a_value_of_any_target_ends_it() -> None:
    items = plain_data([[1, 2, 3, None, None]]).items.with_columns(pl.Series("z", [1.0, 1.0, 1.0, 1.0, None]))
    panel, _ = panel_of(Dataset({"items": items}, Roles(("y", "z"), "day", keys=("id",)), facts()))
    assert (panel.end, panel.shape) == (3, (1, 5))


def test_without_keys_there_is_one_series() -> None:
    data = plain_data([[1, 2, 3]])
    alone = Dataset({"items": data.items.drop("id")}, Roles(("y",), "day"), facts())
    panel, _ = panel_of(alone)
    assert panel.shape == (1, 3)
    assert key_labels(panel) == ["all"]


def test_rows_whose_key_is_null_are_a_series_too() -> None:
    items = plain_data([[1, 2], [3, 4]]).items.with_columns(pl.when(pl.col("id") == "a0").then(pl.col("id")).alias("id"))
    panel, _ = panel_of(Dataset({"items": items}, Roles(("y",), "day", keys=("id",)), facts()))
    assert panel.keys["id"].to_list() == [None, "a0"]
    np.testing.assert_array_equal(panel.grid("y"), [[3, 4], [1, 2]])


def test_rows_in_any_order_give_the_same_grid() -> None:
    items = shops(days=40, missing=0.2)
    panel, _ = panel_of(shop_data(items))
    shuffled, _ = panel_of(shop_data(items.sample(fraction=1.0, shuffle=True, seed=3)))
    np.testing.assert_array_equal(shuffled.grid("y"), panel.grid("y"))
    assert shuffled.keys.equals(panel.keys)


def day_panel(days: int, **values: Any) -> tuple[Panel, Any]:
    return panel_of(plain_data([list(range(1, days + 1))], **values))


def cutoffs(folds: Any) -> list[int]:
    return [int(fold.train["until"]) for fold in folds]


@pytest.mark.parametrize("days", [60, 100, 400, 1200])
@pytest.mark.parametrize("horizon", [1, 7, 28])
@pytest.mark.parametrize("wanted", [None, 2, 5])
def test_no_value_is_scored_twice_and_none_that_was_learnt_from(days: int, horizon: int, wanted: int | None) -> None:
    panel, settings = day_panel(days, year=364)
    folds, everything, _ = plan_folds(panel, settings, horizon, wanted)
    truth = panel.rows["y"].to_numpy()
    scored = [scored_rows(panel, truth, cutoff, horizon) for cutoff in cutoffs(folds)]
    rows = np.concatenate(scored)
    assert len(np.unique(rows)) == len(rows) > 0
    for cutoff, own in zip(cutoffs(folds), scored, strict=True):
        assert len(own) == horizon
        assert panel.steps[own].min() == cutoff + 1
        assert cutoff >= 2 * settings.season
    assert cutoffs(folds) == sorted(cutoffs(folds))
    assert [fold.number for fold in folds] == list(range(len(folds)))
    assert everything.train["until"] == panel.end


def test_with_years_of_history_one_fold_covers_the_same_weeks_a_year_ago() -> None:
    panel, settings = day_panel(1200, year=364)
    folds, _, reason = plan_folds(panel, settings, 28, None)
    assert cutoffs(folds) == [panel.end - 364, panel.end - 56, panel.end - 28]
    assert "a year ago" in reason
    asked, _, _ = plan_folds(panel, settings, 28, 3)
    assert cutoffs(asked) == [panel.end - 84, panel.end - 56, panel.end - 28]


@pytest.mark.parametrize(("days", "there"), [(1092, False), (1093, True)])
def test_the_year_ago_needs_two_years_before_it(days: int, there: bool) -> None:
    # two years of 364 days before the origin a year ago, that year, and the newest column
    panel, settings = day_panel(days, year=364)
    assert (panel.end - 364 in cutoffs(plan_folds(panel, settings, 28, None)[0])) == there


@pytest.mark.parametrize(("days", "horizon"), [(20, 14), (9, 14), (3, 30), (40, 39)])
def test_a_short_history_has_one_fold_with_something_before_and_after_it(days: int, horizon: int) -> None:
    panel, settings = day_panel(days)
    folds, _, reason = plan_folds(panel, settings, horizon, None)
    (cutoff,) = cutoffs(folds)
    assert 0 <= cutoff < panel.end
    assert len(scored_rows(panel, panel.rows["y"].to_numpy(), cutoff, horizon)) > 0
    assert not reason.startswith("0 ")


def test_a_fold_is_named_by_its_date_or_by_its_distance_from_the_end() -> None:
    panel, settings = day_panel(60)
    folds, _, _ = plan_folds(panel, settings, 7, 2)
    assert folds[-1].name == f"from {START + timedelta(59 - 7)}"
    own, own_settings = panel_of(counted({"a": [(t, 1.0) for t in range(50)], "b": [(t, 1.0) for t in range(20)]}, clock="each"))
    assert plan_folds(own, own_settings, 5, 2)[0][-1].name == "5 steps before the end"


def test_only_series_seen_before_the_origin_are_scored() -> None:
    panel, _ = panel_of(plain_data([[1.0] * 20, [None] * 12 + [1.0] * 8, [1.0] * 5 + [None] * 15]))
    rows = scored_rows(panel, panel.rows["y"].cast(pl.Float64).to_numpy(allow_copy=True), 10, 4)
    assert set(panel.series[rows].tolist()) == {0}
    assert panel.steps[rows].tolist() == [11, 12, 13, 14]


def test_the_naive_scale_is_the_error_of_the_seasonal_naive_rule_up_to_the_origin() -> None:
    grid = np.array([[1.0, 2.0, 4.0, 8.0, 99.0], [1.0, np.nan, 3.0, 5.0, 0.0], [2.0, 2.0, 2.0, 2.0, 7.0]])
    np.testing.assert_allclose(naive_scale(grid, 3, 2)[0], [(3 + 6) / 2, 2.0, np.nan])
    assert np.isnan(naive_scale(grid, 1, 2)[0]).all()


def test_a_fold_says_where_it_ends_in_words_that_survive_json() -> None:
    panel, settings = panel_of(shop_data(shops(days=60)))
    fold = plan_folds(panel, settings, 7, 2)[0][0]
    assert Fold(**json.loads(json.dumps(asdict(fold)))) == fold
    assert date.fromisoformat(fold.name.removeprefix("from ")) == START + timedelta(fold.train["until"])
