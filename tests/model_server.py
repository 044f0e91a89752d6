"""A server on loopback that speaks OpenAI's wire form, and can be told to fail in the ways such servers do.

It is a real HTTP server (uvicorn in a thread). What it says is a function of the request, so that nothing about it is random:
`Behaviour.writes` is the model, embeddings are counts of letters.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

Messages = list[dict[str, str]]


def echo(messages: Messages) -> str:
    return "said: " + messages[-1]["content"]


@dataclass
class Behaviour:
    """What the server does: ``faults`` are used up one a request (empty: it answers), ``seen`` are the requests that arrived."""

    writes: Callable[[Messages], str] = echo
    faults: list[str] = field(default_factory=list)
    retry_after: str = ""
    key: str = ""
    seen: list[dict[str, Any]] = field(default_factory=list)
    slow: float = 30.0


def letters(text: str) -> list[float]:
    return [float(text.lower().count(letter)) for letter in "abcdefgh"]


def usage(messages: Messages, text: str) -> dict[str, int]:
    sent, received = sum(len(message["content"].split()) for message in messages), len(text.split())
    return {"prompt_tokens": sent, "completion_tokens": received, "total_tokens": sent + received}


def application(behaviour: Behaviour) -> FastAPI:
    app = FastAPI()

    @app.middleware("http")
    async def faulty(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        behaviour.seen.append(json.loads(await request.body()))
        if behaviour.key and request.headers.get("authorization") != f"Bearer {behaviour.key}":
            return JSONResponse({"error": {"message": "no such key"}}, 401)
        fault = behaviour.faults.pop(0) if behaviour.faults else ""
        if fault == "timeout":
            await asyncio.sleep(behaviour.slow)
        if fault.isdecimal():
            headers = {"Retry-After": behaviour.retry_after} if behaviour.retry_after else {}
            return JSONResponse({"error": {"message": "not now"}}, int(fault), headers)
        if fault == "malformed":
            return PlainTextResponse('{"choices": [{"mess')
        if fault == "empty":
            return JSONResponse({"choices": []})
        if fault == "cut":
            return StreamingResponse(cut_off(), headers={"Content-Length": "1000"}, media_type="application/json")
        request.state.fault = fault
        return await answer(request)

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        asked = json.loads(await request.body())
        text = behaviour.writes(asked["messages"])
        if asked.get("stream"):
            return StreamingResponse(pieces(asked, text, request.state.fault), media_type="text/event-stream")
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        about = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": asked["model"]}
        return JSONResponse({**about, "choices": [choice], "usage": usage(asked["messages"], text)})

    @app.post("/v1/embeddings")
    async def embeddings(request: Request) -> Response:
        asked = json.loads(await request.body())
        data = [{"object": "embedding", "index": at, "embedding": letters(text)} for at, text in enumerate(asked["input"])]
        used = {"prompt_tokens": sum(len(text.split()) for text in asked["input"]), "total_tokens": 0}
        return JSONResponse({"object": "list", "model": asked["model"], "data": data[::-1], "usage": used})

    return app


async def cut_off() -> AsyncIterator[bytes]:
    yield b'{"choices": ['
    raise ConnectionResetError


async def pieces(asked: dict[str, Any], text: str, fault: str) -> AsyncIterator[bytes]:
    about = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": asked["model"]}
    words = text.split(" ")
    for at, word in enumerate(words):
        if fault == "stream_cut" and at == 2:
            return
        if fault == "stream_malformed" and at == 1:
            yield b"data: {oops\n\n"
            return
        choice = {"index": 0, "delta": {"content": word + (" " if at + 1 < len(words) else "")}, "finish_reason": None}
        yield f"data: {json.dumps({**about, 'choices': [choice]})}\n\n".encode()
    if asked.get("stream_options", {}).get("include_usage"):
        yield f"data: {json.dumps({**about, 'choices': [], 'usage': usage(asked['messages'], text)})}\n\n".encode()
    yield b"data: [DONE]\n\n"


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[str]:
    """The address of the server, ``http://127.0.0.1:PORT/v1``."""
    config = uvicorn.Config(application(behaviour), host="127.0.0.1", port=0, log_level="critical", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1"
    finally:
        server.should_exit = True
        thread.join(10)
