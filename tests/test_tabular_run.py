"""A table through all seven steps by the command line, and what predict then writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from small_projects import Told, sevenstep
from tabular_data import CLASSES, parts

SPEC = """spec: 1
name: parts
task: {task}
data: {{source: parts.csv}}
target: y
{section}kpis: {kpis}
design:
  folds: 3
  candidates: [neighbours]
  extra: [{{family: boosting, name: small, parameters: {{rounds: 40, patience: 0, learning_rate: 0.1, leaves: 7,
    least_in_leaf: 10, feature_share: 1.0, row_share: 1.0, ridge: 1.0}}}}]
budget: {{time: 100s}}
"""
COSTS = "classification: {positive: yes, costs: {false_alarm: 1, miss: 5}}\n"
TWO = """[{id: rank, metric: roc_auc, goal: ">= 0.7", baseline: logistic}, {id: cost, metric: cost_per_item, goal: "<= 0.9"}]"""
KINDS: dict[int, tuple[str, str, str]] = {
    2: ("classification", COSTS, TWO),
    3: ("classification", "", '[{id: right, metric: macro_f1, goal: ">= 0.6"}]'),
    0: ("regression", "", '[{id: error, metric: rmse, goal: "<= 6"}, {id: cover, metric: coverage_80, goal: ">= 0.7"}]'),
}


def leaves(value: Any) -> Iterator[str]:
    """Every text within a JSON value."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    yield from [value] if isinstance(value, str) else (text for item in inner for text in leaves(item))


def project(folder: Path, classes: int, rows: pl.DataFrame | None = None) -> Path:
    task, section, kpis = KINDS[classes]
    folder.mkdir(parents=True, exist_ok=True)
    (parts(300, classes, waiting=4) if rows is None else rows).write_csv(folder / "parts.csv")
    (folder / "sevenstep.yaml").write_text(SPEC.format(task=task, section=section, kpis=kpis), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[int, tuple[Path, Told]]:
    """A project of each kind that was run, in this process."""
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEVENSTEP_CORES", "1")
        for classes in KINDS:
            folder = project(tmp_path_factory.mktemp("run") / str(classes), classes)
            made[classes] = folder, sevenstep("run", folder / "sevenstep.yaml", "--store", folder / "store", "--json")
    return made


@pytest.mark.parametrize("classes", list(KINDS))
def test_a_table_is_taken_through_all_seven_steps(done: dict[int, tuple[Path, Told]], classes: int) -> None:
    folder, told = done[classes]
    assert told.code in (0, 1), told.err
    assert (folder / "store" / "report.html").stat().st_size > 100_000


def test_what_is_better_the_higher_is_written_as_it_is(done: dict[int, tuple[Path, Told]]) -> None:
    folder, _ = done[3]
    told = sevenstep("show", "tune", folder / "sevenstep.yaml", "--store", folder / "store", "--json")
    texts = [text for text in leaves(json.loads(told.out)) if "macro F1" in text]
    assert texts
    assert not [text for text in texts if re.search(r"[-\u2212]\d", text)]


@pytest.mark.parametrize("classes", list(KINDS))
def test_predict_writes_the_rows_in_their_order(done: dict[int, tuple[Path, Told]], classes: int) -> None:
    folder, _ = done[classes]
    rows = parts(30, classes, seed=9).drop("y").with_columns(pl.int_range(30, 0, -1).alias("id"))
    rows.write_csv(folder / "new.csv")
    told = sevenstep("predict", folder / "sevenstep.yaml", "--store", folder / "store", "--input", folder / "new.csv",
                     "--output", folder / "out.csv")  # fmt: skip
    assert told.code == 0, told.err
    made = pl.read_csv(folder / "out.csv")
    assert made["id"].to_list() == rows["id"].to_list()
    own = [f"probability_{name}" for name in CLASSES[classes]] or ["lower_80", "upper_80", "lower_95", "upper_95"]
    assert {"prediction", *own} <= set(made.columns)


def test_equal_rows_to_be_predicted_are_all_predicted(done: dict[int, tuple[Path, Told]]) -> None:
    folder, _ = done[2]
    pl.concat([parts(5, seed=9).drop("y")] * 3).write_csv(folder / "twice.csv")
    told = sevenstep("predict", folder / "sevenstep.yaml", "--store", folder / "store", "--input", folder / "twice.csv",
                     "--output", folder / "twice_out.csv")  # fmt: skip
    assert told.code == 0, told.err
    assert len(pl.read_csv(folder / "twice_out.csv")) == 15


def test_rows_that_wait_are_predicted_without_an_input(done: dict[int, tuple[Path, Told]]) -> None:
    folder, _ = done[0]
    told = sevenstep("predict", folder / "sevenstep.yaml", "--store", folder / "store", "--output", folder / "open.parquet")
    assert told.code == 0, told.err
    assert len(pl.read_parquet(folder / "open.parquet")) == 4


@pytest.mark.parametrize(
    ("classes", "change", "word"),
    [
        (2, pl.lit("yes"), "TABULAR-ONE-CLASS"),
        (0, pl.lit(3.0), "constant"),
    ],
)
def test_a_target_that_never_changes_is_one_sentence(tmp_path: Path, classes: int, change: pl.Expr, word: str) -> None:
    folder = project(tmp_path, classes, parts(60, classes).with_columns(change.alias("y")))
    told = sevenstep("run", folder / "sevenstep.yaml", "--store", folder / "store")
    assert told.code == 2
    assert word.lower() in told.err.lower()
    assert len(told.err.strip().splitlines()) <= 2
