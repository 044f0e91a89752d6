"""What is to be done now: of each work the newest due time that was not seen to, whatever was missed before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sevenstep.live.jobs.entries import Entry, Past
from sevenstep.live.jobs.timetable import Dues, Timetable

__all__ = ["Due", "Work", "due", "pause"]

_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(hours=1)
_ATTEMPTS = 2  # a job that ended two processes would end the next as well


@dataclass(frozen=True)
class Work:
    """Something to be done by the calendar.

    Args:
        name: under which the ledger knows it.
        when: its due times.
        run: does it, given the moment it starts; gives a sentence on what came of it.
        follows: name of work after which it is due as well, each time that ended well, and which it waits for.
        at_once: whether it is due at once where it was never done; else it waits for its first due time.
    """

    name: str
    when: Timetable
    run: Callable[[datetime], str]
    follows: str = ""
    at_once: bool = True


@dataclass(frozen=True)
class Due:
    """A job to start.

    Args:
        name: of the work.
        moment: when it was due; None where nothing is to be started.
        skipped: due times before it that nobody was there for.
        again: the job to be taken up again, cut short by the end of its process.
        lost: a job cut short that is not taken up again.
    """

    name: str
    moment: datetime | None
    skipped: int = 0
    again: Entry | None = None
    lost: Entry | None = None


def due(work: Work, known: Mapping[str, Past], now: datetime) -> Due | None:
    """What is to be started by the leader of a work that does not run there; None where nothing is.

    Of due times that were missed the newest is made up for, once. After failures in a
    row the next due time is at the end of a `pause`.

    Args:
        work: the work.
        known: the past of each work.
        now: the moment.
    """
    last = known[work.name].last
    if _waits(work, known):
        return None
    if last is None:
        return Due(work.name, now) if work.at_once or work.when.dues(_BEGINNING, now) else None
    found = _since(work, known, last, now)
    if last.state in ("running", "stopped"):
        return _cut_short(last, found)
    if known[work.name].failures:
        found = _after_pause(last, found, pause(known[work.name].failures), now)
    return None if found is None else Due(work.name, found.newest, found.count - 1)


def pause(failures: int) -> timedelta:
    """How long to wait after so many failures in a row: a minute, twice as long each time, an hour at most."""
    return min(_SHORTEST * (1 << failures - 1), _LONGEST)


def _waits(work: Work, known: Mapping[str, Past]) -> bool:
    """Whether what the work follows is still to come for the first time, or running."""
    if not work.follows:
        return False
    followed = known[work.follows].last
    return followed is None or followed.state == "running"


def _since(work: Work, known: Mapping[str, Past], last: Entry, now: datetime) -> Dues | None:
    """What was due since the last job: by the calendar, and by the end of what the work follows."""
    found = work.when.dues(last.due, now)
    followed = known[work.follows].last if work.follows else None
    if followed is None or followed.state != "done" or followed.ended is None or not last.due < followed.ended <= now:
        return found
    if found is None:
        return Dues(followed.ended, 1)
    return Dues(max(found.newest, followed.ended), found.count)


def _cut_short(last: Entry, found: Dues | None) -> Due:
    """What becomes of a job whose process ended: a newer due time makes up for it, else it is taken up again, once."""
    died = last.state == "running"
    if found is not None:
        return Due(last.name, found.newest, found.count - 1, lost=last if died else None)
    if died and last.attempt >= _ATTEMPTS:
        return Due(last.name, None, lost=last)
    return Due(last.name, last.due, last.skipped, again=last)


def _after_pause(last: Entry, found: Dues | None, wait: timedelta, now: datetime) -> Dues | None:
    retry = (last.ended or last.due) + wait
    if now < retry:
        return None
    return Dues(retry, 1) if found is None else Dues(max(retry, found.newest), found.count + (retry > found.newest))
