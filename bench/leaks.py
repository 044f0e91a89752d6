"""Twelve leaks of different kinds are planted and must be found; real tables that have none must not be accused.

    python bench/leaks.py [--planted] [--real SPECS] [--sets adult,bank,...] [--seed 0]

Each planted world is a project of its own; a leak counts as found where step 1 says so of the planted column. Without a leak the
same worlds must be clean. ``--real`` names a folder of specs whose data have no leak.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ROWS, SHOPS, DAYS, AHEAD = 3_000, 12, 400, 14
REAL = "rossmann,walmart,bike,m4-hourly,adult,bank,churn,housing,steel,ai4i,secom"
TABULAR = """spec: 1
name: planted
task: {task}
data: {{source: rows.csv}}
target: y
kpis: [{{id: good, metric: {metric}, goal: "{goal}"}}]
budget: {{time: 60s}}
"""
SERIES = """spec: 1
name: planted
task: forecast
data: {{source: rows.csv, time: day, series: [shop]}}
target: y
forecast: {{horizon: 14, frequency: 1d, known_ahead: {ahead}}}
kpis: [{{id: good, metric: wape, goal: "<= 0.2"}}]
budget: {{time: 60s}}
"""


def table(generator: np.random.Generator, *, number: bool) -> pl.DataFrame:
    """Rows with five honest inputs and a target that they explain in part."""
    heat, press, age = (generator.normal(0, 1, ROWS) for _ in range(3))
    line = generator.integers(0, 4, ROWS)
    shop = generator.integers(0, 400, ROWS)
    score = heat + 0.7 * press - 0.4 * age * (line == 2) + generator.normal(0, 1.2, ROWS)
    y = np.round(100 + 20 * score, 3) if number else (score > 1.1).astype(int)
    return pl.DataFrame({
        "heat": heat.round(4), "press": press.round(4), "age": age.round(4), "line": [f"l{one}" for one in line],
        "shop": [f"s{one}" for one in shop], "area": generator.uniform(20, 200, ROWS).round(1), "y": y,
    })  # fmt: skip


def series(generator: np.random.Generator) -> pl.DataFrame:
    """Daily sales with a week, a promotion and a price; the last two weeks are open."""
    total = DAYS + AHEAD
    promotion = generator.random((SHOPS, total)) < 0.25
    price = generator.uniform(1, 2, (SHOPS, total))
    week = 0.3 * np.sin(2 * np.pi * np.arange(total) / 7)
    mean = generator.uniform(50, 300, (SHOPS, 1)) * np.exp(week + 0.4 * promotion - 0.2 * price)
    y = np.round(mean * np.exp(generator.normal(0, 0.15, mean.shape)), 2)
    shop, day = (axis.ravel() for axis in np.indices(y.shape))
    return pl.DataFrame({
        "shop": shop, "day": [date(2023, 1, 2) + timedelta(int(one)) for one in day], "promotion": promotion.ravel().astype(int),
        "price": price.ravel().round(3), "y": y.ravel(),
    })  # fmt: skip


def grid(frame: pl.DataFrame) -> Floats:
    """The target of `series` by shop and day, days to come included."""
    return frame["y"].to_numpy().reshape(SHOPS, -1)


def moved(frame: pl.DataFrame, steps: int) -> Floats:
    """The target some days later, the last value repeated."""
    values = grid(frame)
    return values[:, np.minimum(np.arange(values.shape[1]) + steps, values.shape[1] - 1)]


def around(frame: pl.DataFrame, first: int, last: int) -> Floats:
    """Sum of the target from some days to others after each day."""
    return np.sum(
        [moved(frame, step) if step >= 0 else np.roll(grid(frame), -step, axis=1) for step in range(first, last + 1)], axis=0
    )


def encoded(frame: pl.DataFrame, generator: np.random.Generator) -> pl.Series:
    """Mean of the target by shop over all rows."""
    return frame.select(pl.col("y").mean().over("shop"))["y"]


def closed_at(frame: pl.DataFrame, generator: np.random.Generator) -> pl.Series:
    """When the case was closed: only a case that came true has been."""
    day = [date(2024, 1, 1) + timedelta(int(one)) for one in generator.integers(0, 300, len(frame))]
    return pl.select(pl.when(frame["y"] == 1).then(pl.Series(day)))[""]


def flagged(frame: pl.DataFrame, generator: np.random.Generator) -> pl.Series:
    """A flag that is set in most cases that came true, and in no other."""
    return pl.Series(((frame["y"].to_numpy() == 1) & (generator.random(len(frame)) < 0.8)).astype(int))


def flipped(frame: pl.DataFrame, generator: np.random.Generator) -> pl.Series:
    """The class, wrong in one of fifty rows."""
    return pl.Series(np.where(generator.random(len(frame)) < 0.02, 1 - frame["y"].to_numpy(), frame["y"].to_numpy()))


def halves(frame: pl.DataFrame, generator: np.random.Generator) -> dict[str, Any]:
    """Two numbers that are noise alone, and tell the class together."""
    first = generator.normal(0, 1, len(frame))
    second = np.abs(generator.normal(0, 1, len(frame))) * np.where((first > 0) == (frame["y"].to_numpy() == 1), 1, -1)
    return {"half_a": first.round(4), "half_b": second.round(4)}


Planter = Callable[[pl.DataFrame, np.random.Generator], Any]
LEAKS: Mapping[str, tuple[str, Planter]] = {
    "copy of the target": ("regression", lambda f, g: f["y"]),
    "noisy copy": ("classification", flipped),
    "copy in another unit": ("regression", lambda f, g: (f["y"] * 2.54 + 7).round(1)),
    "ratio with an input": ("regression", lambda f, g: (f["y"] / f["area"]).round(4)),
    "target encoding over all rows": ("classification", encoded),
    "id in the order of the target": ("regression", lambda f, g: f["y"].rank("ordinal") + 10_000),
    "time stamped after the event": ("classification", closed_at),
    "flag set after the event": ("classification", flagged),
    "pair that tells together": ("classification", halves),
    "value of the next day": ("forecast", lambda f, g: moved(f, 1).ravel()),
    "centred rolling mean": ("forecast", lambda f, g: (around(f, -3, 3) / 7).ravel().round(3)),
    "total of the days to come": ("forecast", lambda f, g: around(f, 1, 7).ravel().round(2)),
}  # fmt: skip
GOALS = {"regression": ("rmse", "<= 10"), "classification": ("roc_auc", ">= 0.8")}


def planted(task: str, leak: Planter | None, folder: Path, seed: int) -> list[str]:
    """Write a world with a leak, or without; returns the columns planted."""
    generator = np.random.default_rng(seed)
    frame = series(generator) if task == "forecast" else table(generator, number=task == "regression")
    made = {} if leak is None else leak(frame, generator)
    columns = made if isinstance(made, dict) else {"planted": made}
    frame = frame.with_columns(pl.Series(name, values) for name, values in columns.items())
    names = list(columns)
    if task == "forecast":
        ahead = pl.col("day") >= date(2023, 1, 2) + timedelta(DAYS)
        frame = frame.with_columns(pl.when(~ahead).then(pl.col("y")).alias("y"))
        text = SERIES.format(ahead=["promotion", "price", *names])
    else:
        text = TABULAR.format(task=task, metric=GOALS[task][0], goal=GOALS[task][1])
    folder.mkdir(parents=True)
    frame.write_csv(folder / "rows.csv")
    (folder / "sevenstep.yaml").write_text(text, encoding="utf-8")
    return names


def said_of(spec: Path, store: Path) -> list[str]:
    """What step 1 says of leaks in a project."""
    call = [sys.executable, "-c", "from sevenstep.cli.main import main; main()", "run", str(spec), "--until", "define", "--quiet"]
    told = subprocess.run([*call, "--anyway", "--store", str(store)], capture_output=True, text=True, check=False)
    charters = list((store / "objects").rglob("charter.json"))
    if not charters:
        raise SystemExit(f"{spec}: {told.stderr}{told.stdout}")
    verdicts = json.loads(charters[0].read_text(encoding="utf-8"))
    return sorted({one["text"] for one in _evidence(verdicts) if one["name"] == "leakage"})


def _evidence(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        own = [value] if {"name", "text"} <= set(value) else []
        return own + [one for part in value.values() for one in _evidence(part)]
    return [one for part in value for one in _evidence(part)] if isinstance(value, list) else []


def run_planted(folder: Path, seed: int) -> int:
    """How many of the planted leaks are found."""
    found = 0
    for place, (name, (task, leak)) in enumerate(LEAKS.items()):
        own = folder / str(place)
        columns = planted(task, leak, own, seed)
        said = [text for text in said_of(own, own / "store") if any(f"'{column}'" in text for column in columns)]
        found += bool(said)
        print(f"{'found ' if said else 'MISSED'} {name} ({task}): {said[0] if said else ''}", flush=True)
    for task in ("regression", "classification", "forecast"):
        own = folder / f"clean-{task}"
        planted(task, None, own, seed)
        said = said_of(own, own / "store")
        print(f"{'ACCUSED' if said else 'clean '} {task} without a leak: {' '.join(said)}", flush=True)
    return found


def main() -> None:
    """Run what was asked for and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--planted", action="store_true", help="the planted leaks; also where --real is not given")
    parser.add_argument("--real", type=Path, help="folder of specs")
    parser.add_argument("--sets", default=REAL)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.planted or options.real is None:
            print(f"{run_planted(Path(folder), options.seed)} of {len(LEAKS)} planted leaks found", flush=True)
        for name in options.sets.split(",") if options.real else []:
            said = said_of(options.real / f"{name}.yaml", Path(folder) / name)
            print(f"{'ACCUSED' if said else 'clean '} {name}: {' '.join(said)}", flush=True)


if __name__ == "__main__":
    main()
