"""Each family equals its independent source: simple rules statsforecast and a slow twin, statistics a fit by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from statsforecast import StatsForecast
from statsforecast.models import HistoricAverage, Naive, RandomWalkWithDrift, SeasonalNaive, WindowAverage

from forecast_worlds import ask, candidate, fold_at, panel_of, plain_data, plain_recipe, shop_data, shop_recipe, shops, table_of
from sevenstep.errors import InputError
from sevenstep.tasks.forecast.families.boosting import BoostingMember
from sevenstep.tasks.forecast.families.members import FittedMember, fit_member
from sevenstep.tasks.forecast.families.naive import RULES, NaiveMember
from sevenstep.tasks.forecast.families.question import columns_learnt
from sevenstep.tasks.forecast.families.smoothed import SmoothedMember
from sevenstep.tasks.forecast.families.statistical import METHODS, StatisticalMember
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.panel import Panel, Settings
from sevenstep.tasks.forecast.scoring import score_member

Floats = NDArray[np.float64]


def cells(panel: Panel, origin: int, horizon: int) -> list[tuple[int, int, int]]:
    return [(one, origin + lead, origin) for one in range(panel.shape[0]) for lead in range(1, horizon + 1)]


def naive(rule: str, season: int = 7, recipe: FeatureRecipe | None = None) -> NaiveMember:
    return NaiveMember(rule, season, recipe or plain_recipe())


def by_hand(model: Any, values: list[list[float]], horizon: int) -> Floats:
    """A statsforecast model on full series, ``[series, lead]``."""
    frame = pl.concat(pl.DataFrame({"unique_id": at, "ds": range(len(own)), "y": own}) for at, own in enumerate(values))
    made = StatsForecast(models=[model], freq=1, n_jobs=1).forecast(df=frame, h=horizon)
    return np.asarray(made[made.columns[-1]].to_numpy(), dtype=np.float64).reshape(-1, horizon)


@pytest.mark.parametrize(
    ("rule", "model"),
    [
        ("naive", Naive()),
        ("seasonal_naive", SeasonalNaive(season_length=7)),
        ("moving_average", WindowAverage(window_size=28)),
        ("drift", RandomWalkWithDrift()),
    ],
)
def test_simple_rules_equal_those_of_statsforecast(rule: str, model: Any) -> None:
    generator = np.random.default_rng(1)
    values = [generator.gamma(3, 20, 60).tolist() for _ in range(3)]
    panel, settings = panel_of(plain_data([[*own, *generator.gamma(3, 20, 5)] for own in values]))
    found = naive(rule).predict(ask(panel, settings, cells(panel, 59, 20)))
    np.testing.assert_allclose(found.reshape(3, 20), by_hand(model, values, 20), rtol=1e-5)


def slow_rule(rule: str, past: Floats, lead: int) -> float:
    """The rule by the book on one series with gaps, from its values up to the origin."""
    seen = np.flatnonzero(np.isfinite(past))
    if rule == "drift":
        slope = (past[seen[-1]] - past[seen[0]]) / max(seen[-1] - seen[0], 1)
        return float(past[seen[-1]] + slope * (len(past) - 1 + lead - seen[-1]))
    if rule == "seasonal_naive":
        same = [at for at in seen if at % 7 == (len(past) - 1 + lead) % 7]
        if same:
            return float(past[same[-1]])
    if rule == "naive" or not np.isfinite(past[-28:]).any():
        return float(past[seen[-1]])
    return float(np.nanmean(past[-28:]))


@pytest.mark.parametrize("rule", ["naive", "seasonal_naive", "moving_average", "drift"])
@pytest.mark.parametrize("origin", [2, 5, 20, 49])
def test_simple_rules_equal_a_slow_twin_on_series_with_gaps_and_fall_back_where_they_are_short(rule: str, origin: int) -> None:
    generator = np.random.default_rng(2)
    grid = generator.gamma(3, 20, (6, 70))
    grid[generator.random(grid.shape) < 0.4] = np.nan
    grid[:, 0] = 5.0
    panel, settings = panel_of(plain_data([[None if np.isnan(value) else value for value in own] for own in grid]))
    found = naive(rule).predict(ask(panel, settings, cells(panel, origin, 10))).reshape(6, 10)
    for series in range(6):
        expected = [slow_rule(rule, grid[series, : origin + 1], lead) for lead in range(1, 11)]
        np.testing.assert_allclose(found[series], expected, rtol=1e-4)


def test_the_same_event_rule_is_the_mean_of_the_same_weekday_in_the_same_state() -> None:
    panel, settings = panel_of(shop_data(shops(series=2, days=120)))
    question = ask(panel, settings, cells(panel, 99, 10))
    found = naive("same_event", recipe=shop_recipe()).predict(question)
    promotion, y = panel.grid("promotion"), panel.exact_grid("y")
    for at, (series, step, origin) in enumerate(cells(panel, 99, 10)):
        same = [t for t in range(origin + 1) if t % 7 == step % 7 and promotion[series, t] == promotion[series, step]]
        weight = 0.5 ** ((origin - np.array(same)) / 56)
        assert found[at] == pytest.approx((weight * y[series, same]).sum() / weight.sum(), rel=1e-5)


@pytest.mark.parametrize("rule", RULES)
def test_a_series_without_history_has_no_forecast_from_a_rule(rule: str) -> None:
    panel, settings = panel_of(plain_data([[1.0, 2.0, 3.0, 4.0], [None, None, None, 4.0]]))
    found = naive(rule).predict(ask(panel, settings, [(0, 3, 2), (1, 3, 2)]))
    assert np.isfinite(found[0])
    assert np.isnan(found[1])


def test_the_slow_yardstick_of_history_differs_so_that_the_comparison_can_fail() -> None:
    values = [np.arange(60.0).tolist()]
    assert not np.allclose(by_hand(HistoricAverage(), values, 3), by_hand(Naive(), values, 3))


def statistical(panel: Panel, settings: Settings, origin: int, horizon: int, method: str = "theta", **more: Any) -> FittedMember:
    return fit_member(
        candidate("statistical", plain_recipe(), method=method, **more), fold_at(origin, horizon), panel, settings, None, 0
    )


def weekly(series: int, days: int, seed: int = 3) -> list[list[float]]:
    generator = np.random.default_rng(seed)
    t = np.arange(days)
    level = generator.uniform(20, 200, (series, 1))
    grid = level * (1 + 0.3 * np.sin(2 * np.pi * t / 7) + 0.05 * generator.standard_normal((series, days)))
    return [own.tolist() for own in grid]


@pytest.mark.parametrize("method", ["theta", "stl_ets", "imapa"])
def test_a_statistical_member_equals_a_fit_by_hand(method: str) -> None:
    from statsforecast import models

    own = {
        "theta": models.DynamicOptimizedTheta(season_length=7),
        "stl_ets": models.MSTL(season_length=[7], trend_forecaster=models.AutoETS(model="ZZN")),
        "imapa": models.IMAPA(),
    }
    values = weekly(3, 84)
    panel, settings = panel_of(plain_data([[*one, 1.0, 2.0] for one in values]))
    fitted = statistical(panel, settings, 83, 14, method)
    found = fitted.member.predict(ask(panel, settings, cells(panel, 83, 14)))
    np.testing.assert_allclose(found.reshape(3, 14), by_hand(own[method], values, 14), rtol=1e-9)


def test_the_median_is_that_of_four_fits_by_hand_and_of_smoothing() -> None:
    from statsforecast import models

    values = weekly(3, 84)
    panel, settings = panel_of(plain_data([[*one, 1.0, 2.0] for one in values]))
    found = statistical(panel, settings, 83, 14, "median").member.predict(ask(panel, settings, cells(panel, 83, 14)))
    fitted = [models.AutoETS(season_length=7), models.DynamicOptimizedTheta(season_length=7), models.AutoCES(season_length=7)]
    fitted.append(models.ARIMA(order=(1, 1, 1), season_length=7, seasonal_order=(1, 0, 0), include_drift=True))
    own = SmoothedMember({"form": "multiplies", "trend": "damped", "seasons": [7], "longest": 1000, "groups": []})
    smooth = own.predict(ask(panel, settings, cells(panel, 83, 14))).reshape(3, 14)
    expected = np.median([smooth, *(by_hand(model, values, 14) for model in fitted)], axis=0)
    np.testing.assert_allclose(found.reshape(3, 14), expected, rtol=1e-9)


@pytest.mark.parametrize(("gaps", "fill"), [("missing", 20.0), ("closed", 20.0), ("zero", 0.0)])
def test_gaps_are_filled_as_the_data_say(gaps: str, fill: float) -> None:
    values: list[float | None] = [*weekly(1, 50)[0]]
    values[20:23] = [10.0, None, 30.0]
    full = [[fill if value is None else value for value in values]]
    data = plain_data([[None, None, *values]], gaps=gaps)
    recorded = data.items.filter(pl.col("y").is_not_null())
    panel, settings = panel_of(replace(data, tables={"items": pl.concat([data.items[:2], recorded])}))
    found = statistical(panel, settings, 51, 5, "theta").member.predict(ask(panel, settings, cells(panel, 51, 5)))
    from statsforecast.models import DynamicOptimizedTheta

    np.testing.assert_allclose(found, by_hand(DynamicOptimizedTheta(season_length=7), full, 5)[0], rtol=1e-9)


def test_only_the_newest_steps_are_looked_at_where_the_plan_says_so() -> None:
    values = weekly(1, 80)
    panel, settings = panel_of(plain_data(values))
    short, short_settings = panel_of(plain_data([values[0][-40:]]))
    found = statistical(panel, settings, 79, 5, longest=40).member.predict(ask(panel, settings, cells(panel, 79, 5)))
    expected = statistical(short, short_settings, 39, 5).member.predict(ask(short, short_settings, cells(short, 39, 5)))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("values", [[5.0], [5.0, 6.0], [0.0] * 20, [3.0] * 20])
def test_every_method_has_a_forecast_for_short_and_constant_series(method: str, values: list[float]) -> None:
    panel, settings = panel_of(plain_data([values]))
    origin = len(values) - 1
    found = statistical(panel, settings, origin, 3, method).member.predict(ask(panel, settings, cells(panel, origin, 3)))
    assert np.isfinite(found).all()
    assert (found >= 0).all()


def test_each_row_is_forecast_from_its_own_origin() -> None:
    panel, settings = panel_of(plain_data(weekly(2, 60)))
    member = statistical(panel, settings, 59, 7).member
    mixed = [(0, 62, 59), (1, 45, 40), (0, 41, 40), (1, 60, 59), (1, 70, 59)]
    found = member.predict(ask(panel, settings, mixed))
    for at, cell in enumerate(mixed):
        fresh = statistical(panel, settings, cell[2], 11).member
        assert found[at] == pytest.approx(fresh.predict(ask(panel, settings, [cell]))[0], rel=1e-9)


def test_after_newer_observations_the_forecast_is_that_of_a_fit_from_the_new_origin() -> None:
    values = weekly(2, 70)
    old, settings = panel_of(plain_data([own[:60] for own in values]))
    new, _ = panel_of(plain_data(values))
    refreshed = statistical(old, settings, 59, 7).member.predict(ask(new, settings, cells(new, 69, 7)))
    fitted = statistical(new, settings, 69, 7).member.predict(ask(new, settings, cells(new, 69, 7)))
    np.testing.assert_array_equal(refreshed, fitted)


def test_stored_forecasts_stay_with_their_series_when_a_new_one_comes_first() -> None:
    values = weekly(3, 60)
    old, settings = panel_of(plain_data(values[1:]))
    new, _ = panel_of(plain_data(values))
    member = statistical(old, settings, 59, 7).member
    found = member.predict(ask(new, settings, cells(new, 59, 7))).reshape(3, 7)
    np.testing.assert_array_equal(found[1:], member.predict(ask(old, settings, cells(old, 59, 7))).reshape(2, 7))
    assert not np.allclose(found[0], found[1])


def test_a_revised_observation_changes_the_forecast_of_its_series_alone() -> None:
    values = weekly(2, 60)
    panel, settings = panel_of(plain_data(values))
    member = statistical(panel, settings, 59, 7).member
    values[0][-1] *= 3
    revised, _ = panel_of(plain_data(values))
    before, after = (member.predict(ask(one, settings, cells(one, 59, 7))).reshape(2, 7) for one in (panel, revised))
    assert not np.allclose(before[0], after[0])
    np.testing.assert_array_equal(before[1], after[1])


def boosting(data: Any, seed: int = 5, cutoff: int = 150, horizon: int = 14, **more: Any) -> tuple[FittedMember, Any]:
    recipe = more.pop("recipe", shop_recipe(horizon, samples=3))
    panel, settings = panel_of(data)
    table = table_of(panel, recipe, cutoff)
    own, fold = candidate("boosting", recipe, cutoffs=[cutoff], **more), fold_at(cutoff, horizon)
    fitted = fit_member(own, fold, panel, settings, table, seed)
    return fitted, score_member(fitted, own, fold, panel, settings, table).frame


def wape(frame: pl.DataFrame) -> float:
    return float(np.abs(frame["truth"] - frame["prediction"]).sum() / np.abs(frame["truth"]).sum())


@pytest.mark.parametrize(("scale", "loss"), [("log", "l2"), ("ratio", "l1"), ("ratio", "tweedie")])
def test_boosting_learns_what_the_rules_cannot_see(scale: str, loss: str) -> None:
    # the truth is level * week * promotion with 5 % noise: the mean absolute error of the best forecast is about 0.04
    _, frame = boosting(shop_data(shops(series=8, days=170)), scale=scale, loss=loss)
    assert wape(frame) < 0.06


def test_equal_seeds_give_equal_text_and_other_seeds_another() -> None:
    data = shop_data(shops(days=170))
    texts = [boosting(data, seed)[0].member.text for seed in (1, 1, 2)]  # type: ignore[attr-defined]
    assert texts[0] == texts[1] != texts[2]


def test_the_number_of_threads_does_not_change_a_prediction(monkeypatch: pytest.MonkeyPatch) -> None:
    data, train, found = shop_data(shops(series=8, days=170)), lightgbm.train, []
    for threads in (1, 4):
        monkeypatch.setattr(lightgbm, "train", lambda given, *rest, n=threads: train({**given, "num_threads": n}, *rest))
        found.append(boosting(data)[1]["prediction"].to_numpy())
    np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.parametrize("family", ["naive", "statistical", "boosting"])
def test_a_fitted_member_predicts_the_same_after_a_trip_to_disk(family: str, tmp_path: Path) -> None:
    panel, settings = panel_of(shop_data(shops(days=170)))
    recipe = shop_recipe()
    more: dict[str, Any] = {"naive": {"rule": "same_event"}, "statistical": {"method": "theta"}, "boosting": {}}[family]
    table = table_of(panel, recipe, 150) if family == "boosting" else None
    fitted = fit_member(candidate(family, recipe, **more), fold_at(150, 14), panel, settings, table, 1)
    fitted.save(tmp_path)
    back = FittedMember.load(tmp_path)
    question = ask(panel, settings, cells(panel, 150, 14))
    np.testing.assert_array_equal(back.member.predict(question), fitted.member.predict(question))
    assert (back.name, back.family) == (fitted.name, fitted.family)


def test_a_model_predicts_the_same_with_a_version_that_makes_more_features_in_another_order() -> None:
    panel, settings = panel_of(shop_data(shops(days=170)))
    table = table_of(panel, shop_recipe(samples=3), 150)
    fitted = fit_member(candidate("boosting", shop_recipe(samples=3), cutoffs=[150]), fold_at(150, 14), panel, settings, table, 5)
    member = fitted.member
    assert isinstance(member, BoostingMember)
    names, values, base = list(table.names), table.values[:50], table.base[:50]
    newer = (["moon", *reversed(names)], np.column_stack([np.arange(50, dtype=np.float32), values[:, ::-1]]), base)
    np.testing.assert_array_equal(member.predict_features(newer), member.predict_features((names, values, base)))
    assert member.contributions(newer)[0] == names


def test_a_model_whose_features_are_not_made_any_more_says_so_in_a_sentence() -> None:
    values = np.zeros((2, 1), dtype=np.float32)
    with pytest.raises(InputError, match="it reads 'trend', which this version of sevenstep does not make"):
        columns_learnt(["level"], values, ["level", "trend"])
    with pytest.raises(InputError, match="columns that it does not name"):
        columns_learnt(["level"], values, ())


def test_on_the_ratio_scale_twice_the_weight_is_the_row_twice() -> None:
    data = shop_data(shops(series=8, days=170))
    everything, _ = boosting(data, scale="ratio", loss="l2", row_share=1.0, feature_share=1.0)
    weighted, _ = boosting(
        data,
        scale="ratio",
        loss="l2",
        row_share=1.0,
        feature_share=1.0,
        recipe=shop_recipe(samples=3, weights={"promotion": 20.0}),
    )
    panel, settings = panel_of(data)
    question = ask(panel, settings, cells(panel, 150, 14))
    truth = panel.grid("y")[question.asked.series, question.asked.step]
    promoted = panel.grid("promotion")[question.asked.series, question.asked.step] == 1
    errors = [np.abs(one.member.predict(question) - truth)[promoted].mean() for one in (everything, weighted)]
    assert errors[1] != errors[0]
    assert errors[1] < 1.1 * errors[0]


@pytest.mark.parametrize("scale", ["log", "ratio"])
def test_a_target_that_is_always_zero_is_forecast_as_zero(scale: str) -> None:
    items = shops(days=170).with_columns(pl.lit(0.0).alias("y"))
    _, frame = boosting(shop_data(items), scale=scale)
    np.testing.assert_allclose(frame["prediction"].to_numpy(), 0.0, atol=1e-9)


@pytest.mark.parametrize("scale", ["log", "ratio"])
def test_negative_targets_are_forecast_on_the_asinh_scale(scale: str) -> None:
    items = shops(series=6, days=170).with_columns(-pl.col("y"))
    _, frame = boosting(shop_data(items), scale=scale, recipe=shop_recipe(samples=3, transform="asinh"))
    if scale == "log":
        assert wape(frame) < 0.07
    assert (frame["prediction"] < 0).all()


def test_kinds_of_members_are_what_they_say() -> None:
    panel, settings = panel_of(plain_data(weekly(1, 60)))
    assert isinstance(statistical(panel, settings, 50, 3).member, StatisticalMember)
    assert isinstance(boosting(shop_data(shops(days=170)))[0].member, BoostingMember)
