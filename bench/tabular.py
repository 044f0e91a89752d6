"""Scores classes and numbers on rows no run has seen, beside peers on the same rows.

    python bench/tabular.py SPEC [SPEC ...] [--share 0.2] [--seed 0] [--set KEY=VALUE] [--peers NAMES] [--peers-python PYTHON]
        [--preset NAME] [--keep DIR]

For each spec a share of its labelled rows is set aside (the newest ones where the data have a time, else at random with the
classes' shares kept). The spec then runs as it stands on the others, and the rows set aside are predicted. Every KPI is printed
with n and a 95 % interval beside what one LightGBM with its defaults reaches on the same rows, and FLAML and AutoGluon where they
are installed (in this environment or another one), given the seconds our run took; the paired difference from each peer has an
interval too.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from peers import NOT_INSTALLED
from reached import keep_reached
from ruamel.yaml import YAML
from running import run_command

from sevenstep.data.dataset import Dataset
from sevenstep.data.intake import intake
from sevenstep.project import Project
from sevenstep.spec.model import Spec
from sevenstep.spec.read import read_spec
from sevenstep.stats.compare import compare
from sevenstep.stats.intervals import Estimate, cluster_estimate
from sevenstep.stats.metrics import METRICS
from sevenstep.stats.scored import Scored
from sevenstep.tasks.registry import grammars
from sevenstep.tasks.tabular.problem import Problem

Floats = NDArray[np.float64]


def main() -> None:
    """Print one table for each spec."""
    options = _options()
    for path in options.specs:
        _bench(path.resolve(), options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", nargs="+", type=Path)
    parser.add_argument("--share", type=float, default=0.2, help="share of the labelled rows that no run sees")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--peers", default="lightgbm,flaml,autogluon", help="names, separated by commas")
    parser.add_argument("--peers-python", help="Python of the environment the peers are installed in; this one when not given")
    parser.add_argument("--preset", default="medium_quality", help="of AutoGluon")
    parser.add_argument("--keep", type=Path, help="keep stores and predictions in this folder")
    return parser.parse_args()


def _bench(path: Path, options: argparse.Namespace) -> None:
    spec = read_spec(path, grammars(), options.overrides)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if options.keep is None else options.keep / spec.name
        folder.mkdir(parents=True, exist_ok=True)
        known, unseen = _split(spec, options)
        runnable = _written(spec, path, known, folder)
        unseen.drop(spec.targets[0], *spec.flags, strict=False).write_parquet(folder / "unseen.parquet")
        flags = [flag for text in options.overrides for flag in ("--set", text)]
        seconds, peak = run_command("run", str(runnable), "--store", str(folder / "store"), "--anyway", "--quiet", *flags)
        made = Project(runnable, folder / "store", options.overrides).predict(folder / "unseen.parquet")
        made.write_parquet(folder / "predictions.parquet")
        data = Dataset.load(_collected(runnable, folder / "store", options.overrides))
        problem = Problem.of(data)
        print(f"\n{spec.name}: {seconds:.0f} s wall of {spec.budget.time.seconds:.0f} s, peak {peak:,.0f} MiB over all processes")
        truth = problem.values(unseen)
        found = {"sevenstep": _ours(made, problem)}
        for name in filter(None, options.peers.split(",")):
            theirs = _of_peer(name, spec, (known, unseen), problem, seconds, options)
            found |= {} if theirs is None else {name: theirs}
        ours = _print(spec, problem, truth, found, made, options.seed)
        keep_reached(folder, {kpi.id: ours[kpi.metric] for kpi in spec.kpis})
        _print_promises(problem, truth, made, unseen[spec.targets[0]])


def _taken(spec: Spec) -> pl.DataFrame:
    return intake(spec.data, spec.base, spec.targets, flags=spec.flags, one_row_per_time=False).items


def _split(spec: Spec, options: argparse.Namespace) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The labelled rows a run may see, and those it may not."""
    items = _taken(spec)
    target, time_column = spec.targets[0], spec.data.time
    items = items.filter(pl.col(target).is_not_null())
    if isinstance(time_column, str):
        cut = round(len(items) * (1 - options.share))
        ordered = items.sort(time_column)
        return ordered[:cut], ordered[cut:]
    generator = np.random.default_rng(options.seed)
    aside = np.zeros(len(items), np.bool_)
    strata = items[target].cast(pl.String).to_numpy() if spec.task == "classification" else np.zeros(len(items))
    for value in np.unique(strata):
        places = generator.permutation(np.flatnonzero(strata == value))
        aside[places[: round(len(places) * options.share)]] = True
    return items.filter(pl.Series(~aside)), items.filter(pl.Series(aside))


def _written(spec: Spec, path: Path, known: pl.DataFrame, folder: Path) -> Path:
    """A copy of the spec that reads the rows a run may see; a class of flags is a column of its own by now."""
    known.write_parquet(folder / "known.parquet")
    yaml = YAML()
    document = yaml.load(path.read_text(encoding="utf-8"))
    document["data"] = {
        key: value for key, value in document["data"].items() if key not in ("source", "drop", "sources", "missing")
    }
    document["data"]["source"] = "known.parquet"
    if spec.flags:
        document["target"] = spec.targets[0]
    copy = folder / "sevenstep.yaml"
    with copy.open("w", encoding="utf-8") as file:
        yaml.dump(document, file)
    return copy


def _collected(spec: Path, store: Path, overrides: list[str]) -> Path:
    return Project(spec, store, overrides).run(until="collect", anyway=True, report=False).step("collect").folder("dataset")


def _ours(made: pl.DataFrame, problem: Problem) -> Floats:
    if not problem.classes:
        return made["prediction"].cast(pl.Float64).to_numpy()
    return np.column_stack([made[f"probability_{name}"].to_numpy() for name in problem.classes])


def _of_peer(name: str, spec: Spec, rows: tuple[pl.DataFrame, pl.DataFrame], problem: Problem, seconds: float,
             options: argparse.Namespace) -> Floats | None:  # fmt: skip
    """What a peer makes of the same rows in the same time; None where it is not installed."""
    columns = [column for column, kind in problem.kinds.items() if kind != "picture"]
    if not columns:
        return None
    known, unseen = rows
    goal = problem.values(known)
    with tempfile.TemporaryDirectory() as scratch:
        files = [Path(scratch) / f"{part}.parquet" for part in ("known", "unseen", "made")]
        target = pl.Series("__target__", goal.astype(np.int64) if problem.classes else goal)
        known.select(columns).with_columns(target).write_parquet(files[0])
        unseen.select(columns).write_parquet(files[1])
        task = "classification" if problem.classes else "regression"
        wanted = ["--task", task, "--metric", spec.kpis[0].metric, "--seconds", str(seconds), "--preset", options.preset]
        python, script = options.peers_python or sys.executable, str(Path(__file__).with_name("peers.py"))
        ended = subprocess.run([python, script, name, *map(str, files), *wanted], capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            why = "not installed" if ended.returncode == NOT_INSTALLED else ended.stderr.strip().splitlines()[-1:]
            print(f"{name}: {why}")
            return None
        return pl.read_parquet(files[2]).to_numpy() if problem.classes else pl.read_parquet(files[2])["0"].to_numpy()


def _scored(truth: Floats, made: Floats, problem: Problem, cut: float | None) -> Scored:
    """Rows as a score table has them (see `sevenstep.stats.classification`)."""
    if not problem.classes:
        return Scored.of(truth, made)
    count = len(problem.classes)
    if count == 2:
        weight = np.where(truth > 0, *reversed(problem.miss)) if problem.miss else np.ones(len(truth))
        return Scored.of(truth, made[:, 1], weight=weight, cut=np.full(len(truth), 0.5 if cut is None else cut))
    rows = {"unit": np.repeat(np.arange(len(truth)), count), "label": np.tile(np.arange(count), len(truth))}
    return Scored.of(np.eye(count)[truth.astype(int)].ravel(), made.ravel(), cut=np.ones(len(truth) * count), **rows)


def _decisions(made: pl.DataFrame, problem: Problem, probabilities: Floats) -> Floats:
    """Probabilities whose cut at 0.5 (or whose largest) gives what was decided: for metrics of decisions."""
    place = {name: number for number, name in enumerate(problem.classes)}
    chosen = made["prediction"].cast(pl.String).replace_strict(place, return_dtype=pl.Int64).to_numpy()
    return np.eye(len(problem.classes))[chosen]


_RANKED = ("roc_auc", "average_precision", "log_loss", "brier", "calibration_error")


def _print(
    spec: Spec, problem: Problem, truth: Floats, found: Mapping[str, Floats], made: pl.DataFrame, seed: int
) -> dict[str, Estimate]:
    """Print a row for each metric and who predicted; give our figures by metric."""
    count, ours = len(problem.classes), {}
    metrics = list(
        dict.fromkeys([*(kpi.metric for kpi in spec.kpis), *(("log_loss", "calibration_error") if count else ("r2",))])
    )
    print(f"{'by':<12} {'metric':<20} {'value':>10} {'low':>10} {'high':>10} {'n':>7}   gain over it (interval)")
    for metric in metrics:
        measure = METRICS[metric]
        tables = {}
        for name, values in found.items():
            own = _decisions(made, problem, values) if count and name == "sevenstep" and metric not in _RANKED else values
            tables[name] = _scored(truth, own, problem, None)
        unit = np.repeat(np.arange(len(truth)), count) if count > 2 else np.arange(len(truth))
        for name, rows in tables.items():
            one = cluster_estimate(measure, rows, unit, seed)
            ours |= {metric: one} if name == "sevenstep" else {}
            paired = "" if name == "sevenstep" else _gain(compare(measure, tables["sevenstep"], rows, unit, seed))
            print(
                f"{name:<12} {metric:<20} {_number(one.value)} {_number(one.low)} {_number(one.high)} {len(truth):>7,}   {paired}"
            )
    return ours


def _print_promises(problem: Problem, truth: Floats, made: pl.DataFrame, named: pl.Series) -> None:
    """What a run promises besides its KPIs: sets and bounds that cover, and a cut that costs less than one half."""
    kind = "sets" if problem.classes else "bounds"
    for level in (80, 95):
        inside = _covered(problem, truth, made, named, level)
        error = 100 * float(inside.std() / np.sqrt(len(inside)))
        print(f"{level} % {kind} cover {100 * inside.mean():.1f} % (standard error {error:.1f})")
    if problem.priced and problem.binary:
        chosen, half = (_costs(problem, truth, alarm) for alarm in _alarms(problem, made))
        error = float((half - chosen).std() / np.sqrt(len(half)))
        saved = f"{(half - chosen).mean():.4g} saved (standard error {error:.2g})"
        print(f"cost of a row by the chosen cut {chosen.mean():.4g}, at one half {half.mean():.4g}: {saved}")


def _alarms(problem: Problem, made: pl.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows are decided for the second class: by the run's own cut, and at one half."""
    positive = problem.classes[1]
    return made["prediction"].cast(pl.String).to_numpy() == positive, made[f"probability_{positive}"].to_numpy() >= 0.5


def _costs(problem: Problem, truth: Floats, alarm: NDArray[np.bool_]) -> Floats:
    return np.where(truth > 0, ~alarm * problem.miss[1], alarm * problem.miss[0]).astype(np.float64)


def _covered(problem: Problem, truth: Floats, made: pl.DataFrame, named: pl.Series, level: int) -> NDArray[np.bool_]:
    if not problem.classes:
        return (made[f"lower_{level}"].to_numpy() <= truth) & (truth <= made[f"upper_{level}"].to_numpy())
    sets = made[f"set_{level}"].to_list()
    return np.array([str(name) in said.split(" | ") for name, said in zip(named.to_list(), sets, strict=True)])


def _gain(found: Any) -> str:
    return "" if found.gain is None else f"{found.gain:+.4g} ({_short(found.low)} to {_short(found.high)})"


def _short(value: float | None) -> str:
    return "?" if value is None else f"{value:+.4g}"


def _number(value: float | None) -> str:
    return f"{'':>10}" if value is None else f"{value:>10.5g}"


if __name__ == "__main__":
    main()
