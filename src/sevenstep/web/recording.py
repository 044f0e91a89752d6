"""Every prediction is recorded before it is answered, and no answer waits for the ledger.

A worker appends each batch of answers to a file of its own, in one write that outlives the process: killing it loses no record of
what was answered. `draining` moves the file into the tables of the ledger, in another process, so that it takes none of the
worker's time. When that falls behind by more than a bound, predicting is refused with 503: a lost record is worse than a late
prediction.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from sevenstep.engine.durable import make_folder
from sevenstep.errors import SevenstepError

__all__ = ["ENDING", "FOLDER", "Recorder", "RecordingFailed", "record_line"]

FOLDER, ENDING = "recording", ".jsonl"
_SEALED_AT = 4 * 1024 * 1024  # bytes after which a new file is begun
_MOST_FILES = 16  # files of all workers that may wait for the ledger
_LOOK_AGAIN = 0.5  # seconds


class RecordingFailed(SevenstepError):
    """A prediction could not be recorded, and so is not answered."""


def record_line(
    request: str,
    made: datetime,
    route: str,
    token: str,
    release: int,
    seconds: float,
    input_hash: str,
    inputs: Sequence[Mapping[str, Any]],
    predictions: Sequence[Mapping[str, Any]],
) -> bytes:
    """One answered request as a line; `draining` takes it apart."""
    told = {
        "id": request, "made": made, "route": route, "token": token, "release": release, "seconds": seconds,
        "input_hash": input_hash, "inputs": inputs, "predictions": predictions,
    }  # fmt: skip
    return orjson.dumps(told, default=str, option=orjson.OPT_APPEND_NEWLINE)


class Recorder:
    """Appends records to a file that is locked while it grows, so that it can be told from one whose writer is gone."""

    def __init__(self, store: Path) -> None:
        self._folder = make_folder(make_folder(store) / FOLDER)
        self._handle = -1
        self._size = 0
        self._full_until = 0.0

    def check(self) -> None:
        """Raise `RecordingFailed` ``RECORD-FULL`` while the ledger is too far behind."""
        now = time.monotonic()
        if self._size >= _SEALED_AT or self._full_until:
            if now < self._full_until:
                raise self._full()
            self._full_until = 0.0
            if sum(1 for _ in self._folder.glob(f"*{ENDING}")) >= _MOST_FILES:
                self._full_until = now + _LOOK_AGAIN
                raise self._full()

    def _full(self) -> RecordingFailed:
        rule = "every prediction is recorded, and the ledger is behind with what was answered already"
        return RecordingFailed(
            "RECORD-FULL", "the record of predictions is full", rule, "try again, or see whether the ledger answers"
        )

    def write(self, lines: bytes) -> None:
        """Append records in one write; raises `RecordingFailed` ``RECORD-FAILED`` where the disk does not take it."""
        if self._handle < 0 or self._size >= _SEALED_AT:
            self._begin()
        try:
            written = os.write(self._handle, lines)
        except OSError as error:
            raise self._failed(str(error.strerror)) from error
        self._size += written
        if written < len(lines):
            raise self._failed("the disk is full")

    def _failed(self, why: str) -> RecordingFailed:
        """A file with half a line at its end is not written on."""
        self.close()
        return RecordingFailed(
            "RECORD-FAILED", f"a prediction could not be recorded: {why}", "every one is", "make room on the disk"
        )

    def _begin(self) -> None:
        """A new file, locked; one that was taken for abandoned in the moment before it was locked is made again."""
        self.close()
        while True:
            path = self._folder / f"{time.time_ns():020d}-{secrets.token_hex(4)}{ENDING}"
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
            fcntl.flock(handle, fcntl.LOCK_EX)
            if path.exists():
                self._handle = handle
                return
            os.close(handle)

    def close(self) -> None:
        """Let go of the file: it will not grow any more."""
        if self._handle >= 0:
            os.close(self._handle)
        self._handle, self._size = -1, 0
