"""Calling models: chat, streamed or not, and embeddings.

A call is answered from the book where it was made before. Else it is held against the budget, tried, and tried again where that
can help: no answer in time, no connection, 429, 5xx, an answer that is cut off or malformed. Every attempt is a row of the book.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt

from sevenstep.endpoints.book import CallBook
from sevenstep.endpoints.endpoint import Endpoint, EndpointFailed
from sevenstep.endpoints.tokens import message_tokens, text_tokens
from sevenstep.endpoints.waiting import pause_before
from sevenstep.endpoints.wire import Chat, Malformed, StreamCut, chat_of, pieces_of, used_tokens, vectors_of

__all__ = ["Client", "Reply"]

_CONNECT = 10.0  # seconds for the connection alone
_HELPS = {"timeout", "unreachable", "busy", "server_error", "malformed", "cut"}


@dataclass(frozen=True)
class Reply:
    """What a model wrote, what that used, and whether it came from the book at no cost."""

    text: str
    finish: str
    sent: int
    received: int
    usd: float
    seconds: float
    cached: bool


@dataclass
class _Attempt:
    """One attempt: how it ended, and what it brought."""

    status: str = "ok"
    code: int | None = None
    response: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    value: Any = None


class Client:
    """Calls one endpoint. Use it as a context manager, or `close` it.

    Args:
        endpoint: where.
        book: where every call is written down.
        pause: waits so many seconds between attempts; tests give their own.
    """

    def __init__(self, endpoint: Endpoint, book: CallBook, pause: Callable[[float], None] = time.sleep) -> None:
        self.endpoint, self.book, self._pause = endpoint, book, pause
        patience = httpx.Timeout(endpoint.timeout, connect=min(_CONNECT, endpoint.timeout))
        self._http = httpx.Client(timeout=patience, trust_env=False, follow_redirects=False)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def chat(
        self,
        messages: Sequence[Mapping[str, str]],
        model: str,
        *,
        temperature: float = 0.0,
        max_tokens: int = 256,
        seed: int = 0,
        purpose: str = "answer",
    ) -> Reply:
        """What ``model`` says to ``messages``; ``seed`` tells repeats apart, for the endpoint and for the cache.

        Raises:
            EndpointFailed: no usable answer after all attempts.
            BudgetSpent: the budget does not hold what it may cost.
            InputError: the environment variable of the key is not set.
        """
        request = _chat_request(messages, model, temperature, max_tokens, seed)
        most = message_tokens(messages), max_tokens
        attempt, row = self._call("chat/completions", request, most, purpose, chat_of)
        chat: Chat = attempt.value
        return Reply(chat.text, chat.finish, row["sent"], row["received"], row["usd"], row["seconds"], row["status"] == "cached")

    def stream(
        self,
        messages: Sequence[Mapping[str, str]],
        model: str,
        *,
        temperature: float = 0.0,
        max_tokens: int = 256,
        seed: int = 0,
        purpose: str = "answer",
    ) -> Iterator[str]:
        """What ``model`` says, piece by piece. It is tried again only as long as nothing has been passed on.

        Raises:
            EndpointFailed: no usable answer, or one that was cut off in the middle.
            BudgetSpent, InputError: as `chat`.
        """
        request = _chat_request(messages, model, temperature, max_tokens, seed) | {"stream": True}
        request |= {"stream_options": {"include_usage": True}}
        for number in range(1, self.endpoint.attempts + 1):
            passed, attempt = 0, _Attempt()
            for piece in self._streamed(request, (message_tokens(messages), max_tokens), purpose, number, attempt):
                passed += 1
                yield piece
            if attempt.status == "ok":
                return
            if passed or not self._again(attempt, number):
                raise self._failed("chat/completions", attempt, number)

    def embed(self, texts: Sequence[str], model: str, *, purpose: str = "embedding") -> npt.NDArray[np.float32]:
        """The embedding of each text, ``[text, dimension]``, as the endpoint gives it (not scaled); raises as `chat` does."""
        request = {"model": model, "input": list(texts), "encoding_format": "float"}
        most = sum(map(text_tokens, texts)), 0
        attempt, _ = self._call("embeddings", request, most, purpose, lambda response: vectors_of(response, len(texts)))
        return np.asarray(attempt.value, np.float32)

    def _call(
        self, path: str, request: Mapping[str, Any], most: tuple[int, int], purpose: str, read: Callable[[str], Any]
    ) -> tuple[_Attempt, dict[str, Any]]:
        """The first usable answer with its figures in the book."""
        about = self._about(path, request, purpose)
        known = self.book.known(about["digest"])
        if known is not None:
            self.book.note(about)
            return _Attempt(value=read(known)), {"status": "cached", "sent": 0, "received": 0, "usd": 0.0, "seconds": 0.0}
        for number in range(1, self.endpoint.attempts + 1):
            call = self.book.open(about | {"attempt": number}, sum(most), self.endpoint.cost(*most))
            begun, attempt = time.perf_counter(), _Attempt()
            try:
                self._send(path, request, attempt, read)
            finally:
                row = self._written(call, attempt, most, time.perf_counter() - begun, [attempt.response])
            if attempt.status == "ok":
                return attempt, row
            if not self._again(attempt, number):
                break
        raise self._failed(path, attempt, number)

    def _send(self, path: str, request: Mapping[str, Any], attempt: _Attempt, read: Callable[[str], Any]) -> None:
        """Make one attempt and note how it ended."""
        attempt.status = "unreachable"  # what stays written should this process end in the middle
        with _noting(attempt):
            response = self._http.post(self._url(path), json=request, headers=self.endpoint.headers())
            attempt.code, attempt.headers, attempt.response = response.status_code, response.headers, response.text
            attempt.status = _status(response.status_code)
            if attempt.status == "ok":
                attempt.value = read(response.text)

    def _streamed(
        self, request: Mapping[str, Any], most: tuple[int, int], purpose: str, number: int, attempt: _Attempt
    ) -> Iterator[str]:
        about = self._about("chat/completions", request, purpose) | {"attempt": number}
        call = self.book.open(about, sum(most), self.endpoint.cost(*most))
        begun, lines = time.perf_counter(), list[str]()
        attempt.status = "cut"  # what stays written should the reader go away
        try:
            with (
                _noting(attempt),
                self._http.stream(
                    "POST", self._url("chat/completions"), json=request, headers=self.endpoint.headers()
                ) as response,
            ):
                attempt.code, attempt.headers, status = response.status_code, response.headers, _status(response.status_code)
                if status != "ok":
                    attempt.status, attempt.response = status, response.read().decode("utf-8", "replace")
                    return
                for piece, line in pieces_of(response.iter_lines()):
                    lines.append(line)
                    if piece:
                        yield piece
                attempt.status = "ok"
        finally:
            attempt.response = attempt.response or "\n".join(lines)
            self._written(call, attempt, most, time.perf_counter() - begun, lines)

    def _written(
        self, call: int, attempt: _Attempt, most: tuple[int, int], seconds: float, answers: Sequence[str]
    ) -> dict[str, Any]:
        """Write down how an attempt ended. One that may have been worked on and does not say what it used counts in full."""
        sent, received = used_tokens(answers) or (most if attempt.status in ("ok", "malformed", "cut", "timeout") else (0, 0))
        row = {
            "status": attempt.status, "code": attempt.code, "response": attempt.response, "sent": sent, "received": received,
            "usd": self.endpoint.cost(sent, received), "seconds": seconds,
        }  # fmt: skip
        self.book.close(call, **row)
        return row

    def _about(self, path: str, request: Mapping[str, Any], purpose: str) -> dict[str, Any]:
        text = json.dumps(request, ensure_ascii=False, sort_keys=True)
        digest = hashlib.sha256(f"{self._url(path)}\n{text}".encode()).hexdigest()
        kind = "embeddings" if path == "embeddings" else "chat"
        return {
            "url": self.endpoint.url, "kind": kind, "model": request["model"], "purpose": purpose, "attempt": 0, "digest": digest,
            "request": text,
        }  # fmt: skip

    def _again(self, attempt: _Attempt, number: int) -> bool:
        """Whether another attempt may help; waits before it."""
        if attempt.status not in _HELPS or number == self.endpoint.attempts:
            return False
        self._pause(pause_before(number + 1, attempt.headers, self.endpoint.patience))
        return True

    def _url(self, path: str) -> str:
        return f"{self.endpoint.url.rstrip('/')}/{path}"

    def _failed(self, path: str, attempt: _Attempt, attempts: int) -> EndpointFailed:
        times = "once" if attempts == 1 else f"{attempts} times"
        answer = f" (HTTP {attempt.code})" if attempt.code else ""
        given = f"{self._url(path)} was asked {times}, the last time: {attempt.status.replace('_', ' ')}{answer}"
        rule = "a usable answer of OpenAI's wire form is needed"
        return EndpointFailed("ENDPOINT-FAILED", given, rule, "see `sevenstep calls` for what it said")


@contextmanager
def _noting(attempt: _Attempt) -> Iterator[None]:
    """Notes in an attempt how it failed, in the ways a call can; what is no fault of a call is raised on."""
    try:
        yield
    except (httpx.TransportError, httpx.DecodingError, Malformed, StreamCut) as error:
        attempt.status = _ended(error)


def _ended(error: Exception) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    if isinstance(error, (httpx.RemoteProtocolError, httpx.ReadError, StreamCut)):
        return "cut"
    return "malformed" if isinstance(error, (Malformed, httpx.DecodingError)) else "unreachable"


def _status(code: int) -> str:
    if code == 429:
        return "busy"
    if code >= 500:
        return "server_error"
    return "ok" if 200 <= code < 300 else "refused"


def _chat_request(
    messages: Sequence[Mapping[str, str]], model: str, temperature: float, max_tokens: int, seed: int
) -> dict[str, Any]:
    return {
        "model": model, "messages": [dict(message) for message in messages], "temperature": temperature,
        "max_tokens": max_tokens, "seed": seed,
    }  # fmt: skip
