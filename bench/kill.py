"""Kills a run at random moments and resumes it: the end must be the same as if nothing had happened.

    python bench/kill.py PROJECT [--times 30] [--set KEY=VALUE]

Runs the project once undisturbed, then in a second store: started, killed with SIGKILL after a random time, again and again,
each time resumed. Prints after how many kills each attempt ended and whether the report hash is that of the undisturbed run;
exits 1 when any differs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

START = "from sevenstep.cli.main import main; main()"


def main() -> None:
    """Compare the undisturbed run with the killed ones."""
    options = _options()
    flags = [flag for text in options.overrides for flag in ("--set", text)]
    with tempfile.TemporaryDirectory() as scratch:
        started = time.perf_counter()
        whole = _finished(_command(options.project, Path(scratch) / "whole", flags))
        seconds = time.perf_counter() - started
        print(f"undisturbed: {seconds:.0f} s, report hash {whole[:16]}")
        generator, kills, attempt, wrong = random.Random(options.seed), 0, 0, 0
        while kills < options.times:
            attempt += 1
            store = Path(scratch) / f"killed-{attempt}"
            own = 0
            while kills < options.times and _killed(_command(options.project, store, flags), generator.uniform(0.5, seconds / 2)):
                kills, own = kills + 1, own + 1
            found = _finished(_command(options.project, store, flags))
            wrong += found != whole
            print(f"attempt {attempt}: {own} kills, report hash {found[:16]}, {'equal' if found == whole else 'DIFFERENT'}")
        print(f"{kills} kills, {attempt} attempts, {wrong} with another report hash")
    sys.exit(1 if wrong else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path)
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    return parser.parse_args()


def _command(project: Path, store: Path, flags: list[str]) -> list[str]:
    return [sys.executable, "-c", START, "run", str(project), "--store", str(store), "--json", *flags]


def _killed(command: list[str], after: float) -> bool:
    """Whether the run had to be killed, with all it started; False when it ended before."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        process.wait(after)
        return False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True


def _finished(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"the run ended with exit code {done.returncode}: {done.stderr}")
    found: str = json.loads(done.stdout)["report_hash"]
    return found


if __name__ == "__main__":
    main()
