"""What the cut by cost saves beside one half, over several hold-outs of one table: one says little where failures are rare.

    python bench/costs.py SPEC [--holdouts 5] [--way shuffled|time] [--candidates extra_trees,boosting_combined] [--seed 0]

Each hold-out is predicted by the mean of the candidates, learnt from the other rows (``shuffled``: parts with equal shares of the
classes) or from all older rows (``time``: the newest 60 % of the rows in as many stretches). Its map and its cut come from folds
within what was learnt from, dealt out in the same way, as a run makes them. Printed are alarms, hits, and what a row saved; over
all rows with its standard error. Rows are in one hold-out each.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset
from sevenstep.project import Project
from sevenstep.spec.briefs import brief_for
from sevenstep.spec.read import read_spec
from sevenstep.tasks.contract import Candidate, Fold
from sevenstep.tasks.registry import grammars
from sevenstep.tasks.scoretable import ScoreTable, join_score_tables
from sevenstep.tasks.tabular.calibrate import calibrate
from sevenstep.tasks.tabular.candidates import CATALOG
from sevenstep.tasks.tabular.decide import decided_codes
from sevenstep.tasks.tabular.families.members import fit_member
from sevenstep.tasks.tabular.folds import plan_folds, rows_of
from sevenstep.tasks.tabular.mapping import calibrated
from sevenstep.tasks.tabular.problem import Problem
from sevenstep.tasks.tabular.scoring import score_rows

Floats = NDArray[np.float64]


def main() -> None:
    """Print a line for each hold-out and one for all."""
    options = _options()
    spec = read_spec(options.spec.resolve(), grammars(), [])
    with tempfile.TemporaryDirectory() as store:
        run = Project(options.spec.resolve(), Path(store)).run(until="collect", anyway=True, report=False)
        data = _dealt(Dataset.load(run.step("collect").folder("dataset")), options.way)
    problem = Problem.of(data)
    if not problem.binary or not problem.priced:
        raise SystemExit(f"{spec.name} has no costs of two classes")
    brief = brief_for("tune", spec, grammars()[spec.task])
    chosen = [_candidate(name, problem.target) for name in options.candidates.split(",")]
    saved = []
    for fold in plan_folds(data, problem, "", options.holdouts, options.seed)[0]:
        learnt, judged = rows_of(fold, data, problem)
        known = _with_items(data, data.items[learnt])
        scores = join_score_tables([_scored(chosen, known, own) for own in plan_folds(known, problem, "", None, options.seed)[0]])
        found = calibrate(scores, brief)
        probability = calibrated(_predicted(chosen, known, np.arange(len(learnt)), data.items[judged]), found["map"])
        truth = problem.values(data.items)[judged].astype(np.int64)
        alarms = [decided_codes(probability, np.array(cuts)) for cuts in ([0.5], found["cuts"])]
        lost = [np.array(problem.miss)[truth] * (codes != truth) for codes in alarms]
        saved.append(lost[0] - lost[1])
        hits = int((alarms[1] * truth).sum())
        print(
            f"{fold.name:<12} n {len(truth):>6,}  of class {problem.classes[1]} {truth.sum():>4}  cut {found['cuts'][0]:.3f} "
            f"({found['map']['kind']})  alarms {alarms[1].sum():>5}  hits {hits:>4}  saved a row {saved[-1].mean():+.4f}"
        )
    every = np.concatenate(saved)
    error = every.std() / np.sqrt(len(every))
    print(f"{'all':<12} n {len(every):>6,}  saved a row {every.mean():+.4f} (standard error {error:.4f})")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec", type=Path)
    parser.add_argument("--holdouts", type=int, default=5)
    parser.add_argument("--way", choices=["shuffled", "time"], default="shuffled")
    parser.add_argument("--candidates", default="extra_trees,boosting_combined", help="names, separated by commas")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def _dealt(data: Dataset, way: str) -> Dataset:
    """The data with known targets, to be dealt out as asked."""
    split = {"value": "time" if way == "time" else "stratified", "reason": "asked for"}
    known = np.isfinite(Problem.of(data).values(data.items))
    kept = _with_items(data, data.items.filter(pl.Series(known)))
    return replace(kept, facts={**data.facts, "split": split})


def _with_items(data: Dataset, items: pl.DataFrame) -> Dataset:
    return replace(data, tables={**data.tables, "items": items})


def _candidate(name: str, target: str) -> Candidate:
    entry = next(entry for entry in CATALOG if entry.name == name)
    return Candidate(name, entry.family, target, entry.reason, dict(entry.parameters))


def _scored(chosen: Sequence[Candidate], data: Dataset, fold: Fold) -> ScoreTable:
    problem = Problem.of(data)
    learnt, judged = rows_of(fold, data, problem)
    return score_rows(_predicted(chosen, data, learnt, data.items[judged]), judged, chosen[0], fold, data, problem)


def _predicted(chosen: Sequence[Candidate], data: Dataset, learnt: NDArray[np.int64], rows: pl.DataFrame) -> Floats:
    """The mean of the candidates, each learnt from some rows of the data."""
    items, problem = data.items[learnt], Problem.of(data)
    made = [fit_member(candidate, items, problem, None, 0).predict(rows) for candidate in chosen]
    return np.asarray(np.mean(made, axis=0))


if __name__ == "__main__":
    main()
