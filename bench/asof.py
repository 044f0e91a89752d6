"""What was known in time beside what became final, on generated retail projects: optimism, and the error by lead.

    python bench/asof.py [--seeds 0,1,2] [--size small] [--origins 42]

The weather is forecast one to fourteen days ahead and orders are booked ahead; both are read as they stood at each origin, or as
they ended. Small models are fitted before the oldest of daily origins. Prints the WAPE at D-14, D-7 and D-1 of both, without
bookings and with them, and the share by which D-1 lies below D-14 with an interval over series and seeds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset
from sevenstep.stats.clusters import spread
from sevenstep.tasks.forecast.feasibility.sample import Effort
from sevenstep.tasks.forecast.optimism import FINAL, IN_TIME, Optimism, measure

Floats = NDArray[np.float64]


def dataset_of(folder: Path, seed: int, size: str) -> Dataset:
    """The data set of a generated project, as step 2 leaves it."""
    call = [sys.executable, "-c", "from sevenstep.cli.main import main; main()"]
    project = folder / str(seed)
    subprocess.run(
        [*call, "init", "retail", str(project), "--seed", str(seed), "--size", size], check=True, stdout=subprocess.DEVNULL
    )
    subprocess.run([*call, "run", str(project), "--until", "collect", "--anyway", "--quiet"], check=False)
    made = next(path for path in (project / ".sevenstep" / "objects").rglob("dataset.json"))
    return Dataset.load(made.parent)


def without(data: Dataset, column: str) -> Dataset:
    """The data set with one input left out."""
    ahead = tuple(name for name in data.roles.known_ahead if name != column)
    told = {name: how for name, how in data.facts["published"]["value"].items() if column not in how["columns"]}
    facts = {**data.facts, "published": {"value": told, "reason": ""}}
    roles = replace(data.roles, known_ahead=ahead)
    return Dataset({**data.tables, "items": data.items.drop(column)}, roles, facts)


def errors_at(found: Optimism, kind: str, lead: int) -> tuple[Floats, Floats]:
    """Sums of absolute errors and of sizes by cluster at one lead, of the days that both D-1 and D-14 forecast."""
    rows = (found.lead == lead) & np.isin(found.step, both_leads(found))
    _, codes = np.unique(found.cluster, return_inverse=True)
    size = codes.max() + 1
    error = np.abs(found.made[kind] - found.truth)[rows]
    return np.bincount(codes[rows], error, size), np.bincount(codes[rows], found.truth[rows], size)


def both_leads(found: Optimism) -> NDArray[np.int32]:
    """Days that are forecast one and fourteen days ahead, so that both leads are judged on the same."""
    return np.intersect1d(found.step[found.lead == 1], found.step[found.lead == 14])


def fall(found: list[Optimism], kind: str) -> str:
    """By how much D-1 lies below D-14, with its interval."""
    parts = [np.column_stack([*errors_at(one, kind, 1), *errors_at(one, kind, 14)]) for one in found]
    sums = np.concatenate(parts)
    told = spread(sums, lambda s: 1 - (s[..., 0] / s[..., 1]) / (s[..., 2] / s[..., 3]), seed=0, resamples=2_000, level=0.95)
    ends = told.method if told.low is None or told.high is None else f"{100 * told.low:.0f} to {100 * told.high:.0f}"
    return f"{100 * told.value:.0f} % ({ends})"


def wape(found: list[Optimism], kind: str, lead: int | None) -> float:
    """WAPE at one lead, or at all of them."""
    error = size = 0.0
    for one in found:
        rows = ((one.lead == lead) if lead else (one.lead > 0)) & np.isin(one.step, both_leads(one))
        error += float(np.abs(one.made[kind] - one.truth)[rows].sum())
        size += float(one.truth[rows].sum())
    return error / size


def main() -> None:
    """Measure every seed and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--size", default="small")
    parser.add_argument("--origins", type=int, default=42)
    options = parser.parse_args()
    inputs: dict[str, list[Optimism]] = {"weather and bookings": [], "weather alone": []}
    with tempfile.TemporaryDirectory() as folder:
        for seed in map(int, options.seeds.split(",")):
            data = dataset_of(Path(folder), seed, options.size)
            for name, own in (("weather and bookings", data), ("weather alone", without(data, "booked"))):
                made = measure(own, "orders", 14, seed, Effort(), origins=(options.origins, 1))
                assert made is not None
                inputs[name].append(made)
    for name, found in inputs.items():
        rows = sum(len(one.truth) for one in found)
        print(f"{name}: {rows:,} rows of {len(found)} projects from {options.origins} daily origins, the same days at every lead")
        for kind in (IN_TIME, FINAL):
            at = ", ".join(f"D-{lead} {wape(found, kind, lead):.4f}" for lead in (14, 7, 3, 1))
            print(f"  {kind:>26}: all {wape(found, kind, None):.4f}, {at}; D-1 below D-14 by {fall(found, kind)}", flush=True)


if __name__ == "__main__":
    main()
