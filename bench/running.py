"""The command itself in a process of its own, as a user starts it, with what it took."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import NamedTuple

from memory import TreeMemory

__all__ = ["Took", "run_command"]

START = "from sevenstep.cli.main import main; main()"
MET, MISSED = 0, 1


class Took(NamedTuple):
    """Seconds by the clock, and peak memory of all processes in MiB."""

    seconds: float
    peak: float


def run_command(*arguments: str) -> Took:
    """Run ``sevenstep`` with these arguments; ends this process where it ends neither with every KPI met nor with one missed."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", START, *arguments])
    memory = TreeMemory(process.pid)
    code = process.wait()
    if code not in (MET, MISSED):
        raise SystemExit(f"sevenstep {arguments[0]} ended with exit code {code}")
    return Took(time.perf_counter() - start, memory.peak)
