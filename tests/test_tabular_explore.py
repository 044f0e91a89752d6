"""What an exploration of a table finds, against scipy, scikit-learn and SQL."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats
from sklearn.metrics import mutual_info_score

from sevenstep.chapter import Chapter, chapter_from_json, chapter_to_json
from sevenstep.tasks.contract import Profile
from sevenstep.tasks.tabular.explore import explore
from sevenstep.tasks.tabular.explore.drift import drift_of
from sevenstep.tasks.tabular.explore.findings import find
from sevenstep.tasks.tabular.explore.insights import rank_insights
from sevenstep.tasks.tabular.explore.separation import level_estimates, separation_of
from sevenstep.tasks.tabular.explore.strength import association, interactions, strengths
from sevenstep.tasks.tabular.explore.view import Binned, View, view_of
from tabular_studies import brief_of, dataset_of, plates, query, shared, strips


def view(items: pl.DataFrame, target: str = "fail", *, classes: bool = True, **data: Any) -> View:
    return view_of(dataset_of(items, brief_of(target, classes=classes, data=data), classes=classes), 0)


def explored(items: pl.DataFrame, target: str = "fail", *, classes: bool = True, **data: Any) -> Profile:
    brief = brief_of(target, classes=classes, data=data)
    return explore(dataset_of(items, brief, classes=classes), brief)


def test_the_share_explained_is_mutual_information_less_that_of_chance() -> None:
    random = np.random.default_rng(0)
    one = random.integers(0, 5, 2000)
    two = np.where(random.random(2000) < 0.3, one % 3, random.integers(0, 3, 2000))
    share, p = association(Binned(one, tuple("abcde")), Binned(two, tuple("xyz")))
    table = np.histogram2d(one, two, bins=(5, 3))[0]
    by_scipy = stats.chi2_contingency(table, lambda_="log-likelihood", correction=False)
    entropy = stats.entropy(np.bincount(two))
    assert p == pytest.approx(by_scipy.pvalue)
    assert share == pytest.approx((mutual_info_score(one, two) - by_scipy.dof / 2 / 2000) / entropy)


def test_what_says_nothing_is_rarely_told_and_what_says_something_comes_first() -> None:
    found = strengths(view(plates(1000, noise=200)))
    assert [one.column for one in found[:2]] == ["heat", "furnace"] or [one.column for one in found[:2]] == ["furnace", "heat"]
    assert sum(one.told for one in found) <= 4, "two planted, and at most a few by chance among two hundred"


def test_an_interaction_is_found_where_inputs_act_together_and_not_where_they_add_up() -> None:
    random = np.random.default_rng(1)
    one, two = random.normal(size=3000), random.normal(size=3000)
    together = random.random(3000) < 1 / (1 + np.exp(-2.5 * one * two))
    added = random.random(3000) < 1 / (1 + np.exp(-2.0 * (one + two)))
    for fail, expected in ((together, 1), (added, 0)):
        items = pl.DataFrame({"one": one, "two": two, "fail": np.where(fail, "yes", "no")})
        looked = view(items)
        assert len(interactions(looked, strengths(looked))) == expected


def test_shares_by_level_have_wilson_intervals() -> None:
    items = plates(500)
    looked = view(items)
    rows = {row[0]: row for row in level_estimates(looked, looked.inputs["furnace"])}
    ((hits, n),) = query("SELECT count(*) FILTER (fail = 'yes'), count(*) FROM items WHERE furnace = 'C'", items=items)
    z, share = stats.norm.ppf(0.975), hits / n
    middle, half = share + z**2 / (2 * n), z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    assert rows["C"][1:] == pytest.approx((share, (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n), n))


def test_an_input_that_helps_at_both_ends_is_told_by_its_ranges() -> None:
    random = np.random.default_rng(0)
    press = random.normal(size=2000)
    items = pl.DataFrame({"press": press, "fail": np.where(np.abs(press) > 1.2, "yes", "no")})
    found = separation_of(view(items), "press")
    assert found is not None and "of the rows with press" in found.text
    one_way = separation_of(view(items.with_columns(pl.Series("fail", np.where(press > 0.5, "yes", "no")))), "press")
    assert one_way is not None and one_way.text == "A high press goes with fail = yes"


def test_missing_values_that_mean_something_are_an_insight() -> None:
    items = plates(2000)
    absent = (pl.col("fail") == "yes") & (pl.int_range(pl.len()) % 2 == 0)
    told = explored(items.with_columns(pl.when(~absent).then(pl.col("noise_0")).alias("noise_0")))
    assert any("where noise_0 is missing" in insight.text for insight in told.insights)
    assert told.facts["missing"]["noise_0"]["q"] < 1e-6


def test_drift_of_target_and_inputs_is_found_where_it_is() -> None:
    items = plates(1600, noise=2)
    day = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 1) + pl.duration(hours=1599), "1h", eager=True)
    still = items.with_columns(day.alias("made"))
    found = drift_of(view(still, time="made"))
    assert found is not None and found.p > 0.001 and not found.moved
    later = pl.int_range(pl.len()) >= 800
    moved = still.with_columns(
        (pl.col("noise_1") + pl.when(later).then(0.8).otherwise(0.0)).alias("noise_1"),
        pl.when(later & (pl.int_range(pl.len()) % 3 == 0)).then(pl.lit("yes")).otherwise(pl.col("fail")).alias("fail"),
    )
    found = drift_of(view(moved, time="made"))
    assert found is not None and found.p < 1e-6
    assert [one.column for one in found.moved] == ["noise_1"]
    older, newer = (moved.filter(side)["noise_1"].to_numpy() for side in (~later, later))
    assert found.moved[0].size == pytest.approx(stats.ks_2samp(older, newer).statistic)


def test_columns_that_say_the_same_are_grouped() -> None:
    items = plates(600).with_columns((pl.col("heat") * 9 / 5 + 32).alias("heat_fahrenheit"), (-pl.col("heat")).alias("cold"))
    groups = find(dataset_of(items, brief_of("fail")), 0).groups
    assert [set(group) for group in groups] == [{"heat", "heat_fahrenheit", "cold"}]


def test_the_recipe_says_of_every_column_what_becomes_of_it() -> None:
    row = np.arange(600)
    items = plates(600).with_columns(
        pl.Series("serial", [f"S{number}" for number in row]),
        pl.Series("width", [f"{1 + number % 50} mm" for number in row]),
        pl.Series("age", np.where(row % 10 == 0, 999, row % 60)),
    )
    recipe = explored(items).recipe
    assert "serial" in recipe["left_out"]
    assert set(recipe["columns"]) == {"heat", "furnace", "noise_0", "noise_1", "noise_2", "noise_3", "width", "age"}
    told = {entry["what"]: entry for entry in recipe["shown"]}
    assert "numbers in 'mm'" in told["width"]["why"]
    assert told["age = 999"]["how"] == "read as missing"
    assert set(items.columns) - {"fail"} <= set(told)


def test_a_profile_is_plain_json_and_the_same_every_time() -> None:
    for items, target, classes in ((plates(), "fail", True), (strips(), "thickness", False)):
        first, second = (explored(items, target, classes=classes) for _ in range(2))
        chapter = chapter_to_json(Chapter("prepare", "Prepare", "", "", first.blocks))
        text = json.dumps([first.facts, first.recipe, chapter], allow_nan=False)
        assert text == json.dumps(
            [second.facts, second.recipe, chapter_to_json(Chapter("prepare", "Prepare", "", "", second.blocks))]
        )
        assert chapter_from_json(json.loads(json.dumps(chapter))).blocks[0].title == first.blocks[0].title
        assert [insight.weight for insight in first.insights] == sorted((one.weight for one in first.insights), reverse=True)


def test_a_large_table_is_looked_at_by_a_sample_that_is_named() -> None:
    items = plates(25_000, noise=1)
    found = find(dataset_of(items, brief_of("fail")), 0)
    assert (found.to_json()["rows"], found.to_json()["looked_at"]) == (25_000, 20_000)
    assert found.view.note() == " From a sample of 20,000 of 25,000 rows."
    assert replace(found.view, known=20_000).note() == ""


@pytest.mark.shared
def test_churn_by_contract_is_what_sql_says() -> None:
    data, _ = shared("churn")
    looked = view_of(data, 0)
    rows = {row[0]: row[1] for row in level_estimates(looked, looked.inputs["Contract"])}
    by_sql = query("SELECT Contract, avg((Churn = 'Yes')::INT) FROM items GROUP BY Contract", items=data.items)
    assert rows == pytest.approx(dict(by_sql))


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("secom", "is not the same over time"),
        ("steel", "Sum_of_Luminosity"),
        ("housing", "The more median_income, the more median_house_value"),
        ("churn", "Contract = Month-to-month"),
    ],
)
def test_the_shared_sets_show_what_they_are_known_for(name: str, said: str) -> None:
    data, _ = shared(name)
    assert any(said in insight.text for insight in rank_insights(find(data, 0)))
