"""A wrong project file is told all its faults at once, each with its line, a caret, the rule, the fix and a stable code."""

import copy
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field

from sevenstep.errors import CollectedErrors
from sevenstep.spec import Spec, SpecError, read_spec, render, resolve
from sevenstep.spec.fields import Closed
from sevenstep.tasks.registry import grammars

LINES = {
    "task": "task: forecast",
    "data": "data: {source: orders.csv, time: date, series: [region]}",
    "target": "target: orders",
    "forecast": "forecast: {horizon: 14}",
    "kpis": 'kpis: [{id: accuracy, metric: wape, goal: "<= 0.12"}]',
}


def spec_text(**changed: str) -> str:
    return "\n".join(line for line in (LINES | changed).values() if line) + "\n"


def read(folder: Path, text: str, *flags: str, tasks: object = None) -> Spec:
    (folder / "sevenstep.yaml").write_text(text, encoding="utf-8")
    return read_spec(folder, tasks or grammars(), flags)  # type: ignore[arg-type]


def faults(folder: Path, text: str, *flags: str, tasks: object = None) -> list[SpecError]:
    with pytest.raises(CollectedErrors) as caught:
        read(folder, text, *flags, tasks=tasks)
    assert all(isinstance(error, SpecError) for error in caught.value.errors)
    return list(caught.value.errors)  # type: ignore[arg-type]


def the_fault(folder: Path, text: str) -> SpecError:
    found = faults(folder, text)
    assert len(found) == 1, [error.sentence() for error in found]
    return found[0]


def test_the_unchanged_text_is_right(tmp_path: Path) -> None:
    assert read(tmp_path, spec_text()).task == "forecast"


def test_an_unknown_key_is_shown_with_line_caret_suggestion_and_the_allowed_keys(tmp_path: Path) -> None:
    error = the_fault(tmp_path, spec_text(forecast="forecast:\n  horizon: 14\n  calender: {country: DE}"))
    file = tmp_path / "sevenstep.yaml"
    assert render(error) == (
        f"{file}:6:3  unknown key 'calender' in 'forecast'\n"
        "    6 |   calender: {country: DE}\n"
        "      |   ^^^^^^^^ did you mean 'calendar'?\n"
        "allowed here: horizon, frequency, season, gaps, known_ahead, hierarchy, stock, identities, calendar, clock\n"
        "code: SPEC-UNKNOWN-KEY"
    )
    assert error.where == f"{file}:6:3"
    assert error.exit_code == 2


def test_all_faults_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = spec_text(
        task="task: forcast\nsed: 1",
        data="data: {source: a.csv, tme: date}",
        forecast="forecast: {horizon: soon, gaps: close}",
        kpis='kpis: [{id: a, metric: wappe, goal: "=< 1"}, {id: a, metric: mae}]\nbudget: {time: 10}',
    )
    found = [(error.where.rpartition("yaml:")[2], error.code) for error in faults(tmp_path, text)]
    assert found == [
        ("1:7", "SPEC-NO-TASK"),
        ("2:1", "SPEC-UNKNOWN-KEY"),
        ("3:23", "SPEC-UNKNOWN-KEY"),
        ("5:21", "SPEC-WRONG-TYPE"),
        ("5:33", "SPEC-NO-CHOICE"),
        ("6:24", "SPEC-KPI-METRIC"),
        ("6:37", "SPEC-GOAL"),
        ("6:46", "SPEC-MISSING-KEY"),
        ("6:51", "SPEC-KPI-ID"),
        ("7:16", "SPEC-DURATION"),
    ]


@pytest.mark.parametrize(
    ("changed", "code", "words"),
    [
        ({"forecast": "forecast: {}"}, "SPEC-MISSING-KEY", "no 'horizon' in 'forecast'; 'horizon' is required (how many"),
        ({"forecast": ""}, "SPEC-MISSING-KEY", "for example horizon: 14"),
        ({"target": ""}, "SPEC-MISSING-KEY", "no 'target'"),
        ({"target": "target: []"}, "SPEC-MISSING-KEY", "no 'target'"),
        ({"data": ""}, "SPEC-MISSING-KEY", "no 'data'"),
        ({"kpis": ""}, "SPEC-MISSING-KEY", "no 'kpis'"),
        ({"kpis": "kpis: []"}, "SPEC-WRONG-VALUE", "at least 1 item"),
        ({"task": ""}, "SPEC-MISSING-KEY", "add task: forecast"),
        ({"task": "task: poetry"}, "SPEC-NO-TASK", "task 'poetry' is not built; tasks there are: forecast"),
        ({"task": "spec: 2\ntask: forecast"}, "SPEC-VERSION", "this sevenstep reads version 1"),
        ({"task": "task: forecast\nhorizon: 3"}, "SPEC-UNKNOWN-KEY", "'horizon' belongs in 'forecast'"),
        ({"task": "task: forecast\nname: 2024"}, "SPEC-WRONG-TYPE", 'put it in quotes: "2024"'),
        ({"task": "task: forecast\nseed: true"}, "SPEC-WRONG-TYPE", "'seed' is true; it must be a whole number"),
        ({"task": "task: forecast\ncharter: why"}, "SPEC-WRONG-TYPE", "it must be keys with values"),
        ({"forecast": 'forecast: {horizon: "14"}'}, "SPEC-WRONG-TYPE", "write 14 without quotes"),
        ({"forecast": "forecast: {horizon: 0}"}, "SPEC-WRONG-VALUE", "it must be above 0"),
        ({"forecast": "forecast: {horizon: 2, frequency: daily}"}, "SPEC-FREQUENCY", "did you mean '1d'?"),
        ({"forecast": "forecast: {horizon: 2, frequency: h}"}, "SPEC-FREQUENCY", "did you mean '1h'?"),
        ({"forecast": "forecast: {horizon: 2, frequency: 0}"}, "SPEC-FREQUENCY", "for example 1h"),
        ({"forecast": "forecast: {horizon: 2, calendar: {country: germany}}"}, "SPEC-WRONG-VALUE", "for example country: DE"),
        ({"forecast": "forecast: {horizon: 2, calendar: {extra: {sale: [soon]}}}"}, "SPEC-WRONG-VALUE", "a date such as"),
        ({"target": "target: {of: [a]}"}, "SPEC-WRONG-TYPE", "a name or a list of names"),
        ({"target": "target: {one_of: [a, b]}"}, "SPEC-TARGETS", "name the column to be predicted"),
        ({"target": "target: [orders, orders]"}, "SPEC-REPEATED", "'orders' twice"),
        ({"data": "data: {}"}, "SPEC-MISSING-KEY", "no 'source' in 'data'"),
        ({"data": "data: {source: a.csv, sources: {a: {path: a}}}"}, "SPEC-SOURCES", "both 'source' and 'sources'"),
        ({"data": "data: {sources: {a: {path: a}}, format: csv}"}, "SPEC-SOURCES", "'format' belongs to each source"),
        ({"data": "data: {sources: {a: {path: a, url: b, query: c}}}"}, "SPEC-SOURCES", "both 'path' and 'url'"),
        ({"data": "data: {sources: {a: {columns: [x]}}}"}, "SPEC-SOURCES", "add path: FILE"),
        ({"data": "data: {sources: {a: {url: 'sqlite:///x'}}}"}, "SPEC-SOURCES", "'url' without 'query'"),
        ({"data": "data: {sources: {a: {path: a}, b: {path: b}}}"}, "SPEC-SOURCES", "source 'b' without 'on'; 'a' is"),
        ({"data": "data: {sources: {a: {path: a, on: [x]}}}"}, "SPEC-SOURCES", "no main table"),
        ({"data": "data: {sources: {a: {path: a, published: p}}}"}, "SPEC-SOURCES", "'published' in the main table 'a'"),
        ({"data": "data: {source: {env: X}}"}, "SPEC-SOURCES", "goes with a query"),
        ({"data": "data: {source: a, time: {hour: h}}"}, "SPEC-TIME", "begin with a date or a year"),
        ({"data": "data: {source: a, time: {date: d, hor: h}}"}, "SPEC-UNKNOWN-KEY", "did you mean 'hour'?"),
        ({"data": "data: {source: a, timezone: Asia/Seol}"}, "SPEC-TIMEZONE", "did you mean 'Asia/Seoul'?"),
        ({"data": "data: {source: a, types: {x: integr}}"}, "SPEC-NO-CHOICE", "did you mean 'integer'?"),
        ({"data": "data: {source: a, limits: {x: {min: 2, max: 1}}}"}, "SPEC-LIMITS", "swap them"),
        ({"data": "data: {source: a, drop: [orders]}"}, "SPEC-COLUMN-ROLES", "it is also used as target"),
        ({"data": "data: {source: a, time: orders}"}, "SPEC-COLUMN-ROLES", "it is the target"),
        ({"kpis": 'kpis: [{id: a, metric: wape, goal: ">= 0.1"}]'}, "SPEC-GOAL-DIRECTION", 'did you mean "<= 0.1"?'),
        ({"kpis": "kpis: [{id: a, metric: wape, goal: 0.1}]"}, "SPEC-GOAL", "a goal is <=, <, >= or > and one number"),
        ({"kpis": 'kpis: [{id: a, metric: wape, goal: "<= .nan"}]'}, "SPEC-GOAL", "one number"),
        ({"kpis": 'kpis: [{id: a, metric: wape, goal: "< 1", target: oders}]'}, "SPEC-KPI-TARGET", "did you mean 'orders'?"),
        ({"kpis": 'kpis: [{id: a, metric: wape, goal: "< 1", baseline: naiv}]'}, "SPEC-KPI-BASELINE", "did you mean 'naive'?"),
        ({"kpis": 'kpis: [{id: a, metric: wape, goal: "< 1", weights: {x: 2}}]'}, "SPEC-KPI-WEIGHTS", "wape takes no weights"),
        ({"kpis": 'kpis: [{id: a.b, metric: wape, goal: "< 1"}]'}, "SPEC-WRONG-VALUE", "without blanks, points"),
        ({"kpis": 'kpis: [{id: a, metric: wape@5, goal: "< 1"}]'}, "SPEC-KPI-METRIC", "did you mean 'wape'?"),
        ({"target": "target: [orders, sales]"}, "SPEC-KPI-TARGET", "add target: orders"),
        ({"task": "task: forecast\ndesign: {extra: [{family: f, name: n, parameters: {x: {low: 1}}}]}"}, "SPEC-SEARCH", "{try: "),
        ({"task": "task: forecast\ndesign: {folds: 1}"}, "SPEC-WRONG-VALUE", "at least 2"),
    ],
)  # fmt: skip
def test_each_fault_has_its_code_and_names_its_fix(tmp_path: Path, changed: dict[str, str], code: str, words: str) -> None:
    error = the_fault(tmp_path, spec_text(**changed))
    assert error.code == code
    assert words in error.sentence()
    assert error.excerpt is not None


def test_a_misspelt_section_is_told_with_the_one_that_was_meant(tmp_path: Path) -> None:
    codes = {error.code: error.sentence() for error in faults(tmp_path, spec_text(forecast="forcast: {horizon: 14}"))}
    assert "did you mean 'forecast'?" in codes["SPEC-UNKNOWN-KEY"]


def test_a_goal_may_bound_coverage_and_bias_from_either_side(tmp_path: Path) -> None:
    kpis = 'kpis: [{id: a, metric: coverage_80, goal: ">= 0.75"}, {id: b, metric: bias, goal: "<= 0.02"}]'
    assert len(read(tmp_path, spec_text(kpis=kpis)).kpis) == 2


@pytest.mark.parametrize(
    ("text", "place", "code", "words"),
    [
        ("task: forecast\ntask: forecast\n", "2:1", "SPEC-DUPLICATE-KEY", "the first is on line 1"),
        ("data:\n\tsource: a\n", "2:1", "SPEC-SYNTAX", "indent with spaces"),
        ("kpis:\n  - goal: >= 0.1\n", "2:12", "SPEC-SYNTAX", "in quotes"),
        ("kpis: [{goal: >= 0.1}]\n", "1:15", "SPEC-SYNTAX", "in quotes"),
        ("data: [1\ntask: x\n", "2:5", "SPEC-SYNTAX", "brackets"),
        ("a: 1\n---\nb: 2\n", "2:1", "SPEC-SYNTAX", "another document"),
        ("[" * 600, "1:1", "SPEC-SYNTAX", "brackets within brackets"),
        ("task: !!python/object:os.system ls\n", "1:7", "SPEC-TAG", "no code"),
        ("task: &a forecast\nname: *a\n", "1:7", "SPEC-ANCHOR", "no interpolation"),
        ("data:\n  <<: {source: a}\n", "2:3", "SPEC-KEY", "a plain key"),
        ("", "1:1", "SPEC-EMPTY", "an empty file"),
        ("- task\n", "1:1", "SPEC-EMPTY", "a list at the top"),
    ],
)
def test_what_is_no_plain_yaml_ends_in_the_same_shape(tmp_path: Path, text: str, place: str, code: str, words: str) -> None:
    found = [error for error in faults(tmp_path, text) if error.code == code]
    assert len(found) == 1
    assert found[0].where.endswith(f"yaml:{place}")
    assert words in found[0].sentence()


def test_a_refused_value_is_not_reported_a_second_time_as_missing(tmp_path: Path) -> None:
    assert the_fault(tmp_path, spec_text(target="target: !!str orders\nname: &x demand")).code == "SPEC-ANCHOR"


def test_a_password_is_refused_and_never_repeated(tmp_path: Path) -> None:
    data = "data: {source: 'postgresql://me:hunter2@db/shop', query: SELECT 1, tme: t}"
    found = faults(tmp_path, spec_text(data=data), "data.source=mysql://me:swordfish@db/x?token=opensesame")
    shown = "\n".join(render(error) + error.sentence() for error in found)
    assert {error.code for error in found} == {"SPEC-SECRET", "SPEC-UNKNOWN-KEY"}
    assert not any(secret in shown for secret in ("hunter2", "swordfish", "opensesame"))


@pytest.mark.parametrize("url", ["s3://bucket/orders.csv", "postgresql://me@db/shop", "https://host:8080/a.csv", "a:b@c.csv"])
def test_a_url_without_a_password_is_no_secret(tmp_path: Path, url: str) -> None:
    assert read(tmp_path, spec_text(data=f"data: {{source: '{url}'}}")).data.source == (url,)


def test_the_caret_stands_right_under_wide_letters_and_long_lines(tmp_path: Path) -> None:
    error = the_fault(tmp_path, spec_text(data="data: {source: 주문.csv, 시간: 날짜}"))
    line, caret = render(error).splitlines()[1:3]
    assert line.index("시간") + len("주문") == caret.index("^")
    assert caret.count("^") == len("시간") * 2
    error = the_fault(tmp_path, spec_text(data=f"data: {{source: {'x' * 300}.csv, tme: date}}"))
    line, caret = render(error).splitlines()[1:3]
    assert len(line) < 150
    assert line[caret.index("^") :].startswith("tme")


def test_errors_travel_between_processes_with_their_excerpt(tmp_path: Path) -> None:
    error = the_fault(tmp_path, spec_text(target=""))
    again = copy.copy(error)  # takes the same way as pickling
    assert (again.sentence(), again.excerpt) == (error.sentence(), error.excerpt)


class _Ranking(Closed):
    depth: int = Field(default=10, description="how many to rank")


@dataclass(frozen=True)
class _OtherGrammar:
    """A task of another package: no time, no target, metrics at a depth."""

    task: str = "ranking"
    section: type[_Ranking] = _Ranking
    data_keys: tuple[str, ...] = ("segments",)
    metrics: tuple[str, ...] = ("recall@k", "accuracy")
    baselines: tuple[str, ...] = ("bm25",)
    targets: str = "none"
    measures: dict[str, str] = field(default_factory=dict)
    spends: bool = False
    sees: dict[str, tuple[str, ...]] = field(default_factory=dict)


OTHER = 'task: ranking\ndata: {source: a.csv}\nkpis: [{id: found, metric: recall@5, goal: ">= 0.9"}]\n'


def test_a_task_of_another_package_brings_its_own_section_keys_and_metrics(tmp_path: Path) -> None:
    tasks = {**grammars(), "ranking": _OtherGrammar()}
    assert read(tmp_path, OTHER, tasks=tasks).section.depth == 10
    text = (
        OTHER.replace("{source: a.csv}", "{source: a.csv, time: t}").replace("@5", "@0") + "target: x\nforecast: {horizon: 3}\n"
    )
    found = {error.code: error.sentence() for error in faults(tmp_path, text, tasks=tasks)}
    assert set(found) == {"SPEC-UNKNOWN-KEY", "SPEC-KPI-METRIC", "SPEC-TARGETS", "SPEC-OTHER-SECTION"}
    assert "series" not in found["SPEC-UNKNOWN-KEY"]
    assert "the task is 'ranking'" in found["SPEC-OTHER-SECTION"]


SCALARS = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.sampled_from(["", "a", "<= 1", "1h", "env", "é", "x" * 90])
)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["path", "env", "try", "range", "id", "on", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)
FULL: dict[str, Any] = {
    "task": "forecast",
    "charter": {"problem": "p"},
    "data": {"sources": {"a": {"path": "a"}, "b": {"path": ["b"], "on": {"x": "y"}, "columns": ["z"]}}, "time": {"date": "d"}},
    "target": ["y", "z"],
    "forecast": {"horizon": 3, "known_ahead": ["b"], "hierarchy": [["r"]], "calendar": {"extra": {"sale": ["2026-01-01"]}}},
    "kpis": [
        {
            "id": "k",
            "metric": "wmae",
            "goal": "<= 1",
            "target": "y",
            "weights": {"h": 5},
            "worth": {"per_point": 1, "unit": "EUR"},
        }
    ],
    "design": {"candidates": ["a", {"family": "f", "parameters": {"p": {"try": [1]}}}], "extra": []},
    "budget": {"time": "1h"},
}


def keys_within(tree: Any, place: str = "") -> list[str]:
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [name for key, inner in pairs for name in (f"{place}{key}", *keys_within(inner, f"{place}{key}."))]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(keys_within(FULL)), TREES)
def test_whatever_stands_anywhere_is_read_or_told_and_never_crashes(tmp_path: Path, key: str, value: Any) -> None:
    text = json.dumps(FULL)
    flag = f"{key}={json.dumps(value)}"
    try:
        spec = read(tmp_path, text, flag)
    except CollectedErrors as error:
        assert all(one.code.startswith("SPEC-") and one.where and render(one) for one in error.errors)
    else:
        assert len(resolve(spec)) > 40
