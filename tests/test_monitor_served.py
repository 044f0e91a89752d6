"""`monitor` where rows have no times: served predictions, an estimate before labels, and figures when labels come."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from sevenstep import Project
from sevenstep.live.ledger.tables import predictions
from sevenstep.live.monitor.watch import Watch, monitor
from sevenstep.live.observing import observe
from sevenstep.live.operation import Operation
from sevenstep.live.releases import champion
from small_projects import project
from tabular_data import parts

SPEC = """spec: 1
name: parts
task: classification
data: {source: sales.csv}
target: y
kpis: [{id: caught, metric: balanced_accuracy, goal: ">= 0.72"}]
budget: {time: 60s}
"""
NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)
ROWS = 300


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = parts(700, seed=1)
    folder = project(
        tmp_path_factory.mktemp("served") / "parts", made.write_csv(), SPEC, "design: {folds: 3, candidates: [linear]}\n"
    )
    Project(folder).run(report=False)
    return folder


@pytest.fixture
def live(released: Path, tmp_path: Path) -> Iterator[Operation]:
    found = Project(Path(shutil.copytree(released, tmp_path / "parts")))
    operation = Operation.of(found.spec, found.store, lambda: found.task)
    yield operation
    operation.ledger.close()


def serve(operation: Operation, rows: pl.DataFrame, request: str = "a") -> None:
    """Put predictions for the rows into the ledger as the server does."""
    given = rows.drop("y")
    release = champion(operation.store)
    made = operation.task.load_model(release.model_folder).predict(given)
    with operation.ledger.writing() as connection:
        connection.execute(predictions.insert(), [
            {"request": request * 32, "row": place, "release": release.number, "made": NOON, "key": "", "time": "", "target": "y",
             "prediction": json.dumps(told["prediction"]), "inputs": json.dumps(item),
             "details": json.dumps({name: value for name, value in told.items() if "probability" in name}, sort_keys=True)}
            for place, (item, told) in enumerate(zip(given.to_dicts(), made.to_dicts(), strict=True))
        ])  # fmt: skip


def label(operation: Operation, rows: pl.DataFrame, request: str = "a") -> None:
    told = [{"prediction_id": f"{request * 32}-{place}", "y": value} for place, value in enumerate(rows["y"])]
    observe(operation, told, "inspection", NOON + timedelta(hours=1))


def alarms(watch: Watch) -> set[tuple[str, str]]:
    return {(check.kind, check.subject) for check in watch.checks if check.alarm}


def test_rows_like_those_it_learnt_from_are_estimated_as_at_release_and_alarm_nothing(live: Operation) -> None:
    serve(live, parts(ROWS, seed=2))
    watch = monitor(live, NOON + timedelta(hours=2))
    (estimate,) = [check for check in watch.checks if check.kind == "estimate"]
    assert estimate.low is not None and estimate.high is not None
    assert estimate.low < estimate.evidence["at_release"] < estimate.high
    assert "estimated" in estimate.text and "before labels" in estimate.text
    assert estimate.n == ROWS
    assert watch.kpis[0].state.state == "not_measured"
    assert watch.alarms == []


def test_the_estimate_holds_what_the_labels_say_when_they_come(live: Operation) -> None:
    rows = parts(ROWS, seed=3)
    serve(live, rows)
    (estimate,) = [check for check in monitor(live, NOON + timedelta(hours=2)).checks if check.kind == "estimate"]
    label(live, rows)
    state = monitor(live, NOON + timedelta(hours=3)).kpis[0].state
    assert state.value is not None and estimate.low is not None and estimate.high is not None
    error = (estimate.high - estimate.low) / 2 / 1.96
    assert estimate.value == pytest.approx(state.value, abs=3 * error)
    assert state.n == ROWS


def test_inputs_that_moved_to_where_it_is_unsure_are_named_and_the_estimate_alarms(live: Operation) -> None:
    rows = parts(3 * ROWS, seed=4).filter(pl.col("line") != "C").with_columns(size=20 + (pl.col("size") - 20) / 6)
    serve(live, rows)
    watch = monitor(live, NOON + timedelta(hours=2))
    assert {("drift", "size"), ("drift", "line"), ("estimate", "")} <= alarms(watch)
    assert {alarm.kpi for alarm in watch.alarms} == {"caught"}


def test_labels_that_came_to_mean_something_else_alarm_the_kpi_and_no_input(live: Operation) -> None:
    rows = parts(ROWS, seed=5)
    serve(live, rows)
    label(live, rows.with_columns(pl.col("y").replace({"yes": "no", "no": "yes"})))
    assert alarms(monitor(live, NOON + timedelta(hours=2))) == {("kpi", "")}
