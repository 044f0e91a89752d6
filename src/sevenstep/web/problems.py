"""Faults as answers: the status, and a body that says what was given, the rule and the fix, in the words of each protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from sevenstep.errors import CollectedErrors, InputError, SevenstepError

__all__ = ["PAGES", "Refusal", "answer", "problem_body"]

PAGES = ("/", "/ask", "/ask/feedback", "/report")
"""What a browser opens, so that it may show a token as the password it asks a person for."""

_STATUS: Mapping[str, int] = {
    "ASK-NONE": 404,
    "BODY-TYPE": 415,
    "FORECAST-NONE": 404,
    "LEDGER-UNREACHABLE": 503,
    "MODEL-NONE": 404,
    "RECORD-FAILED": 503,
    "RECORD-FULL": 503,
    "RELEASE-DAMAGED": 503,
    "RELEASE-GONE": 503,
    "RELEASE-NONE": 503,
    "REPORT-NONE": 404,
}
"""Statuses of errors whose code says more than that the request is at fault (422) or the server (500)."""

_RETRY_AFTER = b"1"  # seconds
_CHAT = ("/v1/chat/", "/v1/models")  # routes of the OpenAI protocol


class Refusal(SevenstepError):
    """The server does not take a request on, for its size, its rate, or for want of a right; ``status`` says which."""

    def __init__(self, status: int, code: str, given: str, rule: str, fix: str) -> None:
        self.status = status
        super().__init__(code, given, rule, fix)


def status_of(error: SevenstepError) -> int:
    """The HTTP status of an error."""
    if isinstance(error, Refusal):
        return error.status
    return _STATUS.get(error.code, 422 if isinstance(error, InputError) else 500)


def problem_body(error: SevenstepError, path: str) -> dict[str, Any]:
    """The errors apart, and in one sentence under the name that the protocol of the path gives it."""
    found = error.errors if isinstance(error, CollectedErrors) else (error,)
    parts = [{"code": one.code, "given": one.given, "rule": one.rule, "fix": one.fix, "where": one.where} for one in found]
    if path.startswith("/v2"):
        return {"error": error.sentence(), "errors": parts}
    if path == "/invocations":
        return {"error_code": error.code, "message": error.sentence(), "errors": parts}
    if path.startswith(_CHAT):
        told = {"message": error.sentence(), "type": "invalid_request_error", "param": None, "code": error.code}
        return {"error": told, "errors": parts}
    return {"errors": parts}


def answer(error: SevenstepError, path: str) -> Response:
    """An error as an answer; one that passes by itself says when to try again, one for want of a token how to show it."""
    status, headers = status_of(error), {}
    if status in (429, 503):
        headers["retry-after"] = _RETRY_AFTER.decode()
    if status == 401:
        headers["www-authenticate"] = 'Basic realm="sevenstep", charset="UTF-8"' if path in PAGES else "Bearer"
    if status == 413:
        headers["connection"] = "close"
    return Response(orjson.dumps(problem_body(error, path)), status, headers, "application/json")
