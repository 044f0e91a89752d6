"""What the ledger is told of jobs: taken, ended, lost; and the alarm where a work fails time and again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from sevenstep.live.jobs.due import Due
from sevenstep.live.jobs.entries import Entry, State, claim, close, end, failures, take_up

__all__ = ["ALARM_AFTER", "Alarm", "Ended", "Notes", "Trouble"]

ALARM_AFTER = 3
"""How many failures of a work in a row are an alarm."""


@dataclass(frozen=True)
class Ended:
    """How a job ended.

    Args:
        name: of the work.
        due: when it was due.
        started: when it started.
        ended: when it ended.
        state: ``done``, ``failed``, ``stopped`` or ``lost``; see `entries.Entry`.
        text: what came of it, in a sentence.
        skipped: due times before it that were missed and not made up for.
        again: a process had stopped or died while doing it, and this one took it up.
        exit_code: of a command that would have ended like this: 0, 2 for a bad input, 3 for a failure of ours.
    """

    name: str
    due: datetime
    started: datetime
    ended: datetime
    state: State
    text: str
    skipped: int = 0
    again: bool = False
    exit_code: int = 0


@dataclass(frozen=True)
class Trouble:
    """A work that fails time and again, or does no longer.

    Args:
        name: of the work.
        failures: how many times in a row; 0 where it ended well after as many as are an alarm.
        text: how it ended this time.
    """

    name: str
    failures: int
    text: str


Alarm = Callable[[sa.Connection, Trouble, datetime], None]
"""Told of trouble within the transaction that notes the job."""


class Notes:
    """What one process writes of jobs, each within a write transaction of the caller.

    Args:
        holder: name of the process.
        alarm: told of each failure from the third in a row on, and when it is over.
    """

    def __init__(self, holder: str, alarm: Alarm) -> None:
        self._holder = holder
        self._alarm = alarm

    def take(self, connection: sa.Connection, job: Due, now: datetime) -> bool:
        """Take a job; False where there is none to take, or another process was first."""
        if job.again is not None:
            return take_up(connection, job.again, self._holder, now)
        return job.moment is not None and claim(connection, job.name, job.moment, self._holder, now, job.skipped)

    def lose(self, connection: sa.Connection, entry: Entry, now: datetime) -> Ended:
        """Count a job as lost with the process that did it."""
        text = f"its process {entry.holder} ended before it did"
        lost = Ended(entry.name, entry.due, entry.started, now, "lost", text, entry.skipped, exit_code=3)
        if close(connection, entry, now, text):
            self._watch(connection, lost)
        return lost

    def end(self, connection: sa.Connection, job: Ended) -> Ended:
        """Note how a job of this process ended; where another process has taken it up meanwhile, that one has the say."""
        if end(connection, job.name, job.due, self._holder, job.ended, job.state, job.text):
            self._watch(connection, job)
            return job
        return replace(job, state="lost", text=f"another process has taken it up meanwhile; here it ended so: {job.text}")

    def _watch(self, connection: sa.Connection, job: Ended) -> None:
        before = failures(connection, job.name, job.due)
        if job.state in ("failed", "lost") and before + 1 >= ALARM_AFTER:
            self._alarm(connection, Trouble(job.name, before + 1, job.text), job.ended)
        elif job.state == "done" and before >= ALARM_AFTER:
            self._alarm(connection, Trouble(job.name, 0, job.text), job.ended)
