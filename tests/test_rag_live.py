"""Answers after release: documents that come while questions are answered, feedback, questions that become work, drift."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from asked_projects import judged_project
from served_projects import served, settings_of
from sevenstep.project import Project
from sevenstep.web.draining import Drain
from sevenstep.web.service import Service
from small_projects import sevenstep

Story = Callable[[httpx.AsyncClient, Service], Awaitable[Any]]
ADDED = {"id": "crane", "title": "Crane", "text": "The crane lifts 12 tonnes at most."}
ASKED = {"question": "How many tonnes does the crane lift at most?"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEVENSTEP_CORES", "1")
        return judged_project(tmp_path_factory.mktemp("judged") / "papers")


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Iterator[Path]:
    """The project as it was released, with a ledger of its own."""
    import shutil

    yield shutil.copytree(made, tmp_path / "papers")


def told(folder: Path, story: Story) -> Any:
    async def run() -> Any:
        async with served(settings_of(folder)) as (client, service):
            return await story(client, service)

    return asyncio.run(run())


async def ranked(client: httpx.AsyncClient, body: Any = ASKED) -> list[str]:
    answered = await client.post("/v1/ask", json=body)
    assert answered.status_code == 200, answered.text
    ranking: list[str] = answered.json()["ranking"]
    return ranking


async def until(ready: Callable[[], Awaitable[bool]], seconds: float = 20.0) -> float:
    """Seconds until something holds; it is looked at often."""
    started = time.perf_counter()
    while not await ready():
        assert time.perf_counter() - started < seconds, "it did not come"
        await asyncio.sleep(0.05)
    return time.perf_counter() - started


def test_a_document_sent_to_the_server_is_found_soon_and_stays_after_a_restart(folder: Path) -> None:
    async def story(client: httpx.AsyncClient, service: Service) -> None:
        assert "crane" not in await ranked(client)
        answered = await client.post("/v1/documents", json={"documents": [ADDED]})
        assert (answered.status_code, answered.json()["new"]) == (200, 1)

        async def found() -> bool:
            return (await ranked(client))[0] == "crane"

        await until(found)
        again = await client.post("/v1/documents", json={"documents": [ADDED]})
        assert (again.json()["new"], again.json()["unchanged"]) == (0, 1)
        assert service.champion.served.release.number == 1

    async def later(client: httpx.AsyncClient, service: Service) -> str:
        await service.champion.look()
        return (await client.post("/v1/ask", json=ASKED)).json()["answer"]

    told(folder, story)
    assert told(folder, later) == "The crane lifts 12 tonnes at most."


def test_questions_under_way_are_answered_while_documents_come_and_go(folder: Path) -> None:
    async def story(client: httpx.AsyncClient, service: Service) -> None:
        stop = asyncio.Event()
        codes: list[int] = []

        async def asking() -> None:
            while not stop.is_set():
                codes.append((await client.post("/v1/ask", json={"question": "How often is the belt changed?"})).status_code)

        askers = [asyncio.create_task(asking()) for _ in range(4)]
        await client.post("/v1/documents", json={"documents": [ADDED]})

        async def there() -> bool:
            return "crane" in await ranked(client)

        async def gone() -> bool:
            return not await there()

        await until(there)
        await client.post("/v1/documents", json={"remove": ["crane"]})
        await until(gone)
        await client.post("/v1/documents", json={"documents": [ADDED]})
        await until(there)
        stop.set()
        await asyncio.gather(*askers)
        assert len(codes) > 20
        assert set(codes) == {200}

    told(folder, story)


def test_a_tagged_document_that_is_added_is_open_to_its_tag_alone(folder: Path) -> None:
    async def story(client: httpx.AsyncClient, service: Service) -> tuple[bool, bool]:
        await client.post("/v1/documents", json={"documents": [{**ADDED, "access": ["board"]}]})

        async def found() -> bool:
            return "crane" in await ranked(client, {**ASKED, "access": ["board"]})

        await until(found)
        return "crane" in await ranked(client, {**ASKED, "access": []}), "crane" in await ranked(client)

    assert told(folder, story) == (False, True)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"documents": [{"id": "a"}]},
        {"documents": [{"id": "", "text": "b"}]},
        {"documents": [{"id": "a", "text": "b", "access": "board"}]},
        {"documents": [{"id": "a", "text": "b", "acess": ["board"]}]},
        {"documents": [{"id": "a", "text": "b", "title": 7}]},
        {"remove": [7]},
    ],
)
def test_what_is_no_document_is_refused(folder: Path, body: Any) -> None:
    async def story(client: httpx.AsyncClient, service: Service) -> httpx.Response:
        return await client.post("/v1/documents", json=body)

    answered = told(folder, story)
    assert (answered.status_code, answered.json()["errors"][0]["code"][:9]) == (422, "DOCUMENT-")


def test_documents_are_observed_from_a_file_as_well(folder: Path) -> None:
    file = folder / "more.jsonl"
    file.write_text(json.dumps({"document_id": "crane", "title": "Crane", "text": ADDED["text"]}) + "\n", encoding="utf-8")
    observed = sevenstep("observe", folder, "--input", file, "--id", "document_id", "--json")
    assert json.loads(observed.out)["new"] == 1

    async def story(client: httpx.AsyncClient, service: Service) -> list[str]:
        await service.champion.look()
        return await ranked(client)

    assert told(folder, story)[0] == "crane"


def test_feedback_measures_the_live_kpi_and_weak_answers_become_work(folder: Path) -> None:
    questions = [
        "How often is the belt changed?",
        "What does a new hose cost?",
        "xyzzy plugh",
        "Which pressure does the fan stand?",
    ]

    async def story(client: httpx.AsyncClient, service: Service) -> list[str]:
        ids = [(await client.post("/v1/ask", json={"question": question})).json()["prediction_id"] for question in questions]
        rows = [
            {"prediction_id": ids[0], "document": "belt-0"},
            {"prediction_id": ids[1], "document": "motor-1", "helpful": False},
            {"prediction_id": ids[3], "helpful": False},
        ]
        assert (await client.post("/v1/observations", json={"rows": rows})).json()["new"] == 3
        page = await client.post("/ask/feedback", data={"prediction_id": ids[3], "helpful": "no"})
        assert "Thank you" in page.text
        Drain(service.operation, pytest.fail).round()
        return ids

    ids = told(folder, story)
    watch = Project(folder).monitor()
    state = watch.kpis[0].state
    assert (state.id, state.n) == ("found", 2)
    assert state.value is not None and 0.5 <= state.value < 1.0
    work = json.loads(sevenstep("labels", "queue", folder, "--json").out)["table"]
    assert [(row["why"], row["prediction_id"]) for row in work] == [("disputed", ids[3]), ("unanswered", ids[2])]
    assert work[1]["reason"] == "no document has a word of the question"


def test_questions_in_new_words_are_seen_as_drift_and_the_usual_ones_are_not(folder: Path) -> None:
    usual = [json.loads(line)["text"] for line in (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()]

    def watched(asked: list[str]) -> Any:
        async def story(client: httpx.AsyncClient, service: Service) -> None:
            for question in asked:
                await client.post("/v1/ask", json={"question": question})
            Drain(service.operation, pytest.fail).round()

        told(folder, story)
        return [check for check in Project(folder).monitor().checks if check.kind == "drift"]

    calm = watched(usual)
    assert {"words", "new words"} <= {check.subject for check in calm}
    assert not [check for check in calm if check.alarm]
    moved = watched([f"Wann bekomme ich meine Rechnung Nummer {number} zugeschickt?" for number in range(60)])
    assert "new words" in {check.subject for check in moved if check.alarm}
