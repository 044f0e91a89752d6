"""The verdict before training: honest about noise, short histories, leaks and constants, and in time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from sevenstep.chapter import Chapter, chapter_from_json, chapter_to_json
from sevenstep.data.dataset import Dataset, Roles
from sevenstep.spec.brief import Brief, Seen
from sevenstep.spec.model import Kpi
from sevenstep.spec.units import Goal
from sevenstep.tasks.contract import Feasibility
from sevenstep.tasks.forecast.feasibility import probe
from sevenstep.tasks.forecast.section import Forecast

START = date(2022, 1, 3)
DAYS = 280


def facts(**values: Any) -> dict[str, Any]:
    given = {"frequency": "1d", "season": 7, "year": 364, "gaps": "missing", "clock": "common"} | values
    return {name: {"value": value, "reason": ""} for name, value in given.items()}


def brief_of(
    goals: dict[str, str], horizon: int = 14, budget: float = 24.0, targets: Sequence[str] = ("y",), **more: Any
) -> Brief:
    kpis = [Kpi(id=metric, metric=metric, goal=Goal.parse(goal), target=targets[0], **more) for metric, goal in goals.items()]
    section = Seen(Forecast(horizon=horizon), ("horizon",))
    return Brief({"kpis": kpis, "targets": tuple(targets), "budget": budget, "seed": 1}, section)


def shop(series: int = 20, days: int = DAYS, noise: float = 0.05, season: float = 0.4, **inputs: float) -> pl.DataFrame:
    """Daily sales: level by series, a weekly pattern, a promotion, log-normal noise of the given spread."""
    generator = np.random.default_rng(7)
    t = np.arange(days)
    promotion = (generator.random((series, days)) < 0.3).astype(int)
    level = generator.uniform(50, 500, (series, 1))
    week = season * np.sin(2 * np.pi * t / 7)
    y = level * np.exp(week + inputs.get("promotion", 0.0) * promotion + noise * generator.standard_normal((series, days)))
    return pl.DataFrame(
        {
            "shop": np.repeat([f"s{one:03d}" for one in range(series)], days),
            "day": [START + timedelta(int(one)) for _ in range(series) for one in t],
            "promotion": promotion.ravel(),
            "y": y.ravel(),
        }
    )


def dataset(items: pl.DataFrame, known_ahead: tuple[str, ...] = (), keys: tuple[str, ...] = ("shop",), **values: Any) -> Dataset:
    return Dataset({"items": items}, Roles(("y",), "day", keys=keys, known_ahead=known_ahead), facts(**values))


def verdict(data: Dataset, metric: str, goal: str, **more: Any) -> Feasibility:
    return probe(data, brief_of({metric: goal}, **more))[0]


def text_of(found: Feasibility, name: str) -> str:
    return " ".join(one.text for one in found.evidence if one.name == name)


def test_a_goal_beyond_the_noise_is_no_go_and_the_remedy_names_one_in_reach() -> None:
    data = dataset(shop(noise=0.4, season=0.0))
    # the mean absolute deviation about the median of a log-normal over its mean: what the best forecast can do
    draws = np.exp(0.4 * np.random.default_rng(0).standard_normal(200_000))
    best = np.abs(draws - np.median(draws)).mean() / draws.mean()
    found = verdict(data, "wape", f"<= {best / 2:.3f}")
    assert found.verdict == "no_go"
    assert found.reachable is not None and found.low is not None and found.high is not None
    assert found.low <= best <= found.high
    noise = next(one for one in found.evidence if one.name == "noise")
    assert noise.value is not None and 0.6 * best < noise.value < 0.9 * best
    assert "An estimate from a sample, not a limit" in noise.text
    (in_reach,) = [remedy for remedy in found.remedies if "in reach now" in remedy]
    offered = float(in_reach.split("<= ")[1].split(" ")[0])
    assert best < offered < 1.3 * best
    assert verdict(data, "wape", f"<= {offered}").verdict == "go"


def test_the_estimate_of_the_noise_is_never_told_as_a_limit() -> None:
    for noise in (0.05, 0.4):
        found = verdict(dataset(shop(noise=noise, season=0.0)), "wape", "<= 0.001")
        estimate = next(one for one in found.evidence if one.name == "noise").value
        assert found.low is not None and found.reachable is not None and estimate is not None
        assert found.low < found.reachable  # the interval is not cut at the estimate
        said = " ".join([*(one.text for one in found.evidence), *found.remedies])
        assert not any(words in said for words in ("No forecast", "values allow", "no less than", "bound"))


def test_a_clean_season_is_a_go_without_remedies() -> None:
    found = verdict(dataset(shop()), "wape", "<= 0.10")
    assert (found.verdict, list(found.remedies)) == ("go", [])
    assert found.high is not None and found.high <= 0.10


def test_a_goal_just_beyond_what_is_expected_is_a_risk_and_no_more() -> None:
    data = dataset(shop())
    expected = verdict(data, "wape", "<= 0.10")
    assert expected.low is not None and expected.reachable is not None
    nearer = min(expected.reachable, expected.low * 1.01)
    assert verdict(data, "wape", f"<= {nearer:.4f}").verdict == "go_with_risk"


def test_a_short_history_is_no_go_with_the_steps_needed_and_the_date_there_will_be_enough() -> None:
    found = verdict(dataset(shop(series=3, days=20)), "wape", "<= 0.2", horizon=14)
    assert (found.verdict, found.reachable) == ("no_go", None)
    # two weeks to learn from and a horizon of 14 days make 28 days; 8 are missing after 2022-01-22
    assert "about 8 days more" in found.remedies[0]
    assert "2022-01-30" in found.remedies[0]


def test_a_history_of_exactly_two_seasons_and_a_horizon_is_judged() -> None:
    found = verdict(dataset(shop(series=12, days=28)), "wape", "<= 0.2", horizon=14)
    assert found.reachable is not None


@pytest.mark.parametrize(("values", "says"), [([3.0], "is 3 in all"), ([None], "has no value")])
def test_a_target_without_variation_is_no_go(values: list[float | None], says: str) -> None:
    items = shop(series=2, days=100).with_columns(pl.Series("y", values * 200, dtype=pl.Float64))
    found = verdict(dataset(items), "wape", "<= 0.2")
    assert found.verdict == "no_go"
    assert says in found.evidence[0].text


def test_an_input_that_copies_the_target_is_named_and_left_out() -> None:
    items = shop(noise=0.3)
    generator = np.random.default_rng(3)
    noisy = pl.Series("booked", items["y"].to_numpy() * (1 + 0.01 * generator.standard_normal(len(items))))
    honest = verdict(dataset(items), "wape", "<= 0.5")
    found = verdict(dataset(items.with_columns(noisy), ("promotion", "booked")), "wape", "<= 0.5")
    assert found.verdict == "go_with_risk"
    assert "'booked' follows 'y'" in text_of(found, "leakage")
    assert "'booked'" in found.remedies[0]
    assert found.reachable == pytest.approx(honest.reachable, rel=0.1)


def test_parts_that_add_up_to_the_target_are_named_together() -> None:
    items = shop(noise=0.3)
    share = np.random.default_rng(4).uniform(0.2, 0.8, len(items))
    parts = items.with_columns(casual=pl.col("y") * pl.Series(share), registered=pl.col("y") * pl.Series(1 - share))
    text = text_of(verdict(dataset(parts, ("casual", "registered")), "wape", "<= 0.5"), "leakage")
    assert "'casual'" in text and "'registered'" in text and "together follow" in text


def test_an_input_that_explains_too_much_alone_is_suspected_though_it_is_no_copy() -> None:
    items = shop(noise=0.5)
    generator = np.random.default_rng(5)
    hint = pl.Series("hint", np.sqrt(items["y"].to_numpy()) * (1 + 0.06 * generator.standard_normal(len(items))))
    found = verdict(dataset(items.with_columns(hint), ("hint",)), "wape", "<= 0.5")
    assert "Without 'hint' alone" in text_of(found, "leakage")


def test_a_promotion_is_no_leak_and_lowers_what_is_reachable() -> None:
    items = shop(promotion=0.6)
    blind, seeing = (verdict(dataset(items, ahead), "wape", "<= 0.5") for ahead in ((), ("promotion",)))
    assert text_of(seeing, "leakage") == ""
    assert seeing.reachable is not None and blind.reachable is not None
    assert seeing.reachable < 0.5 * blind.reachable
    assert "same_event" not in {row["y"] for row in seeing.blocks[0].rows}  # type: ignore[union-attr]
    assert "Same season, same event" in {row["y"] for row in seeing.blocks[0].rows}  # type: ignore[union-attr]


def test_one_series_is_judged_from_several_origins() -> None:
    items = shop(series=1).drop("shop")
    found = verdict(dataset(items, keys=()), "wape", "<= 0.15")
    assert found.verdict == "go"
    assert "from 8 origins" in text_of(found, "baseline")


def test_series_without_a_common_calendar_are_judged() -> None:
    items = shop(series=20).with_columns(day=pl.int_range(pl.len()).over("shop"))
    uneven = items.filter(pl.col("day") < 200 + 10 * pl.col("shop").str.slice(1).cast(pl.Int32))
    found = verdict(dataset(uneven, frequency=1, year=0, clock="each"), "mase", "<= 1")
    assert found.verdict == "go"


def test_known_ahead_inputs_missing_from_the_open_rows_are_told() -> None:
    items = shop(series=10)
    last = items["day"].max()
    opened = pl.col("day") > last - timedelta(days=14)  # type: ignore[operator]
    blank = [pl.when(~opened).then(pl.col(name)).alias(name) for name in ("y", "promotion")]
    found = verdict(dataset(items.with_columns(blank), ("promotion",)), "wape", "<= 0.5")
    assert found.verdict == "go_with_risk"
    assert "'promotion' (100 % missing)" in text_of(found, "known ahead")
    assert "Fill in 'promotion'" in found.remedies[0]


def test_worth_is_points_from_the_named_baseline_to_the_goal() -> None:
    worth = {"per_point": 1000, "unit": "EUR/year"}
    found = verdict(dataset(shop()), "wape", "<= 0.05", baseline="naive", worth=worth)
    gain = next(one for one in found.evidence if one.name == "worth")
    baseline = next(one.value for one in found.evidence if one.name == "baseline")
    assert baseline is not None
    assert gain.value == pytest.approx((baseline - 0.05) * 100 * 1000)
    assert "EUR/year" in gain.text and "naive" in gain.text


def test_the_ladder_is_right_against_rules_computed_by_hand() -> None:
    items = shop(series=12, noise=0.2)
    found = verdict(dataset(items), "mae", "<= 1000", baseline="seasonal_naive")
    grid = items["y"].to_numpy().reshape(12, DAYS)
    errors = []
    for origin in (DAYS - 14, DAYS - 28):
        week = grid[:, origin - 7 : origin]
        errors.append(np.abs(grid[:, origin : origin + 14] - np.tile(week, 2)))
    baseline = next(one for one in found.evidence if one.name == "baseline")
    assert baseline.value == pytest.approx(float(np.mean(errors)), rel=1e-5)
    assert baseline.n == 12 * 28


def test_every_metric_gets_a_verdict() -> None:
    errors = dict.fromkeys(("pinball", "msis", "rmsse", "smape", "rmspe", "mse"), "<= 1000000")
    found = probe(dataset(shop(series=12)), brief_of({"bias": "<= 0.2", "coverage_80": ">= 0.5"} | errors))
    assert [one.kpi for one in found if one.verdict != "go"] == []
    for one in found:
        assert one.low is not None and one.reachable is not None and one.high is not None
        assert one.low <= one.reachable <= one.high


def test_coverage_is_expected_at_its_level_and_bias_at_zero() -> None:
    bias, coverage = probe(dataset(shop(series=12)), brief_of({"bias": "<= 0.2", "coverage_80": ">= 0.5"}))
    assert (bias.reachable, coverage.reachable) == (0.0, 0.8)


def test_verdicts_come_in_the_order_of_the_kpis_and_survive_json() -> None:
    items = shop(series=12).with_columns(z=pl.col("y") * 2)
    kpis = [
        Kpi(id=name, metric=metric, goal=Goal.parse("<= 0.2"), target=target)
        for name, metric, target in (("a", "wape", "z"), ("b", "rmspe", "y"), ("c", "rmspe", "z"))
    ]
    roles = Roles(("y", "z"), "day", keys=("shop",))
    brief = Brief({"kpis": kpis, "targets": ("y", "z"), "budget": 24.0, "seed": 1}, Seen(Forecast(horizon=14), ("horizon",)))
    found = probe(Dataset({"items": items}, roles, facts()), brief)
    assert [one.kpi for one in found] == ["a", "b", "c"]
    for one in found:
        json.dumps(asdict(one), allow_nan=False)
        chapter = Chapter("define", "Define", "", one.verdict, tuple(one.blocks))
        assert chapter_from_json(json.loads(json.dumps(chapter_to_json(chapter)))).blocks[0] == one.blocks[0]


def test_equal_inputs_give_equal_verdicts() -> None:
    data = dataset(shop(series=12))
    first, second = (asdict(verdict(data, "wape", "<= 0.04")) for _ in range(2))
    assert first == second


def test_rows_that_are_not_clean_yet_are_judged_all_the_same() -> None:
    items = shop(series=12)
    dirty = pl.concat([items, items.head(40), items.tail(5).with_columns(day=None)], how="vertical_relaxed")
    nan = dirty.with_columns(y=pl.when(pl.int_range(pl.len()) % 50 == 0).then(float("nan")).otherwise(pl.col("y")))
    assert verdict(dataset(nan), "wape", "<= 0.10").verdict == "go"
