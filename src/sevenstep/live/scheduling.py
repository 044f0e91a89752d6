"""The calendar at work: one of any number of processes that do the jobs of a ledger when they are due.

APScheduler wakes it, the ledger decides. Each look, all by one thread, is a transaction that takes or renews the lease and notes
what has ended; the leader then claims what is due, in a transaction that finds the lease still its own, and starts it in a thread
of its own. So a job is done once however many processes there are, and one that is stopped, killed or cut off leaves a calendar
that another can go on with.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Protocol

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from sqlalchemy.exc import InternalError as SessionEnded
from sqlalchemy.exc import OperationalError

from sevenstep.errors import SevenstepError
from sevenstep.live.jobs.bell import Bell
from sevenstep.live.jobs.due import Work, due
from sevenstep.live.jobs.entries import Past, past
from sevenstep.live.jobs.noting import Alarm, Ended, Notes
from sevenstep.live.jobs.running import Running
from sevenstep.live.jobs.timetable import Timetable
from sevenstep.live.leading import Leadership
from sevenstep.live.ledger.ledger import Ledger

__all__ = ["BEAT", "PATIENCE", "Listener", "Operator"]

BEAT = timedelta(seconds=4)
"""Time between two looks at the ledger: with `leading.LENGTH` a leader that dies is followed within 20 seconds."""

PATIENCE = timedelta(seconds=20)
"""How long running jobs may go on when their process is stopped."""


class Listener(Protocol):
    """Who is told what happens."""

    def ended(self, job: Ended) -> None:
        """A job has ended."""

    def turned(self, leads: bool, leader: str) -> None:
        """This process leads from now on, or stands by while ``leader`` does."""

    def hindered(self, reason: str) -> None:
        """Nothing can be started for now; said once for each reason."""


class _Waking(BaseTrigger):  # type: ignore[misc]  # APScheduler says nothing of its types
    """When to look: at each beat, and on the second when something is due before the next one."""

    def __init__(self, beat: timedelta, timetables: Sequence[Timetable]) -> None:
        self._beat = beat
        self._timetables = timetables

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """The moment of the next look."""
        foreseen = [timetable.following(now) for timetable in self._timetables]
        return min([now + self._beat, *(moment for moment in foreseen if moment is not None)])


class Operator:
    """Does the works of a calendar, as one of any number of processes on a ledger.

    Args:
        ledger: where jobs and lease are kept.
        works: what is to be done; their names differ.
        leadership: this process's part in the choice of the leader.
        clock: tells the time, in UTC.
        listener: who is told.
        begin: called each time this process begins to lead, before it starts anything.
        alarm: told of work that fails time and again, and of the end of it.
        beat: time between two looks at the ledger; at most a third of the length of a lease.
        patience: how long running jobs may go on when the process is stopped.
    """

    def __init__(
        self,
        ledger: Ledger,
        works: Sequence[Work],
        leadership: Leadership,
        clock: Callable[[], datetime],
        listener: Listener,
        *,
        begin: Callable[[], None],
        alarm: Alarm,
        beat: timedelta = BEAT,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._ledger, self._works, self._leadership, self._clock = ledger, works, leadership, clock
        self._listener, self._begin, self._beat, self._patience = listener, begin, beat, patience
        self._notes = Notes(leadership.holder, alarm)
        self._open = {work.name for work in works}  # what this process may still start
        self._running: dict[str, Running] = {}
        self._standing: tuple[bool, str] = (False, "")  # whether this process leads, and who does
        self._hindrance = ""
        self._bell = Bell()
        self._pool = ThreadPoolExecutor(max_workers=len(works))

    def run(self) -> bool:
        """Work by the calendar until `stop`; whether every job that ran then came to its end."""
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        scheduler = BackgroundScheduler(job_defaults={"coalesce": True, "misfire_grace_time": None}, timezone="UTC")
        scheduler.add_job(self._bell.ring, _Waking(self._beat, [work.when for work in self._works]))
        scheduler.start()
        while not self._bell.stopped:
            self.look()
            self._bell.wait()
        scheduler.shutdown(wait=False)
        return self._wind_up()

    def once(self) -> bool:
        """Do what is due, each work at most once, and end; whether every job that was started came to its end.

        Where another process leads, that one does what is due and nothing is done here; whether it lives shows within a lease.
        """
        latest = self._clock() + self._leadership.length + 3 * self._beat
        while not self._bell.stopped:
            self._open -= set(self.look())
            if not self._running and (self._standing[0] or self._clock() > latest):
                break
            self._bell.wait(self._beat)
        return self._wind_up()

    def stop(self) -> None:
        """Let `run` or `once` come to its end: nothing more is started. Safe in the handler of a signal."""
        self._bell.stop()

    def look(self) -> Sequence[str]:
        """Take or renew the lease, note what has ended, start what is due; the names of what was started.

        Where the ledger cannot be reached that is told, and nothing is started until it can.
        """
        try:
            started = self._look(self._clock())
        except (OperationalError, SessionEnded) as error:
            self._hinder(f"the ledger cannot be used: {' '.join(str(error.orig).split())}")
        except SevenstepError as error:
            self._hinder(error.sentence())
        else:
            self._hindrance = ""
            return started
        return ()

    def _look(self, now: datetime) -> Sequence[str]:
        over = [name for name, job in self._running.items() if job.future.done()]
        with self._ledger.writing() as connection:
            leads = self._leadership.hold(connection, now)
            leader = self._leadership.leader(connection)
            ended = [self._notes.end(connection, self._running[name].outcome()) for name in over]
            known = {work.name: past(connection, work.name) for work in self._works}
        for name in over:
            del self._running[name]
        self._tell(ended)
        self._turn(leads, leader)
        return self._start(known, now) if leads else ()

    def _turn(self, leads: bool, leader: str) -> None:
        if leads and not self._standing[0]:
            self._begin()
        if (leads, leader) != self._standing:
            self._standing = (leads, leader)
            self._listener.turned(leads, leader)

    def _start(self, known: Mapping[str, Past], now: datetime) -> Sequence[str]:
        """Claim and start what is due, where this process still leads."""
        free = [work for work in self._works if work.name in self._open and work.name not in self._running]
        found = {work.name: (work, job) for work in free if (job := due(work, known, now))}
        if not found:
            return ()
        with self._ledger.writing() as connection:
            if not self._leadership.holds(connection):
                return ()
            lost = [self._notes.lose(connection, job.lost, now) for _, job in found.values() if job.lost]
            taken = [name for name, (_, job) in found.items() if self._notes.take(connection, job, now)]
        self._tell(lost)
        for name in taken:
            running = self._running[name] = Running(*found[name], self._clock(), self._clock, self._pool)
            running.future.add_done_callback(lambda ended: self._bell.ring())
        return taken

    def _wind_up(self) -> bool:
        """Start nothing more, let what runs come to its end, and leave the lead to others."""
        self._open = set()
        latest = self._clock() + self._patience
        while self._running and self._clock() < latest:
            self._bell.wait(min(self._beat, latest - self._clock()))
            self.look()
        self._leave()
        self._pool.shutdown(wait=False)
        return all(job.future.done() for job in self._running.values())

    def _leave(self) -> None:
        """Note what is given up, and let go of the lease."""
        left = self._running.values()
        given_up = [job.outcome() if job.future.done() else job.given_up(self._clock()) for job in left]
        try:
            with self._ledger.writing() as connection:
                ended = [self._notes.end(connection, job) for job in given_up]
                self._leadership.give_up(connection)
        except (OperationalError, SessionEnded) as error:  # the lease runs out, and the jobs are taken up as those of the dead
            self._hinder(f"the ledger cannot be used: {' '.join(str(error.orig).split())}")
        else:
            self._tell(ended)

    def _tell(self, jobs: Sequence[Ended]) -> None:
        for job in jobs:
            self._listener.ended(job)

    def _hinder(self, reason: str) -> None:
        if reason != self._hindrance:
            self._hindrance = reason
            self._listener.hindered(reason)
