"""Step 3 of a forecast: planted effects are found, planted leaks are found, and the recipe follows from both."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from helpers_explore import AHEAD, brief_of, dataset_of, facts_of, query, shops
from sevenstep.chapter import Chapter, chapter_from_json, chapter_to_json
from sevenstep.tasks.contract import Profile
from sevenstep.tasks.forecast.explore import explore, sample
from sevenstep.tasks.forecast.explore.effects import event_effects, number_effects
from sevenstep.tasks.forecast.explore.inputs import read_inputs
from sevenstep.tasks.forecast.explore.sample import draw_sample
from sevenstep.tasks.forecast.explore.view import view_of
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.panel import Settings


@pytest.fixture(scope="module")
def profile() -> Profile:
    items = shops().with_columns(region=pl.when(pl.col("shop") < 6).then(pl.lit("north")).otherwise(pl.lit("south")))
    items = items.with_columns(sales=pl.when(pl.col("day") <= items["day"].max() - pl.duration(days=7)).then("sales"))
    data = dataset_of(items, known_ahead=AHEAD, static=("region",), segments=("region",))
    return explore(data, brief_of(("sales",), calendar={"country": "DE"}))


def _effects(items: pl.DataFrame, **roles: object) -> tuple[list, list]:
    data = dataset_of(items, known_ahead=roles.pop("known_ahead", AHEAD), **roles)
    drawn = draw_sample(data, Settings.of(data), 0)
    view = view_of(drawn, "sales")
    inputs = read_inputs(data, drawn.panel, view.seasons)
    return event_effects(view, inputs), number_effects(view, inputs)


@pytest.mark.parametrize("shared", [True, False])
def test_planted_effects_lie_within_their_intervals_about_as_often_as_the_intervals_say(shared: bool) -> None:
    inside = {"promo": 0, "degrees": 0}
    for seed in range(20):
        events, numbers = _effects(shops(seed, series=8, days=280, shared=shared))
        level = events[0].effects[0]
        inside["promo"] += level.low <= 0.3 <= level.high
        inside["degrees"] += numbers[0].low <= 0.02 <= numbers[0].high
    assert min(inside.values()) >= 16  # 19 of 20 expected; 15 or fewer happen once in 400 times


def test_intervals_are_wider_for_events_that_all_series_share_than_for_events_of_their_own() -> None:
    wide = _effects(shops(1, shared=True, noise=0.02))[0][0].effects[0]
    narrow = _effects(shops(1, shared=False, noise=0.02))[0][0].effects[0]
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_the_effect_of_a_promotion_equals_the_weighted_mean_of_differences_within_cells_in_sql() -> None:
    items = shops(3, weather=0.0).drop("degrees")
    found = _effects(items, known_ahead=("promo", "weekday"))[0][0]
    first = items["day"].min()
    rows = items.with_columns(step=(pl.col("day") - first).dt.total_days())
    expected = query(
        """
        WITH cells AS (
            SELECT avg(ln(sales)) FILTER (promo = 1) - avg(ln(sales)) FILTER (promo = 0) AS difference,
                   count(*) FILTER (promo = 1) AS with_it, count(*) FILTER (promo = 0) AS without_it
            FROM rows GROUP BY shop, step % 7, step // 91 HAVING with_it > 0 AND without_it > 0)
        SELECT sum(difference * weight) / sum(weight)
        FROM (SELECT difference, with_it * without_it / (with_it + without_it) AS weight FROM cells)
        """,
        rows=rows,
    )
    level = max(found.effects, key=lambda one: one.n)
    sign = 1 if found.against == "0" else -1
    assert sign * level.effect == pytest.approx(expected, rel=1e-9)


def test_the_level_of_a_multi_state_event_is_compared_with_the_most_common_state() -> None:
    rng = np.random.default_rng(0)
    items = shops(4, promo=0.0)
    kind = rng.choice(["none", "flyer", "tv"], len(items), p=[0.6, 0.25, 0.15])
    lift = np.select([kind == "flyer", kind == "tv"], [0.1, 0.4], 0.0)
    items = items.with_columns(pl.Series("kind", kind), pl.col("sales") * np.exp(lift)).drop("promo")
    event = _effects(items, known_ahead=("kind", "degrees", "weekday"))[0][0]
    effects = {level.level: level for level in event.effects}
    assert event.against == "none"
    assert effects["tv"].effect == pytest.approx(0.4, abs=0.03)
    assert effects["flyer"].effect == pytest.approx(0.1, abs=0.03)
    assert event.minority_share == pytest.approx((kind == "tv").mean())


def test_an_event_that_does_nothing_is_not_given_averages_of_its_own() -> None:
    data = dataset_of(shops(5, promo=0.0), known_ahead=AHEAD)
    assert explore(data, brief_of(("sales",))).recipe["targets"]["sales"]["events"] == []


def test_an_event_that_only_reshapes_the_season_is_recognised_by_what_it_explains() -> None:
    items = shops(6, promo=0.0).with_columns(
        pl.col("sales") * pl.when((pl.col("promo") == 1) & (pl.col("weekday") <= 3)).then(1.5)
        .when(pl.col("promo") == 1).then(1 / 1.36).otherwise(1.0)
    )  # fmt: skip
    event = _effects(items)[0][0]
    assert abs(event.effect) < 0.1
    assert event.share_explained > 0.5


def test_columns_that_repeat_the_weekday_or_never_change_are_dropped_with_the_reason() -> None:
    items = shops(7).with_columns(open=pl.lit(1), twin=pl.when(pl.col("promo") == 1).then(pl.lit("yes")).otherwise(pl.lit("no")))
    data = dataset_of(items, known_ahead=(*AHEAD, "open", "twin"))
    dropped = {entry["column"]: entry["reason"] for entry in explore(data, brief_of(("sales",))).facts["inputs"]["dropped"]}
    assert dropped == {
        "weekday": "follows from the phase of the season of 7 steps",
        "open": "is always 1",
        "twin": "says the same as promo",
    }


def test_the_recipe_maps_one_to_one_to_a_feature_recipe(profile: Profile) -> None:
    fields = profile.recipe["targets"]["sales"]
    recipe = FeatureRecipe.from_json({**json.loads(json.dumps(fields)), "target": "sales", "horizon": 7})
    assert recipe.seasons == (7,)
    assert recipe.events == ("promo",)
    assert recipe.categories == {"promo": ("0", "1"), "region": ("north", "south")}
    assert recipe.numbers == ("degrees",)
    assert recipe.transform == "log1p"
    assert recipe.year == 0  # 420 days are under a year and a quarter
    assert recipe.calendar["country"] == "DE"
    assert {entry["fitted"] for entry in profile.recipe["shown"]} == {"inside the fold", "no parameters"}


def test_a_longer_history_is_compared_with_last_year() -> None:
    data = dataset_of(shops(days=460, series=4), known_ahead=AHEAD)
    assert explore(data, brief_of(("sales",))).recipe["targets"]["sales"]["year"] == 364


def test_the_first_insight_is_the_largest_effect_in_words_with_its_figures(profile: Profile) -> None:
    texts = [insight.text for insight in profile.insights]
    promotion = next(insight for insight in profile.insights if insight.text.startswith("With promo = 1, sales is"))
    assert "% higher than with promo = 0 for the same weekday of the same series" in promotion.text
    assert (
        "n = " in promotion.evidence and "95 % interval" in promotion.evidence and "clustered by series and" in promotion.evidence
    )
    assert any(text.startswith("sales follows the weekday: Sat is") and "Sun" in text for text in texts)
    weights = [insight.weight for insight in profile.insights]
    assert weights == sorted(weights, reverse=True)
    assert len(texts) <= 10


def test_the_chapter_survives_json_and_every_block_says_what_to_see(profile: Profile) -> None:
    json.dumps([profile.facts, profile.recipe], allow_nan=False)
    chapter = Chapter("prepare", "What is in it?", "", blocks=profile.blocks)
    text = json.dumps(chapter_to_json(chapter), allow_nan=False)
    assert chapter_from_json(json.loads(text)).blocks[0].title == profile.blocks[0].title
    assert len(profile.blocks) >= 8
    assert all(block.caption for block in profile.blocks)


def test_the_same_data_and_seed_give_the_same_profile() -> None:
    data = dataset_of(shops(8), known_ahead=AHEAD)
    one, two = (explore(data, brief_of(("sales",))) for _ in range(2))
    assert json.dumps([one.facts, one.recipe]) == json.dumps([two.facts, two.recipe])


def test_large_data_are_sampled_by_whole_series_and_the_chapter_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "MOST_ROWS", 2_000)
    data = dataset_of(shops(9), known_ahead=AHEAD)
    found = explore(data, brief_of(("sales",)))
    sizes = found.facts["sample"]
    assert sizes == {"partial": True, "series": 4, "rows": 1680, "of_series": 12, "of_rows": 5040}
    assert "From a sample of 4 of 12 series" in next(
        block.caption for block in found.blocks if block.title == "What moves the target"
    )
    assert found.facts["targets"]["sales"]["rows"] == 5040  # counts come from all rows


def test_observed_columns_that_add_up_to_the_target_are_leaks() -> None:
    items = shops(10)
    share = np.random.default_rng(1).uniform(0.2, 0.4, len(items))
    items = items.with_columns(online=pl.col("sales") * share).with_columns(store=pl.col("sales") - pl.col("online"))
    data = dataset_of(items, known_ahead=AHEAD, observed=("online", "store"))
    leaks = explore(data, brief_of(("sales",))).facts["targets"]["sales"]["leaks"]
    assert ("online", "store", "sum", "observed") in [
        (leak["column"], leak["with"], leak["kind"], leak["role"]) for leak in leaks
    ]
    assert not any(leak["column"] in AHEAD for leak in leaks)


def test_a_known_ahead_column_that_foresees_surprises_is_left_out_unless_it_is_filled_for_open_rows() -> None:
    rng = np.random.default_rng(2)
    items = shops(11).with_columns(booked=pl.col("sales") * np.exp(rng.normal(0, 0.01, 12 * 420)))
    last = items["day"].max()
    target = pl.when(pl.col("day") > last - pl.duration(days=7)).then(None)
    plan = items.with_columns(sales=target.otherwise(pl.col("sales")))
    leak = plan.with_columns(booked=target.otherwise(pl.col("booked")))
    for frame, dropped in ((leak, True), (plan, False)):
        found = explore(dataset_of(frame, known_ahead=(*AHEAD, "booked")), brief_of(("sales",)))
        assert {entry["drop"] for entry in found.facts["targets"]["sales"]["leaks"] if entry["column"] == "booked"} == {dropped}
        assert ("booked" not in found.recipe["targets"]["sales"]["numbers"]) is dropped
        assert found.insights[0].tone == "warn" and "booked gives sales away" in found.insights[0].text


def test_planted_holiday_effects_are_recovered_with_the_days_beside_them() -> None:
    items = shops(12, series=20, days=800, promo=0.0, weather=0.0)
    labour, before = pl.col("day").dt.strftime("%m-%d") == "05-01", pl.col("day").dt.strftime("%m-%d").is_in(["04-30", "10-02"])
    items = items.with_columns(pl.col("sales") * pl.when(labour).then(0.5).when(before).then(1.4).otherwise(1.0))
    data = dataset_of(items, known_ahead=AHEAD)
    found = explore(data, brief_of(("sales",), calendar={"country": "DE"})).facts["targets"]["sales"]["holiday_effects"]
    labour_day = next(effect for effect in found if "Labor Day" in effect["name"] or "Labour Day" in effect["name"])
    assert labour_day["low"] <= np.log(0.5) <= labour_day["high"]
    eves = next(effect for effect in found if effect["name"] == "the day before a holiday")
    assert eves["effect"] > 0.03


def test_a_change_of_level_is_told_like_for_like() -> None:
    items = shops(13, days=728, weather=0.0)
    newer = pl.col("day") >= items["day"].min() + pl.duration(days=364)
    data = dataset_of(items.with_columns(pl.col("sales") * pl.when(newer).then(1.5).otherwise(1.0)), known_ahead=AHEAD)
    change = explore(data, brief_of(("sales",))).facts["targets"]["sales"]["change"]
    assert change["seasonal"] and change["steps"] == 364
    assert change["low"] <= np.log(1.5) <= change["high"]
    assert change["moved"] == 1.0


def test_what_steps_beside_an_event_do_is_found_and_asks_for_leads_and_lags() -> None:
    items = shops(14).sort("shop", "day")
    eve = pl.col("promo").shift(-1).over("shop").fill_null(0)
    data = dataset_of(items.with_columns(pl.col("sales") * pl.when(eve == 1).then(0.8).otherwise(1.0)), known_ahead=AHEAD)
    found = explore(data, brief_of(("sales",)))
    before = next(fact for fact in found.facts["targets"]["sales"]["neighbours"] if fact["side"] == "before")
    assert before["low"] <= np.log(0.8) <= before["high"]
    assert found.recipe["targets"]["sales"]["shifted"] == ["promo"]


def test_keys_are_no_inputs_and_segments_are() -> None:
    items = shops(15).with_columns(region=pl.when(pl.col("shop") < 6).then(pl.lit("north")).otherwise(pl.lit("south")))
    fields = explore(dataset_of(items, known_ahead=AHEAD, static=("region",), segments=("region",)), brief_of(("sales",))).recipe
    assert "shop" not in fields["targets"]["sales"]["categories"]
    assert fields["targets"]["sales"]["categories"]["region"] == ["north", "south"]
    assert fields["targets"]["sales"]["groups"] == ["region"]


def test_series_that_sell_now_and_then_are_classed_by_intervals_and_variation() -> None:
    days = 100
    often = np.full(days, 10.0)
    rarely = np.where(np.arange(days) % 4 == 0, 10.0, 0.0)
    wildly = np.where(np.arange(days) % 4 == 0, np.where(np.arange(days) % 8 == 0, 1.0, 50.0), 0.0)
    day = np.datetime64("2024-01-01") + np.arange(days)
    frames = [pl.DataFrame({"shop": [k] * days, "day": day, "sales": v}) for k, v in enumerate((often, rarely, wildly))]
    data = dataset_of(pl.concat(frames).with_columns(pl.col("day").cast(pl.Date)))
    found = explore(data, brief_of(("sales",)))
    classes = found.facts["targets"]["sales"]["classes"]
    assert classes == pytest.approx({"smooth": 1 / 3, "erratic": 0, "intermittent": 1 / 3, "lumpy": 1 / 3, "empty": 0})
    assert any("only now and then" in insight.text and insight.tone == "warn" for insight in found.insights)


def test_a_single_series_of_whole_number_times_without_inputs_is_explored_too() -> None:
    t = np.arange(1, 121)
    y = 100 + t + 20 * np.sin(2 * np.pi * t / 12) + np.random.default_rng(0).normal(0, 2, 120)
    items = pl.DataFrame({"t": t, "y": y})
    data = dataset_of(items, facts_of(1, 12, 0), targets=("y",), time="t", keys=())
    found = explore(data, brief_of(("y",)))
    assert found.recipe["targets"]["y"]["seasons"] == [12]
    assert found.recipe["targets"]["y"]["calendar"] == {}
    assert found.facts["targets"]["y"]["trend_strength"] > 0.9


def test_a_short_single_series_gives_facts_without_intervals_rather_than_numbers_that_are_none() -> None:
    items = shops(17, series=1, days=10)
    found = explore(dataset_of(items, known_ahead=AHEAD), brief_of(("sales",), calendar={"country": "DE"}))
    json.dumps([found.facts, found.recipe, [block.rows for block in found.blocks]], allow_nan=False)
    assert found.recipe["targets"]["sales"]["seasons"] == []


def test_targets_below_zero_are_told_in_their_own_units_and_take_asinh() -> None:
    items = shops(16).with_columns(sales=pl.col("promo") * 2.0 + np.random.default_rng(0).normal(0, 1, 12 * 420))
    found = explore(dataset_of(items, known_ahead=AHEAD), brief_of(("sales",)))
    facts = found.facts["targets"]["sales"]
    assert facts["effect_scale"] == "plain" and not facts["non_negative"]
    assert facts["effects"][0]["effects"][0]["effect"] == pytest.approx(2.0, abs=0.1)
    assert found.recipe["targets"]["sales"]["transform"] == "asinh"


@pytest.mark.parametrize("days", [40, 420])
def test_a_target_that_is_always_zero_is_explored_without_effects(days: int) -> None:
    found = explore(dataset_of(shops(0, days=days).with_columns(sales=pl.lit(0.0)), known_ahead=AHEAD), brief_of(("sales",)))
    assert found.recipe["targets"]["sales"]["events"] == []
    assert all(effect["effect"] == 0.0 for effect in found.facts["targets"]["sales"]["effects"])
    assert found.facts["targets"]["sales"]["classes"]["empty"] == 1.0


def test_effects_on_revenue_with_zeros_are_ratios_of_sums_and_not_exaggerated() -> None:
    """Revenue of few pieces of 30 each beside busy shops: a promotion of +50 % sells half as many pieces more, no more."""
    rng = np.random.default_rng(4)
    items = shops(2, promo=0.0, weather=0.0, series=10, days=400)
    slow = pl.col("shop") >= 6
    weekend = 1.0 + (np.arange(400) % 7 >= 5)
    expected = 1.6 * (1 + 0.5 * items["promo"].to_numpy()) * np.tile(weekend, 10)
    pieces = 30.0 * rng.poisson(expected)
    items = items.with_columns(pieces=pl.Series(pieces), on=1 + 0.5 * pl.col("promo"))
    items = items.with_columns(sales=pl.when(slow).then("pieces").otherwise(100 * pl.col("on") * (pl.col("sales") / 150)))
    data = dataset_of(items.drop("pieces", "on"), known_ahead=AHEAD)
    found = explore(data, brief_of(("sales",))).facts["targets"]["sales"]
    assert found["effect_scale"] == "log1p"
    (promo,) = [effect for effect in found["effects"] if effect["column"] == "promo"]
    assert promo["effects"][0]["relative"] == pytest.approx(0.5, abs=0.06)
    low, high = (np.expm1(promo["effects"][0][end]) for end in ("low", "high"))
    assert low < 0.5 < high
