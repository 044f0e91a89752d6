"""Questions asked of the server: answers with citations, refusals, streams, who may see what, and what is recorded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from answering_models import WordModel, asked
from served_projects import made_project, settings_of
from sevenstep.live.ledger.tables import predictions, requests
from sevenstep.tasks.answers import Answer, Answers
from sevenstep.web.draining import Drain
from sevenstep.web.service import Service, operation_of
from sevenstep.web.settings import Settings
from sevenstep.web.tokens import make_token, revoke_token

NOW = datetime(2026, 5, 1, tzinfo=UTC)
FILTER = {"question": "How often is the filter changed?"}
WAGES = {"question": "By how much do the wages of the night shift rise?"}
Story = Callable[[httpx.AsyncClient, Service], Awaitable[Any]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEVENSTEP_CORES", "1")
        yield made_project(tmp_path_factory.mktemp("asked") / "parts")


def told(settings: Settings, story: Story, model: Any = None) -> Any:
    async def run() -> Any:
        async with asked(settings, model) as (client, service):
            return await story(client, service)

    return asyncio.run(run())


def post(folder: Path, path: str, body: Any, model: Any = None) -> httpx.Response:
    async def story(client: httpx.AsyncClient, service: Service) -> httpx.Response:
        return await client.post(path, json=body)

    answered: httpx.Response = told(settings_of(folder), story, model)
    return answered


def events_of(text: str) -> list[tuple[str, Any]]:
    """The events of a stream: name and data."""
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.partition(": ")[::2] for line in block.splitlines())
        found.append((fields["event"], json.loads(fields["data"])))
    return found


def test_the_small_model_keeps_the_ability_that_is_asked_for() -> None:
    assert isinstance(WordModel(), Answers)


def test_an_answer_comes_with_its_citations_and_is_recorded_before_it_is_given(folder: Path) -> None:
    async def story(client: httpx.AsyncClient, service: Service) -> Any:
        answered = (await client.post("/v1/ask", json=FILTER)).json()
        Drain(service.operation, pytest.fail).round()
        with service.operation.ledger.reading() as connection:
            request = (
                connection.execute(sa.select(requests).where(requests.c.id == answered["prediction_id"][:-2])).mappings().one()
            )
            row = connection.execute(sa.select(predictions).where(predictions.c.request == request["id"])).mappings().one()
        return answered, request, row

    answered, request, row = told(settings_of(folder), story)
    assert answered["answer"] == "The filter is changed every 500 hours."
    assert answered["citations"][0]["quote"] == answered["answer"]
    assert answered["citations"][0]["place"] == "page 1"
    assert answered["ranking"][0] == "filter"
    assert answered["evidence"][0]["text"] == answered["answer"]
    assert request["route"] == "/v1/ask"
    assert json.loads(row["inputs"])["question"] == FILTER["question"]
    assert json.loads(row["prediction"]) == answered["answer"]
    details = json.loads(row["details"])
    assert details["citations"] == answered["citations"]
    assert "text" not in details["evidence"][0]


def test_what_no_document_says_is_refused_in_words(folder: Path) -> None:
    answered = post(folder, "/v1/ask", {"question": "Who won?"}).json()
    assert (answered["answer"], answered["refused"], answered["citations"]) == ("", "no document says it", [])


def test_a_stream_gives_the_text_in_parts_and_the_whole_answer_last(folder: Path) -> None:
    answered = post(folder, "/v1/ask", {**FILTER, "stream": True})
    assert answered.headers["content-type"].startswith("text/event-stream")
    found = events_of(answered.text)
    assert "".join(data["text"] for name, data in found if name == "part") == "The filter is changed every 500 hours."
    assert [name for name, _ in found[-2:]] == ["part", "answer"]
    assert found[-1][1]["citations"][0]["document"] == "filter"


def test_a_stream_that_refuses_says_why_as_its_text(folder: Path) -> None:
    found = events_of(post(folder, "/v1/ask", {"question": "Who won?", "stream": True}).text)
    assert found[0] == ("part", {"text": "no document says it"})
    assert found[-1][1]["refused"] == "no document says it"


class Breaking(WordModel):
    """Breaks off after a word, or before any."""

    def streamed(self, question: str, access: Any = None) -> Iterator[str | Answer]:
        if "filter" in question:
            yield "The"


def test_a_stream_that_breaks_off_ends_with_a_fault_and_what_was_said_is_recorded_as_cut(folder: Path) -> None:
    async def story(client: httpx.AsyncClient, service: Service) -> Any:
        answered = await client.post("/v1/ask", json={**FILTER, "stream": True})
        early = await client.post("/v1/ask", json={"question": "Who won?", "stream": True})
        Drain(service.operation, pytest.fail).round()
        with service.operation.ledger.reading() as connection:
            newest = sa.select(predictions).order_by(predictions.c.id.desc()).limit(1)
            return answered, early, connection.execute(newest).mappings().one()

    answered, early, row = told(settings_of(folder), story, Breaking())
    found = events_of(answered.text)
    assert [name for name, _ in found] == ["part", "error"]
    assert found[1][1]["errors"][0]["code"] == "ASK-CUT"
    assert (json.loads(row["prediction"]), json.loads(row["details"])["cut"]) == ("The", True)
    assert early.status_code == 500


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "ASK-QUESTION"),
        ({"question": "  "}, "ASK-QUESTION"),
        ({"question": 7}, "ASK-QUESTION"),
        ({"question": "a" * 8_001}, "ASK-QUESTION"),
        ({**FILTER, "count": 0}, "ASK-COUNT"),
        ({**FILTER, "count": True}, "ASK-COUNT"),
        ({**FILTER, "access": "all"}, "ASK-ACCESS"),
        ([], "BODY-SHAPE"),
    ],
)
def test_a_question_that_is_none_is_refused_with_the_rule(folder: Path, body: Any, code: str) -> None:
    answered = post(folder, "/v1/ask", body)
    assert (answered.status_code, answered.json()["errors"][0]["code"]) == (422, code)


def test_a_model_that_answers_no_questions_says_so(folder: Path) -> None:
    async def story(client: httpx.AsyncClient, service: Service) -> list[int]:
        plain = Service(settings_of(folder))
        async with plain.open():
            service.champion._served = plain.champion.served
        bodies = {"/v1/ask": FILTER, "/v1/documents": {"documents": [{"id": "a", "text": "b"}]}}
        codes = [(await client.post(path, json=body)).status_code for path, body in bodies.items()]
        return [*codes, (await client.get("/v1/models")).status_code, (await client.get("/ask")).status_code]

    assert told(settings_of(folder), story) == [404, 404, 404, 404]


# Who sees what ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/ask", "/v1/chat/completions", "/v1/predict", "/invocations", "/ask"])
def test_a_document_whose_tags_the_asker_lacks_appears_nowhere(folder: Path, path: str) -> None:
    settings = settings_of(folder, tokens=True)
    ledger = operation_of(settings).ledger
    nobody, payroll = (
        make_token(ledger, label, ["predict"], NOW, access=tags)
        for label, tags in (("nobody", []), ("pay", ["payroll", "board"]))
    )
    bodies: dict[str, Any] = {
        "/v1/ask": WAGES,
        "/v1/chat/completions": {"messages": [{"role": "user", "content": WAGES["question"]}]},
        "/v1/predict": {"rows": [WAGES]},
        "/invocations": {"dataframe_records": [WAGES]},
    }

    async def story(client: httpx.AsyncClient, service: Service) -> list[str]:
        found = []
        for token in (nobody, payroll):
            headers = {"authorization": f"Bearer {token}"}
            form = {"data": WAGES} if path == "/ask" else {"json": bodies[path]}
            answered = await client.post(path, headers=headers, **form)
            assert answered.status_code == 200
            found.append(answered.text.replace(WAGES["question"], ""))
        return found

    try:
        without, with_tag = told(settings, story)
    finally:
        for label in ("nobody", "pay"):
            revoke_token(ledger, label, NOW)
    assert "3 percent" in with_tag
    assert "wages" not in without
    assert "3 percent" not in without


def test_a_request_may_ask_for_less_than_its_token_sees_and_never_for_more(folder: Path) -> None:
    settings = settings_of(folder, tokens=True)
    ledger = operation_of(settings).ledger
    nobody, payroll = (
        make_token(ledger, label, ["predict"], NOW, access=tags) for label, tags in (("nobody", []), ("pay", ["payroll"]))
    )

    async def story(client: httpx.AsyncClient, service: Service) -> list[bool]:
        found = []
        for token, access in ((payroll, []), (payroll, ["payroll"]), (nobody, ["payroll"])):
            headers = {"authorization": f"Bearer {token}"}
            answered = await client.post("/v1/ask", json={**WAGES, "access": access}, headers=headers)
            found.append("wages" in answered.json()["ranking"])
        return found

    try:
        assert told(settings, story) == [False, True, False]
    finally:
        for label in ("nobody", "pay"):
            revoke_token(ledger, label, NOW)


# The page -----------------------------------------------------------------------------------------------------------------------


def test_the_page_asks_by_a_form_and_runs_no_script(folder: Path) -> None:
    async def story(client: httpx.AsyncClient, service: Service) -> list[httpx.Response]:
        asked_twice = [await client.post("/ask", data=data) for data in (FILTER, {"question": "Who won?"})]
        return [await client.get("/ask"), *asked_twice, await client.get("/")]

    empty, answered, refused, home = told(settings_of(folder), story)
    assert "<textarea" in empty.text
    assert "The filter is changed every 500 hours." in answered.text
    assert "no document says it" in refused.text
    assert 'href="/ask"' in home.text
    for page in (empty, answered, refused):
        assert "<script" not in page.text
        assert "form-action 'self'" in page.headers["content-security-policy"]
        assert "default-src 'none'" in page.headers["content-security-policy"]


def test_a_form_of_very_many_fields_is_refused_in_words(folder: Path) -> None:
    async def story(client: httpx.AsyncClient, service: Service) -> httpx.Response:
        return await client.post("/ask", data={f"field {number}": "x" for number in range(21)})

    refused = told(settings_of(folder), story)
    assert refused.status_code == 422 and "more than 20 fields" in refused.text


def test_what_a_question_holds_is_text_on_the_page(folder: Path) -> None:
    async def story(client: httpx.AsyncClient, service: Service) -> str:
        return (await client.post("/ask", data={"question": "<script>alert(1)</script>"})).text

    assert "<script>" not in told(settings_of(folder), story)


def test_a_form_of_another_site_is_refused_though_the_browser_knows_a_token(folder: Path) -> None:
    settings = settings_of(folder, tokens=True)
    ledger = operation_of(settings).ledger
    token = make_token(ledger, "browser", ["predict"], NOW)

    async def story(client: httpx.AsyncClient, service: Service) -> list[int]:
        basic = httpx.BasicAuth("anybody", token)
        sites = ("cross-site", "same-origin")
        return [
            (await client.post("/ask", data=FILTER, auth=basic, headers={"sec-fetch-site": site})).status_code for site in sites
        ]

    try:
        assert told(settings, story) == [403, 200]
    finally:
        revoke_token(ledger, "browser", NOW)
