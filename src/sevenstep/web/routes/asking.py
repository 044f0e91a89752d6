"""Questions in our own words, whole or as they are written, and the documents that answers come from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from sevenstep.errors import InputError, SevenstepError
from sevenstep.live.observing import observe
from sevenstep.tasks.answers import DOCUMENT, DOCUMENT_ID, RANKED
from sevenstep.web.asking import Asked, Question, answering
from sevenstep.web.payloads import from_json
from sevenstep.web.problems import problem_body
from sevenstep.web.routes.scoring import read_body
from sevenstep.web.service import Service

__all__ = ["EVENTS", "asking_routes", "events", "text_parts"]

EVENTS = "text/event-stream"
_TEXTS = tuple(name for name in DOCUMENT if name not in (DOCUMENT_ID, "access", "removed"))


def asking_routes(service: Service) -> list[Route]:
    """``/v1/ask`` and ``/v1/documents``."""

    async def ask(request: Request) -> Response:
        body = _object(from_json(await read_body(request.scope, request.receive)))
        state = request.scope["state"]
        question = Question.of(body.get("question"), state, "/v1/ask", body.get("access"), body.get("count", RANKED))
        served = service.champion.served
        if body.get("stream") is True:
            return await events(service.asking.stream(served, question), _events, "/v1/ask")
        return _json(_told(await service.asking.ask(served, question)))

    async def documents(request: Request) -> Response:
        body = _object(from_json(await read_body(request.scope, request.receive)))
        answering(service.champion.served)
        now, source = datetime.now(UTC), request.state.caller or "server"
        # Told apart by its moment: what is sent again after it was taken out comes back.
        rows = [{**row, "published": now.isoformat()} for row in _document_rows(body, service.settings.limits.rows)]
        told = await asyncio.to_thread(observe, service.operation, rows, source, now, [DOCUMENT_ID])
        return _json(told.to_json())

    return [
        Route("/v1/ask", ask, methods=["POST"], name="ask"),
        Route("/v1/documents", documents, methods=["POST"], name="documents"),
    ]


async def text_parts(told: AsyncGenerator[str | Asked]) -> AsyncGenerator[str | Asked]:
    """The same parts; where none came before the whole answer, its text is one."""
    some = False
    async with aclosing(told):
        async for part in told:
            if isinstance(part, Asked) and not some:
                yield part.answer.text or part.answer.refused
            some = True
            yield part


async def events(told: AsyncGenerator[str | Asked], written: Callable[[str | Asked], bytes], path: str) -> Response:
    """A stream of server-sent events.

    The first part is waited for, so that a question that cannot be answered is refused with its status; a fault after that is the
    last event.

    Args:
        told: parts of the text, then the whole answer.
        written: makes of one part its events.
        path: of the route, in whose words a fault is told.
    """
    parts = text_parts(told)
    first = await anext(parts)

    async def lines() -> AsyncIterator[bytes]:
        async with aclosing(parts):
            try:
                yield written(first)
                async for part in parts:
                    yield written(part)
            except SevenstepError as error:
                yield b"event: error\ndata: " + orjson.dumps(problem_body(error, path)) + b"\n\n"

    return StreamingResponse(lines(), media_type=EVENTS)


def _events(part: str | Asked) -> bytes:
    if isinstance(part, str):
        return b"event: part\ndata: " + orjson.dumps({"text": part}) + b"\n\n"
    return b"event: answer\ndata: " + orjson.dumps(_told(part)) + b"\n\n"


def _told(asked: Asked) -> Mapping[str, Any]:
    return {"prediction_id": asked.prediction_id, "release": asked.release, **asked.answer.to_json()}


def _object(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise InputError("BODY-SHAPE", "the body is no object", "a request is a JSON object", "see /openapi.json for examples")
    return body


def _document_rows(body: Mapping[str, Any], most: int) -> Sequence[Mapping[str, Any]]:
    """Documents to add or change, and ids of documents to take out, as rows of observations."""
    added, removed = body.get("documents", []), body.get("remove", [])
    if not isinstance(added, list) or not isinstance(removed, list) or not (added or removed):
        rule = "documents to add or change stand under 'documents', ids to take out under 'remove'"
        raise InputError("DOCUMENT-NONE", "the body has neither", rule, 'write {"documents": [{"id": "a", "text": "..."}]}')
    if len(added) + len(removed) > most:
        given, rule = f"the request has {len(added) + len(removed):,} documents", f"it has at most {most:,}"
        raise InputError("ROW-COUNT", given, rule, "send them in parts")
    rows = [_document_row(one, number) for number, one in enumerate(added, start=1)]
    return [*rows, *({DOCUMENT_ID: _named(one, "remove"), "removed": True} for one in removed)]


def _document_row(given: Any, number: int) -> Mapping[str, Any]:
    where = f"documents, {number}"
    if not isinstance(given, dict) or not isinstance(given.get("text"), str):
        rule = "a document is an object with 'id' and 'text'"
        raise InputError("DOCUMENT-SHAPE", "a document has no text", rule, "give both", where=where)
    tags = given.get("access", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise InputError("DOCUMENT-SHAPE", "'access' is no list of texts", "it lists tags", 'write ["sales"]', where=where)
    unknown = next((name for name in given if name not in ("id", "access", *_TEXTS)), None)
    if unknown is not None:
        rule = f"a document has id, access, {', '.join(_TEXTS)}"
        raise InputError("DOCUMENT-SHAPE", f"a document has '{unknown[:40]}'", rule, "leave it out", where=where)
    told = {name: _text(given[name], name, where) for name in _TEXTS if given.get(name) is not None}
    return {DOCUMENT_ID: _named(given.get("id"), where), **told, "access": orjson.dumps(tags).decode(), "removed": False}


def _text(value: Any, name: str, where: str) -> str:
    if not isinstance(value, str):
        raise InputError("DOCUMENT-SHAPE", f"'{name}' is no text", "it is a text", "write it in quotes", where=where)
    return value


def _named(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > 500:
        raise InputError("DOCUMENT-SHAPE", "a document has no id", "its id is a short text", "give one", where=where)
    return value


def _json(value: Any) -> Response:
    return Response(orjson.dumps(value, default=str), 200, media_type="application/json")
