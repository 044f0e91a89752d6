"""Progress tells jobs done, time gone and time left, in the way that fits where it is shown."""

from __future__ import annotations

import io

import pytest

from sevenstep.engine.progress import Lines, Pace, Progress, open_progress


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_plan_that_is_right_is_told_as_it_is() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.expect([6.0, 3.0, 3.0])
    assert pace.seconds_left() == pytest.approx(12.0)
    clock.now += 6.0
    pace.add(6.0)
    assert pace.seconds_left() == pytest.approx(6.0)
    assert pace.share() == pytest.approx(0.5)
    assert pace.counted() == "1/3 jobs"


def test_the_first_job_which_waits_for_workers_does_not_speak_for_all() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.expect([1.0] * 60)
    clock.now += 10.0  # ten times what was planned: at that pace the other 59 would take ten minutes
    pace.add(1.0)
    assert 60 < pace.seconds_left() < 120
    for _ in range(49):
        clock.now += 1.0
        pace.add(1.0)
    assert pace.seconds_left() == pytest.approx(10.0, rel=0.2)


@pytest.mark.parametrize("factor", [0.1, 10.0])
def test_a_plan_that_is_off_by_a_factor_is_seen_through_as_work_goes_on(factor: float) -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.expect([2.0] * 40)
    for _ in range(36):
        clock.now += 2.0 * factor
        pace.add(2.0)
    assert pace.seconds_left() == pytest.approx(4 * 2.0 * factor, rel=0.35)


def test_no_time_is_left_after_the_last_job_and_weightless_jobs_are_counted() -> None:
    pace = Pace(Clock())
    pace.expect([2.0])
    pace.add(2.0)
    assert pace.seconds_left() == 0.0
    weightless = Pace(Clock())
    weightless.expect([0.0, 0.0])
    weightless.add(0.0)
    assert (weightless.counted(), weightless.share(), weightless.seconds_left()) == ("1/2 jobs", 1.0, 0.0)


class Shown:
    """A display that keeps what it is told."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def show(self, step: str, text: str, share: float | None) -> None:
        self.texts.append(text)

    def close(self) -> None:
        pass


def test_jobs_are_counted_through_a_step_however_many_batches_it_asks_for() -> None:
    shown = Shown()
    progress = Progress(shown, clock=Clock())
    for step in ("train", "tune"):
        progress.step(step)
        for size in (2, 3):
            with progress.jobs([1.0] * size) as done:
                for _ in range(size):
                    done(1.0)
    counts = [text.split(" ")[0] for text in shown.texts if text]
    assert counts == ["0/2", "1/2", "2/2", "2/5", "3/5", "4/5", "5/5"] * 2
    assert shown.texts[-1] == "5/5 jobs"


def test_time_between_batches_is_not_taken_for_slow_jobs() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.expect([5.0])
    clock.now += 5.0
    pace.add(5.0)
    clock.now += 300.0
    pace.expect([5.0])
    assert pace.seconds_left() == pytest.approx(5.0)


def test_no_more_time_is_promised_than_the_hard_stop_allows() -> None:
    clock, shown = Clock(), Shown()
    progress = Progress(shown, budget=600.0, clock=clock)
    progress.step("train")
    with progress.jobs([400.0, 400.0]) as done:
        clock.now += 480.0
        done(400.0)
        assert shown.texts[-1] == "1/2 jobs, about 2 min to go, 2 min of 10 min left"
        clock.now += 121.0
        done(0.0)
        assert shown.texts[-1] == "2/2 jobs, the budget of 10 min is used up"


@pytest.mark.parametrize(("seconds", "text"), [(59, "59 s"), (150, "2 min"), (5400, "1.5 h")])
def test_time_left_is_told_in_the_unit_that_fits(seconds: float, text: str) -> None:
    shown = Shown()
    progress = Progress(shown, clock=Clock())
    with progress.jobs([float(seconds)]):
        assert shown.texts == [f"0/1 jobs, about {text} to go"]


def test_a_log_gets_a_line_every_ten_seconds_at_most_and_none_for_short_work() -> None:
    clock, stream = Clock(), io.StringIO()
    progress = Progress(Lines(stream, clock))
    progress.step("train")
    for _ in range(250):
        clock.now += 0.1
        progress.say("fit boosting")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[0] == "train: fit boosting (10 s gone)"


def test_a_terminal_shows_the_step_and_the_jobs_done() -> None:
    terminal = Terminal()
    progress = open_progress(stream=terminal)
    progress.step("train")
    with progress.jobs([1.0, 1.0]) as done:
        done(1.0)
        progress.rest()
    shown = terminal.getvalue()
    assert "train" in shown
    assert "1/2 jobs" in shown


def test_nothing_is_shown_when_quiet_or_when_it_is_over_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    for progress in (open_progress(quiet=True), open_progress(stream=io.StringIO())):
        progress.step("train")
        with progress.jobs([1.0]) as done:
            done(1.0)
        progress.rest()
    assert capsys.readouterr() == ("", "")
