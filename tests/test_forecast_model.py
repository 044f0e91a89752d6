"""The released forecast: open rows, given rows, new series, refusals in one sentence, and explanations that add up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from forecast_worlds import (
    START,
    brief_of,
    candidate,
    facts,
    fold_at,
    panel_of,
    plain_data,
    plain_recipe,
    shop_data,
    shop_recipe,
    shops,
)
from sevenstep.data.dataset import Dataset, Roles
from sevenstep.errors import InputError
from sevenstep.tasks.forecast.calibrate import calibrate
from sevenstep.tasks.forecast.families.members import FittedMember, fit_member
from sevenstep.tasks.forecast.features.table import build_table
from sevenstep.tasks.forecast.model import ForecastModel
from sevenstep.tasks.forecast.scoring import score_member

DAYS, HORIZON = 180, 14
TWO = {"boosting_log": 0.6, "seasonal_naive": 0.4}
OPEN_DAY = START + timedelta(DAYS)
BOUNDS = ("lower_95", "lower_80", "upper_80", "upper_95")


def member(data: Dataset, name: str, recipe: Any) -> FittedMember:
    panel, settings = panel_of(data)
    kind: dict[str, tuple[str, dict[str, Any]]] = {
        "boosting_log": ("boosting", {"scale": "log", "loss": "l2"}),
        "boosting_ratio": ("boosting", {"scale": "ratio", "loss": "l1"}),
        "seasonal_naive": ("naive", {"rule": "seasonal_naive"}),
        "theta": ("statistical", {"method": "theta"}),
        "smoothing": ("smoothed", {"form": "multiplies", "trend": "damped"}),
        "drivers": ("drivers", {}),
    }
    family, parameters = kind[name]
    table = build_table(panel, recipe, []) if family == "boosting" else None
    own = candidate(family, recipe, name, **parameters)
    return fit_member(own, fold_at(panel.end, HORIZON), panel, settings, table, 1)


def model_of(data: Dataset, weights: dict[str, float], recipe: Any, shift: float = 1.0) -> ForecastModel:
    """A model fitted on all rows and calibrated on the newest weeks."""
    panel, settings = panel_of(data)
    own, fold = candidate("naive", recipe, rule="seasonal_naive"), fold_at(panel.end - HORIZON, HORIZON)
    judged = score_member(fit_member(own, fold, panel, settings, None, 0), own, fold, panel, settings, None)
    calibration = {**calibrate(judged, brief_of()), "shift": shift}
    members = {"y": [(member(data, name, recipe), weight) for name, weight in weights.items()]}
    return ForecastModel(data, HORIZON, members, {"y": calibration}, panel.keys)


@cache
def shop_model(*names: str, shift: float = 1.0) -> ForecastModel:
    weights = {name: TWO.get(name, 0.5) for name in names} or TWO
    return model_of(shop_data(shops(days=DAYS, ahead=HORIZON)), weights, shop_recipe(HORIZON), shift)


def open_rows(model: ForecastModel) -> pl.DataFrame:
    return model.history.items.filter(pl.col("y").is_null()).drop("y", "visitors")


def test_the_open_rows_are_forecast_with_their_keys_times_and_bounds() -> None:
    model = shop_model()
    found = model.predict()
    assert found.columns == ["shop", "day", "target", "prediction", "lower_80", "upper_80", "lower_95", "upper_95"]
    assert found.select("shop", "day").equals(open_rows(model).select("shop", "day"))
    assert found.null_count().sum_horizontal().item() == 0
    for low, high in pairwise(BOUNDS):
        assert (found[low] <= found[high]).all()


def test_forecasts_are_near_what_the_world_would_have_brought() -> None:
    longer = shops(days=DAYS + HORIZON).sort("shop", "day")  # the same draws: the future of the open rows
    truth = longer.filter(pl.col("day") >= OPEN_DAY)["y"]
    promoted = longer.filter(pl.col("day") >= OPEN_DAY)["promotion"]
    items = shops(days=DAYS, ahead=HORIZON)
    assert items.sort("shop", "day").filter(pl.col("day") >= OPEN_DAY)["promotion"].equals(promoted)
    found = shop_model("boosting_log").predict().sort("shop", "day")["prediction"]
    assert np.abs(found - truth).sum() / truth.to_numpy().sum() < 0.08


def test_given_rows_are_forecast_in_their_order_as_the_same_open_rows_are() -> None:
    model = shop_model()
    asked = open_rows(model).sample(fraction=1.0, shuffle=True, seed=3)
    found = model.predict(asked)
    assert found.select("shop", "day").equals(asked.select("shop", "day"))
    expected = model.predict().join(found.select("shop", "day"), on=["shop", "day"], how="right")
    np.testing.assert_array_equal(found["prediction"], expected["prediction"])


def test_rows_with_a_known_target_are_taken_as_observations_and_not_forecast() -> None:
    model = shop_model()
    first = open_rows(model).filter(pl.col("day") == OPEN_DAY)
    seen = first.with_columns(pl.lit(1.0).alias("y"))
    later = open_rows(model).filter(pl.col("day") == OPEN_DAY + timedelta(7)).with_columns(pl.lit(None, pl.Float64).alias("y"))
    found = model.predict(pl.concat([seen, later]))
    assert found["day"].unique().to_list() == [OPEN_DAY + timedelta(7)]
    assert (found["prediction"] < 0.75 * model.predict(later)["prediction"]).all()  # the seasonal rule repeats the 1
    with pytest.raises(InputError, match="PREDICT-NO-ROWS"):
        model.predict(seen)


def test_a_refresh_is_the_forecast_from_the_grown_history() -> None:
    model = shop_model("seasonal_naive", "theta")
    newer = open_rows(model).filter(pl.col("day") < OPEN_DAY + timedelta(3)).with_columns(pl.lit(77.0).alias("y"))
    refreshed = model.refresh(newer)
    grown = shop_data(model.history.items.update(newer.select("shop", "day", "y"), on=["shop", "day"]))
    expected = replace(model, history=grown).predict()
    assert refreshed.predict().equals(expected)
    assert expected["day"].min() == OPEN_DAY + timedelta(3)
    assert not expected["prediction"].equals(model.predict().filter(pl.col("day") >= OPEN_DAY + timedelta(3))["prediction"])


def test_a_row_given_twice_is_one_row_whose_last_values_hold() -> None:
    model = shop_model()
    row = open_rows(model)[:1]
    dearer = row.with_columns(pl.lit(1.99).alias("price"), ~pl.col("promotion"))
    found = model.predict(pl.concat([row, dearer]))
    assert found["prediction"].to_list() == [model.predict(dearer)["prediction"][0]] * 2


@pytest.mark.parametrize("name", ["boosting_log", "boosting_ratio", "theta"])
@pytest.mark.parametrize("key", ["a-new-one", "z-new-one"])
def test_a_new_series_leaves_the_others_as_they_are(name: str, key: str) -> None:
    model = shop_model(name)
    new = open_rows(model).head(HORIZON).with_columns(pl.lit(key).alias("shop"))
    found = model.predict(pl.concat([open_rows(model), new]))
    others = found.filter(pl.col("shop") != key)
    assert others.select("prediction", *BOUNDS).equals(model.predict().select("prediction", *BOUNDS)) or name != "theta"
    np.testing.assert_allclose(others["prediction"], model.predict()["prediction"], rtol=1e-6)
    mine = found.filter(pl.col("shop") == key)
    assert len(mine) == HORIZON
    if name.startswith("boosting"):
        assert mine.select(pl.all_horizontal(pl.col("prediction", *BOUNDS).is_finite().all())).item()


def test_a_new_series_with_a_little_history_is_forecast_by_a_rule() -> None:
    model = shop_model("seasonal_naive")
    row = open_rows(model).head(1).with_columns(pl.lit("new").alias("shop"), pl.lit(None, pl.Float64).alias("y"))
    seen = row.with_columns(pl.lit(50.0).alias("y"), pl.lit(OPEN_DAY - timedelta(1)).alias("day"))
    assert model.predict(pl.concat([seen, row]))["prediction"].to_list() == [50.0]


@pytest.mark.parametrize("name", ["boosting_log", "seasonal_naive", "theta"])
def test_leads_beyond_the_horizon_are_forecast_too(name: str) -> None:
    model = shop_model(name)
    far = open_rows(model).with_columns(pl.col("day") + timedelta(3 * HORIZON))
    found = model.predict(far)
    assert found.select(pl.all_horizontal(pl.col("prediction", *BOUNDS).is_finite().all())).item()
    assert found["prediction"].min() > 0  # type: ignore[operator]


@pytest.mark.parametrize("name", ["boosting_log", "seasonal_naive", "theta"])
def test_a_gap_in_the_past_is_forecast_from_the_step_before_it(name: str) -> None:
    model = shop_model(name)
    day = OPEN_DAY - timedelta(30)
    asked = model.history.items.filter((pl.col("day") == day) & (pl.col("shop") == "s00"))
    truth = asked["y"][0]
    found = model.predict(asked.drop("y", "visitors"))
    assert found["prediction"][0] == pytest.approx(truth, rel=0.6)
    poisoned = model.history.items.with_columns(pl.when(pl.col("day") > day).then(1e6).otherwise(pl.col("y")).alias("y"))
    later = replace(model, history=shop_data(poisoned)).predict(asked.drop("y", "visitors"))
    assert later["prediction"].equals(found["prediction"])


@pytest.mark.parametrize("names", [("boosting_log", "theta"), ("seasonal_naive",), ("boosting_ratio",), ("smoothing", "drivers")])
def test_a_saved_model_predicts_and_explains_the_same(names: tuple[str, ...], tmp_path: Path) -> None:
    model = shop_model(*names)
    model.save(tmp_path)
    back = ForecastModel.load(tmp_path)
    assert back.predict().equals(model.predict())
    item = {"shop": "s01", "day": OPEN_DAY}
    assert back.explain(item) == model.explain(item)
    assert not list(tmp_path.rglob("*.pkl"))


def refused(rows: pl.DataFrame, code: str, *words: str) -> None:
    with pytest.raises(InputError) as caught:
        shop_model("seasonal_naive").predict(rows)
    assert caught.value.code == code
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_rows_that_cannot_be_forecast_are_refused_in_one_sentence() -> None:
    rows = open_rows(shop_model())
    refused(rows.drop("price"), "PREDICT-INPUT", "price")
    refused(rows.drop("shop"), "PREDICT-INPUT", "shop")
    refused(rows.drop("day"), "PREDICT-INPUT", "day")
    refused(rows.with_columns(pl.lit("dear").alias("price")), "PREDICT-TYPE", "price", "String", "Float64")
    refused(rows.with_columns(pl.lit("sometimes").alias("promotion")), "PREDICT-TYPE", "promotion")
    refused(rows.with_columns(pl.lit("tomorrow").alias("day")), "PREDICT-TYPE", "day")
    refused(rows.clear(), "PREDICT-NO-ROWS")
    before = rows.with_columns(pl.lit(START - timedelta(40)).alias("day"))
    refused(before, "PREDICT-TIME", "2022-01-03")


def test_text_that_says_the_type_is_read_as_it() -> None:
    model, rows = shop_model("seasonal_naive"), open_rows(shop_model())
    found = model.predict(rows.with_columns(pl.col("price", "day").cast(pl.String)))
    assert found.equals(model.predict(rows))


def test_the_input_schema_names_what_a_row_needs() -> None:
    assert shop_model().input_schema() == {"shop": "String", "day": "Date", "promotion": "Boolean", "price": "Float64"}


def hand_made(**more: Any) -> ForecastModel:
    generator = np.random.default_rng(1)
    values = [[*(100 + 10 * np.sin(2 * np.pi * np.arange(90) / 7) + generator.normal(0, 1, 90))] for _ in range(3)]
    data = plain_data(values, **more)
    return model_of(data, {"boosting_log": 0.5, "seasonal_naive": 0.5}, plain_recipe(HORIZON))


def test_without_inputs_the_next_steps_are_forecast_without_being_asked_for() -> None:
    found = hand_made().predict()
    days = [START + timedelta(90 + step) for step in range(HORIZON)]
    assert found["id"].to_list() == [name for name in ("a0", "a1", "a2") for _ in days]
    assert found["day"].to_list() == days * 3
    assert found["prediction"].is_between(70, 130).all()


def test_where_inputs_must_be_known_and_are_not_given_one_sentence_says_so() -> None:
    model = shop_model("seasonal_naive")
    closed = replace(model, history=shop_data(model.history.items.filter(pl.col("y").is_not_null())))
    with pytest.raises(InputError, match="PREDICT-NO-ROWS") as caught:
        closed.predict()
    assert "promotion, price" in str(caught.value)


def test_attributes_of_a_series_hold_for_its_future_without_being_given() -> None:
    items = shops(days=DAYS).select("shop", "day", "y").with_columns(pl.col("shop").str.slice(2).cast(pl.Int64).alias("size"))
    data = Dataset({"items": items}, Roles(("y",), "day", keys=("shop",), static=("size",)), facts(gaps="closed"))
    model = model_of(data, {"boosting_log": 1.0}, plain_recipe(HORIZON, numbers=("size",), closures=True))
    days = [OPEN_DAY + timedelta(step) for step in range(HORIZON)]
    rows = pl.DataFrame({"shop": [name for name in ("s00", "s01", "s02", "s03") for _ in days], "day": days * 4})
    given = rows.with_columns(pl.col("shop").str.slice(2).cast(pl.Int64).alias("size"))
    assert model.predict(rows).equals(model.predict(given))
    assert model.predict().equals(model.predict(given))


def test_whole_number_times_and_series_without_a_common_clock() -> None:
    rows = [("a", t, 10.0 + t % 7) for t in range(60)] + [("b", t, 20.0 + t % 7) for t in range(500, 540)]
    items = pl.DataFrame(rows, schema={"id": pl.String, "t": pl.Int64, "y": pl.Float64}, orient="row")
    data = Dataset({"items": items}, Roles(("y",), "t", keys=("id",)), facts(frequency=1, clock="each"))
    found = model_of(data, {"seasonal_naive": 0.5, "theta": 0.5}, plain_recipe(HORIZON)).predict()
    assert found["t"].to_list() == [*range(60, 60 + HORIZON), *range(540, 540 + HORIZON)]
    expected = [base + t % 7 for base, start in ((10, 60), (20, 540)) for t in range(start, start + HORIZON)]
    np.testing.assert_allclose(found["prediction"], expected, rtol=0.03)


def test_a_single_series_without_keys() -> None:
    items = plain_data([[float(10 + step % 7) for step in range(80)]]).items.drop("id")
    data = Dataset({"items": items}, Roles(("y",), "day"), facts())
    model = model_of(data, {"seasonal_naive": 1.0}, plain_recipe(HORIZON))
    found = model.predict()
    assert found.columns[0] == "day"
    np.testing.assert_allclose(found["prediction"], [10 + step % 7 for step in range(80, 80 + HORIZON)])
    assert model.explain({"day": START + timedelta(70)})[0].prediction == pytest.approx(10.0)


@pytest.mark.parametrize("names", [("boosting_log",), ("boosting_ratio",), ("boosting_log", "seasonal_naive", "theta")])
@pytest.mark.parametrize("shift", [1.0, 0.95])
def test_the_parts_of_an_explanation_add_up_to_the_forecast(names: tuple[str, ...], shift: float) -> None:
    model = shop_model(*names, shift=shift)
    forecasts = model.predict()
    for shop in ("s00", "s03"):
        for lead in (0, 6, HORIZON - 1):
            item = {"shop": shop, "day": OPEN_DAY + timedelta(lead)}
            (found,) = model.explain(item)
            expected = forecasts.filter((pl.col("shop") == shop) & (pl.col("day") == item["day"]))["prediction"][0]
            assert found.start + sum(value for _, _, value in found.parts) == pytest.approx(found.prediction, rel=1e-9)
            assert found.prediction == pytest.approx(expected, rel=1e-6)
            assert found.item == item


def test_a_statistical_model_tells_level_trend_and_season_and_says_that_it_knows_no_inputs() -> None:
    week = [0.0, 10, 20, 30, 20, 10, 15]
    rising = [1000 + 0.5 * step + week[step % 7] for step in range(140)]
    data = plain_data([rising, rising[::-1]])
    model = model_of(data, {"theta": 1.0}, plain_recipe(HORIZON))
    (found,) = model.explain({"id": "a0", "day": START + timedelta(140 + 3)})
    assert found.start == pytest.approx(np.mean(rising[-7:]))
    parts = {name: value for name, _, value in found.parts}
    assert parts["season"] == pytest.approx(30 - np.mean(week), abs=2.0)
    assert parts["trend since the newest values"] == pytest.approx(0.5 * 7, abs=2.0)
    assert found.start + sum(parts.values()) == pytest.approx(found.prediction)
    assert "statsforecast's dynamic optimised theta" in found.start_text
    assert "a statistical model has no input contributions" in found.start_text
    assert "event state" not in found.start_text


def test_the_rule_that_knows_the_event_tells_what_the_event_adds() -> None:
    items = shops(series=2, days=140, ahead=HORIZON)
    items = items.with_columns(y=pl.when(pl.col("y").is_not_null()).then(100.0 + 50.0 * pl.col("promotion")))
    data, recipe = shop_data(items), shop_recipe(HORIZON)
    rule = member(data, "seasonal_naive", recipe)
    rule = replace(rule, name="same_event", member=replace(rule.member, rule="same_event"))  # type: ignore[type-var]
    model = replace(model_of(data, {"seasonal_naive": 1.0}, recipe), members={"y": [(rule, 1.0)]})
    for promoted in (True, False):
        row = items.filter(pl.col("y").is_null() & (pl.col("promotion") == promoted)).row(0, named=True)
        (found,) = model.explain({"shop": row["shop"], "day": row["day"]})
        parts = {name: value for name, _, value in found.parts}
        assert (parts["event state"] > 0) == promoted
        assert found.start + sum(parts.values()) == pytest.approx(150.0 if promoted else 100.0)
        assert "the mean of the same phase in the same event state" in found.start_text


def test_a_time_in_history_is_explained_from_the_origin_a_horizon_before() -> None:
    model = shop_model("boosting_log", "theta")
    day = OPEN_DAY - timedelta(20)
    (found,) = model.explain({"shop": "s02", "day": str(day)})
    later = pl.col("day") > day - timedelta(HORIZON)
    poisoned = model.history.items.with_columns(pl.when(later).then(1e6).otherwise(pl.col("y")).alias("y"))
    poisoned = poisoned.with_columns(pl.when(pl.col("day") >= OPEN_DAY).then(None).otherwise(pl.col("y")).alias("y"))
    (again,) = replace(model, history=shop_data(poisoned)).explain({"shop": "s02", "day": str(day)})
    assert again == found


def test_a_promotion_is_among_what_drove_a_promoted_day() -> None:
    model = shop_model("boosting_log")
    row = open_rows(model).filter(pl.col("promotion"))[0]
    (found,) = model.explain({"shop": row["shop"][0], "day": row["day"][0]})
    assert "promotion" in {name for name, _, _ in found.parts}


def test_a_forecast_cut_at_zero_is_explained_as_zero() -> None:
    falling = [float(max(0, 80 - step)) for step in range(81)]
    data = plain_data([falling, falling], season=1)
    drift = FittedMember("drift", "naive", member(data, "seasonal_naive", plain_recipe()).member)
    drift = replace(drift, member=replace(drift.member, rule="drift"))  # type: ignore[type-var]
    model = model_of(data, {"seasonal_naive": 1.0}, plain_recipe())
    model = replace(model, members={"y": [(drift, 1.0)]})
    items = pl.concat([data.items, pl.DataFrame({"id": ["a0"], "day": [START + timedelta(85)], "y": [None]}, data.items.schema)])
    model = replace(model, history=Dataset({"items": items}, data.roles, data.facts))
    assert model.predict()["prediction"].to_list() == [0.0]
    (found,) = model.explain({"id": "a0", "day": START + timedelta(85)})
    assert found.prediction == 0.0
    assert found.start + sum(value for _, _, value in found.parts) == pytest.approx(0.0, abs=1e-9)


def test_hours_are_explained_however_their_time_is_written() -> None:
    times = [datetime(2024, 1, 1) + timedelta(hours=step) for step in range(120)]
    items = pl.DataFrame({"t": times, "y": [float(10 + step % 24) for step in range(120)]})
    data = Dataset({"items": items}, Roles(("y",), "t"), facts(frequency="1h", season=24))
    model = model_of(data, {"seasonal_naive": 1.0}, plain_recipe(HORIZON, seasons=(24,)))
    for written in (times[100], "2024-01-05 04:00:00", "2024-01-05T04:00:00", "2024-01-05 04:00"):
        assert model.explain({"t": written})[0].prediction == pytest.approx(14.0)


def test_an_item_that_is_not_there_is_named_with_what_is() -> None:
    model = shop_model("seasonal_naive")
    with pytest.raises(InputError, match="2022-01-03"):
        model.explain({"shop": "s00", "day": date(2019, 1, 1)})
    with pytest.raises(InputError, match="no such series"):
        model.explain({"shop": "nowhere", "day": OPEN_DAY})
    with pytest.raises(InputError, match="day"):
        model.explain({"shop": "s00"})


def test_the_future_is_explained_where_nothing_must_be_known_ahead() -> None:
    model = hand_made()
    day = START + timedelta(93)
    (found,) = model.explain({"id": "a1", "day": day})
    expected = model.predict().filter((pl.col("id") == "a1") & (pl.col("day") == day))["prediction"][0]
    assert found.prediction == pytest.approx(expected, rel=1e-6)


def test_bounds_are_wider_on_the_days_of_a_feast_and_nowhere_else() -> None:
    data = shop_data(shops(series=3, days=95, ahead=HORIZON))  # open from 2022-04-08; Easter is on the 17th
    model = model_of(data, {"seasonal_naive": 1.0}, shop_recipe(HORIZON))
    calendar = {"country": "DE", "subdivision": None, "extra": {}, "period": "day", "label": "start"}
    usual, wider = (
        model.recalibrated({"y": {"feasts": {"wider": factor, "calendar": calendar}, "floor_zero": False}}).predict()
        for factor in (1.0, 2.0)
    )
    ratio = [(frame["upper_80"] - frame["prediction"]).to_numpy() for frame in (wider, usual)]
    felt = usual["day"].is_between(date(2022, 4, 10), date(2022, 4, 20)).to_numpy()
    assert felt.sum() == 33
    np.testing.assert_allclose(ratio[0] / ratio[1], np.where(felt, 2.0, 1.0), rtol=1e-9)
    assert usual["prediction"].equals(wider["prediction"])
