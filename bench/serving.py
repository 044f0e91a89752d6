"""Serves one LightGBM model three ways, side by side: sevenstep, ``mlflow models serve``, and a bare FastAPI route as the limit.

    python bench/serving.py [--mlflow-python PYTHON] [--rounds 5] [--seconds 4] [--connections 8] [--workers 1] [--keep DIR]

A table of 14 columns (6 numbers, 8 categories) is generated and run through the seven steps with one LightGBM candidate; the
first booster of the release is published by itself, so that all sides have the same trees. sevenstep gets rows as a person has
them, checks, encodes, predicts, calibrates and records them; MLflow gets the encoded numbers; the bare route has no model. Rounds
alternate the sides. Then sevenstep alone is asked for four times what it could do. Exits 1 where a promise does not hold.

PYTHON is that of an environment with mlflow and lightgbm; without it that side is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from sevenstep.engine.store import Store
from sevenstep.live.operation import Operation
from sevenstep.live.pointers import promote
from sevenstep.live.releases import publish
from sevenstep.project import Project
from sevenstep.work import Leaves

HERE = Path(__file__).parent
START = "from sevenstep.cli.main import main; main()"
ROWS, ASKED = 6_000, 400
SPEC = """spec: 1
name: serving
task: classification
data: {source: rows.csv}
target: y
kpis: [{id: rank, metric: roc_auc, goal: ">= 0.7"}]
design:
  folds: 3
  candidates: [prior]
  extra:
    - family: boosting
      name: trees
      parameters: {rounds: 200, patience: 0, learning_rate: 0.05, leaves: 31, least_in_leaf: 20, feature_share: 0.8,
                   row_share: 0.8, ridge: 1.0}
budget: {time: 60s}
"""
MLFLOW_SAVE = """
import sys, lightgbm, mlflow.lightgbm
mlflow.lightgbm.save_model(lightgbm.Booster(model_file=sys.argv[1]), sys.argv[2], pip_requirements=["lightgbm"])
"""
FASTER_THAN_MLFLOW, OF_THE_LIMIT, TIMES_ITS_P99, LONGEST = 5.0, 0.6, 2.0, 2.0


@dataclass(frozen=True)
class Side:
    """One server: its command, where it is asked, and what with."""

    name: str
    command: list[str]
    path: str
    bodies: Path
    environment: Mapping[str, str]
    ready: str = ""


def main() -> None:
    """Measure, and print one table."""
    options = _options()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        sides = _sides(folder, options)
        found = _compare(sides, options)
        held = _told(found, options)
        held &= _overloaded(sides[0], statistics.median(rate for rate, *_ in found[sides[0].name]), folder, options)
    sys.exit(0 if held else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mlflow-python", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="keep the project here, and use it again")
    return parser.parse_args()


# What is served -------------------------------------------------------------------------------------------------------------


def _generated() -> pl.DataFrame:
    chance = np.random.default_rng(0)
    numbers = {f"n{place}": chance.normal(size=ROWS).round(3) for place in range(6)}
    levels = (2, 5, 7, 9, 14, 16, 40, 6)
    categories = {
        f"c{place}": chance.choice([f"level {level}" for level in range(count)], ROWS) for place, count in enumerate(levels)
    }
    score = numbers["n0"] + 0.8 * numbers["n1"] * numbers["n2"] + 1.5 * (categories["c1"] == "level 1")
    score = score - 2 * (categories["c4"] == "level 3") + chance.normal(size=ROWS)
    return pl.DataFrame({**numbers, **categories, "y": np.where(score > 0.5, "yes", "no")})


def _sides(folder: Path, options: argparse.Namespace) -> list[Side]:
    """sevenstep, the bare route, and MLflow where it is installed."""
    if not (folder / "sevenstep.yaml").is_file():
        _generated().write_csv(folder / "rows.csv")
        (folder / "sevenstep.yaml").write_text(SPEC, encoding="utf-8")
    project = Project(folder)
    result = project.run()
    model = _one_booster(project, result)
    rows = pl.read_csv(folder / "rows.csv").drop("y").head(ASKED)
    own, encoded = folder / "rows.jsonl", folder / "encoded.jsonl"
    own.write_text("\n".join(json.dumps({"rows": [row]}) for row in rows.iter_rows(named=True)), encoding="utf-8")
    values = model.members[0][0].members[0].encoder.transform(rows)
    encoded.write_text("\n".join(_split(values.names, row) for row in values.values.tolist()), encoding="utf-8")
    path = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([*map(str, (HERE, HERE.parent / "src")), os.environ.get("PYTHONPATH", "")]),
    }
    serve = [sys.executable, "-c", START, "serve", str(folder), "--workers", str(options.workers), "--port"]
    bare = [sys.executable, "-m", "uvicorn", "bare_route:app", "--no-access-log", "--log-level", "warning", "--workers",
            str(options.workers), "--port"]  # fmt: skip
    sides = [Side("sevenstep", serve, "/v1/predict", own, path, "/health/ready"), Side("bare route", bare, "/predict", own, path)]
    if options.mlflow_python is None or not options.mlflow_python.exists():
        print("mlflow is left out: --mlflow-python names no Python with it")
        return sides
    return [*sides, _mlflow(folder, model, encoded, options)]


def _one_booster(project: Project, result: Any) -> Any:
    """Publish the first booster by itself; the model."""
    store = Store(project.store)
    tune = result.step("tune")
    model = project.task.load_model(tune.folder("model"))
    bag = next(bag for bag, _ in model.members if bag.members[0].family == "boosting")
    alone = replace(
        model, members=[(replace(bag, members=bag.members[:1]), 1.0)], calibration={**model.calibration, "map": {"kind": "none"}}
    )
    kept = store.put("f" * 64, Leaves(folders={"model": alone}), "step", "tune")
    said = store.put("e" * 64, Leaves({"release": result.step("operate").json("release")}), "step", "operate")
    release = publish(project.store, said, kept, collect=result.step("collect").fingerprint)
    operation = Operation.of(project.spec, project.store, lambda: project.task)
    promote(operation, release.number, "owner", datetime.now(UTC))
    operation.ledger.close()
    return alone


def _split(names: list[str], row: list[float]) -> str:
    values = [None if value != value else value for value in row]
    return json.dumps({"dataframe_split": {"columns": names, "data": [values]}})


def _mlflow(folder: Path, model: Any, bodies: Path, options: argparse.Namespace) -> Side:
    text, saved = folder / "booster.txt", folder / "mlflow"
    text.write_text(model.members[0][0].members[0].predictor.texts[0], encoding="utf-8")
    if not saved.is_dir():
        subprocess.run([str(options.mlflow_python), "-c", MLFLOW_SAVE, str(text), str(saved)], check=True, capture_output=True)
    binary = options.mlflow_python.with_name("mlflow")
    serve = [
        str(binary),
        "models",
        "serve",
        "-m",
        str(saved),
        "--env-manager",
        "local",
        "--workers",
        str(options.workers),
        "--port",
    ]
    path = {**os.environ, "PATH": f"{binary.parent}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": ""}
    return Side("mlflow", serve, "/invocations", bodies, path, "/ping")


# Measuring ------------------------------------------------------------------------------------------------------------------


def _compare(sides: list[Side], options: argparse.Namespace) -> dict[str, list[tuple[float, float, float, float]]]:
    """Requests a second, p50, p99 (ms) and how busy the load generator was, of every round of every side."""
    found: dict[str, list[tuple[float, float, float, float]]] = {side.name: [] for side in sides}
    for number in range(options.rounds):
        for side in sides if number % 2 == 0 else reversed(sides):
            with _serving(side) as address:
                _sent(side, address, options.connections, 1.0)
                got = _sent(side, address, options.connections, options.seconds)
            if set(got["statuses"]) != {"200"} or got["broken"]:
                raise SystemExit(f"{side.name} did not answer all: {got['statuses']}, {got['broken']} broken")
            times = got["times"]
            figures = (len(times) / got["seconds"], 1e3 * _at(times, 0.5), 1e3 * _at(times, 0.99), got["busy"])
            found[side.name].append(figures)
    return found


def _at(times: list[float], share: float) -> float:
    return times[min(len(times) - 1, int(len(times) * share))]


@contextmanager
def _serving(side: Side) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [*side.command, str(port)], env=dict(side.environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        _wait(f"{address}{side.ready}", process)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit(f"the server of {address} ended with exit code {process.returncode}")
        try:
            urllib.request.urlopen(address, timeout=5)
            return
        except urllib.error.HTTPError as error:
            if error.code == 404:  # it answers, and has no page here
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit(f"nothing answers at {address}")


def _sent(side: Side, address: str, connections: int, seconds: float, rate: float = 0.0) -> dict[str, Any]:
    words = ["--connections", str(connections), "--seconds", str(seconds), "--rate", str(rate)]
    command = [sys.executable, str(HERE / "traffic.py"), address, side.path, str(side.bodies), *words]
    told: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return told


# Telling --------------------------------------------------------------------------------------------------------------------


def _told(found: Mapping[str, list[tuple[float, float, float, float]]], options: argparse.Namespace) -> bool:
    """The table of medians, and whether the promises hold."""
    how = f"{options.workers} worker(s), medians of {options.rounds} rounds of {options.seconds:g} s"
    print(f"concurrency {options.connections}, {how}")
    print(f"{'server':<12} {'requests/s':>11} {'range':>15} {'p50 ms':>8} {'p99 ms':>8} {'generator busy':>15}")
    middle = {}
    for name, rounds in found.items():
        rates = [rate for rate, *_ in rounds]
        middle[name] = [statistics.median(column) for column in zip(*rounds, strict=True)]
        rate, half, late, busy = middle[name]
        print(f"{name:<12} {rate:>11,.0f} {f'{min(rates):,.0f}-{max(rates):,.0f}':>15} {half:>8.2f} {late:>8.2f} {busy:>14.0%}")
    own, bare = middle["sevenstep"], middle["bare route"]
    claims = [
        _claim("requests/s of the bare route", own[0] / bare[0], OF_THE_LIMIT, at_least=True),
        _claim("p99 of the bare route", own[2] / bare[2], TIMES_ITS_P99, at_least=False),
    ]
    if "mlflow" in middle:
        claims.append(_claim("requests/s of mlflow", own[0] / middle["mlflow"][0], FASTER_THAN_MLFLOW, at_least=True))
    return all(claims)


def _claim(text: str, value: float, bound: float, *, at_least: bool) -> bool:
    held = value >= bound if at_least else value <= bound
    print(f"{'held' if held else 'MISSED':<7} {value:.2f} x {text} ({'at least' if at_least else 'at most'} {bound:g})")
    return held


def _overloaded(side: Side, capacity: float, folder: Path, options: argparse.Namespace) -> bool:
    """Four times what it could do: it sheds, what it answers is right and recorded, and nobody waits long."""
    with _serving(side) as address:
        before = _recorded(folder)
        got = _sent(side, address, 320, 6.0, 4 * capacity)
        right = _right(side, address)
    recorded = _recorded(folder) - before
    statuses, longest = got["statuses"], max([*got["times"], *got["refused_times"]])
    answered = statuses.get("200", 0)
    print(f"at 4 x capacity: {statuses}, {got['broken']} broken, longest {longest:.2f} s, {right}, {recorded:,} recorded")
    sheds = set(statuses) <= {"200", "429", "503"} and sum(statuses.values()) > answered > 0
    return bool(sheds and not got["broken"] and longest <= LONGEST and right == "answers right" and recorded >= answered)


def _right(side: Side, address: str) -> str:
    """Whether answers over HTTP are those of the model called by itself."""
    folder = side.bodies.parent
    project = Project(folder)
    rows = pl.read_csv(folder / "rows.csv").drop("y").head(50)
    from sevenstep.live.predict import load_serving

    expected = load_serving(project.store, project.task)[1].predict(rows)["probability_yes"].to_numpy()
    body = json.dumps({"rows": rows.to_dicts()}).encode()
    request = urllib.request.Request(f"{address}{side.path}", body, {"content-type": "application/json"})
    made = json.loads(urllib.request.urlopen(request, timeout=30).read())["predictions"]
    same = np.array_equal([row["probability_yes"] for row in made], expected)
    return "answers right" if same else "answers WRONG"


def _recorded(folder: Path) -> int:
    """How many predictions the ledger holds."""
    with sqlite3.connect(folder / ".sevenstep" / "ledger.sqlite") as connection:
        return int(connection.execute("SELECT count(*) FROM predictions").fetchone()[0])


if __name__ == "__main__":
    main()
