"""The model that serves, and how it is exchanged while requests are answered.

The pointer file is looked at twice a second. A new champion is loaded, verified and asked once beside the one that serves; then
one reference changes hands. Requests under way end with the model they began with. Where predictions rest on what was observed,
new observations are taken in the same way.
"""

from __future__ import annotations

import asyncio
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import polars as pl
from sqlalchemy.exc import SQLAlchemyError

from sevenstep.errors import InputError, InputWarning, SevenstepError
from sevenstep.live.observing import newest
from sevenstep.live.operation import Operation
from sevenstep.live.predict import load_serving
from sevenstep.live.releases import Release
from sevenstep.live.standing import Standing, standing
from sevenstep.tasks.answers import Answers
from sevenstep.tasks.contract import Model
from sevenstep.web.logs import tell
from sevenstep.web.readers import Readers, Row

__all__ = ["Champion", "Made", "PredictsTogether", "Served"]

_EVERY = 0.5  # seconds between looks at the pointer


@runtime_checkable
class PredictsTogether(Protocol):
    """A model that predicts each row by itself, so that rows of several requests can be predicted at once."""

    @property
    def together(self) -> bool:
        """Whether this one can."""
        ...

    def predict_together(self, rows: pl.DataFrame, counts: Sequence[int]) -> tuple[pl.DataFrame, Sequence[Sequence[str]]]:
        """One prediction for each row, in order; and for each request, of which ``counts`` tells the rows, what to warn of."""
        ...

    def answer_together(self, rows: pl.DataFrame, counts: Sequence[int]) -> tuple[Sequence[Row], Sequence[Sequence[str]]]:
        """The same, row by row."""
        ...


@dataclass(frozen=True)
class Made:
    """Predictions of one request, and what makes them worth less."""

    rows: Sequence[Mapping[str, Any]]
    warnings: Sequence[str] = ()


@dataclass(frozen=True)
class Served:
    """A release that is loaded and ready to predict.

    Args:
        release: the release.
        model: its model.
        together: the same, where it predicts rows of several requests at once.
        readers: of its input schema.
        beside: columns that say which series and when; they stay in the answer.
        outputs: type of each column of its predictions, so far as they could be told beforehand.
        pace: seconds of a processor that predicting one row took when it was loaded.
    """

    release: Release
    model: Model
    together: PredictsTogether | None
    readers: Readers
    beside: tuple[str, ...]
    outputs: Mapping[str, pl.DataType]
    pace: float

    def seen_by(self, access: Sequence[str] | None) -> Served:
        """The same for an asker with these tags: a model that answers from documents sees those alone it may see."""
        return replace(self, model=self.model.within(access)) if access is not None and isinstance(self.model, Answers) else self

    def predict(self, requests: Sequence[Sequence[Row]]) -> Sequence[Made]:
        """Predictions of requests, each given by its checked rows."""
        if self.together is not None:
            return self._together(self.together, requests)
        return [self._alone(rows) for rows in requests]

    def _together(self, model: PredictsTogether, requests: Sequence[Sequence[Row]]) -> Sequence[Made]:
        merged = requests[0] if len(requests) == 1 else [row for rows in requests for row in rows]
        told, doubts = model.answer_together(self.readers.frame(merged), [len(rows) for rows in requests])
        made, start = [], 0
        for rows, doubt in zip(requests, doubts, strict=True):
            made.append(Made(told[start : start + len(rows)], doubt))
            start += len(rows)
        return made

    def _alone(self, rows: Sequence[Row]) -> Made:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", InputWarning)
            frame = self.model.predict(self.readers.frame(rows))
        doubts = [str(warning.message) for warning in caught if issubclass(warning.category, InputWarning)]
        return Made(self.answered(frame).rows(named=True), doubts)

    def answered(self, frame: pl.DataFrame) -> pl.DataFrame:
        """What is predicted, and of what; without inputs that the caller knows."""
        return frame.drop([name for name in self.readers.kinds if name in frame.columns and name not in self.beside])


def load(operation: Operation, overrides: Sequence[str]) -> Served:
    """The release that serves, loaded and asked once, so that no caller waits for what a first prediction prepares.

    Raises InputError as `load_serving` does.
    """
    release, model = load_serving(operation.store, operation.task, overrides)
    data = operation.spec.data
    parts = () if data.time is None or isinstance(data.time, str) else data.time.columns().values()
    readers = Readers(model.input_schema(), data.timezone)
    together = model if isinstance(model, PredictsTogether) and model.together else None
    served = Served(release, model, together, readers, (*data.series, operation.time, *parts), {}, 0.0)
    _first_prediction(served)
    started = time.thread_time()
    outputs = _first_prediction(served)
    return replace(served, outputs=outputs, pace=time.thread_time() - started)


def brought_up_to_date(operation: Operation, served: Served, last: Standing | None) -> tuple[Served, Standing]:
    """The same release with what was observed since, without learning anew; ``last`` is where that left off."""
    with operation.ledger.reading() as connection:
        last = last or Standing(served.release, served.model, 0)
        known = standing(operation, connection, datetime.now(UTC), last, served.release)
    return replace(served, model=known.model), known


def _first_prediction(served: Served) -> Mapping[str, pl.DataType]:
    """Columns of a prediction with their types; none where there is nothing to predict without a caller's rows."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InputWarning)
            if served.together is not None:
                nothing = served.readers.frame([dict.fromkeys(served.readers.kinds)])
                return dict(served.together.predict_together(nothing, [1])[0].schema)
            return dict(served.answered(served.model.predict()).schema)
    except InputError:
        return {}


class Champion:
    """The release that serves now.

    Args:
        operation: the project.
        overrides: as ``--set`` takes them.
        thread: where models are loaded and, if they take long, asked; one at a time.
        told: called with the release that began to serve, and with the fault where one could not be loaded.
    """

    def __init__(
        self,
        operation: Operation,
        overrides: Sequence[str],
        thread: Executor,
        told: Callable[[Served | None, SevenstepError | None], None],
    ) -> None:
        self._operation, self._overrides, self._thread, self._told = operation, overrides, thread, told
        self._seen: tuple[_File, int] | None = None
        self._served: Served | None = None
        self._standing: Standing | None = None

    @property
    def served(self) -> Served:
        """What serves; raises InputError ``RELEASE-NONE`` before anything could be loaded."""
        if self._served is None:
            raise InputError("RELEASE-NONE", "no release could be loaded yet", "predicting needs one", "run sevenstep run first")
        return self._served

    @property
    def ready(self) -> bool:
        """Whether there is a release to predict with."""
        return self._served is not None

    async def watch(self) -> None:
        """Follow the pointer until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_EVERY)

    async def look(self) -> None:
        """Load what the pointer names where it has moved, and take in what was observed; what serves stays where that fails."""
        try:
            seen = await asyncio.to_thread(self._now)
            if seen == self._seen:
                return
            served = await asyncio.get_running_loop().run_in_executor(self._thread, self._loaded, seen)
        except SevenstepError as error:
            self._told(None, error)
        except SQLAlchemyError as error:  # the ledger is away: what serves goes on, and this is tried again
            tell("ledger-fault", text=str(error).splitlines()[0])
            return
        else:
            self._served = served
            self._told(served, None)
        self._seen = seen

    def _now(self) -> tuple[_File, int]:
        """What the pointer is by now, and the newest observation where predictions rest on them."""
        pointer = _identity(self._operation.store / "releases" / "champion")
        if self._served is None or self._served.together is not None:
            return pointer, 0
        with self._operation.ledger.reading() as connection:
            return pointer, newest(connection)

    def _loaded(self, seen: tuple[_File, int]) -> Served:
        """The release the pointer names; only brought up to date where it is the one that serves."""
        moved = self._served is None or self._seen is None or seen[0] != self._seen[0]
        served = load(self._operation, self._overrides) if moved or self._served is None else self._served
        if served.together is not None:
            return served
        served, self._standing = brought_up_to_date(self._operation, served, None if moved else self._standing)
        return served


_File = tuple[int, int] | None


def _identity(path: Path) -> _File:
    """What changes when another file takes the place of this one."""
    try:
        about = path.stat()
    except FileNotFoundError:
        return None
    return about.st_ino, about.st_mtime_ns
