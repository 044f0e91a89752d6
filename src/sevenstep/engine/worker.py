"""Runs one job where it is called, in this process or another: names and fingerprints go in and out, data stays in the store."""

from __future__ import annotations

import importlib
import os
import signal
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from sevenstep.endpoints.keeping import keep_calls_at
from sevenstep.engine.memory import peak_mebibytes, reset_peak
from sevenstep.engine.store import Store
from sevenstep.errors import SevenstepError
from sevenstep.work import Job, Leaves

__all__ = ["Outcome", "Ticket", "load_function", "run_in_worker", "run_ticket", "ticket_for"]


@dataclass(frozen=True)
class Ticket:
    """A job as it travels to a worker; ``function`` is ``module:name``, ``inputs`` are fingerprints."""

    fingerprint: str
    name: str
    function: str
    arguments: Mapping[str, Any]
    inputs: Mapping[str, str]
    weight: float
    threads: int
    optional: bool
    reserve: float


@dataclass(frozen=True)
class Outcome:
    """How a job ended: well when ``reason`` is empty, else ``reason`` is a sentence and ``error`` the error where it is ours."""

    fingerprint: str
    measured: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    error: SevenstepError | None = None
    trace: str = ""
    skipped: bool = False


def ticket_for(job: Job, fingerprint: str) -> Ticket:
    """What a worker needs to run the job."""
    function = f"{job.function.__module__}:{job.function.__qualname__}"
    inputs = {name: artifact.fingerprint for name, artifact in job.inputs.items()}
    return Ticket(fingerprint, job.name, function, job.arguments, inputs, job.weight, job.threads, job.optional, job.reserve)


def load_function(path: str) -> Any:
    """The function at ``module:name``."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def run_in_worker(ticket: Ticket, root: str, deadline: float, calls: str) -> Outcome:
    """`run_ticket` in a process of its own, with its native threads limited.

    ``calls`` is the `calls_place` of the run: a worker may have been started for another run of the same process.
    """
    keep_calls_at(calls)
    os.environ["POLARS_MAX_THREADS"] = str(ticket.threads)  # read when Polars is first imported, which is later than this
    if (
        threading.current_thread() is threading.main_thread()
    ):  # a backend that runs jobs in threads looks after its processes itself
        _follow_parent()
    return run_ticket(ticket, root, deadline)


def run_ticket(ticket: Ticket, root: str, deadline: float) -> Outcome:
    """Run the job and keep what it leaves in the store at ``root``.

    An optional job that has not started by ``deadline`` (epoch seconds), less what it reserves for later work, is skipped.
    """
    if ticket.optional and time.time() >= deadline - ticket.reserve:
        return Outcome(ticket.fingerprint, reason=_too_late(deadline), skipped=True)
    try:
        measured = _run(ticket, Store(Path(root)))
    except SevenstepError as error:
        return Outcome(ticket.fingerprint, reason=error.sentence(), error=error, trace=traceback.format_exc())
    except Exception as error:  # noqa: BLE001 - the job boundary: libraries may raise anything, and one fit must not end the run
        return Outcome(ticket.fingerprint, reason=f"{type(error).__name__}: {_one_line(error)}", trace=traceback.format_exc())
    return Outcome(ticket.fingerprint, measured)


def _too_late(deadline: float) -> str:
    if time.time() >= deadline:
        return "the time budget had ended before it could start"
    return "what was left of the time budget was kept for the work after it"


@cache
def _follow_parent() -> None:
    """Once in a worker: leave an interrupt to the parent, which ends its workers, and do not outlive a parent that was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def _run(ticket: Ticket, store: Store) -> Mapping[str, float]:
    """Run and keep; seconds and peak memory are the job's own, without the import of its module."""
    function = load_function(ticket.function)
    reset_peak()
    start = time.perf_counter()
    leaves: Leaves = function(ticket.arguments, {name: store.open(found) for name, found in ticket.inputs.items()})
    measured = {"seconds": time.perf_counter() - start, "peak_mebibytes": peak_mebibytes()}
    store.put(ticket.fingerprint, replace(leaves, measured={**leaves.measured, **measured}), "job", ticket.name)
    return measured


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or "no message"
