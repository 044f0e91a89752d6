"""Answers to files of questions, from the documents of the project or from others, in the terminal and in Python."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from asked_projects import judged_project, squad
from sevenstep.data.documents.given import given_documents, given_questions
from sevenstep.live.predict import flat
from sevenstep.project import Project
from small_projects import Told, project, sevenstep

BELT = "How often is the belt changed?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEVENSTEP_CORES", "1")
        yield judged_project(tmp_path_factory.mktemp("judged") / "papers")


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def predicted(folder: Path, tmp_path: Path, questions: str, name: str = "questions.jsonl", *more: str | Path) -> list[Any]:
    """What a file of questions is answered with."""
    asked, output = tmp_path / name, tmp_path / "answers.jsonl"
    asked.write_text(questions, encoding="utf-8")
    told = sevenstep("predict", folder, "--input", asked, "--output", output, *more)
    assert told.code == 0, told.err
    return lines(output)


def test_questions_of_a_file_are_answered_in_their_order(folder: Path, tmp_path: Path) -> None:
    asked = [{"id": "b", "text": "What does a new hose cost?"}, {"id": "a", "text": BELT}]
    made = predicted(folder, tmp_path, "".join(json.dumps(one) + "\n" for one in asked))
    assert [row["id"] for row in made] == ["b", "a"]
    assert made[1]["answer"] == "The belt is changed every 250 hours."
    assert made[1]["ranking"][0] == "belt-0"
    assert len(made[1]["ranking"]) == len(set(made[1]["ranking"])) == 16
    assert made[1]["citations"][0]["document"] == "belt-0"
    assert made[1]["evidence"][0]["document"] == "belt-0"


def test_another_corpus_in_the_form_of_squad_answers_by_its_paragraphs(folder: Path, tmp_path: Path) -> None:
    other = squad(("winch", "crane"))
    for article in other["data"]:
        for paragraph in article["paragraphs"]:
            for asked in paragraph["qas"]:
                del asked["answers"]
    file = tmp_path / "other.json"
    file.write_text(json.dumps(other), encoding="utf-8")
    made = predicted(folder, tmp_path, json.dumps(other), "asked.json", "--documents", file)
    assert len(made) == 6
    by_id = {row["id"]: row for row in made}
    for article in other["data"]:
        for number, paragraph in enumerate(article["paragraphs"], start=1):
            for asked in paragraph["qas"]:
                assert by_id[asked["id"]]["ranking"][0] == f"{article['title']}#{number}"
    assert {name for row in made for name in row["ranking"]} == {"Winch#1", "Winch#2", "Crane#1", "Crane#2"}


@pytest.mark.parametrize("form", ["jsonl", "folder"])
def test_another_corpus_may_be_records_or_a_folder_of_texts(folder: Path, tmp_path: Path, form: str) -> None:
    if form == "jsonl":
        place = tmp_path / "docs.jsonl"
        place.write_text(json.dumps({"id": "w.txt", "text": "The winch pulls 9 tonnes."}) + "\n", encoding="utf-8")
    else:
        place = tmp_path / "docs"
        place.mkdir()
        (place / "w.txt").write_text("The winch pulls 9 tonnes.", encoding="utf-8")
    told = sevenstep("ask", "How many tonnes does the winch pull?", folder, "--documents", place, "--json")
    assert json.loads(told.out)["answer"] == "The winch pulls 9 tonnes."
    assert json.loads(told.out)["ranking"] == ["w.txt"]


def test_in_python_answers_are_a_frame_and_one_answer_an_object(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "q.jsonl"
    file.write_text(json.dumps({"id": 1, "question": BELT}), encoding="utf-8")
    made = Project(folder).predict(file)
    assert made.columns[:3] == ["id", "question", "answer"]
    assert Project(folder).ask(BELT).ranking[0] == "belt-0"
    assert Project(folder).ask("Which pressure does the hose stand?", []).ranking[0] != "hose-1"


def test_tables_hold_nested_values_as_json(folder: Path, tmp_path: Path) -> None:
    asked = tmp_path / "q.jsonl"
    asked.write_text(json.dumps({"id": "a", "text": BELT}), encoding="utf-8")
    output = tmp_path / "answers.csv"
    assert sevenstep("predict", folder, "--input", asked, "--output", output).code == 0
    assert json.loads(pl.read_csv(output)["ranking"][0])[0] == "belt-0"
    assert flat(pl.DataFrame({"a": [[1, 2], None]})).to_dicts() == [{"a": "[1, 2]"}, {"a": None}]


def test_a_question_that_cannot_be_used_stops_the_file_rather_than_being_left_out(folder: Path, tmp_path: Path) -> None:
    asked = tmp_path / "q.jsonl"
    asked.write_text('{"id": "a", "text": "x"}\n{"id": "a", "text": "y"}\n', encoding="utf-8")
    told = sevenstep("predict", folder, "--input", asked)
    assert (told.code, "PREDICT-ROW" in told.err, "same id" in told.err) == (2, True, True)
    assert "PREDICT-NO-FILE" in sevenstep("predict", folder, "--input", tmp_path / "none.jsonl").err


def test_columns_are_read_by_the_specs_names_or_the_usual_ones(folder: Path, tmp_path: Path) -> None:
    spec = Project(folder).spec
    for row in ({"_id": "a", "text": "x"}, {"id": "a", "text": "x"}, {"question_id": "a", "question": "x"}):
        file = tmp_path / "q.jsonl"
        file.write_text(json.dumps(row), encoding="utf-8")
        assert given_questions(spec.data, file).rows() == [("a", "x")]
    file = tmp_path / "d.jsonl"
    file.write_text(json.dumps({"_id": "a", "title": "T", "text": "x", "access": ["board"]}), encoding="utf-8")
    assert given_documents(spec.data, file).documents["access"].to_list() == [["board"]]


# The terminal -----------------------------------------------------------------------------------------------------------------


def asked(folder: Path, question: str, *more: str | Path) -> Told:
    return sevenstep("ask", question, folder, *more)


def test_an_answer_is_printed_with_its_citations(folder: Path) -> None:
    told = asked(folder, BELT)
    assert told.out.startswith("The belt is changed every 250 hours.")
    assert "[1] Belt, belt-0: “The belt is changed every 250 hours.”" in told.out


def test_a_refusal_says_why_and_what_is_nearest(folder: Path) -> None:
    told = asked(folder, "xyzzy plugh")
    assert told.out.startswith("No answer: no document has a word of the question")
    assert "nearest:" in told.out
    assert told.code == 0


def test_tags_narrow_what_is_looked_into(folder: Path) -> None:
    hose = "Which pressure does the hose stand?"
    assert json.loads(asked(folder, hose, "--json").out)["ranking"][0] == "hose-1"
    assert "hose-1" not in json.loads(asked(folder, hose, "--access", "sales", "--json").out)["ranking"]
    assert json.loads(asked(folder, hose, "--access", "board", "--json").out)["ranking"][0] == "hose-1"


def test_an_answer_is_explained_by_its_words(folder: Path) -> None:
    found = json.loads(sevenstep("explain", folder, "--question", BELT, "--json").out)
    assert found[0]["unit"] == "BM25"
    assert {part[0] for part in found[0]["parts"] if part[2] > 0} >= {"belt", "chang"}


def test_a_project_that_answers_no_questions_says_so(tmp_path: Path) -> None:
    small = project(tmp_path / "small")
    Project(small).run(report=False)
    for told in (asked(small, BELT), sevenstep("predict", small, "--documents", small / "sales.csv")):
        assert (told.code, "ASK-NONE" in told.err) == (2, True)
