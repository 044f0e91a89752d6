"""Jobs in the ledger: each is claimed by name and due time before it is done, so that it is done once, whoever does it.

A job that is ``running`` under the name of a process that no longer leads was cut short: it is taken up again once, and counted
as ``lost`` when that ends the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Literal

import sqlalchemy as sa

from sevenstep.live.ledger.tables import jobs

__all__ = ["Entry", "Past", "State", "claim", "close", "end", "failures", "past", "read_jobs", "take_up"]

State = Literal["running", "done", "failed", "stopped", "lost"]
_COUNTED = 16  # failures beyond are no longer told apart


@dataclass(frozen=True)
class Entry:
    """A job as the ledger knows it.

    Args:
        name: of the work.
        due: when it was due.
        holder: process that does it or did it.
        started: when.
        ended: when; None while it runs.
        state: ``running``; ``done``; ``failed``; ``stopped``, given up when its process was stopped; ``lost`` with its process.
        text: what came of it, in a sentence.
        attempt: 1, and 1 more each time its process died.
        skipped: due times before it that nobody was there for.
    """

    name: str
    due: datetime
    holder: str
    started: datetime
    ended: datetime | None
    state: State
    text: str
    attempt: int
    skipped: int


@dataclass(frozen=True)
class Past:
    """The last job of a work, and how many of its jobs failed in a row up to now."""

    last: Entry | None
    failures: int


def past(connection: sa.Connection, name: str) -> Past:
    """What the ledger knows of a work."""
    found = read_jobs(connection, name, _COUNTED)
    return Past(found[0] if found else None, _failed(found))


def failures(connection: sa.Connection, name: str, before: datetime) -> int:
    """How many jobs of a work failed in a row up to a due time, that one not counted."""
    return _failed(read_jobs(connection, name, _COUNTED, before))


def _failed(newest_first: Sequence[Entry]) -> int:
    return sum(1 for _ in takewhile(lambda entry: entry.state in ("failed", "lost"), newest_first))


def read_jobs(connection: sa.Connection, name: str, limit: int, before: datetime | None = None) -> Sequence[Entry]:
    """The newest jobs of a work, due before a moment where one is given; newest first."""
    columns = (jobs.c[field] for field in Entry.__dataclass_fields__)
    query = sa.select(*columns).where(jobs.c.name == name).order_by(jobs.c.due.desc()).limit(limit)
    if before is not None:
        query = query.where(jobs.c.due < before)
    return [Entry(**row) for row in connection.execute(query).mappings()]


def claim(connection: sa.Connection, name: str, due: datetime, holder: str, now: datetime, skipped: int = 0) -> bool:
    """Take a job, within a write transaction; False where it has been taken already.

    Args:
        connection: of the caller's write transaction.
        name: of the work.
        due: when it is due.
        holder: the process that will do it.
        now: when it starts.
        skipped: due times before it that nobody was there for.
    """
    taken = connection.scalar(sa.select(jobs.c.id).where(jobs.c.name == name, jobs.c.due == due))
    if taken is not None:
        return False
    values = {"holder": holder, "started": now, "state": "running", "text": "", "attempt": 1, "skipped": skipped}
    connection.execute(jobs.insert().values(name=name, due=due, **values))
    return True


def take_up(connection: sa.Connection, entry: Entry, holder: str, now: datetime) -> bool:
    """Take a job that was cut short; False where it is no longer as it was seen. A process that died counts as an attempt."""
    attempt = entry.attempt + (entry.state == "running")
    values = {"holder": holder, "started": now, "ended": None, "state": "running", "text": "", "attempt": attempt}
    return connection.execute(jobs.update().where(*_as_seen(entry)).values(**values)).rowcount == 1


def close(connection: sa.Connection, entry: Entry, now: datetime, text: str) -> bool:
    """Count a job that was cut short as lost; False where it is no longer as it was seen."""
    return connection.execute(jobs.update().where(*_as_seen(entry)).values(state="lost", ended=now, text=text)).rowcount == 1


def end(connection: sa.Connection, name: str, due: datetime, holder: str, now: datetime, state: State, text: str) -> bool:
    """Note how a job ended; False where another process has taken it over, which then has the say."""
    own = (jobs.c.name == name, jobs.c.due == due, jobs.c.holder == holder, jobs.c.state == "running")
    return connection.execute(jobs.update().where(*own).values(ended=now, state=state, text=text)).rowcount == 1


def _as_seen(entry: Entry) -> tuple[sa.ColumnElement[bool], ...]:
    same = {"name": entry.name, "due": entry.due, "holder": entry.holder, "state": entry.state, "started": entry.started}
    return tuple(jobs.c[name] == value for name, value in same.items())
