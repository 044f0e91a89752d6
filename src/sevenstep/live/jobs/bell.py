"""What a process sleeps by: rung when there is something to look at, or when it is to stop; also from the handler of a signal."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from queue import Empty, SimpleQueue

__all__ = ["Bell"]


class Bell:
    """Wakes who waits for it.

    ``threading.Event`` will not do: set from a signal handler that interrupts its own ``wait`` it may lock up for ever; putting
    into a ``SimpleQueue`` is safe anywhere.
    """

    def __init__(self) -> None:
        self.stopped = False
        self._rings: SimpleQueue[None] = SimpleQueue()

    def ring(self) -> None:
        """Wake who waits, or who waits next."""
        self._rings.put(None)

    def stop(self) -> None:
        """Ring for the end: ``stopped`` is true from now on."""
        self.stopped = True
        self.ring()

    def wait(self, longest: timedelta | None = None) -> None:
        """Sleep until it rings, or for a while; rings since the last time are one."""
        with suppress(Empty):
            self._rings.get(timeout=None if longest is None else max(0.0, longest.total_seconds()))
            while True:
                self._rings.get_nowait()
