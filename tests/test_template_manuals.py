"""The generated manuals: equal for equal seeds, readable without any extra, and with answers that really stand in them."""

import hashlib
from pathlib import Path

import polars as pl
import pytest

from sevenstep.data.intake import Intake, intake
from sevenstep.spec import read_spec
from sevenstep.tasks.rag.instructions import instructions_in
from sevenstep.tasks.registry import grammars
from sevenstep.templates.catalog import write_template
from sevenstep.templates.manuals.library import make_library
from sevenstep.templates.manuals.traps import WRONG


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("manuals") / "project"
    write_template("manuals", folder, seed=3)
    return folder


@pytest.fixture(scope="module")
def taken(project: Path) -> Intake:
    spec = read_spec(project, grammars())
    return intake(spec.data, spec.base, spec.targets)


def _digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            whole.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return whole.hexdigest()


def test_equal_seeds_give_equal_bytes_and_others_differ(project: Path, tmp_path: Path) -> None:
    write_template("manuals", tmp_path / "again", seed=3)
    write_template("manuals", tmp_path / "other", seed=4)
    assert _digest(tmp_path / "again") == _digest(project) != _digest(tmp_path / "other")


def test_everything_is_read_and_nothing_is_set_aside(taken: Intake) -> None:
    library = make_library(3, "small")
    records = library.files["spare-parts.csv"].count("\n") - 1 + library.files["recalls.jsonl"].count("\n")
    assert taken.beside["documents"].height == len(library.files) - 2 + records
    assert taken.items.height == len(library.questions)
    assert taken.quarantine.is_empty()


def test_every_answer_stands_where_its_judgement_says(taken: Intake) -> None:
    texts = dict(taken.beside["documents"].select("document_id", "text").iter_rows())
    answers = dict(taken.items.select("question_id", "answers").iter_rows())
    right = taken.beside["judgements"].filter(pl.col("grade") > 0)
    assert right["start"].null_count() == 0
    for row in right.to_dicts():
        assert texts[row["document_id"]][row["start"] : row["end"]] == answers[row["question_id"]][0]


def test_unanswerable_questions_ask_for_what_no_document_tells(taken: Intake) -> None:
    without = taken.items.filter(pl.col("answers").list.len() == 0)
    assert 0.03 < without.height / taken.items.height < 0.2
    everything = " ".join(taken.beside["documents"]["text"]).lower()
    for word in ("noise level", "warranty", "list price", "소음 수준", "보증 기간", "정가"):
        assert word not in everything


def test_older_editions_are_near_duplicates_of_the_current_ones(taken: Intake) -> None:
    documents = taken.beside["documents"]
    marked = documents.filter(pl.col("near").is_not_null())
    assert set(marked["document_id"]) == set(make_library(3, "small").older)
    assert marked["trust"].unique().to_list() == ["superseded"]
    wrong = taken.beside["judgements"].filter(pl.col("grade") == 0)
    assert set(wrong["document_id"]) <= set(marked["document_id"])


def test_traps_are_where_they_are_told_to_be_and_nowhere_else(taken: Intake) -> None:
    documents = taken.beside["documents"]
    traps = set(make_library(3, "small").traps)
    told = {row["document_id"] for row in documents.to_dicts() if instructions_in(row["text"]) or WRONG in row["text"]}
    assert told == traps
    assert documents.filter(pl.col("document_id").is_in(sorted(traps)))["trust"].unique().to_list() == ["unchecked"]


def test_recalls_are_for_the_staff_and_everything_else_for_everyone(taken: Intake) -> None:
    documents = taken.beside["documents"]
    held = documents.filter(pl.col("access").list.len() > 0)
    assert held["access"].to_list() == [["service"]] * held.height
    assert all(ident.startswith("recall-") for ident in held["document_id"])


def test_both_languages_are_there_and_told_apart(taken: Intake) -> None:
    documents = taken.beside["documents"]
    assert documents.filter(pl.col("document_id").str.starts_with("ko/"))["language"].unique().to_list() == ["ko"]
    assert documents.filter(pl.col("document_id").str.starts_with("en/"))["language"].unique().to_list() == ["en"]


def test_figures_stay_in_tables(taken: Intake) -> None:
    parts = taken.beside["parts"]
    manuals = parts.filter(pl.col("document_id").str.contains(r"^(en|ko)/"))
    per_manual = manuals.filter(pl.col("kind") == "table").group_by("document_id").len()["len"].unique().to_list()
    assert per_manual == [4]
