"""The verdict before training: what is measured, what is expected of it, and what would help."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl
import pytest

from sevenstep.chapter import Chapter, chapter_to_json
from sevenstep.spec.model import Kpi
from sevenstep.stats.intervals import Estimate
from sevenstep.stats.metrics import METRICS
from sevenstep.tasks.contract import Feasibility
from sevenstep.tasks.tabular.feasibility import probe
from sevenstep.tasks.tabular.feasibility.curve import Curve
from sevenstep.tasks.tabular.feasibility.effort import Effort
from sevenstep.tasks.tabular.feasibility.gauge import Gauge, between_parts
from sevenstep.tasks.tabular.feasibility.material import prepare
from sevenstep.tasks.tabular.feasibility.noise import noise_of
from sevenstep.tasks.tabular.feasibility.wording import rounded_up
from sevenstep.tasks.tabular.grammar import CLASSIFICATION, REGRESSION
from sevenstep.tasks.tabular.problem import Problem
from tabular_studies import brief_of, dataset_of, plates, query, shared, strips

Kpis = Sequence[Mapping[str, Any]]


def ranking(goal: str, **more: Any) -> Kpis:
    return [{"id": "ranking", "metric": "roc_auc", "goal": goal, **more}]


def probed(items: pl.DataFrame, kpis: Kpis, target: str = "fail", *, classes: bool = True, **section: Any) -> list[Feasibility]:
    brief = brief_of(target, kpis, classes=classes, budget=20.0, **section)
    return list(probe(dataset_of(items, brief, classes=classes), brief))


def evidence(found: Feasibility, name: str) -> str:
    return " ".join(one.text for one in found.evidence if one.name == name)


@pytest.fixture(scope="module")
def clear() -> Feasibility:
    worth = {"per_point": 1000, "unit": "EUR/year"}
    kpis = ranking(">= 0.80", baseline="prior", worth=worth)
    return probed(plates(700, strength=4.0), kpis, costs={"false_alarm": 1, "miss": 10})[0]


def test_a_goal_well_inside_reach_is_a_go_with_all_its_evidence(clear: Feasibility) -> None:
    assert clear.verdict == "go"
    assert clear.low is not None and clear.reachable is not None and clear.high is not None
    assert 0.8 < clear.low < clear.reachable < clear.high <= 1.0
    names = {one.name for one in clear.evidence}
    assert names >= {"goal", "reachable", "baseline", "quick probe", "learning curve", "neighbours", "worth", "cost"}
    assert "EUR/year" in evidence(clear, "worth") and "% less" in evidence(clear, "cost")


def test_the_worth_of_a_goal_is_the_points_from_the_baseline_times_their_price(clear: Feasibility) -> None:
    worth = next(one for one in clear.evidence if one.name == "worth")
    baseline = next(one for one in clear.evidence if one.name == "baseline")
    assert baseline.value is not None
    assert worth.value == pytest.approx((0.80 - baseline.value) * 100 * 1000)


def test_the_blocks_are_plain_json_and_show_the_goal(clear: Feasibility) -> None:
    text = json.dumps(chapter_to_json(Chapter("define", "Define", "", "go", clear.blocks)), allow_nan=False, ensure_ascii=False)
    json.dumps({name: value for name, value in asdict(clear).items() if name != "blocks"}, allow_nan=False)
    assert "goal ≥ 80.0 %" in text and "Quick boosting" in text


def test_labels_that_go_with_nothing_are_no_go() -> None:
    random = np.random.default_rng(3)
    items = plates(500).with_columns(pl.Series("fail", random.choice(["yes", "no"], 500)))
    found = probed(items, ranking(">= 0.75"))[0]
    assert found.verdict == "no_go"
    assert "Nothing was found" in evidence(found, "goal")
    assert not any("is in reach now" in remedy for remedy in found.remedies), "what guessing reaches is no goal"


def test_few_failures_are_told_and_the_remedy_is_in_failures() -> None:
    items = plates(900, strength=1.2)
    kept = (pl.col("fail") == "no") | (pl.int_range(pl.len()) % 12 == 0)
    found = probed(items.filter(kept), ranking(">= 0.80"))[0]
    assert found.verdict in ("go_with_risk", "no_go")
    assert found.low is not None and found.high is not None and found.high - found.low > 0.1
    assert "have fail = yes" in evidence(found, "few rows")
    assert any("more rows with fail = yes" in remedy or "Several times" in remedy for remedy in found.remedies)


def test_a_column_that_gives_the_target_away_is_left_out_and_named() -> None:
    items = plates(500).with_columns(pl.when(pl.col("fail") == "yes").then(17).otherwise(3).alias("scrap_code"))
    found = probed(items, ranking(">= 0.60"))[0]
    assert "'scrap_code' alone gives 'fail' away" in evidence(found, "leakage")
    assert found.verdict == "go_with_risk", "a fault of the data turns a go into a risk"
    assert found.remedies[0].startswith("Check 'scrap_code'")
    assert found.reachable is not None and found.reachable < 0.99, "the probe did not use it"


def test_columns_known_only_afterwards_or_named_like_the_target_are_suspected() -> None:
    items = plates(600)
    waiting = pl.int_range(pl.len()) >= 500
    items = items.with_columns(
        pl.when(~waiting).then(pl.col("fail")).alias("fail"),
        pl.when(~waiting).then(pl.col("noise_0")).alias("repair_hours"),
        pl.when((pl.col("fail") == "yes") & (pl.int_range(pl.len()) % 3 > 0)).then(1).otherwise(0).alias("fail_flag"),
    )
    text = evidence(probed(items, ranking(">= 0.60"))[0], "leakage")
    assert "'repair_hours'" in text and "known only afterwards" in text
    assert "'fail_flag' is named like 'fail'" in text


def test_a_relation_that_turns_over_time_is_called_drift() -> None:
    items = plates(900, strength=4.0, noise=2)
    hour = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 1) + pl.duration(hours=899), "1h", eager=True)
    half = pl.int_range(pl.len()) >= 450
    turned = pl.when(half).then(400 - pl.col("heat")).otherwise(pl.col("heat")).alias("heat")
    found = probed(items.with_columns(turned, hour.alias("made")), ranking(">= 0.9"), data={"time": "made"})[0]
    assert "so the data drift" in evidence(found, "drift")
    assert any("Find out what changes over time" in remedy for remedy in found.remedies)


@pytest.mark.parametrize("rows", [30, 300])
def test_too_little_to_judge_by_is_told_instead_of_measured(rows: int) -> None:
    items = plates(rows).with_columns(
        pl.when(pl.int_range(pl.len()) < 4).then(pl.lit("yes")).otherwise(pl.lit("no")).alias("fail")
    )
    found = probed(items, ranking(">= 0.7"))[0]
    assert (found.verdict, found.reachable) == ("no_go", None)
    assert found.remedies[0].startswith("Bring at least")


def test_numbers_are_judged_in_their_own_unit_and_more_noise_is_worse() -> None:
    kpis = [{"id": "error", "metric": "rmse", "goal": "<= 4.5", "baseline": "linear"}]
    quiet, loud = (probed(strips(700, noise=noise), kpis, "thickness", classes=False)[0] for noise in (3.0, 9.0))
    assert quiet.reachable is not None and loud.reachable is not None and loud.low is not None
    assert 2.5 < quiet.reachable < 4.5 and quiet.verdict == "go"
    assert loud.low > 4.5 and loud.verdict == "no_go"
    assert "Linear regression, the baseline of this KPI" in evidence(quiet, "baseline")


@pytest.mark.parametrize("classes", [True, False])
def test_every_metric_of_the_task_gets_a_verdict(classes: bool) -> None:
    metrics = (CLASSIFICATION if classes else REGRESSION).metrics
    goals = {name: ("<= 1000" if METRICS[name].direction == "lower" else ">= 0.1") for name in metrics}
    kpis = [{"id": f"kpi-{name}", "metric": name, "goal": goals[name]} for name in metrics]
    found = probed(plates(300) if classes else strips(300), kpis, "fail" if classes else "thickness", classes=classes)
    assert [one.kpi for one in found] == [kpi["id"] for kpi in kpis]
    for one in found:
        assert one.low is not None and one.reachable is not None and one.high is not None
        assert one.low <= one.reachable <= one.high, one.kpi


def test_three_classes_are_counted_as_items_not_as_rows_of_the_score_table() -> None:
    items = plates(400).with_columns(pl.when(pl.col("heat") > 215).then(pl.lit("melted")).otherwise(pl.col("fail")).alias("fail"))
    found = probed(items, [{"id": "right", "metric": "macro_f1", "goal": ">= 0.5"}])[0]
    assert next(one for one in found.evidence if one.name == "quick probe").n == 400


def test_a_loss_and_its_value_are_each_others_inverse() -> None:
    for metric, value in (("roc_auc", 0.83), ("rmse", 12.0), ("r2", 0.4), ("mcc", -0.1)):
        gauge = Gauge(Kpi(id="one", metric=metric, goal=">= 0.5"), False)
        assert gauge.value(gauge.loss(value)) == pytest.approx(value)


def test_stretches_that_differ_beyond_chance_widen_an_interval_and_others_do_not() -> None:
    def parts(values: Sequence[float], error: float) -> list[Estimate]:
        return [Estimate(value, value - 1.96 * error, value + 1.96 * error, 100, 100, "") for value in values]

    assert between_parts(parts([0.70, 0.71, 0.69, 0.70], 0.05)) == 0.0
    spread = [0.6, 0.7, 0.8, 0.9]
    exact = float(np.sqrt((np.var(spread, ddof=1) - 0.01**2) / 4))
    assert between_parts(parts(spread, 0.01)) == pytest.approx(exact, rel=1e-6)


def test_the_learning_curve_says_how_many_rows_a_loss_takes() -> None:
    curve = Curve(0.1, 2.0, (100, 400), (0.3, 0.2))
    assert curve.rows_for(0.15) == pytest.approx(1600) and curve.at(1600) == pytest.approx(0.15)
    assert curve.rows_for(0.05) is None
    assert [rounded_up(count) for count in (7, 143, 1463, 0)] == [7, 150, 1500, 0]


def test_the_effort_is_a_function_of_budget_and_shape() -> None:
    def effort(budget: float, inputs: int, classes: tuple[str, ...] = ("a", "b")) -> Effort:
        kinds = {str(number): "number" for number in range(inputs)}
        return Effort.within(budget, Problem("y", classes, kinds, "stratified"))

    assert effort(600, 10).rows > effort(60, 10).rows >= 2000
    assert effort(180, 300).folds < effort(180, 10).folds
    assert effort(180, 30).rows > effort(180, 30, tuple("abcdefg")).rows


def test_noise_of_a_known_size_is_estimated() -> None:
    random = np.random.default_rng(0)
    one, two = random.normal(size=3000), random.normal(size=3000)
    flipped = random.random(3000) < 0.15
    items = pl.DataFrame({"one": one, "two": two, "fail": np.where((one > 0) != flipped, "yes", "no")})
    brief = brief_of("fail", ranking(">= 0.8"))
    data = dataset_of(items, brief)
    found = noise_of(prepare(data, Problem.of(data), Effort(rows=3000), brief))
    assert found.floor == pytest.approx(0.15, abs=0.03), "Cover and Hart: 15 % flipped labels"
    smooth = pl.DataFrame({"one": one, "two": two, "y": 3 * np.sin(one) + two + random.normal(0, 0.5, 3000)})
    brief = brief_of("y", classes=False)
    data = dataset_of(smooth, brief, classes=False)
    found = noise_of(prepare(data, Problem.of(data), Effort(rows=3000), brief))
    assert found.floor == pytest.approx(0.5, abs=0.1), "the Gamma test: noise of 0.5"


def test_pairs_of_equal_rows_that_differ_are_those_sql_finds() -> None:
    items = plates(400, noise=0).with_columns((pl.col("heat") / 10).round().cast(pl.Int64))
    brief = brief_of("fail", ranking(">= 0.8"))
    data = dataset_of(items, brief)
    found = noise_of(prepare(data, Problem.of(data), Effort(rows=400), brief))
    ((pairs, differing),) = query(
        """SELECT count(*), count(*) FILTER (one.fail <> two.fail) FROM numbered AS one JOIN numbered AS two
           ON one.row < two.row AND one.heat = two.heat AND one.furnace = two.furnace""",
        numbered=items.with_row_index("row"),
    )
    assert found.differing == pytest.approx(differing / pairs)


@pytest.mark.shared
def test_secom_is_told_honestly() -> None:
    data, brief = shared("secom")
    began = time.process_time()
    found = probe(data, brief("define"))[0]
    assert time.process_time() - began < 40  # of all cores under load; about 10 on a free machine
    assert found.verdict in ("go_with_risk", "no_go")
    assert found.low is not None and found.high is not None and found.high - found.low > 0.2
    assert "Only 87 rows of 1,254" in evidence(found, "few rows")
    assert "so the data drift" in evidence(found, "drift")


def test_an_input_that_carries_the_probe_alone_is_asked_about_and_does_not_decide(clear: Feasibility) -> None:
    assert "Without 'heat' alone the probe loses" in evidence(clear, "leakage")
    assert clear.remedies[0].startswith("Check 'heat'")


@pytest.mark.shared
@pytest.mark.parametrize(("name", "reached"), [("churn", 0.852), ("steel", 0.84), ("housing", 42_500.0)])
def test_what_good_models_reach_lies_in_the_interval_told_before(name: str, reached: float) -> None:
    data, brief = shared(name)
    for found in probe(data, brief("define")):
        assert found.verdict in ("go", "go_with_risk")
        assert found.low is not None and found.high is not None
        assert found.low <= reached <= found.high
