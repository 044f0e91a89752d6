"""Logs as JSON lines on the error stream: what happened, to which request, how it ended. No body, no token, no query."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any

import orjson

__all__ = ["UVICORN", "JsonLines", "RequestLog", "tell"]

_EVERY = 0.2  # seconds after which lines about requests are written


def tell(event: str, **about: Any) -> None:
    """Write one line."""
    _write(_line(event, about))


def _line(event: str, about: dict[str, Any]) -> bytes:
    told = {"time": datetime.now(UTC), "event": event, **about}
    return orjson.dumps(told, default=str, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)


def _write(lines: bytes) -> None:
    """Whoever reads them may be gone: serving goes on."""
    try:
        os.write(sys.stderr.fileno(), lines)
    except (OSError, ValueError):
        return


class RequestLog:
    """One line for each request, several written at a time, so that no answer waits for it."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []

    def add(self, **about: Any) -> None:
        """Note how a request ended; called on the event loop."""
        if not self._lines:
            asyncio.get_running_loop().call_later(_EVERY, self.flush)
        self._lines.append(_line("request", about))

    def flush(self) -> None:
        """Write what was noted."""
        lines, self._lines = self._lines, []
        if lines:
            _write(b"".join(lines))


class JsonLines(logging.Handler):
    """What libraries log, as lines of the same shape."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, with its traceback where there is one."""
        fault = {"fault": logging.Formatter().formatException(record.exc_info)} if record.exc_info else {}
        tell("log", level=record.levelname.lower(), logger=record.name, text=record.getMessage(), **fault)


UVICORN: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"lines": {"class": "sevenstep.web.logs.JsonLines"}},
    "root": {"handlers": ["lines"], "level": "WARNING"},
    "loggers": {"uvicorn.error": {"level": "WARNING"}},
}
"""How the server's own messages are logged."""
