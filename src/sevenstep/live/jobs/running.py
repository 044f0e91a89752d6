"""A job that runs in a thread of this process, and how it ended, whatever it raised."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime

from sevenstep.errors import InternalError, SevenstepError
from sevenstep.live.jobs.due import Due, Work
from sevenstep.live.jobs.entries import State
from sevenstep.live.jobs.noting import Ended
from sevenstep.spec.secrets import masked

__all__ = ["Running"]

_LOG = logging.getLogger(__name__)


class Running:
    """A job under way.

    Args:
        work: what is done.
        job: the job, claimed; with a moment.
        started: when it starts.
        clock: tells the time, in UTC.
        pool: gives it a thread.
    """

    def __init__(self, work: Work, job: Due, started: datetime, clock: Callable[[], datetime], pool: Executor) -> None:
        self._job = job
        self._started = self._ended = started
        self.future = pool.submit(self._run, work, clock)

    def outcome(self) -> Ended:
        """How it ended; to be asked when it has. The trace of an error nobody foresaw goes to the log."""
        error = self.future.exception()
        if error is None:
            return self._as("done", self.future.result(), self._ended, 0)
        if isinstance(error, SevenstepError):
            return self._as("failed", error.sentence(), self._ended, error.exit_code)
        _LOG.error("the job %s failed", self._job.name, exc_info=error)
        return self._as("failed", f"{type(error).__name__}: {masked(str(error))}", self._ended, InternalError.exit_code)

    def given_up(self, now: datetime) -> Ended:
        """What is noted where its process stops before it ends."""
        return self._as("stopped", "given up because its process was stopped", now, 0)

    def _run(self, work: Work, clock: Callable[[], datetime]) -> str:
        try:
            return work.run(self._started)
        finally:
            self._ended = clock()

    def _as(self, state: State, text: str, ended: datetime, exit_code: int) -> Ended:
        job, line = self._job, " ".join(text.split())
        due, again = job.moment or self._started, job.again is not None
        return Ended(job.name, due, self._started, ended, state, line, job.skipped, again, exit_code)
