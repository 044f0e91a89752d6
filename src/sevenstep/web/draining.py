"""Records of predictions are moved from the files workers append to into the ledger: each request once, whatever crashes when."""

from __future__ import annotations

import fcntl
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from sevenstep.live.ledger.tables import item_key, predictions, requests
from sevenstep.live.operation import Operation
from sevenstep.web.recording import ENDING, FOLDER

__all__ = ["Drain"]

_EVERY = 0.2  # seconds between rounds
_AT_ONCE = 500  # requests of one transaction
_YIELDING = 10  # niceness
_OWN = ("prediction", "target")  # what of a prediction is no detail of it

Record = Mapping[str, Any]


class Drain:
    """Moves records into the ledger.

    Args:
        operation: the project.
        behind: called with a sentence while the ledger does not take them; they stay where they are.
    """

    def __init__(self, operation: Operation, behind: Callable[[str], None]) -> None:
        self._operation, self._behind = operation, behind
        self._folder = operation.store / FOLDER
        self._read: dict[Path, int] = {}
        self._keys, self._time = tuple(operation.spec.data.series), operation.time
        self._target = operation.spec.targets[0] if operation.spec.targets else ""
        self._one_at_a_time = threading.Lock()

    def run(self, stop: threading.Event) -> None:
        """Round after round until told to stop, then a last one; answering requests goes before it."""
        if sys.platform == "linux":  # where a thread has a priority of its own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _YIELDING)
        while not stop.wait(_EVERY):
            self.round()
        self.round()

    def round(self) -> int:
        """Move what there is; how many requests that were."""
        with self._one_at_a_time:
            try:
                return sum(self._file(path) for path in sorted(self._folder.glob(f"*{ENDING}")))
            except OperationalError as error:
                self._behind(str(error.orig).strip())
                return 0

    def _file(self, path: Path) -> int:
        """Move what was added to a file; a file whose writer is gone is removed when all of it has been moved."""
        try:
            with path.open("rb") as file:
                ended = _is_free(file.fileno())
                file.seek(self._read.get(path, 0))
                added = file.read()
        except FileNotFoundError:  # another process has moved the last of it
            return 0
        whole = added[: added.rfind(b"\n") + 1]
        moved = 0
        for batch in _batches(whole):
            moved += self._write(batch)
        self._read[path] = self._read.get(path, 0) + len(whole)
        if ended:
            path.unlink(missing_ok=True)
            del self._read[path]
        return moved

    def _write(self, records: Sequence[Record]) -> int:
        """One transaction; requests that are in the ledger already came there before a crash."""
        with self._operation.ledger.writing() as connection:
            ids = [record["id"] for record in records]
            known = set(connection.scalars(sa.select(requests.c.id).where(requests.c.id.in_(ids))))
            new = [record for record in records if record["id"] not in known]
            if new:
                connection.execute(requests.insert(), [_request_row(record) for record in new])
                rows = [row for record in new for row in self._prediction_rows(record)]
                if rows:
                    connection.execute(predictions.insert(), rows)
        return len(new)

    def _prediction_rows(self, record: Record) -> Iterator[dict[str, Any]]:
        """Each prediction with the row it was made from, where predictions follow the rows of the request."""
        inputs, made = record["inputs"], datetime.fromisoformat(record["made"])
        follow = bool(inputs) and len(record["predictions"]) % len(inputs) == 0
        for number, told in enumerate(record["predictions"]):
            given = inputs[number % len(inputs)] if follow else {}
            item = {**given, **told}
            aside = (*_OWN, *self._keys, self._time)
            yield {
                "request": record["id"], "row": number, "release": record["release"], "made": made,
                "key": item_key({name: item[name] for name in self._keys if name in item}),
                "time": str(item.get(self._time) or ""), "target": str(told.get("target", self._target)),
                "prediction": _text(told.get("prediction")),
                "details": _text({name: value for name, value in told.items() if name not in aside}), "inputs": _text(given),
            }  # fmt: skip


def _request_row(record: Record) -> dict[str, Any]:
    about = {name: record[name] for name in ("id", "route", "token", "release", "seconds", "input_hash")}
    return {**about, "made": datetime.fromisoformat(record["made"]), "rows": len(record["inputs"])}


def _text(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _batches(lines: bytes) -> Iterator[list[Record]]:
    parts = lines.splitlines()
    for start in range(0, len(parts), _AT_ONCE):
        yield [orjson.loads(part) for part in parts[start : start + _AT_ONCE]]


def _is_free(handle: int) -> bool:
    """Whether nobody holds the file, so that it will not grow."""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
