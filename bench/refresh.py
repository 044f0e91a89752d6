"""How long a refresh takes after new actuals, in a process that stays and in a new one.

    python bench/refresh.py ../shared/specs/rossmann.yaml --keep /tmp/refresh

The newest days whose actuals are known are hidden, the seven steps run on what is left (once; kept in ``--keep``), and the days
are then observed one by one. A refresh is timed from the arrival in the ledger to the version in it: bringing the model up to
date, predicting everything open up to the horizon for all targets, writing the version. Medians and all figures are printed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import warnings
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl

from sevenstep.errors import InputWarning
from sevenstep.live.observing import observe
from sevenstep.live.operation import Operation
from sevenstep.live.refreshing import refresh
from sevenstep.live.rehearsal.rehearse import collected, started
from sevenstep.live.rehearsal.world import World, published
from sevenstep.project import Project
from sevenstep.spec.units import Duration
from sevenstep.tasks.registry import grammars

NEW = "--in-a-new-process"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec", type=Path)
    parser.add_argument("--keep", type=Path, required=True, help="folder for the store, which is used again")
    parser.add_argument("--days", type=int, default=7, help="days observed one by one")
    parser.add_argument("--time", type=float, default=240.0, help="seconds the seven steps may take")
    parser.add_argument(NEW, dest="day", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    warnings.simplefilter("ignore", InputWarning)
    world, operation, days = prepared(asked)
    if asked.day is not None:
        print(json.dumps(timed(operation, world, days[asked.day], None)[0]))
        return
    stays, known = [], None
    for day in days:
        seconds, known = timed(operation, world, day, known)
        stays.append(seconds)
    first, later = stays[0], stays[1:]
    version, _ = refresh(operation, published(days[-1]), known)
    print(f"{asked.spec.stem}: {version.rows:,} predictions a refresh, {len(operation.spec.targets)} targets")
    print(f"in a process that stays: median {median(later):.2f} s of {len(later)} ({min(later):.2f} to {max(later):.2f}); "
          f"the first, which loads the model, {first:.2f} s")  # fmt: skip
    operation.ledger.close()
    again = [
        sys.executable,
        __file__,
        str(asked.spec),
        "--keep",
        str(asked.keep),
        "--days",
        str(asked.days + 1),
        NEW,
        str(asked.days),
    ]
    began = time.perf_counter()
    told = subprocess.run(again, check=True, capture_output=True, text=True).stdout
    whole = time.perf_counter() - began
    print(f"in a new process: {json.loads(told):.2f} s, {whole:.2f} s with its start and the reading of all data")


def prepared(asked: argparse.Namespace) -> tuple[World, Operation, Sequence[Any]]:
    """The world, the project as it stood before the newest days, and those days."""
    project = Project(asked.spec, asked.keep / "all")
    spec = project.spec.model_copy(update={"budget": project.spec.budget.model_copy(update={"time": Duration(asked.time)})})
    grammar = grammars()[spec.task]
    world = World.of(collected(spec, grammar, lambda: project.task, asked.keep / "all"))
    last = world.data.items.drop_nulls(list(spec.targets))[world.time].max()
    start = last - timedelta(days=14)  # type: ignore[operator]  # a rehearsal's data have dates
    days = world.moments(start, last)[: asked.days]
    own = world.opened(spec, start, asked.keep / "start")
    operation, _ = started(own, grammar, lambda: project.task, asked.keep / "start" / "store")
    return world, operation, days


def timed(operation: Operation, world: World, day: Any, known: Any) -> tuple[float, Any]:
    """Seconds of the refresh after a day's actuals have arrived."""
    rows: pl.DataFrame = world.arrived(day)
    observe(operation, rows.to_dicts(), "bench", published(day))
    began = time.perf_counter()
    _, known = refresh(operation, published(day), known)
    return time.perf_counter() - began, known


if __name__ == "__main__":
    main()
