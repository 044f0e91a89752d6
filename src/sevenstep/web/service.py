"""What all routes of a worker share: the project, the model that serves, the batches, the record, the figures."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import polars as pl
from sqlalchemy.exc import SQLAlchemyError

from sevenstep.errors import InputError, SevenstepError
from sevenstep.live.operation import Operation
from sevenstep.project import Project
from sevenstep.web.asking import THREADS, Asking
from sevenstep.web.batching import Batcher
from sevenstep.web.logs import tell
from sevenstep.web.metrics import Metrics
from sevenstep.web.payloads import Asked
from sevenstep.web.recording import Recorder, record_line
from sevenstep.web.served import Champion, Made, Served
from sevenstep.web.settings import Settings
from sevenstep.web.tokens import Caller, read_callers

__all__ = ["Predicted", "Service", "operation_of"]

_TOKENS_EVERY = 2.0  # seconds after which a revoked token is known
_FIGURES_EVERY = 1.0


@dataclass(frozen=True)
class Predicted:
    """The answer to one request: its id, the release, the predictions and what makes them worth less."""

    request: str
    release: int
    rows: Sequence[Mapping[str, Any]]
    warnings: Sequence[str]


def operation_of(settings: Settings) -> Operation:
    """The project in operation that a server is of; raises InputError as `Project` and `Operation.of` do."""
    project = Project(settings.spec, settings.store, settings.overrides)
    return Operation.of(project.spec, project.store, lambda: project.task)


class Service:
    """One worker's share of the server."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.operation = operation_of(settings)
        self.metrics = Metrics()
        self.recorder = Recorder(self.operation.store)
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self.champion = Champion(self.operation, settings.overrides, self.thread, self._loaded)
        self._answerers = ThreadPoolExecutor(THREADS, thread_name_prefix="answer")
        self.asking = Asking(self._answerers, self.recorder, partial(self.metrics.count, "predictions"))
        self._callers: Mapping[str, Caller] = {}
        self._batcher = Batcher(self.thread, self.recorder.write, partial(self.metrics.see, "batch_requests"))

    def _loaded(self, served: Served | None, fault: SevenstepError | None) -> None:
        self.metrics.count("loads", "done" if served else "failed")
        gc.collect()
        gc.freeze()  # a model is made of many objects that stay: looking through them again and again would hold up requests
        if served is not None:
            self.metrics.set("release", served.release.number)
            tell("release", number=served.release.number, together=served.together is not None, seconds=round(served.pace, 6))
        else:
            tell("release-fault", text="" if fault is None else fault.sentence())

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Load the champion and the tokens, follow both, and let go of everything at the end."""
        self.read_tokens()
        await self.champion.look()
        watched = (self.champion.watch(), self._watch_tokens(), self._leave_figures())
        tasks = [asyncio.create_task(one) for one in watched]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks)
            self.recorder.close()
            self.thread.shutdown()
            self._answerers.shutdown()
            self.operation.ledger.close()

    def read_tokens(self) -> None:
        """Read the tokens anew."""
        if self.settings.tokens:
            self._callers = read_callers(self.operation.ledger)

    def known_caller(self, hashed: str) -> Caller | None:
        """The bearer of a token by its hash."""
        return self._callers.get(hashed)

    async def _watch_tokens(self) -> None:
        while True:
            await asyncio.sleep(_TOKENS_EVERY)
            try:
                await asyncio.to_thread(self.read_tokens)
            except SQLAlchemyError as error:  # the tokens known hold until the ledger answers again
                tell("ledger-fault", text=str(error).splitlines()[0])

    async def _leave_figures(self) -> None:
        while True:
            await asyncio.sleep(_FIGURES_EVERY)
            await asyncio.to_thread(self.metrics.leave)

    async def predict(self, asked: Asked, served: Served, state: Mapping[str, Any], route: str, body: bytes) -> Predicted:
        """Predict the rows of a request, and record them.

        Raises:
            InputError: the rows are too many, none, or not as the model needs them.
            RecordingFailed: what is predicted cannot be recorded.
        """
        started = time.perf_counter()
        self.recorder.check()
        self._count_rows(asked.rows)
        rows, request, release = served.readers.rows(asked.rows), str(state["request"]), served.release.number

        def record(made: Made) -> bytes:
            return record_line(
                request, datetime.now(UTC), route, state["caller"], release, time.perf_counter() - started,
                hashlib.sha256(body).hexdigest(), _recorded(asked.rows, served), made.rows,
            )  # fmt: skip

        made = await self._batcher.predict(served, rows, record)
        self._count_made(made)
        told = [{"prediction_id": f"{request}-{number}", **row} for number, row in enumerate(made.rows)]
        return Predicted(request, release, told, made.warnings)

    def _count_rows(self, rows: Sequence[Mapping[str, Any]]) -> None:
        most = self.settings.limits.rows
        if not rows:
            raise InputError("ROW-NONE", "the request has no row", "a prediction is made of a row", "give one at least")
        if len(rows) > most:
            rule, fix = f"a request has at most {most:,} rows", "send them in several requests, or use sevenstep predict"
            raise InputError("ROW-MOST", f"the request has {len(rows):,} rows", rule, fix)

    def _count_made(self, made: Made) -> None:
        self.metrics.count("predictions", by=len(made.rows))
        if made.warnings:
            self.metrics.count("doubtful")


def _recorded(rows: Sequence[Mapping[str, Any]], served: Served) -> Sequence[Mapping[str, Any]]:
    """What predictions were made from; of a file the hash, which tells whether it was the same."""
    kinds = served.readers.kinds
    if not served.readers.files:
        return [row if len(row) == len(kinds) else {name: row[name] for name in kinds} for row in rows]
    return [{name: _hashed(row[name]) if kind == pl.Binary else row[name] for name, kind in kinds.items()} for row in rows]


def _hashed(value: Any) -> str | None:
    return None if value is None else f"sha256:{hashlib.sha256(str(value).encode()).hexdigest()}"
