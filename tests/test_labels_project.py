"""The labels of a project and of files: queue, suspects, rules and agreement, through the API and the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

import sevenstep.live.labels as live
from sevenstep.data.dataset import Dataset, Roles
from sevenstep.errors import InputError, InputWarning
from sevenstep.live.label_agreement import agreement
from sevenstep.live.label_files import labels_from, write_labels
from sevenstep.live.label_rules import label_with_rules
from sevenstep.live.labels import Labels, out_of_fold
from sevenstep.spec.read import read_spec
from sevenstep.tasks.registry import grammars
from small_projects import sevenstep

Codes = NDArray[np.int64]

SPEC = """spec: 1
name: parts
task: classification
data: {source: parts.csv}
target: ok
classification: {positive: fail}
kpis: [{id: right, metric: roc_auc, goal: ">= 0.8"}]
design: {folds: 2, candidates: [logistic]}
budget: {time: 60s}
"""
ROWS, WAITING, FLIPPED = 240, 40, 15


def parts() -> tuple[pl.DataFrame, Codes]:
    """Parts that fail when hot, of which some labels are flipped and the last ones missing; and the rows flipped."""
    chance = np.random.default_rng(1)
    heat = np.round(chance.normal(50, 10, ROWS), 2)
    fails = heat + chance.normal(0, 2, ROWS) > 57
    flipped = np.sort(chance.choice(ROWS - WAITING, FLIPPED, replace=False))
    fails[flipped] = ~fails[flipped]
    ok: list[str | None] = ["fail" if fail else "pass" for fail in fails]
    ok[ROWS - WAITING :] = [None] * WAITING
    return pl.DataFrame({"heat": heat, "line": chance.choice(["a", "b"], ROWS), "ok": ok}), flipped


def curve(heat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability of failing as a model of the noisy labels gives it."""
    return np.asarray(0.06 + 0.88 / (1.0 + np.exp(-(heat - 57.0))))


class Model:
    """Predicts from the heat alone."""

    def predict(self, rows: pl.DataFrame) -> pl.DataFrame:
        fail = curve(rows["heat"].to_numpy())
        return rows.with_columns(probability_pass=pl.Series(1 - fail), probability_fail=pl.Series(fail))

    def input_schema(self) -> Mapping[str, str]:
        return {"heat": "Float64", "line": "String"}


class Made:
    """What a run left, without the run."""

    def __init__(self, folder: Path, items: pl.DataFrame, classes: list[str]) -> None:
        self._folder, self._items = folder, items
        facts = {"classes": {"value": classes}, "kinds": {"value": {"heat": "number", "line": "category"}}}
        folder.mkdir(exist_ok=True)
        Dataset({"items": items}, Roles(("ok",)), facts).save(folder)

    def open(self, name: str) -> Made:
        return self

    def folder(self, name: str) -> Path:
        return self._folder

    def frame(self, name: str) -> pl.DataFrame:
        known = self._items["ok"].is_not_null().to_numpy().nonzero()[0]
        return pl.DataFrame({"item": known, "prediction": curve(self._items["heat"].to_numpy()[known])})


@pytest.fixture
def labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Labels:
    return _labels(tmp_path, monkeypatch, parts()[0], ["pass", "fail"])


def _labels(folder: Path, patch: pytest.MonkeyPatch, items: pl.DataFrame, classes: list[str]) -> Labels:
    (folder / "sevenstep.yaml").write_text(SPEC, encoding="utf-8")
    steps = [SimpleNamespace(name=name, fingerprint=name) for name in ("collect", "tune")]
    patch.setattr(live, "run_steps", lambda request: SimpleNamespace(steps=steps))
    patch.setattr(live, "Store", lambda root: Made(folder / "made", items, classes))
    task: Any = SimpleNamespace(load_model=lambda folder: Model())
    return Labels(read_spec(folder, grammars()), folder / "store", lambda: task)


# A project --------------------------------------------------------------------------------------------------------------------


def test_planted_errors_are_suspected_with_their_row_and_the_likelier_class(labels: Labels) -> None:
    items, flipped = parts()
    found = labels.errors()
    assert found.judged == ROWS - WAITING
    planted = set((flipped + 1).tolist())
    assert len(planted & set(found.frame["row"])) >= 0.8 * FLIPPED
    first = found.frame.row(0, named=True)
    assert first["heat"] == items["heat"][first["row"] - 1]
    assert first["given"] == items["ok"][first["row"] - 1] != first["suggested"]
    assert first["probability_given"] < 0.1 < first["probability_suggested"]
    assert "ok" not in found.frame.columns


def test_a_mixed_queue_asks_for_doubtful_rows_and_a_few_second_looks(labels: Labels) -> None:
    queue = labels.queue(20)
    assert queue["why"].to_list() == ["uncertain"] * 16 + ["suspected"] * 4
    assert (queue["row"][:16] > ROWS - WAITING).all()
    assert (queue["row"][16:] <= ROWS - WAITING).all()
    assert queue["given"].null_count() == 16
    assert queue["row"].n_unique() == 20


@pytest.mark.parametrize("by", ["uncertain", "diverse"])
def test_a_queue_by_one_reason_asks_for_unlabelled_rows_alone(labels: Labels, by: Any) -> None:
    queue = labels.queue(10, by)
    assert queue["why"].unique().to_list() == [by]
    assert (queue["row"] > ROWS - WAITING).all()
    if by == "uncertain":
        doubt = (curve(queue["heat"].to_numpy()) - 0.5).tolist()
        assert np.abs(doubt).tolist() == sorted(np.abs(doubt).tolist())


def test_suspected_labels_come_first_when_asked_for_and_doubtful_rows_fill_up(labels: Labels) -> None:
    suspects = len(labels.errors().frame)
    queue = labels.queue(suspects + 5, "suspected")
    assert queue["why"].to_list() == ["suspected"] * suspects + ["uncertain"] * 5


def test_rows_of_a_file_can_be_queued(labels: Labels, tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("heat,line\n20,a\n57,a\n90,b\n", encoding="utf-8")
    queue = labels.queue(2, "uncertain", path)
    assert queue["row"].to_list()[0] == 2
    assert queue["line"].to_list()[0] == "a"


def test_without_unlabelled_rows_a_queue_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = parts()[0].filter(pl.col("ok").is_not_null())
    labels = _labels(tmp_path, monkeypatch, known, ["pass", "fail"])
    with pytest.raises(InputError, match="every row has a label"):
        labels.queue(5, "uncertain")
    with pytest.warns(InputWarning, match="no row waits for a label"):
        queue = labels.queue(5)
    assert queue["why"].to_list() == ["suspected"] * 5


def test_a_target_that_is_a_number_has_no_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = _labels(tmp_path, monkeypatch, parts()[0], [])
    with pytest.raises(InputError) as told:
        labels.errors()
    assert told.value.code == "LABELS-NO-CLASSES"


def test_probabilities_out_of_fold_are_means_over_deals_and_missing_where_never_judged() -> None:
    two = pl.DataFrame({"item": [0, 2, 0], "prediction": [0.2, 0.9, 0.4]})
    found = out_of_fold(two, 3, 2)
    assert found[[0, 2]] == pytest.approx(np.array([[0.7, 0.3], [0.1, 0.9]]))
    assert np.isnan(found[1]).all()
    three = pl.DataFrame({"item": [3, 5, 4], "prediction": [0.2, 0.5, 0.3]})
    assert out_of_fold(three, 2, 3)[1] == pytest.approx([0.2, 0.3, 0.5])


@pytest.mark.slow
def test_a_real_run_finds_planted_errors_from_the_command_line(tmp_path: Path) -> None:
    items, flipped = parts()
    items.write_csv(tmp_path / "parts.csv")
    (tmp_path / "sevenstep.yaml").write_text(SPEC, encoding="utf-8")
    told = sevenstep("labels", "errors", tmp_path, "--json")
    assert told.code == 0, told.err
    found = {row["row"] for row in json.loads(told.out)["table"]}
    assert len(found & set((flipped + 1).tolist())) >= 0.7 * FLIPPED
    queued = sevenstep("labels", "queue", tmp_path, "--count", "10", "--output", tmp_path / "tasks.json")
    assert queued.code == 0, queued.err
    assert len(json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8"))) == 10


# Files ------------------------------------------------------------------------------------------------------------------------

RULES = """rules:
  - {name: hot, when: {column: heat, operator: ">", value: 58}, label: fail}
  - {name: cold, when: {column: heat, operator: "<", value: 52}, label: pass}
  - {name: line_a, when: {column: line, operator: "==", value: a}, label: fail}
"""


@pytest.fixture
def rule_files(tmp_path: Path) -> tuple[Path, Path]:
    parts()[0].write_csv(tmp_path / "parts.csv")
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    return tmp_path / "parts.csv", tmp_path / "rules.yaml"


@pytest.mark.parametrize("combine", ["model", "weighted", "majority"])
def test_rules_label_rows_and_are_judged_on_labels_they_have_not_learnt_from(rule_files: tuple[Path, Path], combine: Any) -> None:
    items, _ = parts()
    found = label_with_rules(*rule_files, target="ok", combine=combine)
    hot = found.rules[0]
    own = items.filter(pl.col("heat") > 58)
    assert hot["votes"] == len(own)
    assert hot["known"] == own["ok"].count()
    assert hot["accuracy"] == pytest.approx((own["ok"] == "fail").sum() / own["ok"].count())
    assert hot["low"] < hot["accuracy"] < hot["high"]
    decided = found.frame.filter(pl.col("label").is_not_null() & pl.col("ok").is_not_null())
    assert (found.known, found.right) == (len(decided), int((decided["label"] == decided["ok"]).sum()))
    assert 0.6 < found.right / found.known < 1.0
    assert found.frame.filter(pl.col("rules") == "")["label"].null_count() == ROWS - found.covered


def test_a_model_of_rules_trusts_the_better_ones(rule_files: tuple[Path, Path]) -> None:
    right = {combine: label_with_rules(*rule_files, target="ok", combine=combine) for combine in ("model", "majority")}  # type: ignore[arg-type]
    cold_a = (pl.col("heat") < 52) & (pl.col("line") == "a")
    assert right["model"].frame.filter(cold_a)["label"].unique().to_list() == ["pass"]
    assert right["majority"].frame.filter(cold_a)["label"].unique().to_list() == [None]


def test_weights_without_known_labels_are_told(rule_files: tuple[Path, Path]) -> None:
    with pytest.raises(InputError, match="no vote falls on a known label"):
        label_with_rules(*rule_files, combine="weighted")


def test_agreement_of_a_file_has_every_measure_and_a_consensus(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("item,ann,bob,cyd\n1,a,a,b\n2,b,b,b\n3,a,a,a\n4,b,a,b\n5,a,,a\n6,,,\n", encoding="utf-8")
    found = agreement(path, labellers=["ann", "bob", "cyd"])
    assert [figure["measure"] for figure in found.figures].count("Cohen's kappa") == 3
    assert found.frame["majority"].to_list() == ["a", "b", "a", "b", "a", None]
    assert found.frame["label"].to_list()[-1] is None
    assert [row["labels"] for row in found.labellers] == [5, 4, 5]
    assert sum(map(sum, found.labellers[0]["confusion"])) == 5


def test_an_order_without_classes_and_numbers_that_are_names_are_told(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("item,ann,bob\n1,low,high\n2,low,low\n", encoding="utf-8")
    with pytest.raises(InputError, match="no order"):
        agreement(path, labellers=["ann", "bob"], level="ordinal")
    with pytest.raises(InputError, match="compares numbers"):
        agreement(path, labellers=["ann", "bob"], level="interval")
    with pytest.raises(InputError, match="two or more"):
        agreement(path, labellers=["ann"])
    with pytest.raises(InputError, match="'high' is none of the classes"):
        agreement(path, labellers=["ann", "bob"], classes=["low", "mid"])


def test_the_command_line_turns_tasks_into_rows_and_back(tmp_path: Path) -> None:
    rows = pl.DataFrame({"heat": [1.5, 2.5], "labeller": ["7", None], "label": ["ok", None]})
    write_labels(rows, tmp_path / "tasks.json")
    told = sevenstep("labels", "import", tmp_path / "tasks.json", "--output", tmp_path / "labels.csv")
    assert told.code == 0
    assert "2 rows, 1 without a label" in told.out
    back = sevenstep("labels", "export", tmp_path / "labels.csv", "--output", tmp_path / "again.json", "--classes", "ok,fail")
    assert back.code == 0
    assert '<Choice value="fail"/>' in back.out
    assert labels_from(tmp_path / "again.json")["label"].to_list() == ["ok", None]


def test_faults_of_the_command_line_end_in_one_sentence(tmp_path: Path) -> None:
    told = sevenstep("labels", "import", tmp_path / "gone.json", "--output", tmp_path / "x.csv", "--json")
    assert told.code == 2
    assert json.loads(told.out)["errors"][0]["code"] == "LABELS-NO-FILE"
    (tmp_path / "a.csv").write_text("item,label\n1,ok\n", encoding="utf-8")
    assert "LABELS-FORMAT" in sevenstep("labels", "import", tmp_path / "a.csv", "--output", tmp_path / "x.xlsx").err
    assert "LABELS-FOLDER" in sevenstep("labels", "import", tmp_path / "a.csv", "--output", tmp_path / "no" / "x.csv").err
    assert (
        "LABELS-NO-CLASS"
        in sevenstep("labels", "import", tmp_path / "a.csv", "--output", tmp_path / "x.csv", "--classes", "yes,no").err
    )


def test_rules_and_agreement_print_tables_and_json(tmp_path: Path, rule_files: tuple[Path, Path]) -> None:
    told = sevenstep(
        "labels", "rules", rule_files[0], "--rules", rule_files[1], "--target", "ok", "--output", tmp_path / "out.csv"
    )
    assert told.code == 0, told.err
    assert "line_a" in told.out
    assert len(pl.read_csv(tmp_path / "out.csv")) == ROWS
    (tmp_path / "long.csv").write_text("item,labeller,label\n1,a,x\n1,b,x\n2,a,y\n2,b,x\n", encoding="utf-8")
    told = sevenstep("labels", "agreement", tmp_path / "long.csv", "--json")
    assert {figure["measure"] for figure in json.loads(told.out)["figures"]} == {
        "Krippendorff's alpha", "Fleiss' kappa", "Cohen's kappa",
    }  # fmt: skip
