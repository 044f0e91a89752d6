"""Shows on the error stream how far long work has come: live on a terminal, as lines now and then elsewhere, not when quiet."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Protocol

__all__ = ["Display", "Lines", "Pace", "Progress", "open_progress"]

Clock = Callable[[], float]
SECONDS_BETWEEN_LINES = 10.0
PLAN_COUNTS = 0.25
"""Share of the work left that the plan counts for beside what was measured."""


class Display(Protocol):
    """Where progress is shown."""

    def show(self, step: str, text: str, share: float | None) -> None:
        """Show the step, what is being done, and the share of the work that is done (None where it is not known)."""
        ...

    def close(self) -> None:
        """Put the display away; a later `show` brings it back."""
        ...


class Pace:
    """How fast the jobs of a step go, and so how long those that are known of will still take.

    What counts for a job is the wall time it was planned to take. Plans are off by a factor; the one measured so far is drawn
    towards 1 by as many planned seconds as a quarter of the work left, so that the first job, which waits for workers to start
    and for libraries to load, does not speak for all.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock, self._since = clock, clock()
        self._whole = self._done = self._busy = 0.0
        self._jobs = self._ended = 0

    def expect(self, planned: Sequence[float]) -> None:
        """A batch of jobs of these planned seconds begins."""
        self._since = self._clock()
        self._whole += sum(planned)
        self._jobs += len(planned)

    def add(self, planned: float) -> None:
        """A job of these planned seconds has ended; the time since the last one was its own, or the batch's."""
        now = self._clock()
        self._busy, self._since = self._busy + now - self._since, now
        self._done += planned
        self._ended += 1

    def share(self) -> float:
        """Share of the planned work that is done, 0 to 1."""
        return min(1.0, self._done / self._whole) if self._whole > 0 else 1.0

    def seconds_left(self) -> float:
        """Expected seconds until the last job ends."""
        ahead = max(0.0, self._whole - self._done)
        trust = PLAN_COUNTS * ahead
        measured = self._busy + self._clock() - self._since
        return ahead * (measured + trust) / (self._done + trust) if ahead > 0 else 0.0

    def counted(self) -> str:
        """Jobs that have ended of all that are known of."""
        return f"{self._ended}/{self._jobs} jobs"


class Progress:
    """What the engine tells a person who watches; a `Display` decides how it looks.

    Args:
        display: where it is shown; nowhere when None.
        budget: seconds from now until the hard stop.
        clock: seconds that only go forward.
    """

    def __init__(self, display: Display | None, budget: float = math.inf, clock: Clock = time.monotonic) -> None:
        self._display, self._budget, self._clock = display, budget, clock
        self._start = clock()
        self._step, self._pace = "", Pace(clock)

    def step(self, name: str) -> None:
        """A step begins to run."""
        self._step, self._pace = name, Pace(self._clock)
        self.say("")

    def say(self, text: str, share: float | None = None) -> None:
        """What is being done, in a few words."""
        if self._display is not None:
            self._display.show(self._step, text, share)

    @contextmanager
    def jobs(self, planned: Sequence[float]) -> Iterator[Callable[[float], None]]:
        """Jobs that are planned to take these seconds run; what is given is to be called with those of each that has ended.

        Jobs are counted through the whole step, however many batches it asks for.
        """
        pace = self._pace
        pace.expect(planned)

        def done(seconds: float) -> None:
            pace.add(seconds)
            self.say(self._words(pace), pace.share())

        self.say(self._words(pace), pace.share())
        yield done

    def _words(self, pace: Pace) -> str:
        """Jobs done, and the time left: never more than the hard stop allows."""
        budget_left = max(0.0, self._budget - (self._clock() - self._start))
        left = min(pace.seconds_left(), budget_left)
        if budget_left <= 0:
            return f"{pace.counted()}, the budget of {_duration(self._budget)} is used up"
        if left <= 0:
            return pace.counted()
        of_all = f", {_duration(budget_left)} of {_duration(self._budget)} left" if math.isfinite(budget_left) else ""
        return f"{pace.counted()}, about {_duration(left)} to go{of_all}"

    def rest(self) -> None:
        """Nothing runs for now: leave the terminal free for other lines."""
        if self._display is not None:
            self._display.close()


def open_progress(quiet: bool = False, stream: IO[str] | None = None, budget: float = math.inf) -> Progress:
    """Progress on ``stream`` (the error stream when not given): live on a terminal, else plain lines; none when ``quiet``.

    ``budget`` is the seconds from now until the hard stop.
    """
    stream = stream or sys.stderr
    if quiet:
        return Progress(None)
    return Progress(_Live(stream) if stream.isatty() else Lines(stream), budget)


class Lines:
    """One plain line now and then, for logs; work that is over within seconds prints none."""

    def __init__(self, stream: IO[str], clock: Clock = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._start = self._last = clock()

    def show(self, step: str, text: str, share: float | None) -> None:
        """Print a line if the last one is long enough ago."""
        now = self._clock()
        if now - self._last >= SECONDS_BETWEEN_LINES:
            self._last = now
            print(f"{step}: {text or 'under way'} ({_duration(now - self._start)} gone)", file=self._stream, flush=True)

    def close(self) -> None:
        """Lines stay where they are."""


class _Live:
    """A line that is drawn anew: step, bar, jobs, time gone, time left."""

    def __init__(self, stream: IO[str]) -> None:
        from rich.console import Console  # late: a run that changes nothing must not load it
        from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        columns = (
            SpinnerColumn(),
            TextColumn("{task.fields[step]}"),
            BarColumn(20),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
        )
        self._progress = RichProgress(*columns, console=Console(file=stream), transient=True)
        self._line = self._progress.add_task("", step="", total=None)

    def show(self, step: str, text: str, share: float | None) -> None:
        self._progress.start()
        total = None if share is None else 1.0
        self._progress.update(self._line, description=text, step=step, completed=share or 0.0, total=total)

    def close(self) -> None:
        self._progress.stop()


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 60 else f"{minutes / 60:.1f} h"
