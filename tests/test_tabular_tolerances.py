"""What a person may get wrong about tolerances is told in one sentence; what is right reaches the brief of the steps."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from sevenstep.data.intake import intake
from sevenstep.errors import InputError
from sevenstep.spec import Spec, read_spec
from sevenstep.spec.brief import Brief, Seen
from sevenstep.spec.problems import render
from sevenstep.spec.sources import Data, Tolerance
from sevenstep.tasks.registry import grammars
from sevenstep.tasks.tabular.grammar import REGRESSION
from sevenstep.tasks.tabular.roles import find_roles
from sevenstep.tasks.tabular.section import Regression

SPEC = """\
spec: 1
name: parts
task: {task}
data: {{source: parts.csv, {data}}}
target: {target}
kpis: [{{id: error, metric: {metric}, goal: "<= 1"}}]
"""


def spec_of(folder: Path, data: str, *, task: str = "regression", target: str = "width") -> Spec:
    metric = "rmse" if task == "regression" else "brier"
    (folder / "sevenstep.yaml").write_text(SPEC.format(task=task, data=data, target=target, metric=metric), encoding="utf-8")
    rows = (
        f"P{number},{'AB'[number % 2]},{10 + number % 7 / 10},{5 + number % 3},2026-01-{number % 28 + 1:02d}"
        for number in range(60)
    )
    (folder / "parts.csv").write_text("part,press,width,heat,day\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return read_spec(folder, grammars())


def roles_of(spec: Spec, *, classes: bool = False) -> None:
    taken = intake(spec.data, spec.base, spec.targets, one_row_per_time=False)
    seen = Seen(spec.section, tuple(type(spec.section).model_fields))
    brief = Brief({"data": spec.data, "targets": spec.targets, "flags": (), "seed": 0}, seen)
    find_roles(taken.items, brief, {}, classes=classes)


def test_one_or_both_limits_and_a_target_are_read(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, "tolerances: {width: {lower: 9.8, upper: 10.8, target: 10.2}, heat: {upper: 8}}")
    width, heat = spec.data.tolerances["width"], spec.data.tolerances["heat"]
    assert (width.lower, width.upper, width.target) == (9.8, 10.8, 10.2)
    assert (heat.lower, heat.upper, heat.target) == (None, 8, None)
    roles_of(spec)


@pytest.mark.parametrize(
    ("tolerance", "said"),
    [
        ("{lower: 11, upper: 10}", "a tolerance of 'width' from 11 to 10"),
        ("{lower: 10, upper: 10}", "lower is below upper"),
        ("{target: 10}", "a tolerance of 'width' without a limit"),
        ("{lower: 9, upper: 10, target: 12}", "a target of 12 outside the tolerance of 'width'"),
        ("{lower: 9, target: 8}", "a target of 8 outside the tolerance of 'width'"),
    ],
)
def test_limits_that_no_part_can_keep_are_told_with_their_line(tmp_path: Path, tolerance: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        spec_of(tmp_path, f"tolerances: {{width: {tolerance}}}")
    assert caught.value.code == "SPEC-TOLERANCE"
    assert said in caught.value.sentence()
    assert "sevenstep.yaml:4:" in render(caught.value)


def test_an_unknown_column_is_told_with_the_one_that_was_meant(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, "tolerances: {widht: {upper: 11}}")
    with pytest.raises(InputError, match="did you mean 'width'") as caught:
        intake(spec.data, spec.base, spec.targets, one_row_per_time=False)
    assert caught.value.code == "DATA-NO-COLUMN"
    assert "data.tolerances must name columns of the data" in caught.value.sentence()


@pytest.mark.parametrize(("column", "held"), [("press", "a column of texts"), ("day", "a column of times")])
def test_a_column_that_holds_no_numbers_is_told(tmp_path: Path, column: str, held: str) -> None:
    with pytest.raises(InputError) as caught:
        roles_of(spec_of(tmp_path, f"tolerances: {{{column}: {{upper: 11}}}}"))
    assert caught.value.code == "TABULAR-TOLERANCE"
    assert f"data.tolerances names '{column}', {held}" in caught.value.sentence()
    assert f"set data.types: {{{column}: number}}" in caught.value.fix


def test_a_column_that_is_dropped_has_no_tolerance(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'heat', which is left out of the data"):
        roles_of(spec_of(tmp_path, "drop: [heat], tolerances: {heat: {upper: 11}}"))


def test_the_class_to_be_predicted_has_no_tolerance(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, "tolerances: {heat: {upper: 6}}", task="classification", target="heat")
    with pytest.raises(InputError, match="'heat', the class to be predicted"):
        roles_of(spec, classes=True)


def test_a_number_written_as_text_may_have_a_tolerance() -> None:
    items = pl.DataFrame({"width": ["10,1 mm", "10,3 mm", "9,9 mm"] * 20, "y": [float(n) for n in range(60)]})
    data = Data(source="parts.csv", tolerances={"width": Tolerance(upper=11)})
    brief = Brief({"data": data, "targets": ("y",), "seed": 0}, Seen(Regression(), tuple(Regression.model_fields)))
    _, facts = find_roles(items, brief, {}, classes=False)
    assert facts["kinds"]["value"]["width"] == "number"


def test_a_task_that_makes_no_parts_does_not_know_the_key() -> None:
    others = {name: grammar for name, grammar in grammars().items() if "tolerances" not in grammar.data_keys}
    assert "forecast" in others and "tolerances" in REGRESSION.data_keys


def test_rows_to_be_predicted_are_held_to_no_tolerance(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, "tolerances: {width: {upper: 11}}")
    assert spec.data.with_rows_from("new.csv", joined=True).tolerances == {}
