"""One run at a time on one store."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sevenstep.engine.canonical import canonical_json
from sevenstep.errors import InputError

__all__ = ["run_lock"]


@contextmanager
def run_lock(store_root: Path, project: str) -> Iterator[None]:
    """Hold the store for this run; the kernel lets go of it when the process ends, however it ends.

    Raises:
        InputError: ``STORE-BUSY``, saying who holds it.
    """
    path = store_root / "lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        _take(handle, path)
        _sign(handle, project)
        yield
    finally:
        os.close(handle)


def _take(handle: int, path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        given = f"the store {path.parent} is in use by {_holder(path)}"
        raise InputError("STORE-BUSY", given, "one run at a time works on a store", "wait for its end or stop it") from error


def _sign(handle: int, project: str) -> None:
    holder = {
        "project": project,
        "process": os.getpid(),
        "host": socket.gethostname(),
        "since": f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S %Z}",
    }
    os.ftruncate(handle, 0)
    os.pwrite(handle, canonical_json(holder, "lock"), 0)


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_bytes())
        return f"a run of '{holder['project']}', process {holder['process']} on {holder['host']} since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another run that has just started"
