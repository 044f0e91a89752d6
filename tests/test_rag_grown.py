"""Learning anew from what was observed of documents and of answers given: what the challenger learns from, and is judged on."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from asked_projects import judged_project, squad_project
from served_projects import served, settings_of
from sevenstep.data.dataset import Dataset
from sevenstep.data.documents.corpus import as_corpus
from sevenstep.data.documents.observed import TOLD, add_told, told_documents, with_observed
from sevenstep.data.intake import intake
from sevenstep.data.record import Record
from sevenstep.errors import InputError
from sevenstep.live.collected import collected
from sevenstep.live.grown import Grown, grown
from sevenstep.live.releases import releases
from sevenstep.project import Project
from sevenstep.web.draining import Drain
from sevenstep.web.service import Service

CRANE = {"id": "crane", "title": "Crane", "text": "The crane lifts 12 tonnes at most. It is painted yellow."}
Story = Callable[[httpx.AsyncClient, Service], Awaitable[Any]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEVENSTEP_CORES", "1")
        return judged_project(tmp_path_factory.mktemp("grown") / "papers")


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "papers"))


def told(folder: Path, story: Story, overrides: tuple[str, ...] = ()) -> Any:
    async def run() -> Any:
        async with served(replace(settings_of(folder), overrides=overrides)) as (client, service):
            return await story(client, service)

    return asyncio.run(run())


def lived(folder: Path, feedback: list[tuple[str, dict[str, Any]]], documents: dict[str, Any] | None = None) -> None:
    """Documents are sent, questions are asked one after the other, and something is told of each answer."""

    async def story(client: httpx.AsyncClient, service: Service) -> None:
        if documents:
            assert (await client.post("/v1/documents", json=documents)).status_code == 200
        ids = [(await client.post("/v1/ask", json={"question": question})).json()["prediction_id"] for question, _ in feedback]
        for ident, (_, said) in zip(ids, feedback, strict=True):
            sent = await client.post("/v1/observations", json={"rows": [{"prediction_id": ident, **said}]})
            assert sent.json()["new"] == 1
        Drain(service.operation, pytest.fail).round()

    told(folder, story)


def grown_of(folder: Path) -> Grown:
    with Project(folder).operating() as operation, operation.ledger.reading() as connection:
        return grown(operation, connection, datetime.now(UTC) + timedelta(seconds=1))


FEEDBACK = [
    ("How many tonnes does the crane lift?", {"document": "crane", "answer": "12 tonnes"}),
    ("How is the crane painted?", {"document": "crane"}),
    ("What is a belt good for?", {"helpful": False}),
    ("How often is the belt renewed?", {"document": "belt-0"}),
    ("How much bar does the fan stand?", {"document": "fan-1", "helpful": False}),
]


def test_documents_that_came_and_what_was_told_are_learnt_from_but_for_the_newest_part(folder: Path) -> None:
    lived(folder, FEEDBACK, {"documents": [CRANE], "remove": ["hose-1"]})
    data = grown_of(folder)
    taken = intake(data.spec.data, data.spec.base, data.spec.targets)
    documents, items, judged = taken.beside["documents"], taken.items, taken.beside["judgements"]
    assert "crane" in documents["document_id"] and "hose-1" not in documents["document_id"]
    assert "hose-1" not in judged["document_id"]
    asked = {row["question"]: row["question_id"] for row in items.to_dicts() if row["question_id"].startswith("asked-")}
    assert set(asked) == {"How many tonnes does the crane lift?", "How is the crane painted?"}  # four are told right, half held
    (row,) = judged.filter(question_id=asked["How many tonnes does the crane lift?"]).to_dicts()
    assert CRANE["text"][row["start"] : row["end"]] == row["answer"] == "12 tonnes"
    assert data.held["question"].to_list() == ["How often is the belt renewed?", "How much bar does the fan stand?"]
    assert set(data.known["document_id"]) == {"crane", "hose-1"}


def test_a_rejected_answer_alone_teaches_nothing_and_beside_what_is_right_that_its_document_is_wrong(folder: Path) -> None:
    question = "How much bar does the fan stand?"
    lived(folder, [("What is a belt good for?", {"helpful": False})])
    with pytest.raises(InputError, match="nothing right was told"):
        grown_of(folder)
    lived(
        folder, [(question, {"document": "belt-0", "helpful": False}), ("How often is the belt renewed?", {"document": "belt-0"})]
    )
    data = grown_of(folder)
    taken = intake(data.spec.data, data.spec.base, data.spec.targets)
    (ident,) = taken.items.filter(question=question)["question_id"].to_list()
    grades = dict(taken.beside["judgements"].filter(question_id=ident).select("document_id", "grade").iter_rows())
    assert grades["belt-0"] == 1.0
    assert all(grade == 0.0 for document, grade in grades.items() if document != "belt-0")


def test_a_retraining_compares_both_on_the_questions_held_back(folder: Path) -> None:
    lived(folder, FEEDBACK, {"documents": [CRANE]})
    found = Project(folder).retrain()
    assert (found.rows, found.outcome) == (2, "kept")
    assert found.verdict.boards["passages"]["metric"] == "ndcg@10"
    release = next(one for one in releases(Project(folder).store) if one.number == found.challenger)
    dataset = Dataset.load(collected(Project(folder).store, release).artifact.folder("dataset"))
    assert "crane" in dataset.tables["documents"]["document_id"]
    model = Project(folder).task.load_model(release.model_folder)
    assert model.ask("How many tonnes does the crane lift?").ranking[0] == "crane"


@pytest.mark.slow
def test_an_answer_that_helped_is_right_as_it_was_given(tmp_path: Path) -> None:
    folder = squad_project(tmp_path / "manuals")
    questions = ["What does a new belt cost?", "What does a new pump cost?"]
    lived(folder, [(question, {"helpful": True}) for question in questions])
    data = grown_of(folder)
    assert data.held["question"].to_list() == [questions[1]]
    truth = data.held.row(0, named=True)[data.spec.targets[0]]
    assert truth["answer"] and truth["document"]


def test_documents_sent_to_a_server_started_with_set_are_found(folder: Path) -> None:
    async def story(client: httpx.AsyncClient, service: Service) -> list[str]:
        await client.post("/v1/documents", json={"documents": [CRANE]})
        await service.champion.look()
        return (await client.post("/v1/ask", json={"question": "How many tonnes does the crane lift?"})).json()["ranking"]

    override = "rag.source_share=0.9"
    Project(folder, overrides=[override]).run(report=False)
    own = next(one.number for one in releases(Project(folder).store) if one.overrides)

    async def number(client: httpx.AsyncClient, service: Service) -> int:
        return service.champion.served.release.number

    assert told(folder, story, (override,))[0] == "crane"
    assert told(folder, number, (override,)) == own  # the release made with it goes on serving


# What the overlay of observations does to a corpus -----------------------------------------------------------------------------


def written(folder: Path, documents: list[dict[str, Any]], questions: list[dict[str, Any]]) -> Path:
    columns = {"document_id": pl.String, "title": pl.String, "text": pl.String, "access": pl.String, "removed": pl.Boolean}
    pl.DataFrame(documents, schema=columns).write_parquet(folder / "documents.parquet")
    pl.DataFrame(questions, schema=TOLD).write_parquet(folder / "told.parquet")
    return folder


def test_a_judgement_moves_with_the_words_it_points_to(tmp_path: Path) -> None:
    before = as_corpus(
        [{"document_id": "a", "text": "Oil is changed yearly."}, {"document_id": "b", "text": "gone soon"}], Record()
    )
    place = written(
        tmp_path, [{"document_id": "a", "text": "Note well. Oil is changed yearly."}, {"document_id": "b", "removed": True}], []
    )
    judged = [
        {"question_id": "q", "document_id": "a", "grade": 1.0, "start": 15, "end": 21, "answer": "yearly"},
        {"question_id": "q", "document_id": "b", "grade": 1.0, "start": None, "end": None, "answer": None},
    ]
    after = with_observed(before, judged, place, None, Record())
    assert after.documents["document_id"].to_list() == ["a"]
    (row,) = judged
    assert after.documents["text"][0][row["start"] : row["end"]] == "yearly"


def test_what_is_asked_already_learns_only_what_it_lacks(tmp_path: Path) -> None:
    told_rows = [{"question": "how often is OIL  changed?", "answer": "yearly", "document": "a", "wrong": None}]
    questions: list[dict[str, Any]] = [{"question_id": "q", "question": "How often is oil changed?", "answers": None}]
    judgements: list[dict[str, Any]] = []
    add_told(questions, judgements, written(tmp_path, [], told_rows), {"a": "Oil is changed yearly."}, Record())
    assert questions == [{"question_id": "q", "question": "How often is oil changed?", "answers": ["yearly"]}]
    assert [(row["question_id"], row["document_id"], row["grade"]) for row in judgements] == [("q", "a", 1.0)]


def test_a_folder_that_no_retraining_wrote_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sevenstep retrain"):
        with_observed(as_corpus([{"document_id": "a", "text": "b"}], Record()), [], tmp_path, None, Record())


def test_a_tag_that_is_no_list_never_opens_a_document() -> None:
    _, (row,) = told_documents([{"document_id": "a", "text": "b", "access": "board"}], {})
    assert row["access"] == ["board"]
    assert json.dumps(row)
