"""What is true of the generated production line, checked from the outside: from its files, and against the causes it claims."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sevenstep.data.dataset import Dataset
from sevenstep.data.intake import Intake, intake
from sevenstep.spec.brief import Brief, Seen
from sevenstep.spec.read import read_spec
from sevenstep.tasks.tabular.grammar import CLASSIFICATION
from sevenstep.tasks.tabular.problem import Problem
from sevenstep.tasks.tabular.roles import find_roles
from sevenstep.templates.catalog import write_template
from sevenstep.templates.quality.causes import ROOTS, exposed_to
from sevenstep.templates.quality.line import Line, make_line
from sevenstep.templates.quality.reach import reach_of
from sevenstep.templates.quality.tables import COAT_TOLERANCE, HARDNESS_LEAST, LIMITS, parts_table

DOCS = Path(__file__).parent.parent / "docs" / "generated-quality.md"
GRAMMARS = {"classification": CLASSIFICATION}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quality") / "parts"
    write_template("quality", folder, seed=2)
    return folder


@pytest.fixture(scope="module")
def taken(project: Path) -> Intake:
    spec = read_spec(project / "sevenstep.yaml", GRAMMARS)
    return intake(spec.data, spec.base, spec.targets, one_row_per_time=False)


@pytest.fixture(scope="module")
def line() -> Line:
    return make_line(2)


def test_one_seed_is_one_folder_and_another_seed_another(project: Path, tmp_path: Path) -> None:
    again, other = tmp_path / "again", tmp_path / "other"
    files = write_template("quality", again, seed=2)
    write_template("quality", other, seed=3)
    names = [path.relative_to(again) for path in files]
    assert [str(name) for name in names] == ["sevenstep.yaml", "README.md", "data/parts.csv", "future.csv"]
    assert all((again / name).read_bytes() == (project / name).read_bytes() for name in names)
    assert (other / "data/parts.csv").read_bytes() != (project / "data/parts.csv").read_bytes()


def test_the_spec_is_accepted_as_written_in_its_small_form_and_with_every_option(project: Path, tmp_path: Path) -> None:
    text = (project / "sevenstep.yaml").read_text(encoding="utf-8")
    small = text[: text.index("# Below")].split("default:\n")[1].replace("#   ", "").replace("#\n", "")
    for name, written in {"whole": text, "small": small, "options": text.replace("# option: ", "")}.items():
        (tmp_path / f"{name}.yaml").write_text(written, encoding="utf-8")
        spec = read_spec(tmp_path / f"{name}.yaml", GRAMMARS)
        assert spec.target == ("result",)


def test_numbers_written_as_text_and_codes_for_missing_are_read(taken: Intake, line: Line) -> None:
    items = taken.items
    raw = parts_table(line)[0]
    assert raw.schema["furnace_temperature"] == pl.String and raw["furnace_temperature"].str.contains(r"^1\.1\d\d,\d$").all()
    assert items.schema["furnace_temperature"] == pl.Float64
    assert items["furnace_temperature"].mean() == pytest.approx(line.parts["furnace_temperature"].mean(), abs=0.5)
    assert items["humidity"].min() > 0  # type: ignore[operator]
    assert 0.02 < items["humidity"].null_count() / items.height < 0.04
    assert 0.45 < items["hardness"].null_count() / items.height < 0.55


def test_planted_faults_stand_on_the_lines_they_are_said_to_and_are_found(project: Path, taken: Intake, line: Line) -> None:
    lines = (project / "data/parts.csv").read_text(encoding="utf-8").splitlines()
    table, faults = parts_table(line)
    readme = (project / "README.md").read_text(encoding="utf-8")
    for fault in faults:
        assert f"| data/parts.csv | {fault.line} | {fault.kind} |" in readme
        if fault.kind == "duplicate":
            assert lines[fault.line - 1] == lines[fault.line - 2]
        else:
            assert table[fault.column][fault.line - 2] == float(fault.given)
    assert table.height - table.unique().height == 2
    outside = table.filter((pl.col("coat") < LIMITS[0]) | (pl.col("coat") > LIMITS[1])).height
    assert 1 <= outside < 10
    spec = read_spec(project / "sevenstep.yaml", GRAMMARS)
    assert (spec.data.limits["coat"].min, spec.data.limits["coat"].max) == LIMITS
    tolerances = spec.data.tolerances
    assert (tolerances["coat"].lower, tolerances["coat"].upper) == COAT_TOLERANCE
    assert (tolerances["hardness"].lower, tolerances["hardness"].upper) == (HARDNESS_LEAST, None)
    assert taken.items.height >= table.height - 2


def test_the_problem_is_read_off_the_files(project: Path, taken: Intake) -> None:
    spec = read_spec(project / "sevenstep.yaml", GRAMMARS)
    parts = {"data": spec.data, "targets": spec.targets, "flags": ()}
    brief = Brief(parts, Seen(spec.section, CLASSIFICATION.sees["collect"]))
    roles, facts = find_roles(taken.items, brief, taken.source_columns, classes=True)
    problem = Problem.of(Dataset({"items": taken.items}, roles, facts))
    assert problem.classes == ("pass", "fail")
    assert problem.split == "groups"
    assert (problem.priced, problem.miss) == (True, (2.0, 40.0))
    assert problem.kinds["supplier"] == "category" and problem.kinds["coolant_flow"] == "number"
    assert set(problem.kinds) & {"part", "result"} == set()


def test_a_tool_stands_on_one_line_only(line: Line) -> None:
    assert line.parts.group_by("press").agg(pl.col("line").n_unique())["line"].to_list() == [1] * 4


def test_suppliers_are_many_and_few_deliver_most(line: Line) -> None:
    counts = line.parts.group_by("supplier").len().sort("len", descending=True)["len"]
    assert len(counts) > 25
    assert counts.head(8).sum() > 0.4 * counts.sum()


def test_shifts_follow_the_clock(line: Line) -> None:
    hours = line.parts.group_by("shift").agg(pl.col("started").dt.hour().unique())
    found = {shift: set(clock) for shift, clock in hours.iter_rows()}
    assert found == {"early": set(range(6, 14)), "late": set(range(14, 22)), "night": {22, 23, *range(6)}}


def test_the_root_cause_makes_more_defects_than_any_lesser_one() -> None:
    for seed in range(12):
        shares = [cause.share for cause in make_line(seed).causes]
        assert shares[0] > 1.5 * max(shares[1:]), seed


def test_every_kind_of_root_cause_comes_up() -> None:
    roots = {make_line(seed).causes[0].columns for seed in range(24)}
    assert {columns[0] if len(columns) == 1 else "pair" for columns in roots} == {
        "coolant_flow" if root == "coolant" else root for root in ROOTS
    }


def test_defects_come_as_often_as_the_stated_log_odds_say(line: Line) -> None:
    """Odds of a defect with and without the root cause, parts weighted alike otherwise by their true risk."""
    root = line.causes[0]
    exposed = exposed_to(root, line.parts) == 1
    odds = line.risk / (1 - line.risk)
    without = np.where(exposed, odds / np.exp(root.log_odds), odds)
    expected = (without / (1 + without)).sum()
    assert root.share == pytest.approx(1 - expected / line.risk.sum(), rel=1e-9)
    assert line.defect[exposed].sum() == pytest.approx(line.risk[exposed].sum(), abs=4 * np.sqrt(line.risk[exposed].sum()))


def test_goals_lie_between_the_true_risk_and_the_simple_rule(line: Line) -> None:
    precision, cost = reach_of(line)
    assert precision.simple < precision.goal < precision.oracle
    assert cost.oracle < cost.goal < cost.simple


def test_future_parts_have_no_result_and_come_last(project: Path) -> None:
    future, parts = pl.read_csv(project / "future.csv"), pl.read_csv(project / "data/parts.csv", infer_schema_length=None)
    assert set(parts.columns) - set(future.columns) == {"result"}
    assert future["started"].min() >= parts["started"].max()  # type: ignore[operator]


@pytest.mark.parametrize(("size", "rows"), [("small", 4800), ("medium", 20_000)])
def test_sizes_have_the_parts_they_promise(size: str, rows: int) -> None:
    assert make_line(0, size).route.known == rows


def test_every_column_and_cause_is_documented(line: Line) -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert not {column for column in parts_table(line)[0].columns if f"`{column}`" not in text}
    stated = {float(number) for number in re.findall(r"[+](\d\.\d)", text)}
    planted = {cause.log_odds for seed in range(24) for cause in make_line(seed).causes}
    assert planted <= stated
