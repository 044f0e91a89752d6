"""Quality tools on a data set: charts that fit the data, frozen limits that go on, ranked causes, capability by the limits."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from scipy import stats

from sevenstep.chapter import Block, Chapter, Figure, Notes, Table, chapter_from_json, chapter_to_json
from sevenstep.data.dataset import Dataset, Roles
from sevenstep.report.terminal import chapter_text
from sevenstep.spec.brief import Brief, Seen
from sevenstep.spec.sources import Data, Limits, Tolerance
from sevenstep.stats.control.specification import Specification
from sevenstep.tasks.contract import Insight
from sevenstep.tasks.tabular.quality import quality_findings, study_quality, watch_blocks
from sevenstep.tasks.tabular.quality.showing import study_blocks
from sevenstep.tasks.tabular.quality.thinning import shown_points
from sevenstep.tasks.tabular.section import Classification

ROWS = 3000
START = datetime(2026, 1, 1)


def data_set(
    rows: int = ROWS, *, seed: int = 0, shift_at: int | None = None, target: Any = None, timed: bool = True, **facts: Any
) -> Dataset:
    random = np.random.default_rng(seed)
    tool = random.choice(["T1", "T2", "T3"], rows)
    coat = random.normal(50, 2, rows) + (0 if shift_at is None else 3 * (np.arange(rows) >= shift_at))
    bad = random.random(rows) < np.where(tool == "T2", 0.2, 0.03)
    columns = {"time": [START + timedelta(minutes=step) for step in range(rows)], "tool": tool, "coat": coat}
    items = pl.DataFrame(columns | {"result": np.where(bad, "fail", "pass") if target is None else target})
    kinds = {"tool": "category", "coat": "number"}
    told = {"classes": ["pass", "fail"], "kinds": kinds, "split": "random", "miss": [1.0, 10.0], "priced": True} | facts
    roles = Roles(("result",), time="time" if timed else None, known_ahead=tuple(kinds))
    return Dataset({"items": items}, roles, {name: {"value": value, "reason": "test"} for name, value in told.items()})


COAT = {"coat": Tolerance(lower=42, upper=58)}


def brief(tolerances: Mapping[str, Tolerance] | None = None, **data: Any) -> Brief:
    told = Data(source="parts.csv", tolerances=dict(tolerances or {}), **data)
    return Brief({"data": told, "seed": 0}, Seen(Classification(), tuple(Classification.model_fields)))


def shown(data: Dataset, given: Brief) -> list[Block]:
    return quality_findings(data, given)[1]


def insights(data: Dataset, given: Brief) -> list[Insight]:
    return quality_findings(data, given)[0]


def titles(blocks: list[Block]) -> list[str]:
    return [block.title for block in blocks]


def table(blocks: list[Block], start: str) -> Table:
    return next(block for block in blocks if isinstance(block, Table) and block.title.startswith(start))


@pytest.fixture(scope="module")
def blocks() -> list[Block]:
    return shown(data_set(), brief(COAT))


def test_the_blocks_say_causes_then_charts_then_capability(blocks: list[Block]) -> None:
    assert titles(blocks)[:4] == [
        "Quality",
        "Where to look first when result is fail",
        "Control chart of share of rows where result is fail",
        "Control chart of coat",
    ]
    assert titles(blocks)[-1] == "Capability"


def test_the_bad_tool_is_the_first_cause(blocks: list[Block]) -> None:
    row = table(blocks, "Where to look").rows[0]
    assert row["cause"] == "tool = T2"
    low, high = row["difference"][1:]
    assert low < 0.17 < high


def test_blocks_are_plain_values_and_can_be_shown(blocks: list[Block]) -> None:
    chapter = Chapter("prepare", "Data", "What is in it", blocks=blocks)
    written = json.dumps(chapter_to_json(chapter), allow_nan=False)
    assert json.dumps(chapter_to_json(chapter_from_json(json.loads(written)))) == written
    console = Console(record=True, width=200, file=io.StringIO())
    console.print(chapter_text(chapter))
    shown = console.export_text()
    assert "tool = T2" in shown and "Control chart of coat" in shown and "Cpk" in shown


def test_capability_is_judged_by_the_tolerances_of_the_spec(blocks: list[Block]) -> None:
    (row,) = table(blocks, "Capability").rows
    assert row["column"] == "coat"
    for index in ("cp", "cpk", "pp", "ppk", "cpm"):
        value, low, high = row[index]
        assert low < value < high
    assert row["cp"][0] == pytest.approx(16 / 12, rel=0.05)


def test_a_process_in_control_is_said_to_be() -> None:
    """Of 12 such processes at level 0.01; without a correction for chance half of them would be called out of control."""
    calm = [study_quality(data_set(seed=seed), {}, 0).charted[-1] for seed in range(12)]
    assert sum(one.chance < 0.01 for one in calm) <= 1
    assert sum(one.signals > 0 for one in calm) >= 3
    notes = next(block for block in shown(data_set(), brief()) if isinstance(block, Notes))
    assert any(item["text"] == "coat is in control" and item["tone"] == "good" for item in notes.items)


def test_a_shift_after_the_limits_were_found_signals_from_then_on() -> None:
    study = study_quality(data_set(shift_at=2200), {}, 0)
    coat = next(one for one in study.charted if one.settings.column == "coat")
    signals = np.flatnonzero(coat.charts[0].outside) * coat.settings.size
    assert len(signals) > 10
    assert signals.min() >= 2200 - coat.settings.size
    assert coat.settings.centre == pytest.approx(50, abs=0.3), "limits come from the older half alone"


def test_run_rules_state_how_often_they_alarm_wrongly_together() -> None:
    found = table(shown(data_set(shift_at=2200), brief()), "Run rules")
    assert "once in 9" in found.caption
    assert {row["rule"] for row in found.rows} >= {"Western Electric 1", "Western Electric 4"}


def test_rates_that_vary_more_than_counts_get_laneys_limits() -> None:
    random = np.random.default_rng(1)
    risk = np.repeat(np.clip(random.normal(0.15, 0.06, 60), 0.01, 1), 200)
    bad = random.random(12_000) < risk
    study = study_quality(data_set(12_000, target=np.where(bad, "fail", "pass")), {}, 0)
    assert study.charted[0].settings.kind == "laney_p"
    even = study_quality(data_set(12_000, target=np.where(random.random(12_000) < 0.1, "fail", "pass")), {}, 0)
    assert even.charted[0].settings.kind == "p"


def test_means_that_wander_are_read_as_single_values() -> None:
    data = data_set()
    wandering = np.repeat(np.cumsum(np.random.default_rng(2).normal(0, 1, 60)), ROWS // 60)
    moved = Dataset({"items": data.items.with_columns(pl.col("coat") + wandering)}, data.roles, data.facts)
    coat = next(one for one in study_quality(moved, {}, 0).charted if one.settings.column == "coat")
    assert coat.settings.form == "means"


def test_frozen_limits_go_on_with_newer_rows() -> None:
    settings = study_quality(data_set(), {}, 0).settings()
    assert {one["column"] for one in settings} == {"result", "coat"}
    calm, moved = (list(watch_blocks(settings, data_set(800, seed=9, shift_at=at))) for at in (None, 0))
    assert sum(isinstance(block, Figure) for block in calm) == 2
    coat = next(one for one in settings if one["column"] == "coat")
    figure = next(block for block in moved if isinstance(block, Figure) and block.title.endswith("coat"))
    assert {row["centre"] for row in figure.rows if row["group"] == "X-bar"} == {coat["centre"]}
    assert {row["phase"] for row in figure.rows} == {2}
    assert any(row["what"] == "coat" for row in table(moved, "Run rules").rows)


def test_fewer_rows_than_a_subgroup_are_waited_for() -> None:
    settings = study_quality(data_set(), {}, 0).settings()
    assert list(watch_blocks(settings, data_set(5))) == []


def test_without_a_time_there_are_causes_and_no_charts() -> None:
    blocks = shown(data_set(timed=False), brief(COAT))
    assert not any(isinstance(block, Figure) for block in blocks)
    assert table(blocks, "Where to look").rows[0]["cause"] == "tool = T2"
    assert "cp" not in {column.key for column in table(blocks, "Capability").columns}


def test_a_number_to_be_predicted_is_charted_itself() -> None:
    target = np.random.default_rng(3).normal(7, 1, ROWS)
    blocks = shown(data_set(target=target, classes=[]), brief({"result": Tolerance(upper=11)}))
    assert "Control chart of result" in titles(blocks)
    assert not any(title.startswith("Where to look") for title in titles(blocks))
    assert "cp" not in {column.key for column in table(blocks, "Capability").columns}, "one limit has no two-sided index"


def test_of_several_classes_the_dearest_to_miss_is_watched() -> None:
    target = np.random.default_rng(4).choice(["dent", "good", "stain"], ROWS, p=[0.1, 0.8, 0.1])
    study = study_quality(data_set(target=target, classes=["dent", "good", "stain"], miss=[1.0, 1.0, 5.0]), {}, 0)
    assert study.ordered.defect_text == "result is stain"


@pytest.mark.parametrize("rows", [3, 30, 90])
def test_few_rows_give_few_blocks_and_no_fault(rows: int) -> None:
    blocks = shown(data_set(rows), brief(COAT))
    assert not any(title.startswith("Where to look") for title in titles(blocks))


def test_a_constant_or_empty_number_is_passed_over() -> None:
    data = data_set()
    for value in (5.0, None):
        flat = Dataset({"items": data.items.with_columns(pl.lit(value, pl.Float64).alias("coat"))}, data.roles, data.facts)
        study = study_quality(flat, {"coat": Specification(1, 9)}, 0)
        assert {one.settings.column for one in study.charted} == {"result"}
        assert study.able == {}


def lots_of(data: Dataset, rows: int, noise: float = 0.0) -> Dataset:
    """The same rows in lots of ``rows``, which differ by ``noise`` in the coat."""
    lot = np.arange(len(data.items)) // rows
    shift = np.random.default_rng(5).normal(0, noise, lot.max() + 1)[lot]
    items = data.items.with_columns(pl.Series("lot", lot), coat=pl.col("coat") + pl.Series(shift))
    return Dataset({"items": items}, replace(data.roles, keys=("lot",)), data.facts)


def kinds_of(data: Dataset) -> dict[str, tuple[str, str, bool]]:
    charted = study_quality(data, {}, 0).charted
    return {one.settings.column: (one.settings.form, one.settings.kind, one.settings.lots) for one in charted}


def test_the_chart_follows_from_the_data() -> None:
    """Rows by themselves where few, neighbours without lots, lots where there are any, R where they are small and alike."""
    assert kinds_of(data_set(60))["coat"] == ("single", "individuals", False)
    assert kinds_of(data_set())["coat"] == ("groups", "xbar_s", False)
    assert kinds_of(lots_of(data_set(), 25))["coat"] == ("groups", "xbar_s", True)
    assert kinds_of(lots_of(data_set(), 5))["coat"] == ("groups", "xbar_r", True)
    assert kinds_of(lots_of(data_set(), 25, noise=2.0))["coat"] == ("means", "individuals", True)
    assert kinds_of(data_set())["result"][1] == "p"


def test_counts_get_a_u_chart_and_laneys_where_they_vary_more() -> None:
    random = np.random.default_rng(6)
    even = random.poisson(3.0, ROWS).astype(float)
    restless = random.poisson(np.repeat(random.gamma(12, 0.25, 60), ROWS // 60)).astype(float)
    for values, kind in ((even, "u"), (restless, "laney_u")):
        assert kinds_of(data_set(target=values, classes=[]))["result"] == ("count", kind, False)


def test_whole_lots_join_until_five_defects_are_expected_and_limits_follow_their_size() -> None:
    data = lots_of(data_set(), 25)
    unequal = data.items.filter(pl.int_range(pl.len()).over("lot") < 25 - pl.col("lot") % 7)
    rate = study_quality(Dataset({"items": unequal}, data.roles, data.facts), {}, 0).charted[0]
    assert rate.settings.lots and rate.settings.kind == "p"
    share = (unequal["result"] == "fail").mean()
    assert min(rate.sizes) * share >= 5 > (min(rate.sizes) - 25) * share  # type: ignore[operator]
    chart, sizes = rate.charts[0], np.array(rate.sizes, float)
    centre = rate.settings.centre
    assert len(set(rate.sizes)) > 1
    assert chart.upper == pytest.approx(centre + 3 * np.sqrt(centre * (1 - centre) / sizes))
    counted = unequal.group_by("lot", maintain_order=True).agg((pl.col("result") == "fail").sum().alias("bad"), pl.len())
    assert chart.points[0] * sizes[0] == counted["bad"][: int((counted["len"].cum_sum() <= sizes[0]).sum())].sum()


def test_a_machine_that_runs_all_the_time_is_no_lot() -> None:
    data = data_set()
    items = data.items.with_columns(pl.Series("lot", np.arange(ROWS) % 10))
    assert not kinds_of(Dataset({"items": items}, replace(data.roles, keys=("lot",)), data.facts))["coat"][2]


def test_the_chapter_says_why_each_chart_was_taken_and_the_others_left() -> None:
    rows = table(shown(lots_of(data_set(), 25, noise=2.0), brief()), "Which control chart").rows
    coat = {row["chart"]: row["reason"] for row in rows if row["what"] == "coat"}
    reason = coat["X-bar and S"].removeprefix("left: ")
    assert "from lot to lot as within" in reason
    assert coat["individuals of means"].startswith(f"taken: {reason}: means are read as single values")
    assert sum(row["reason"].startswith("taken: ") for row in rows) == 2, "one for each column"


def test_points_that_signal_carry_their_rules_and_the_phases_their_border() -> None:
    study = study_quality(data_set(shift_at=2200), {}, 0)
    figure = next(block for block in shown(data_set(shift_at=2200), brief()) if block.title == "Control chart of coat")
    assert isinstance(figure, Figure) and figure.form == "control"
    coat = study.charted[-1]
    main = [row for row in figure.rows if row["group"] == "X-bar"]
    fired = {place for place, row in enumerate(main) if "rule" in row}
    assert fired == {point for violation in coat.found if violation.chart == "X-bar" for point in violation.points}
    assert all(row["rule"].startswith(f"Western Electric {row['signal']}: ") for row in main if "rule" in row)
    assert [row["phase"] for row in main] == [1] * coat.frozen + [2] * (len(main) - coat.frozen)
    assert {row["group"] for row in figure.rows} == {"X-bar", "S"}
    assert all(("sigma" in row) == (row["group"] == "X-bar") for row in figure.rows), "zones only where rules count in them"


def test_a_long_chart_is_thinned_and_says_so_and_keeps_what_signals_and_the_extremes() -> None:
    data = lots_of(data_set(24_000, shift_at=20_000), 4)
    study = study_quality(data, {}, 0)
    coat = next(one for one in study.charted if one.settings.column == "coat")
    kept, points = shown_points(coat), coat.charts[0].points
    assert len(points) == 6000 and len(kept) < 3000
    assert {point for violation in coat.found for point in violation.points} <= set(kept)
    assert {int(points.argmax()), int(points.argmin()), coat.frozen - 1, coat.frozen, 0, 5999} <= set(kept)
    figure = next(block for block in study_blocks(study, {}) if block.title == "Control chart of coat")
    assert isinstance(figure, Figure)
    assert f"{len(kept):,} of the 6,000 points are drawn" in figure.caption
    assert len(figure.rows) == 2 * len(kept)


def test_without_tolerances_no_capability_is_claimed() -> None:
    """Limits of what can be true are no tolerance."""
    given = brief(limits={"coat": Limits(min=42, max=58)})
    found, blocks = quality_findings(data_set(), given)
    assert found == [] and "Capability" not in titles(blocks)


def test_a_tolerance_becomes_an_insight_with_what_is_seen_and_expected_outside() -> None:
    tight, wide = Tolerance(lower=48.5, upper=51.5), Tolerance(lower=30, upper=70)
    (bad,), (good,) = (insights(data_set(seed=1), brief({"coat": given}, units={"coat": "µm"})) for given in (tight, wide))
    assert bad.text.startswith("coat does not keep its tolerance of 48.5 to 51.5 µm: 4")
    assert "expected (" in bad.evidence and bad.tone == "bad" and good.tone == "good"
    assert bad.weight > good.weight
    (row,) = table(shown(data_set(seed=1), brief({"coat": tight})), "Outside of the tolerance").rows
    coat = data_set(seed=1).items["coat"]
    assert row["outside"][0] == pytest.approx(100 * ((coat < 48.5) | (coat > 51.5)).mean())  # type: ignore[operator]
    assert row["expected"][0] == pytest.approx(100 * 2 * stats.norm.sf(0.75), rel=0.05)


@pytest.mark.parametrize(("given", "text"), [({"lower": 45}, "at least 45"), ({"upper": 55}, "at most 55")])
def test_a_tolerance_with_one_limit_has_the_one_sided_index(given: dict[str, float], text: str) -> None:
    (row,) = table(shown(data_set(), brief({"coat": Tolerance(**given)})), "Capability").rows
    assert row["tolerance"] == text
    assert row["ppk"][0] == pytest.approx(5 / 6, rel=0.05)
    assert "pp" not in row and "cp" not in row


def test_what_moves_a_number_is_ranked_in_its_unit() -> None:
    data = data_set(classes=[])
    tool = data.items["tool"].to_numpy()
    target = 20 + 1.5 * (tool == "T2") + np.random.default_rng(8).normal(0, 1, ROWS)
    data = Dataset({"items": data.items.with_columns(pl.Series("result", target))}, data.roles, data.facts)
    blocks = shown(data, brief(units={"result": "mm"}))
    row = table(blocks, "What moves result").rows[0]
    assert row["cause"] == "tool = T2"
    value, low, high = row["difference"]
    assert low < 1.5 < high and value == pytest.approx(1.5, abs=0.15)
    assert row["mean"] - row["without"] == pytest.approx(value)
    assert next(column for column in table(blocks, "What moves").columns if column.key == "difference").unit == "mm"
    notes = next(block for block in blocks if isinstance(block, Notes))
    assert notes.items[0]["text"].startswith("Look first at tool = T2: there result is 1.")
    assert " mm higher (" in notes.items[0]["text"]


def test_counts_that_began_late_get_no_limits_from_nothing() -> None:
    counts = np.random.default_rng(3).poisson(3.0, 400).astype(float)
    counts[:200] = np.nan
    data = data_set(400)
    late = Dataset({"items": data.items.with_columns(coat=pl.Series(counts))}, data.roles, data.facts)
    assert "coat" not in kinds_of(late)


def test_lots_of_which_every_other_one_was_measured_end_in_no_fault() -> None:
    data = lots_of(data_set(390), 30)
    every_other = pl.when(pl.col("lot") % 2 == 0).then(pl.col("coat"))
    study_quality(Dataset({"items": data.items.with_columns(coat=every_other)}, data.roles, data.facts), {}, 0)


def test_defects_too_rare_for_a_sample_name_no_cause() -> None:
    rows = 60_000
    data = data_set(rows, target=np.where(np.arange(rows) % 2_500 == 7, "fail", "pass"), timed=False)
    assert study_quality(data, {}, 0).ranking is None


def test_a_tolerance_of_what_is_measured_now_and_then_is_judged_and_one_that_cannot_be_is_said() -> None:
    data = data_set(500)
    seldom = pl.when(pl.int_range(500) % 5 == 0).then(pl.col("coat"))
    (found,) = insights(Dataset({"items": data.items.with_columns(coat=seldom)}, data.roles, data.facts), brief(COAT))
    assert "keeps its tolerance" in found.text and "100 values" in found.text
    flat = Dataset({"items": data.items.with_columns(coat=pl.lit(50.0))}, data.roles, data.facts)
    (silent,) = insights(flat, brief(COAT))
    assert silent.text == "Whether coat keeps its tolerance cannot be told"
