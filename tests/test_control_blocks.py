"""Quality tools on a data set: charts that fit the data, frozen limits that go on, ranked causes, capability by the limits."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from sevenstep.chapter import Block, Chapter, Figure, Notes, Table, chapter_from_json, chapter_to_json
from sevenstep.data.dataset import Dataset, Roles
from sevenstep.report.terminal import chapter_text
from sevenstep.spec.brief import Brief, Seen
from sevenstep.spec.sources import Data, Limits
from sevenstep.stats.control.capability import Specification
from sevenstep.tasks.tabular.quality import quality_blocks, study_quality, watch_blocks
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


def brief(limits: Mapping[str, Limits] | None = None) -> Brief:
    data = Data(source="parts.csv", limits=dict(limits or {}))
    return Brief({"data": data, "seed": 0}, Seen(Classification(), tuple(Classification.model_fields)))


def titles(blocks: list[Block]) -> list[str]:
    return [block.title for block in blocks]


def table(blocks: list[Block], start: str) -> Table:
    return next(block for block in blocks if isinstance(block, Table) and block.title.startswith(start))


@pytest.fixture(scope="module")
def blocks() -> list[Block]:
    return list(quality_blocks(data_set(), brief({"coat": Limits(min=42, max=58)})))


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


def test_capability_is_judged_by_the_limits_of_the_spec(blocks: list[Block]) -> None:
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
    notes = next(block for block in quality_blocks(data_set(), brief()) if isinstance(block, Notes))
    assert any(item["text"] == "coat is in control" and item["tone"] == "good" for item in notes.items)


def test_a_shift_after_the_limits_were_found_signals_from_then_on() -> None:
    study = study_quality(data_set(shift_at=2200), {}, 0)
    coat = next(one for one in study.charted if one.settings.column == "coat")
    signals = np.flatnonzero(coat.charts[0].outside) * coat.settings.size
    assert len(signals) > 10
    assert signals.min() >= 2200 - coat.settings.size
    assert coat.settings.centre == pytest.approx(50, abs=0.3), "limits come from the older half alone"


def test_run_rules_state_how_often_they_alarm_wrongly_together() -> None:
    found = table(list(quality_blocks(data_set(shift_at=2200), brief())), "Run rules")
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
    assert figure.goal == coat["centre"]
    assert any(row["what"] == "coat" for row in table(moved, "Run rules").rows)


def test_fewer_rows_than_a_subgroup_are_waited_for() -> None:
    settings = study_quality(data_set(), {}, 0).settings()
    assert list(watch_blocks(settings, data_set(5))) == []


def test_without_a_time_there_are_causes_and_no_charts() -> None:
    blocks = list(quality_blocks(data_set(timed=False), brief({"coat": Limits(min=42, max=58)})))
    assert not any(isinstance(block, Figure) for block in blocks)
    assert table(blocks, "Where to look").rows[0]["cause"] == "tool = T2"
    assert "cp" not in {column.key for column in table(blocks, "Capability").columns}


def test_a_number_to_be_predicted_is_charted_itself() -> None:
    target = np.random.default_rng(3).normal(7, 1, ROWS)
    blocks = list(quality_blocks(data_set(target=target, classes=[]), brief({"result": Limits(max=11)})))
    assert "Control chart of result" in titles(blocks)
    assert not any(title.startswith("Where to look") for title in titles(blocks))
    assert table(blocks, "Capability").rows[0]["cp"] is None


def test_of_several_classes_the_dearest_to_miss_is_watched() -> None:
    target = np.random.default_rng(4).choice(["dent", "good", "stain"], ROWS, p=[0.1, 0.8, 0.1])
    study = study_quality(data_set(target=target, classes=["dent", "good", "stain"], miss=[1.0, 1.0, 5.0]), {}, 0)
    assert study.ordered.defect_text == "result is stain"


@pytest.mark.parametrize("rows", [3, 30, 90])
def test_few_rows_give_few_blocks_and_no_fault(rows: int) -> None:
    blocks = list(quality_blocks(data_set(rows), brief({"coat": Limits(min=42, max=58)})))
    assert not any(title.startswith("Where to look") for title in titles(blocks))


def test_a_constant_or_empty_number_is_passed_over() -> None:
    data = data_set()
    for value in (5.0, None):
        flat = Dataset({"items": data.items.with_columns(pl.lit(value, pl.Float64).alias("coat"))}, data.roles, data.facts)
        study = study_quality(flat, {"coat": Specification(1, 9)}, 0)
        assert {one.settings.column for one in study.charted} == {"result"}
        assert study.able == {}
