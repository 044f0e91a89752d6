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


def test_time_left_is_the_weight_ahead_over_the_speed_so_far() -> None:
    clock = Clock()
    pace = Pace([6.0, 3.0, 3.0], clock)
    assert pace.seconds_left() is None
    clock.now += 2.0  # weight 6 in 2 seconds: 3 a second, so weight 6 takes 2 more
    pace.add(6.0)
    assert pace.seconds_left() == pytest.approx(2.0)
    assert pace.share() == pytest.approx(0.5)
    assert pace.text() == "1/3 jobs, about 2 s left"


def test_weights_that_are_all_wrong_by_the_same_factor_give_the_same_time_left() -> None:
    left = []
    for factor in (1.0, 1000.0):
        clock = Clock()
        pace = Pace([4.0 * factor, 6.0 * factor], clock)
        clock.now += 8.0
        pace.add(4.0 * factor)
        left.append(pace.seconds_left())
    assert left == [pytest.approx(12.0), pytest.approx(12.0)]


def test_no_time_is_left_after_the_last_job_and_weightless_jobs_are_counted() -> None:
    pace = Pace([2.0], Clock())
    pace.add(2.0)
    assert pace.seconds_left() == 0.0
    weightless = Pace([0.0, 0.0], Clock())
    weightless.add(0.0)
    assert (weightless.text(), weightless.share()) == ("1/2 jobs", 1.0)


@pytest.mark.parametrize(("seconds", "text"), [(59, "59 s"), (150, "2 min"), (5400, "1.5 h")])
def test_time_left_is_told_in_the_unit_that_fits(seconds: float, text: str) -> None:
    clock = Clock()
    pace = Pace([1.0, 1.0], clock)
    clock.now += seconds
    pace.add(1.0)
    assert pace.text().endswith(f"about {text} left")


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
