"""The journal of a run: one JSON line per event, so that what happened can be read after any end, even a killed one."""

from __future__ import annotations

import json
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from sevenstep.engine.canonical import canonical_json
from sevenstep.engine.durable import make_folder, sync
from sevenstep.errors import InternalError

__all__ = ["Journal", "journal_paths", "read_journal"]

_DURABLE = ("run_", "step_")


class Journal:
    """Appends events to ``runs/<utc time>-<id>.jsonl`` of a store; a context manager that closes the file.

    Events of the run and of its steps are synced to the disk; those of jobs are only handed to the operating system, because
    there may be hundreds, and what the jobs leave is synced in the store.
    """

    def __init__(self, store_root: Path) -> None:
        folder = make_folder(store_root / "runs")
        now = datetime.now(UTC)  # to the millisecond, so that names of runs sort as the runs came
        self.run = f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03}Z-{secrets.token_hex(4)}"
        self.path = folder / f"{self.run}.jsonl"
        self._file = self.path.open("xb")
        sync(folder)

    def note(self, event: str, **details: Any) -> None:
        """Append one event (``run_started``, ``step_cached``, ``job_ended`` ...) with its time and details (JSON values)."""
        line = {"event": event, "time": datetime.now(UTC).isoformat(timespec="milliseconds"), **details}
        self._file.write(canonical_json(line, "journal line") + b"\n")
        self._file.flush()
        if event.startswith(_DURABLE):
            os.fsync(self._file.fileno())

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()


def journal_paths(store_root: Path) -> list[Path]:
    """The journals of a store, oldest first."""
    return sorted((store_root / "runs").glob("*.jsonl"))


def read_journal(path: Path) -> list[dict[str, Any]]:
    """All events, oldest first; a last line torn by a crash is left out.

    Raises:
        InternalError: a line before the last is damaged, which no crash explains.
    """
    lines = path.read_bytes().split(b"\n")
    whole = lines[:-1]  # what follows the last line end was never finished
    return [_event(line, number, path) for number, line in enumerate(whole, start=1)]


def _event(line: bytes, number: int, path: Path) -> dict[str, Any]:
    try:
        event: dict[str, Any] = json.loads(line)
    except ValueError as error:
        given, rule = "a line of the journal is no JSON", "it is only ever appended to"
        raise InternalError("JOURNAL-BROKEN", given, rule, "move the file away", where=f"{path.name}:{number}") from error
    return event
