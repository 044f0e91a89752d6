"""The OpenAI protocol: its own client, unchanged, asks a server on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from answering_models import listening
from served_projects import made_project, settings_of

openai = pytest.importorskip("openai")

QUESTION = "How often is the filter changed?"
ANSWER = "The filter is changed every 500 hours."


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEVENSTEP_CORES", "1")
        folder = made_project(tmp_path_factory.mktemp("chat") / "parts")
    with listening(settings_of(folder)) as found:
        yield found


@pytest.fixture
def client(address: str) -> Iterator[Any]:
    with openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as made:
        yield made


def ask(client: Any, *messages: tuple[str, Any], **more: Any) -> Any:
    said = [{"role": role, "content": content} for role, content in messages]
    return client.chat.completions.create(model="parts", messages=said, **more)


def test_the_client_lists_the_model_and_finds_it_by_name(client: Any) -> None:
    assert [one.id for one in client.models.list()] == ["parts"]
    assert client.models.retrieve("parts").owned_by == "sevenstep"
    with pytest.raises(openai.NotFoundError, match="MODEL-NONE"):
        client.models.retrieve("other")


def test_an_answer_has_its_citations_in_the_text_and_apart(client: Any) -> None:
    made = ask(client, ("user", QUESTION), temperature=0.7, max_tokens=50)
    said = made.choices[0].message.content
    assert said.startswith(ANSWER)
    assert f"[1] Filter, page 1: “{ANSWER}”" in said
    assert (made.choices[0].finish_reason, made.model) == ("stop", "parts")
    assert made.citations[0]["document"] == "filter"
    assert made.prediction_id.endswith("-0")


def test_the_newest_message_of_the_user_is_the_question(client: Any) -> None:
    made = ask(
        client,
        ("system", "Be brief."),
        ("user", "Who won?"),
        ("assistant", "Nobody."),
        ("user", [{"type": "text", "text": QUESTION}]),
    )
    assert made.choices[0].message.content.startswith(ANSWER)


def test_a_stream_comes_word_by_word_and_ends(client: Any) -> None:
    chunks = list(ask(client, ("user", QUESTION), stream=True))
    assert chunks[0].choices[0].delta.role == "assistant"
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert said.startswith(ANSWER)
    assert "[1] Filter, page 1" in said
    assert len(chunks) > 5
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].citations[0]["document"] == "filter"


def test_a_refusal_is_told_in_words(client: Any) -> None:
    made = ask(client, ("user", "Who won?"))
    assert made.choices[0].message.content == "no document says it"
    assert (made.refused, made.citations) == ("no document says it", [])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"messages": []}, "ASK-QUESTION"),
        ({"messages": [{"role": "assistant", "content": "Hello"}]}, "ASK-QUESTION"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, "ASK-QUESTION"),
        ({"messages": "Hello"}, "BODY-SHAPE"),
        ({"messages": [{"role": "user", "content": "Hello"}], "n": 2}, "CHAT-N"),
        ([], "BODY-SHAPE"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_the_protocols_own_shape(address: str, body: Any, code: str) -> None:
    answered = httpx.post(f"{address}/v1/chat/completions", json=body)
    assert (answered.status_code, answered.json()["error"]["code"]) == (422, code)
    assert answered.json()["error"]["message"]


def test_the_stream_ends_with_the_word_that_clients_wait_for(address: str) -> None:
    body = {"messages": [{"role": "user", "content": QUESTION}], "stream": True}
    lines = httpx.post(f"{address}/v1/chat/completions", json=body).text.strip().split("\n\n")
    assert lines[-1] == "data: [DONE]"
    assert all(json.loads(line.removeprefix("data: "))["object"] == "chat.completion.chunk" for line in lines[:-1])
