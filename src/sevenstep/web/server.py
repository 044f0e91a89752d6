"""Starting and stopping the server: the socket, the workers, and what moves their records into the ledger.

Workers are processes of their own, all reading one socket; this process starts them anew where one dies, passes the signal to
stop on, and drains the records, so that the ledger takes none of a worker's time.
"""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import uvicorn
from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess

from sevenstep.errors import InputError
from sevenstep.live.pointers import settle
from sevenstep.live.releases import champion
from sevenstep.web.app import make_app
from sevenstep.web.draining import Drain
from sevenstep.web.logs import UVICORN, tell
from sevenstep.web.metrics import FOLDER
from sevenstep.web.protocol import JoiningProtocol
from sevenstep.web.service import operation_of
from sevenstep.web.settings import Settings
from sevenstep.web.tokens import SCOPES, make_token, read_callers

__all__ = ["FIRST", "Opening", "bound", "is_loopback", "opening", "serve"]

FIRST = "first"  # label of the token that is made where there is none

_GRACE = 20  # seconds that requests under way have when the server is stopped
_BACKLOG = 2048
_HUNG = 60  # seconds without an answer after which a worker is started anew


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bound(host: str, port: int) -> socket.socket:
    """The socket of the server; raises InputError ``SERVE-ADDRESS`` where it cannot be had."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        given = f"{host}:{port} cannot be served at: {error.strerror or error}"
        raise InputError(
            "SERVE-ADDRESS", given, "a server has an address of its own", "choose another --port or --host"
        ) from error


@dataclass(frozen=True)
class Opening:
    """How a server opens: its settings with whether tokens are asked for, and the token that was made for want of any."""

    settings: Settings
    token: str | None


def opening(settings: Settings, host: str, *, require_token: bool, now: datetime) -> Opening:
    """Look whether there is something to serve, and who may be answered.

    On this machine's own address nobody is asked for a token until one was made; anywhere else everybody is, and where there is
    none yet, one is made.

    Raises:
        InputError: there is no sound release.
    """
    operation = operation_of(settings)
    settle(operation)
    champion(operation.store).verified()
    known = bool(read_callers(operation.ledger))
    tokens = known or require_token or not is_loopback(host)
    made = make_token(operation.ledger, FIRST, list(SCOPES), now) if tokens and not known else None
    operation.ledger.close()
    return Opening(replace(settings, tokens=tokens), made)


def serve(settings: Settings, listening: socket.socket, workers: int) -> None:
    """Serve until told to stop (SIGINT, SIGTERM): requests under way are answered, and all records reach the ledger."""
    operation = operation_of(settings)
    drain = Drain(operation, lambda why: tell("record-behind", text=why))
    stop = threading.Event()
    thread = threading.Thread(target=drain.run, args=(stop,), name="drain")
    with _shared_figures():
        thread.start()
        try:
            Multiprocess(_config(settings, workers), sockets=[listening]).run()
        finally:
            stop.set()
            thread.join()
            operation.ledger.close()


def _config(settings: Settings, workers: int) -> uvicorn.Config:
    return uvicorn.Config(
        partial(_worker, settings, os.getpid()), factory=True, workers=workers, log_config=UVICORN, access_log=False, ws="none",
        server_header=False, backlog=_BACKLOG, timeout_graceful_shutdown=_GRACE, proxy_headers=False, lifespan="on",
        timeout_worker_healthcheck=_HUNG, http=JoiningProtocol,
    )  # fmt: skip


def _worker(settings: Settings, parent: int) -> ASGIApp:
    """The application of a worker, which stops when the process that started it is gone."""
    threading.Thread(target=_stop_without, args=(parent,), daemon=True).start()
    return make_app(settings)


def _stop_without(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _shared_figures() -> Iterator[None]:
    """A folder in which workers leave their figures, so that one of them can tell those of all."""
    with tempfile.TemporaryDirectory(prefix="sevenstep-metrics-") as folder:
        os.environ[FOLDER] = folder
        yield
