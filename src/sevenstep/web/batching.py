"""Requests that come at the same time are predicted at the same time: one call of the model costs hardly more than a row.

One that comes alone is predicted at once. Where several came together of late, as many are waited for, a millisecond at most:
else callers fall into groups that take turns, and each turn costs as much as one for all. Such groups would never meet by
themselves, so that now and then all who come within the millisecond are waited for, seldom where nobody more came. What is known
to take little is predicted on the event loop itself, since handing it to a thread and waiting for Python's lock takes longer.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from sevenstep.web.readers import Row
from sevenstep.web.served import Made, Served

__all__ = ["Batcher"]

_MOST_ROWS = 256  # of one batch, unless one request alone has more
_SHORT = 0.005  # seconds the event loop may be held
_AT_ONCE = 16  # rows that about double the time a prediction takes
_SMOOTHING = 0.1  # weight of the newest batch in the pace
_TIMED = 16  # batches of which one is timed
_PATIENCE = 0.001  # seconds that are waited for company
_FORGETTING = 0.9  # of the company there was, from batch to batch
_LOOK_AROUND = 16, 1024  # batches from one wait for whoever comes to the next: after one that paid, and at most


@dataclass(frozen=True)
class _Waiting:
    served: Served
    rows: Sequence[Row]
    record: Callable[[Made], bytes]
    done: asyncio.Future[Made]


class Batcher:
    """Predicts what waits, together where the model can, and records it.

    Args:
        thread: where predictions that take long are made, one at a time.
        keep: writes the records of a batch; nobody is answered before.
        counted: called with the number of requests of each batch.
    """

    def __init__(self, thread: Executor, keep: Callable[[bytes], None], counted: Callable[[int], None]) -> None:
        self._thread, self._keep, self._counted = thread, keep, counted
        self._waiting: list[_Waiting] = []
        self._busy: asyncio.Task[None] | None = None
        self._pace: tuple[Served, float] | None = None
        self._company, self._batches = 1.0, 0
        self._look, self._since = _LOOK_AROUND[0], 0
        self._enough: asyncio.Future[None] | None = None
        self._wanted = 1.0

    async def predict(self, served: Served, rows: Sequence[Row], record: Callable[[Made], bytes]) -> Made:
        """Predictions of one request, recorded; raises what the model or the recording raises."""
        done: asyncio.Future[Made] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(served, rows, record, done))
        if self._busy is None:
            self._busy = asyncio.create_task(self._work())
        elif self._enough is not None and len(self._waiting) >= self._wanted:
            self._stop_waiting()
        return await done

    async def _work(self) -> None:
        """Batch after batch until nothing waits."""
        try:
            while self._waiting:
                await self._gathered()
                batch = [waiting for waiting in self._next() if not waiting.done.done()]
                if batch:
                    await self._one(batch)
        finally:
            self._busy = None

    async def _gathered(self) -> None:
        """Let those join that have arrived already, and those that are to be expected."""
        await asyncio.sleep(0)
        self._since += 1
        looking = self._since >= self._look
        if looking or len(self._waiting) < self._company:
            loop = asyncio.get_running_loop()
            self._wanted = math.inf if looking else self._company
            self._enough = loop.create_future()
            timer = loop.call_later(_PATIENCE, self._stop_waiting)
            await self._enough
            timer.cancel()
        found = float(len(self._waiting))
        if looking:
            self._since, self._look = 0, _LOOK_AROUND[0] if found > self._company else min(2 * self._look, _LOOK_AROUND[1])
        self._company = max(found, _FORGETTING * self._company)

    def _stop_waiting(self) -> None:
        if self._enough is not None:
            self._enough.set_result(None)
        self._enough = None

    def _next(self) -> Sequence[_Waiting]:
        """The oldest request, with those after it that can go together with it."""
        first, batch, rows = self._waiting[0], 0, 0
        for waiting in self._waiting:
            rows += len(waiting.rows)
            if batch and (waiting.served is not first.served or first.served.together is None or rows > _MOST_ROWS):
                break
            batch += 1
        taken, self._waiting = self._waiting[:batch], self._waiting[batch:]
        return taken

    async def _one(self, batch: Sequence[_Waiting]) -> None:
        """Predict a batch and hand out what was made; where it fails, each request alone, so that none fails for another."""
        self._counted(len(batch))
        task = asyncio.ensure_future(self._made(batch))
        await asyncio.wait([task])
        fault = task.exception()
        if fault is not None and len(batch) > 1:
            for waiting in batch:
                await self._one([waiting])
            return
        answers = [None] * len(batch) if fault is not None else task.result()
        for waiting, made in zip(batch, answers, strict=True):
            if waiting.done.done():  # whoever asked has gone, or their time was up
                continue
            if made is not None:
                waiting.done.set_result(made)
            elif fault is not None:
                waiting.done.set_exception(fault)

    async def _made(self, batch: Sequence[_Waiting]) -> Sequence[Made]:
        served, requests = batch[0].served, [waiting.rows for waiting in batch]
        size = 1 + sum(map(len, requests)) / _AT_ONCE
        if served.together is not None and size * self._expected(served) < _SHORT:
            made, seconds = self._timed(served, requests)
        else:
            made, seconds = await asyncio.get_running_loop().run_in_executor(self._thread, self._timed, served, requests)
        if seconds:
            self._pace = served, (1 - _SMOOTHING) * self._expected(served) + _SMOOTHING * seconds / size
        self._keep(b"".join(waiting.record(one) for waiting, one in zip(batch, made, strict=True)))
        return made

    def _expected(self, served: Served) -> float:
        """Seconds a batch of few rows takes."""
        return self._pace[1] if self._pace is not None and self._pace[0] is served else served.pace

    def _timed(self, served: Served, requests: Sequence[Sequence[Row]]) -> tuple[Sequence[Made], float]:
        """Predictions of a batch, and, for one batch in a few, the seconds of a processor they took, whatever else ran meanwhile:
        asking that clock is dear.
        """
        self._batches += 1
        if self._batches % _TIMED:
            return served.predict(requests), 0.0
        started = time.thread_time()
        return served.predict(requests), time.thread_time() - started
