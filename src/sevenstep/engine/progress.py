"""Shows on the error stream how far long work has come: live on a terminal, as lines now and then elsewhere, not when quiet."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Protocol

__all__ = ["Display", "Lines", "Pace", "Progress", "open_progress"]

Clock = Callable[[], float]
SECONDS_BETWEEN_LINES = 10.0


class Display(Protocol):
    """Where progress is shown."""

    def show(self, step: str, text: str, share: float | None) -> None:
        """Show the step, what is being done, and the share of the work that is done (None where it is not known)."""
        ...

    def close(self) -> None:
        """Put the display away; a later `show` brings it back."""
        ...


class Pace:
    """How fast a batch of jobs goes, and so how long it will still take.

    The weight of a job is its expected seconds. The speed is the weight done per second of wall time, which accounts for jobs
    running side by side as well as for weights that are all wrong by the same factor.
    """

    def __init__(self, weights: Sequence[float], clock: Clock = time.monotonic) -> None:
        self._clock, self._start = clock, clock()
        self._whole, self._done = sum(weights), 0.0
        self._jobs, self._ended = len(weights), 0

    def add(self, weight: float) -> None:
        """A job of this weight has ended."""
        self._done += weight
        self._ended += 1

    def share(self) -> float:
        """Share of the weight that is done, 0 to 1."""
        return self._done / self._whole if self._whole > 0 else 1.0

    def seconds_left(self) -> float | None:
        """Expected seconds until the last job ends; None before the first has ended."""
        if self._done <= 0:
            return None
        return (self._clock() - self._start) * max(0.0, self._whole - self._done) / self._done

    def text(self) -> str:
        """Jobs done of all, and the time left."""
        left = self.seconds_left()
        return f"{self._ended}/{self._jobs} jobs" + ("" if left is None else f", about {_duration(left)} left")


class Progress:
    """What the engine tells a person who watches; a `Display` decides how it looks."""

    def __init__(self, display: Display | None) -> None:
        self._display, self._step = display, ""

    def step(self, name: str) -> None:
        """A step begins to run."""
        self._step = name
        self.say("")

    def say(self, text: str, share: float | None = None) -> None:
        """What is being done, in a few words."""
        if self._display is not None:
            self._display.show(self._step, text, share)

    @contextmanager
    def jobs(self, weights: Sequence[float]) -> Iterator[Callable[[float], None]]:
        """A batch of jobs runs; what is given is to be called with the weight of each job that has ended."""
        pace = Pace(weights)

        def done(weight: float) -> None:
            pace.add(weight)
            self.say(pace.text(), pace.share())

        self.say(pace.text(), 0.0)
        yield done

    def rest(self) -> None:
        """Nothing runs for now: leave the terminal free for other lines."""
        if self._display is not None:
            self._display.close()


def open_progress(quiet: bool = False, stream: IO[str] | None = None) -> Progress:
    """Progress on ``stream`` (the error stream when not given): live on a terminal, else plain lines; none when ``quiet``."""
    stream = stream or sys.stderr
    if quiet:
        return Progress(None)
    return Progress(_Live(stream) if stream.isatty() else Lines(stream))


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
            print(f"{step}: {text} ({_duration(now - self._start)} gone)", file=self._stream, flush=True)

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
