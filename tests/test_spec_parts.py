"""Goals and durations, the brief of each step, and the schema for editors."""

import json
import math
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sevenstep.errors import InternalError
from sevenstep.spec import STEP_PARTS, Spec, brief_for, read_spec
from sevenstep.spec.metrics import METRICS, metric_sense
from sevenstep.spec.schema import json_schema
from sevenstep.spec.units import Duration, Goal
from sevenstep.tasks.forecast.grammar import GRAMMAR
from sevenstep.tasks.registry import grammars

TEXT = """\
task: forecast
data: {source: orders.csv, time: date, series: region}
target: orders
forecast: {horizon: 14, calendar: {extra: {sale: [2026-11-27]}}}
kpis: [{id: accuracy, metric: wape, goal: "<= 0.12"}]
"""


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    (tmp_path / "sevenstep.yaml").write_text(TEXT, encoding="utf-8")
    return read_spec(tmp_path, grammars())


@given(st.sampled_from(["<=", "<", ">=", ">"]), st.floats(allow_nan=False, allow_infinity=False))
def test_a_goal_prints_back_to_itself(operator: str, value: float) -> None:
    goal = Goal(operator, value)  # type: ignore[arg-type]
    assert Goal.parse(str(goal)) == goal


@given(st.sampled_from(["<=", "<", ">=", ">"]), st.integers(-5, 5), st.integers(-5, 5))
def test_a_goal_is_met_as_its_operator_says(operator: str, value: int, bound: int) -> None:
    expected = {"<=": value <= bound, "<": value < bound, ">=": value >= bound, ">": value > bound}
    assert Goal.parse(f"{operator}{bound}").met_by(value) == expected[operator]
    assert not Goal.parse(f"{operator}{bound}").met_by(math.nan)


@pytest.mark.parametrize("text", ["0.1", "=< 1", "<= ", "<= 1%", "<= 1 2", "== 1", "<= 1e999", "<= nan", "<= 1,300", ""])
def test_what_is_no_goal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a goal"):
        Goal.parse(text)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90s", timedelta(seconds=90)),
        ("10min", timedelta(minutes=10)),
        ("1.5h", timedelta(hours=1.5)),
        ("1h 30min", timedelta(hours=1, minutes=30)),
        ("2d", timedelta(days=2)),
    ],
)
def test_a_duration_is_a_number_with_its_unit(text: str, length: timedelta) -> None:
    assert Duration.parse(text).seconds == length.total_seconds()
    assert Duration.parse(str(Duration.parse(text))) == Duration.parse(text)


@given(st.integers(1, 10**7))
def test_a_duration_prints_back_to_itself(seconds: int) -> None:
    assert Duration.parse(str(Duration(seconds))).seconds == seconds


@pytest.mark.parametrize("text", ["10", "10m", "min", "0s", "-3s", "1h-3min", "10 minutes", "", "1hour"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        Duration.parse(text)


def test_every_metric_of_the_forecast_task_has_a_sense() -> None:
    assert set(GRAMMAR.metrics) <= set(METRICS)
    assert metric_sense("wmae") == METRICS["wmae"]
    assert METRICS["wmae"].takes_weights
    assert metric_sense("recall@5") == METRICS["recall@k"]
    assert metric_sense("lift@5") is None


def test_each_step_reads_its_parts_and_no_other(spec: Spec) -> None:
    for step, parts in STEP_PARTS.items():
        brief = brief_for(step, spec, GRAMMAR)
        for part in ("name", "targets", "charter", "data", "kpis", "design", "budget", "seed"):
            if part in parts:
                assert getattr(brief, part) is not None
            else:
                with pytest.raises(InternalError, match="BRIEF-UNSEEN"):
                    getattr(brief, part)


def test_a_step_sees_only_the_keys_of_the_section_it_declared(spec: Spec) -> None:
    assert brief_for("train", spec, GRAMMAR).section.horizon == 14
    with pytest.raises(InternalError, match="a step reads 'horizon'"):
        _ = brief_for("collect", spec, GRAMMAR).section.horizon


def test_a_brief_holds_its_budget_in_seconds_and_its_values_as_json(spec: Spec) -> None:
    brief = brief_for("define", spec, GRAMMAR)
    assert brief.budget == 600.0
    values = json.loads(json.dumps(brief.values()))
    assert values["kpis"][0]["goal"] == "<= 0.12"
    assert values["section"]["calendar"]["extra"] == {"sale": ["2026-11-27"]}
    assert set(values) == {*STEP_PARTS["define"], "section"}


def test_a_change_shows_in_the_briefs_of_the_steps_that_read_it_alone(tmp_path: Path, spec: Spec) -> None:
    def changed(flag: str) -> set[str]:
        other = read_spec(spec.path, grammars(), [flag])
        return {
            step for step in STEP_PARTS if brief_for(step, spec, GRAMMAR).values() != brief_for(step, other, GRAMMAR).values()
        }

    assert changed("kpis.accuracy.goal=<= 0.1") == {"define", "design", "train", "tune", "operate"}
    assert changed("data.drop=x") == {"define", "collect", "prepare"}
    assert changed("budget.time=1min") == {"define", "design", "tune"}
    assert changed("forecast.horizon=7") == {"define", "design", "train", "tune", "operate"}
    assert changed("forecast.frequency=1d") == set(STEP_PARTS)
    assert changed("charter.owner=logistics") == {"define", "operate"}
    assert changed("report.file=r.html") == set()


def document(**changed: Any) -> dict[str, Any]:
    kpi = {"id": "accuracy", "metric": "wape", "goal": "<= 0.12"}
    base = {
        "task": "forecast",
        "data": {"source": "a.csv", "time": "t"},
        "target": "y",
        "forecast": {"horizon": 3},
        "kpis": [kpi],
    }
    return base | changed


def test_the_schema_accepts_what_reading_accepts_and_refuses_what_editors_can_see() -> None:
    validation = pytest.importorskip("jsonschema")
    schema = json_schema(grammars())
    validation.Draft202012Validator.check_schema(schema)
    validator = validation.Draft202012Validator(schema)
    right = [
        document(),
        document(data={"source": ["a", "b"], "time": {"date": "d", "hour": "h"}, "series": "r", "missing": [-9, "?"]}),
        document(data={"sources": {"a": {"path": "a"}, "b": {"path": "b", "on": {"x": "y"}}}}, budget={"time": "2h"}),
        document(design={"candidates": ["naive", {"family": "f", "parameters": {"a": {"try": [1]}, "b": [1, 2]}}]}),
    ]
    wrong = [
        document(task="poetry"),
        document(horizon=3),
        document(forecast={}),
        document(forecast={"horizon": 0}),
        document(forecast={"horizon": 3, "frequency": "daily"}),
        document(kpis=[]),
        document(kpis=[{"id": "a", "metric": "recall", "goal": "<= 1"}]),
        document(kpis=[{"id": "a", "metric": "mae", "goal": "1"}]),
        document(data={"source": "a", "tme": "t"}),
        {key: value for key, value in document().items() if key != "target"},
    ]
    assert [list(validator.iter_errors(one)) for one in right] == [[]] * len(right)
    assert all(not validator.is_valid(one) for one in wrong)


def test_every_key_of_the_language_is_described() -> None:
    schema = json_schema(grammars())
    models = {"spec": schema, "forecast": schema["properties"]["forecast"], **schema["$defs"]}
    keys = {f"{name}.{key}": one for name, model in models.items() for key, one in model.get("properties", {}).items()}
    assert len(keys) > 70
    assert [key for key, one in keys.items() if not one.get("description")] == []


def test_the_smallest_defaults_are_what_the_schema_says() -> None:
    schema = json_schema(grammars())
    assert schema["$defs"]["Budget"]["properties"]["time"]["default"] == "10min"
    assert schema["properties"]["seed"]["default"] == 0
