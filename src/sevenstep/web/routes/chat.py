"""The OpenAI protocol: chat clients that speak it connect, and the newest message of the user is the question.

Of what such clients send, the messages, ``model`` and ``stream`` are read; how words are sampled is the tuned pipeline's own. The
citations stand in the text, as people see nothing else there, and apart under ``citations``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sevenstep.data.naming import did_you_mean
from sevenstep.errors import InputError
from sevenstep.tasks.answers import Answer, Citation
from sevenstep.web.asking import Asked, Question, answering
from sevenstep.web.payloads import from_json
from sevenstep.web.routes.asking import events
from sevenstep.web.routes.scoring import read_body
from sevenstep.web.service import Service

__all__ = ["chat_routes", "cited"]

_PATH = "/v1/chat/completions"


def chat_routes(service: Service) -> list[Route]:
    """``/v1/chat/completions`` and ``/v1/models``."""
    name = service.operation.spec.name

    async def completions(request: Request) -> Response:
        body = _checked(from_json(await read_body(request.scope, request.receive)), name)
        question = Question.of(_question(body), request.scope["state"], _PATH, body.get("access"))
        served = service.champion.served
        if body.get("stream") is True:
            return await events(service.asking.stream(served, question), _Chunks(question, name), _PATH)
        return _json(_completion(await service.asking.ask(served, question), question, name))

    async def models(request: Request) -> Response:
        answering(service.champion.served)
        return _json({"object": "list", "data": [_model(service, name)]})

    async def model(request: Request) -> Response:
        answering(service.champion.served)
        _check_model(request.path_params["name"], name)
        return _json(_model(service, name))

    return [
        Route(_PATH, completions, methods=["POST"], name="chat"),
        Route("/v1/models", models, name="chat_models"),
        Route("/v1/models/{name}", model, name="chat_model"),
    ]


def cited(answer: Answer) -> str:
    """The notes behind an answer's text: each citation by number, with its place and what it says."""
    notes = [f"[{number}] {_place(one)}: “{one.quote}”" for number, one in enumerate(answer.citations, start=1)]
    return "".join(f"\n\n{note}" if number == 0 else f"\n{note}" for number, note in enumerate(notes))


def _place(citation: Citation) -> str:
    return ", ".join(part for part in (citation.title or citation.document, citation.place) if part)


def _model(service: Service, name: str) -> Mapping[str, Any]:
    made = service.champion.served.release.manifest.get("made", "")
    return {"id": name, "object": "model", "created": _seconds(made), "owned_by": "sevenstep"}


def _seconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp()) if moment else 0


def _checked(body: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise InputError("BODY-SHAPE", "the body is no object", "a request is a JSON object", "see /openapi.json for examples")
    _check_model(str(body.get("model", name)), name)
    if body.get("n", 1) not in (1, None):
        raise InputError("CHAT-N", f"n is {body['n']!r:.20}", "one question has one answer", "leave n out")
    return body


def _check_model(asked: str, name: str) -> None:
    if asked != name:
        rule = "the server has the model of one project"
        fix = did_you_mean(asked, [name]) or f"its name is '{name}'"
        raise InputError("MODEL-NONE", f"there is no model '{asked[:80]}'", rule, fix)


def _question(body: Mapping[str, Any]) -> str:
    """Text of the newest message of the user."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        rule, fix = "'messages' is a list of objects with 'role' and 'content'", "add them"
        raise InputError("BODY-SHAPE", "the body has no messages", rule, fix, where="messages")
    asked = [one for one in messages if one.get("role") == "user"]
    if not asked:
        raise InputError("ASK-QUESTION", "no message is of the user", "the newest of them is the question", "add one")
    return _content(asked[-1].get("content"))


def _content(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts: Sequence[Any] = content if isinstance(content, list) else []
    texts = [str(part.get("text", "")) for part in parts if isinstance(part, dict) and part.get("type") == "text"]
    if len(texts) < len(parts):
        raise InputError("ASK-QUESTION", "a message holds more than text", "a question is a text", "send text parts alone")
    return "\n".join(texts)


def _beside(asked: Asked) -> dict[str, Any]:
    """What our answers tell beyond the protocol."""
    answer = asked.answer
    return {
        "citations": [asdict(one) for one in answer.citations], "confidence": answer.confidence, "refused": answer.refused,
        "prediction_id": asked.prediction_id, "release": asked.release,
    }  # fmt: skip


def _completion(asked: Asked, question: Question, name: str) -> Mapping[str, Any]:
    text = (asked.answer.text or asked.answer.refused) + cited(asked.answer)
    choice = {"index": 0, "message": {"role": "assistant", "content": text, "refusal": None}, "finish_reason": "stop"}
    return {**_head(question, name, "chat.completion"), "choices": [{**choice, "logprobs": None}], **_beside(asked)}


def _head(question: Question, name: str, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{question.request}", "object": kind, "created": int(time.time()), "model": name}


class _Chunks:
    """Parts of an answer as chunks of a completion; the last ones hold the citations, the end, and ``[DONE]``."""

    def __init__(self, question: Question, name: str) -> None:
        self._head = _head(question, name, "chat.completion.chunk")
        self._begun = False

    def __call__(self, part: str | Asked) -> bytes:
        if isinstance(part, str):
            role = {} if self._begun else {"role": "assistant"}
            self._begun = True
            return self._chunk({**role, "content": part})
        notes = cited(part.answer)
        said = self._chunk({"content": notes}) if notes else b""
        return said + self._chunk({}, "stop", _beside(part)) + b"data: [DONE]\n\n"

    def _chunk(self, delta: Mapping[str, Any], ended: str | None = None, beside: Mapping[str, Any] | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": ended, "logprobs": None}
        return b"data: " + orjson.dumps({**self._head, "choices": [choice], **(beside or {})}, default=str) + b"\n\n"


def _json(value: Any) -> Response:
    return Response(orjson.dumps(value, default=str), 200, media_type="application/json")
