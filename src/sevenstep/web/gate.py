"""What stands before every route: who calls, whether they may, whether there is room. What no rule allows is refused.

It is plain ASGI, as it runs for each request. Scopes stand in one table: a route that is not in it is open to nobody.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import itertools
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sevenstep.errors import SevenstepError
from sevenstep.web.logs import RequestLog
from sevenstep.web.metrics import Metrics
from sevenstep.web.problems import PAGES, Refusal, answer
from sevenstep.web.settings import Limits
from sevenstep.web.tokens import Caller, digest

__all__ = ["SCOPE_OF", "Gate", "scope_of"]

SCOPE_OF: Mapping[str, str] = {
    "/": "read",
    "/ask": "predict",
    "/ask/feedback": "observe",
    "/health/live": "read",
    "/health/ready": "read",
    "/invocations": "predict",
    "/metrics": "read",
    "/openapi.json": "read",
    "/ping": "read",
    "/report": "read",
    "/v1/alarms": "read",
    "/v1/ask": "predict",
    "/v1/chat/completions": "predict",
    "/v1/documents": "documents",
    "/v1/explain": "predict",
    "/v1/forecasts": "read",
    "/v1/kpis": "read",
    "/v1/models": "predict",
    "/v1/models/{name}": "predict",
    "/v1/observations": "observe",
    "/v1/predict": "predict",
    "/v1/releases": "read",
    "/v1/whatif": "predict",
    "/v2": "read",
    "/v2/health/live": "read",
    "/v2/health/ready": "read",
    "/v2/models/{name}": "read",
    "/v2/models/{name}/infer": "predict",
    "/v2/models/{name}/ready": "read",
    "/version": "read",
}
"""What a caller must be allowed to do, by path."""

_HEALTH = ("/health/live", "/health/ready", "/ping", "/v2/health/live", "/v2/health/ready", "/metrics")
_LOCAL = ("localhost", "127.0.0.1", "[::1]")
_NAMED = ("/v1/models/", "/v2/models/")  # a name of the caller's stands behind these


def scope_of(path: str) -> tuple[str, str]:
    """The template a path is of, and the scope it asks for; empty texts where it is in no table."""
    if path in SCOPE_OF:
        return path, SCOPE_OF[path]
    for before in _NAMED:
        name, slash, rest = path.removeprefix(before).partition("/") if path.startswith(before) else ("", "", "")
        template = f"{before}{{name}}{slash}{rest}"
        if name and template in SCOPE_OF:
            return template, SCOPE_OF[template]
    return "", ""


class Gate:
    """The outermost layer of the server.

    Args:
        app: what answers.
        direct: what answers POST at these paths without a way through ``app``, which has them too: they are asked thousands of
            times a second.
        limits: what is taken on.
        metrics: where it is counted.
        caller: the bearer of a token, or None where no token of that hash was made.
        tokens: whether a caller must show a token; without, only callers of this machine are answered.
    """

    def __init__(
        self,
        app: ASGIApp,
        direct: Mapping[str, ASGIApp],
        limits: Limits,
        metrics: Metrics,
        caller: Callable[[str], Caller | None],
        *,
        tokens: bool,
    ) -> None:
        self._app, self._direct, self._limits, self._metrics, self._caller, self._tokens = (
            app,
            direct,
            limits,
            metrics,
            caller,
            tokens,
        )
        self._log, self._under_way, self._taken = RequestLog(), Counter[str](), 0
        self._process, self._numbers = secrets.token_hex(8), itertools.count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the life of the server passes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            self._log.flush()
            return
        started, status, (template, right) = time.perf_counter(), 500, scope_of(scope["path"])
        route = template or "none"
        request = scope.setdefault("state", {})["request"] = f"{self._process}{next(self._numbers):08x}"

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status, scope["state"]["begun"] = message["status"], True
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request.encode()), *_SAFE]
            await send(message)

        try:
            await self._admitted(scope, receive, noting, template, right)
        finally:
            seconds = time.perf_counter() - started
            self._metrics.count("requests", route, str(status))
            self._metrics.see("request_seconds", seconds, route)
            self._log.add(
                request=request, method=scope["method"], route=route, status=status, seconds=round(seconds, 6),
                caller=scope["state"].get("caller", ""),
            )  # fmt: skip

    async def _admitted(self, scope: Scope, receive: Receive, send: Send, template: str, right: str) -> None:
        headers, path = dict(scope["headers"]), scope["path"]
        try:
            known = self._checked(path, headers, template, right)
            if template in PAGES and scope["method"] == "POST":
                _from_this_site(headers)
            caller = "" if known is None else known.label
            scope["state"] |= {"caller": caller, "access": None if known is None else known.access}
            receive = self._measured(headers, receive)
            if template in _HEALTH:
                await self._app(scope, receive, send)
                return
            self._enter(caller)
        except Refusal as refusal:
            self._metrics.count("refused", refusal.code)
            await answer(refusal, path)(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._limits.seconds):
                direct = self._direct.get(path) if scope["method"] == "POST" else None
                await (direct or self._app)(scope, receive, send)
        except SevenstepError as error:  # of a route called directly; the application answers its own
            await answer(error, path)(scope, receive, send)
        except TimeoutError:
            given, fix = f"there was no answer within {self._limits.seconds:g} s", "ask for less at once"
            late = Refusal(503, "SERVE-TIME", given, "an answer has its time", fix)
            self._metrics.count("refused", late.code)
            if not scope["state"].get("begun"):
                await answer(late, path)(scope, receive, send)
        finally:
            self._leave(caller)

    def _checked(self, path: str, headers: Mapping[bytes, bytes], template: str, right: str) -> Caller | None:
        """The caller, None on this machine; raises `Refusal` where the caller may not."""
        caller = None
        if not self._tokens:
            _from_this_machine(headers)
        else:
            caller = self._named(headers, template, right)
        if not template:
            raise Refusal(404, "SERVE-PATH", f"there is no '{path[:80]}'", "the paths are in /openapi.json", "check the path")
        return caller

    def _named(self, headers: Mapping[bytes, bytes], template: str, scope: str) -> Caller:
        caller, now = self._caller(digest(_token(headers, page=template in PAGES))), datetime.now(UTC)
        if caller is None or not caller.holds(now):
            fix = "send 'Authorization: Bearer TOKEN'; sevenstep token make makes one"
            raise Refusal(401, "SERVE-TOKEN", "no token that holds was shown", "every route asks for one", fix)
        if scope and scope not in caller.scopes:
            given = f"token '{caller.label}' may {', '.join(sorted(caller.scopes))}"
            raise Refusal(403, "SERVE-SCOPE", given, f"this route asks for '{scope}'", "use a token with that scope")
        return caller

    def _measured(self, headers: Mapping[bytes, bytes], receive: Receive) -> Receive:
        """Refuse a body that is too large by what it says of itself, or while it comes in."""
        most, said = self._limits.body, headers.get(b"content-length")
        if said is not None:
            if int(said) > most:
                raise _too_large(most)
            return receive
        had = 0

        async def counting() -> Message:
            nonlocal had
            message = await receive()
            had += len(message.get("body", b""))
            if had > most:
                raise _too_large(most)
            return message

        return counting

    def _enter(self, caller: str) -> None:
        if self._taken >= self._limits.concurrency:
            given = f"{self._taken} requests are under way"
            raise Refusal(503, "SERVE-BUSY", given, "what is taken on is answered in time", "try again after the seconds told")
        if self._tokens and self._under_way[caller] >= self._limits.per_caller:
            given = f"{self._under_way[caller]} requests of token '{caller}' are under way"
            raise Refusal(429, "SERVE-RATE", given, "one caller leaves room for others", "wait for answers before asking on")
        self._taken += 1
        self._under_way[caller] += 1
        self._metrics.set("under_way", self._taken)

    def _leave(self, caller: str) -> None:
        self._taken -= 1
        self._under_way[caller] -= 1
        self._metrics.set("under_way", self._taken)


_SAFE: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
)


def _too_large(most: int) -> Refusal:
    return Refusal(
        413, "SERVE-BODY", f"the body has more than {most:,} bytes", "a request has a largest size", "send fewer rows at once"
    )


def _token(headers: Mapping[bytes, bytes], *, page: bool) -> str:
    """The token of a request: as a bearer, or for pages as the password a browser asks for."""
    kind, _, value = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if page and kind.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def _from_this_site(headers: Mapping[bytes, bytes]) -> None:
    """Refuse a form that another site sends in the name of a browser that remembers a token."""
    if headers.get(b"sec-fetch-site", b"none") not in (b"none", b"same-origin"):
        given, rule = "the form was sent by another site", "a form is sent from the page it stands on"
        raise Refusal(403, "SERVE-FOREIGN", given, rule, "open the page itself")


def _from_this_machine(headers: Mapping[bytes, bytes]) -> None:
    """Refuse what comes through a browser from another site, or through a proxy: on loopback that would be anybody."""
    host = headers.get(b"host", b"").decode("latin-1")
    origin = headers.get(b"origin", b"").decode("latin-1").partition("://")[2]
    foreign = headers.get(b"sec-fetch-site", b"none") not in (b"none", b"same-origin")
    relayed = b"x-forwarded-for" in headers or b"forwarded" in headers
    if not _local(host) or (origin and not _local(origin)) or foreign or relayed:
        given = "the request comes from another site or through a proxy"
        fix = "make a token with sevenstep token make, and show it"
        raise Refusal(401, "SERVE-LOCAL", given, "without tokens only callers of this machine are answered", fix)


def _local(named: str) -> bool:
    """Whether a host, with its port or without, is this machine's own address."""
    return named in _LOCAL or named.rpartition(":")[0] in _LOCAL
