"""Jobs by the calendar: one leader, every job once, what was missed made up for once, what failed tried again later."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time as clocks
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from postgres_server import database
from sevenstep.errors import InputError
from sevenstep.live.channels import LOG
from sevenstep.live.failing import Untold, alarm_of, tell_failing
from sevenstep.live.jobs.bell import Bell
from sevenstep.live.jobs.due import Due, Work, due, pause
from sevenstep.live.jobs.entries import Entry, Past, claim, past, read_jobs
from sevenstep.live.jobs.noting import Ended
from sevenstep.live.jobs.timetable import Computed, Daily, Dues, Every, Timetable
from sevenstep.live.leading import Leadership
from sevenstep.live.ledger.ledger import FILE, Ledger, open_ledger
from sevenstep.live.ledger.tables import alarms, jobs
from sevenstep.live.operation import Operation
from sevenstep.live.scheduling import Operator
from sevenstep.project import Project
from small_projects import START, Told, project, rows, sevenstep, table

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
HOURLY = Every(HOUR)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(tmp_path, "orders")
    yield opened
    opened.close()


class Process:
    """A process that operates, on a clock of the test's; what it is told is kept."""

    def __init__(self, name: str, ledger: Ledger, works: Sequence[Work], now: datetime = NOON, **more: Any) -> None:
        self.now = now
        self.jobs: list[Ended] = []
        self.turns: list[bool] = []
        self.reasons: list[str] = []
        more = {"begin": lambda: None, "alarm": alarm_of, "beat": SECOND / 20, **more}
        self.operator = Operator(ledger, works, Leadership(name), lambda: self.now, self, **more)

    def ended(self, job: Ended) -> None:
        self.jobs.append(job)

    def turned(self, leads: bool, leader: str) -> None:
        self.turns.append(leads)

    def hindered(self, reason: str) -> None:
        self.reasons.append(reason)

    def work_at(self, moment: datetime) -> None:
        """Look at a moment, and again until all that was started then has ended."""
        self.now = moment
        started, known = list(self.operator.look()), len(self.jobs)
        give_up = clocks.monotonic() + 5
        while len(self.jobs) < known + len(started) and clocks.monotonic() < give_up:
            clocks.sleep(0.005)
            started += self.operator.look()

    def done(self) -> list[tuple[str, datetime]]:
        return [(job.name, job.due) for job in self.jobs]


def work(
    name: str = "refresh", when: Timetable = HOURLY, run: Callable[[datetime], str] = lambda now: "fine", **more: Any
) -> Work:
    return Work(name, when, run, **more)


def fails(now: datetime) -> str:
    raise InputError("TEST-BAD", "it is bad", "it must be good", "make it good")


# Leading ----------------------------------------------------------------------------------------------------------------------


def hold(ledger: Ledger, leadership: Leadership, seconds: float) -> bool:
    with ledger.writing() as connection:
        return leadership.hold(connection, NOON + seconds * SECOND)


def test_the_first_process_leads_and_the_others_stand_by_for_as_long_as_it_comes_back(ledger: Ledger) -> None:
    first, second = Leadership("first"), Leadership("second")
    for seconds in range(0, 100, 4):
        assert hold(ledger, first, seconds)
        assert not hold(ledger, second, seconds + 1)


def test_a_leader_that_does_not_come_back_is_followed_within_its_lease_and_two_looks(ledger: Ledger) -> None:
    first, second = Leadership("first"), Leadership("second")
    assert hold(ledger, first, 0)
    assert [hold(ledger, second, seconds) for seconds in (4, 8, 11.9, 12, 16)] == [False, False, False, False, True]
    assert not hold(ledger, first, 17)


def test_a_leader_that_could_not_write_for_long_has_its_turn_before_it_is_followed(ledger: Ledger) -> None:
    first, second = Leadership("first"), Leadership("second")
    assert hold(ledger, first, 0)
    assert not hold(ledger, second, 40)
    assert hold(ledger, first, 40.1)
    assert not hold(ledger, second, 44)
    assert not hold(ledger, second, 60)
    assert hold(ledger, second, 64)


def test_a_lease_that_is_given_up_is_free_at_once(ledger: Ledger) -> None:
    first, second = Leadership("first"), Leadership("second")
    assert hold(ledger, first, 0)
    with ledger.writing() as connection:
        second.give_up(connection)
        assert first.holds(connection)
        first.give_up(connection)
    assert hold(ledger, second, 1)


def test_a_clock_that_was_set_back_does_not_keep_a_dead_leader(ledger: Ledger) -> None:
    first, second = Leadership("first"), Leadership("second")
    assert hold(ledger, first, 7200)
    assert [hold(ledger, second, seconds) for seconds in (0, 4)] == [False, True]


# Calendars --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Seoul", "Australia/Lord_Howe"])
@pytest.mark.parametrize("at", [time(5), time(2, 30)])
def test_a_day_has_one_due_time_also_when_clocks_change(zone: str, at: time) -> None:
    daily, local = Daily(at, ZoneInfo(zone)), ZoneInfo(zone)
    since = datetime(2026, 1, 1, 23, tzinfo=UTC)
    moments = [since := daily.following(since) for _ in range(365)]
    days = [moment.astimezone(local).date() for moment in moments]
    assert days == [days[0] + timedelta(days=place) for place in range(365)]
    usual = [moment for moment in moments if moment.astimezone(local).time() == at]
    assert len(usual) >= 364  # but for the day without that hour


def test_a_week_has_one_due_time_on_its_day() -> None:
    weekly = Daily(time(2), ZoneInfo("Asia/Seoul"), weekday=6)
    since = NOON
    found = [since := weekly.following(since) for _ in range(5)]
    assert [moment.astimezone(ZoneInfo("Asia/Seoul")).date() for moment in found] == [
        date(2026, 3, 8) + 7 * DAY * n for n in range(5)
    ]


@pytest.mark.parametrize(
    "when", [Every(HOUR), Every(7 * SECOND), Daily(time(5), UTC), Daily(time(5), ZoneInfo("Europe/Rome"), 2)]
)
def test_what_was_due_in_a_span_is_what_one_meets_walking_through_it(when: Timetable) -> None:
    chance = random.Random(5)
    for _ in range(20):
        after = NOON + chance.uniform(-1e6, 1e6) * SECOND
        until = after + chance.choice([0.5, 3600, 86400, 7 * 86400]) * SECOND
        met: list[datetime] = []
        moment = when.following(after)
        while moment is not None and moment <= until:
            met.append(moment)
            moment = when.following(moment)
        assert when.dues(after, until) == (Dues(met[-1], len(met)) if met else None)


def test_computed_moments_are_those_that_follow_the_time_it_was_due_last() -> None:
    when = Computed(lambda since: [since - HOUR, since, since + HOUR, since + 3 * HOUR], otherwise=Every(DAY))
    assert when.dues(NOON, NOON + HOUR / 2) is None
    assert when.dues(NOON, NOON + HOUR) == Dues(NOON + HOUR, 1)
    assert when.dues(NOON, NOON + 5 * HOUR) == Dues(NOON + 3 * HOUR, 2)
    assert when.following(NOON + HOUR) == NOON + 3 * HOUR
    assert when.following(NOON + 3 * HOUR) is None


def test_where_no_moment_was_computed_the_other_calendar_counts() -> None:
    when = Computed(lambda since: [], otherwise=Every(HOUR))
    assert when.dues(NOON, NOON + 2 * HOUR) == Dues(NOON + 2 * HOUR, 2)


# What is due ------------------------------------------------------------------------------------------------------------------


def entry(state: str = "done", attempt: int = 1, due: datetime = NOON) -> Entry:
    return Entry("refresh", due, "me", due, due + SECOND, state, "", attempt, 0)  # type: ignore[arg-type]


def due_now(last: Entry | None, now: datetime, failures: int = 0) -> tuple[datetime | None, int] | None:
    found = due(work(), {"refresh": Past(last, failures)}, now)
    return None if found is None else (found.moment, found.skipped)


def test_work_that_was_never_done_is_due_at_once() -> None:
    assert due_now(None, NOON + HOUR / 3) == (NOON + HOUR / 3, 0)


def test_work_that_answers_to_something_waits_for_it() -> None:
    class Never:
        def dues(self, after: datetime, until: datetime) -> Dues | None:
            return None

        def following(self, after: datetime) -> datetime | None:
            return None

    assert due(Work("tell", Never(), fails, at_once=False), {"tell": Past(None, 0)}, NOON) is None
    assert due(Work("tell", HOURLY, fails, at_once=False), {"tell": Past(None, 0)}, NOON) == Due("tell", NOON)


def test_work_is_due_when_its_time_has_come_and_not_before() -> None:
    assert due_now(entry(), NOON + HOUR - SECOND) is None
    assert due_now(entry(), NOON + HOUR) == (NOON + HOUR, 0)


def test_of_what_was_missed_the_newest_is_made_up_for_and_the_rest_is_counted() -> None:
    assert due_now(entry(), NOON + 5 * HOUR + SECOND) == (NOON + 5 * HOUR, 4)


def test_what_ran_in_a_dead_process_is_taken_up_once() -> None:
    running = entry("running")
    found = due(work(), {"refresh": Past(running, 0)}, NOON + SECOND)
    assert found is not None and (found.moment, found.again, found.lost) == (NOON, running, None)
    twice = entry("running", attempt=2)
    found = due(work(), {"refresh": Past(twice, 0)}, NOON + SECOND)
    assert found is not None and (found.moment, found.again, found.lost) == (None, None, twice)


def test_what_ran_in_a_dead_process_is_not_taken_up_where_a_newer_time_makes_up_for_it() -> None:
    running = entry("running")
    found = due(work(), {"refresh": Past(running, 0)}, NOON + 3 * HOUR)
    assert found is not None and (found.moment, found.skipped, found.again, found.lost) == (NOON + 3 * HOUR, 2, None, running)


def test_what_was_stopped_with_its_process_may_be_taken_up_any_number_of_times() -> None:
    stopped = entry("stopped", attempt=5)
    found = due(work(), {"refresh": Past(stopped, 0)}, NOON + SECOND)
    assert found is not None and (found.again, found.lost) == (stopped, None)


def test_pauses_double_from_a_minute_to_an_hour() -> None:
    assert [pause(failures) / timedelta(minutes=1) for failures in range(1, 10)] == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_what_failed_is_tried_again_after_a_pause_and_not_before() -> None:
    ended, wait = NOON + SECOND, timedelta(minutes=4)
    assert due_now(entry("failed"), ended + wait - SECOND, failures=3) is None
    assert due_now(entry("failed"), ended + wait, failures=3) == (ended + wait, 0)
    assert due_now(entry("failed"), NOON + 2 * HOUR, failures=3) == (NOON + 2 * HOUR, 1)


def test_work_that_follows_another_waits_for_it_and_is_due_when_that_ended_well() -> None:
    later = work("monitor", Every(DAY), follows="refresh")

    def found(refresh: Entry | None, monitor: Entry | None, now: datetime) -> datetime | None:
        one = due(later, {"refresh": Past(refresh, 0), "monitor": Past(monitor, 0)}, now)
        return None if one is None else one.moment

    assert found(None, None, NOON) is None
    assert found(entry("running"), entry(due=NOON - HOUR), NOON + DAY) is None
    assert found(entry("done"), entry(due=NOON - HOUR), NOON + SECOND) == NOON + SECOND
    assert found(entry("done"), entry(due=NOON + SECOND), NOON + HOUR) is None
    assert found(entry("failed"), entry(due=NOON - HOUR), NOON + HOUR) is None
    assert found(entry("failed"), entry(due=NOON - HOUR), NOON + DAY) == NOON.replace(hour=0) + DAY


# A process by the calendar ----------------------------------------------------------------------------------------------------


def test_a_day_of_hourly_work_is_done_hour_by_hour(ledger: Ledger) -> None:
    process = Process("one", ledger, [work()])
    for minutes in range(0, 24 * 60, 20):
        process.work_at(NOON + timedelta(minutes=minutes))
    assert process.done() == [("refresh", NOON + HOUR * hour) for hour in range(24)]
    assert {(job.state, job.text, job.skipped, job.exit_code) for job in process.jobs} == {("done", "fine", 0, 0)}


def test_two_processes_do_every_job_once_and_a_third_goes_on_after_a_pause_of_all(ledger: Ledger) -> None:
    works = [work(when=Every(20 * SECOND)), work("observe", Every(50 * SECOND))]
    first, second = (Process(name, ledger, works) for name in ("first", "second"))
    for seconds in range(0, 200, 4):
        first.work_at(NOON + seconds * SECOND)
        second.work_at(NOON + (seconds + 2) * SECOND)
    assert second.done() == [] and second.turns == [False]
    assert sorted(first.done()) == sorted(
        [("refresh", NOON + 20 * n * SECOND) for n in range(10)] + [("observe", NOON + 50 * n * SECOND) for n in range(4)]
    )
    third = Process("third", ledger, works[:1])
    for seconds in (400, 404):
        third.work_at(NOON + seconds * SECOND)
    assert third.done() == [("refresh", NOON + 400 * SECOND)] and third.jobs[0].skipped == 10


def test_of_a_process_that_dies_another_takes_up_the_job_and_what_it_ends_late_counts_no_more(ledger: Ledger) -> None:
    go = threading.Event()
    first = Process("first", ledger, [work(run=lambda now: str(go.wait(5)))])
    second = Process("second", ledger, [work()])
    assert first.operator.look() == ["refresh"]
    for seconds in (1, 13, 17):
        second.work_at(NOON + seconds * SECOND)
    assert second.done() == [("refresh", NOON)] and second.jobs[0].again and second.jobs[0].state == "done"
    go.set()
    first.work_at(NOON + 18 * SECOND)
    with ledger.reading() as connection:
        (kept,) = read_jobs(connection, "refresh", 10)
    assert (kept.holder, kept.state, kept.attempt, kept.text) == ("second", "done", 2, "fine")
    assert [job.state for job in first.jobs] in ([], ["lost"]) and first.turns == [True, False]


def test_a_job_that_ends_two_processes_is_not_begun_in_a_third(ledger: Ledger) -> None:
    go = threading.Event()
    stuck = work(run=lambda now: str(go.wait(5)))
    for place, name in enumerate(("first", "second")):
        process = Process(name, ledger, [stuck])
        for seconds in (0, 13, 17):
            process.now = NOON + (place * 20 + seconds) * SECOND
            if process.operator.look():
                break
    third = Process("third", ledger, [work()])
    for seconds in (60, 64):
        third.work_at(NOON + seconds * SECOND)
    assert [(job.name, job.state) for job in third.jobs] == [("refresh", "lost")]
    third.work_at(NOON + 64 * SECOND + pause(1))
    assert third.jobs[-1].state == "done"
    go.set()


def test_a_failing_job_is_noted_with_its_sentence_and_does_not_keep_others_from_being_done(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    process = Process("one", ledger, [work(run=fails), work("other"), work("third", run=lambda now: str(1 / 0))])
    process.work_at(NOON)
    told = {job.name: (job.state, job.text, job.exit_code) for job in process.jobs}
    assert told == {
        "refresh": ("failed", "it is bad; it must be good; make it good [TEST-BAD]", 2),
        "other": ("done", "fine", 0),
        "third": ("failed", "ZeroDivisionError: division by zero", 3),
    }
    assert [record.exc_info is not None for record in caplog.records if "third" in record.message] == [True]


def test_three_failures_in_a_row_raise_one_alarm_that_a_good_end_resolves(ledger: Ledger) -> None:
    wrong = [True]
    process = Process("one", ledger, [work(run=lambda now: fails(now) if wrong[0] else "fine")])

    def known() -> list[tuple[str, str, int]]:
        with ledger.reading() as connection:
            return [(row.name, row.state, row.times) for row in connection.execute(sa.select(alarms))]

    now = NOON
    for failures in range(1, 5):
        process.work_at(now)
        assert known() == ([] if failures < 3 else [("job::refresh", "open", failures - 2)])
        now += pause(failures)
    wrong[0] = False
    process.work_at(now)
    assert known() == [("job::refresh", "resolved", 2)]
    assert [job.state for job in process.jobs] == 4 * ["failed"] + ["done"]


def test_the_alarm_of_failing_work_is_told_by_work_of_its_own_once(ledger: Ledger, tmp_path: Path) -> None:
    process = Process("one", ledger, [work(run=fails)])
    for minutes in (0, 1, 3):
        process.work_at(NOON + timedelta(minutes=minutes))
    folder = project(tmp_path / "small")
    spec = Project(folder).spec
    operation = Operation(spec, tmp_path, lambda: None, ledger)  # type: ignore[arg-type,return-value]  # no task is needed to tell
    untold = Untold(ledger)
    assert untold.dues(NOON, NOON + HOUR) == Dues(NOON + HOUR, 1)
    assert tell_failing(operation, NOON + HOUR) == "1 alarm told"
    (told,) = (tmp_path / LOG).read_text(encoding="utf-8").splitlines()
    assert json.loads(told)["text"].startswith("refresh failed 3 times in a row: it is bad")
    assert untold.dues(NOON, NOON + HOUR) is None


def test_a_leader_begins_by_settling_and_starts_nothing_while_that_fails(ledger: Ledger) -> None:
    broken = [True]
    process = Process("one", ledger, [work()], begin=lambda: fails(NOON) and None if broken[0] else None)
    for seconds in (0, 4, 8):
        process.work_at(NOON + seconds * SECOND)
    assert process.jobs == [] and len(process.reasons) == 1 and "TEST-BAD" in process.reasons[0]
    broken[0] = False
    process.work_at(NOON + 12 * SECOND)
    assert process.done() == [("refresh", NOON + 12 * SECOND)]


def test_a_ledger_that_is_held_by_another_program_is_told_once_and_waited_for(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = sa.create_engine(f"sqlite:///{tmp_path / FILE}", connect_args={"timeout": 0.05, "isolation_level": None})
    process = Process("one", Ledger(impatient), [work()])
    with sqlite3.connect(tmp_path / FILE, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        for seconds in (0, 4):
            process.work_at(NOON + seconds * SECOND)
        other.execute("ROLLBACK")
    assert process.reasons == ["the ledger cannot be used: database is locked"]
    process.work_at(NOON + 8 * SECOND)
    assert process.done() == [("refresh", NOON + 8 * SECOND)]


def test_a_job_claimed_twice_is_had_once(ledger: Ledger) -> None:
    with ledger.writing() as connection:
        assert claim(connection, "refresh", NOON, "one", NOON)
        assert not claim(connection, "refresh", NOON, "another", NOON)
        assert past(connection, "refresh").last == Entry("refresh", NOON, "one", NOON, None, "running", "", 1, 0)


# Once, and stopping -----------------------------------------------------------------------------------------------------------


def real(ledger: Ledger, works: Sequence[Work], name: str = "one", **more: Any) -> tuple[Operator, Process]:
    """A process on the real clock, and what it is told."""
    told = Process("unused", ledger, works)
    more = {"begin": lambda: None, "alarm": alarm_of, "beat": SECOND / 10, **more}
    return Operator(ledger, works, Leadership(name, SECOND / 2), lambda: datetime.now(UTC), told, **more), told


def test_once_does_what_is_due_and_what_follows_from_it_each_once(ledger: Ledger) -> None:
    works = [work(when=Every(SECOND / 50)), work("monitor", Every(DAY), follows="refresh")]
    operator, told = real(ledger, works)
    assert operator.once()
    assert [job.name for job in told.jobs] == ["refresh", "monitor"]
    again, told = real(ledger, [*works[1:], work(when=Every(DAY))])
    assert again.once() and told.jobs == []


def test_once_leaves_the_work_to_a_leader_that_lives_and_follows_one_that_died(ledger: Ledger) -> None:
    living, stop = Leadership("living", SECOND / 2), threading.Event()

    def live() -> None:
        while not stop.wait(0.1):
            with ledger.writing() as connection:
                living.hold(connection, datetime.now(UTC))

    with ledger.writing() as connection:
        living.hold(connection, datetime.now(UTC))
    thread = threading.Thread(target=live)
    thread.start()
    operator, told = real(ledger, [work()])
    assert operator.once() and told.jobs == [] and told.turns == [False]
    stop.set()
    thread.join()
    operator, told = real(ledger, [work()])
    assert operator.once() and len(told.jobs) == 1


def test_a_process_that_is_stopped_lets_its_job_end_and_hands_over_at_once(ledger: Ledger) -> None:
    begun = threading.Event()

    def slow(now: datetime) -> str:
        begun.set()
        clocks.sleep(0.5)
        return "ended in peace"

    operator, told = real(ledger, [work(run=slow)])
    with ThreadPoolExecutor(1) as pool:
        whole = pool.submit(operator.run)
        assert begun.wait(5)
        operator.stop()
        assert whole.result(5)
    assert [(job.state, job.text) for job in told.jobs] == [("done", "ended in peace")]
    assert hold(ledger, Leadership("next"), 0)


def test_a_job_that_takes_too_long_to_stop_is_given_up_and_taken_up_by_the_next(ledger: Ledger) -> None:
    begun, go = threading.Event(), threading.Event()

    def endless(now: datetime) -> str:
        begun.set()
        return str(go.wait(10))

    operator, told = real(ledger, [work(when=Every(DAY), run=endless)], patience=SECOND / 2)
    with ThreadPoolExecutor(1) as pool:
        whole = pool.submit(operator.run)
        assert begun.wait(5)
        operator.stop()
        assert not whole.result(5)
    assert [job.state for job in told.jobs] == ["stopped"]
    go.set()
    following, told = real(ledger, [work(when=Every(DAY))], "next")
    assert following.once()
    assert [(job.state, job.again) for job in told.jobs] == [("done", True)]


def test_a_stop_asked_for_in_a_signal_handler_ends_the_wait_it_interrupts() -> None:
    bell = Bell()
    usual = signal.signal(signal.SIGALRM, lambda number, frame: bell.stop())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        began = clocks.monotonic()
        bell.wait(5 * SECOND)
        assert bell.stopped and clocks.monotonic() - began < 1
    finally:
        signal.signal(signal.SIGALRM, usual)


# Processes that are killed ----------------------------------------------------------------------------------------------------

OPERATING = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sevenstep.live.jobs.due import Work
from sevenstep.live.jobs.timetable import Every
from sevenstep.live.leading import Leadership
from sevenstep.live.ledger.ledger import open_ledger
from sevenstep.live.operation import Operation
from sevenstep.live.scheduling import Operator
from sevenstep.project import Project

class Teller:
    def ended(self, job): print("ended", job.state, flush=True)
    def turned(self, leads, leader): print("leads" if leads else "stands by", flush=True)
    def hindered(self, reason): print("hindered", reason, flush=True)

def tick(now):
    with Path(sys.argv[4]).open("a") as file:
        file.write(sys.argv[1] + "\\n")
    return "ticked"

ledger = open_ledger(Path(sys.argv[2]), "orders", sys.argv[3])
works = [Work("tick", Every(timedelta(seconds=0.5)), tick)]
leadership = Leadership(sys.argv[1], timedelta(seconds=1.5))
Operator(ledger, works, leadership, lambda: datetime.now(UTC), Teller(), begin=lambda: None,
         alarm=lambda *told: None, beat=timedelta(seconds=0.3)).run()
"""


def lines(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    return (line.strip() for line in process.stdout)


def test_when_the_leader_is_killed_another_process_goes_on_and_no_job_is_done_twice(tmp_path: Path) -> None:
    url, log = database(), tmp_path / "log"
    open_ledger(tmp_path, "orders", url).close()
    started: list[subprocess.Popen[str]] = []
    for name, said in (("first", "leads"), ("second", "stands by")):
        command = [sys.executable, "-c", OPERATING, name, str(tmp_path), url, str(log)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert next(lines(started[-1])) == said
    first, second = started
    assert next(lines(first)) == "ended done"
    first.kill()
    killed = clocks.monotonic()
    try:
        assert next(lines(second)) == "leads"
        handed_over = clocks.monotonic() - killed
        while next(lines(second)) != "ended done":
            pass
    finally:
        second.kill()
        for process in started:
            process.wait(5)
    assert handed_over < 1.5 + 3 * 0.3 + 2  # the lease, looks, and a busy machine
    with open_ledger(tmp_path, "orders", url).reading() as connection:
        noted = connection.execute(sa.select(jobs.c.due, jobs.c.holder, jobs.c.state)).all()
    done = Counter(log.read_text(encoding="utf-8").split())
    assert {holder for _, holder, _ in noted} == {"first", "second"}
    assert sum(done.values()) - len(noted) in (-1, 0)  # the job of a killed process may have been claimed and not yet done
    assert sum(state == "done" for _, _, state in noted) >= len(noted) - 2


# The command ------------------------------------------------------------------------------------------------------------------


def nothing(operation: Any, now: datetime, last: Any = None) -> str:
    return "nothing to do"


def no_moments(operation: Any, since: datetime) -> Sequence[datetime]:
    return []


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = project(tmp_path_factory.mktemp("operated") / "small", table(rows(("a", "b"), 60)))
    assert sevenstep("run", folder).code == 0
    return folder


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Monitoring, retraining and cadence have tests of their own."""
    late = dict.fromkeys(("monitor", "retrain", "cadence"), (__name__, "nothing")) | {"calendar": (__name__, "no_moments")}
    monkeypatch.setattr("sevenstep.live.works._LATE", late)


def outcomes(told: Told) -> dict[str, dict[str, Any]]:
    said = [json.loads(line) for line in told.out.splitlines()]
    return {one["job"]: one for one in said if "job" in one}


@pytest.mark.usefixtures("alone")
def test_operate_once_takes_in_what_arrived_and_refreshes_then_has_nothing_to_do(released: Path, tmp_path: Path) -> None:
    actuals = [{**row, "sales": 100.0, "visitors": 10} for row in rows(("a", "b"), 60) if row["day"] == str(START + 60 * DAY)]
    (tmp_path / "monday.csv").write_text(table(actuals), encoding="utf-8")
    (tmp_path / "broken.csv").write_text("no,columns\nof,ours\n", encoding="utf-8")
    (tmp_path / "growing.csv.part").write_text("shop,day\n", encoding="utf-8")
    for path in tmp_path.iterdir():
        os.utime(path, 2 * (clocks.time() - 60,))
    told = sevenstep("operate", released, "--once", "--json", "--inbox", tmp_path)
    found = outcomes(told)
    assert told.code == 0, told
    assert {name: one["outcome"] for name, one in found.items()} == dict.fromkeys(
        ("observe", "refresh", "cadence", "monitor", "retrain"), "done"
    )
    assert (
        found["observe"]["text"].startswith("1 file taken in: 2 new rows") and "broken.csv set aside" in found["observe"]["text"]
    )
    assert "predictions" in found["refresh"]["text"]
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")) == [
        "done/monday.csv", "growing.csv.part", "set-aside/broken.csv", "set-aside/broken.csv.txt",
    ]  # fmt: skip
    assert (tmp_path / "set-aside" / "broken.csv.txt").read_text(encoding="utf-8").strip() in found["observe"]["text"]
    again = sevenstep("operate", released, "--once", "--json", "--inbox", tmp_path)
    assert again.code == 0 and outcomes(again) == {}


def test_operate_without_a_release_or_an_inbox_says_what_to_do(tmp_path: Path) -> None:
    folder = project(tmp_path / "small")
    assert "RELEASE-NONE" in sevenstep("operate", folder, "--once").err
    told = sevenstep("operate", folder, "--inbox", tmp_path / "nowhere")
    assert told.code == 2 and "OPERATE-INBOX" in told.err


def test_operate_ends_with_exit_code_0_when_it_is_asked_to(released: Path) -> None:
    script = "from sevenstep.cli.main import main; main()"
    command = [sys.executable, "-c", script, "operate", str(released), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL)
    said = json.loads(next(lines(process)))
    process.send_signal(signal.SIGTERM)
    assert process.wait(25) == 0
    assert said["event"] == "leads"
    with open_ledger(released / ".sevenstep", "small").reading() as connection:
        assert Leadership("nobody").leader(connection) == ""
