"""Finds planted label errors, and asks for labels in the queue's order, on real data.

    python bench/labels.py errors [--seeds 3] [--sets steel bank adult churn]
    python bench/labels.py order  [--seeds 10] [--sets ai4i neu steel bank adult churn]

``errors`` gives a tenth of the labels another class, predicts every row by a model that has not seen it (LightGBM, five folds),
and prints the share of the planted errors that is found and the share of the sound labels that is flagged, each with n and a 95 %
Wilson interval, beside cleanlab's own count where that library is installed.

``order`` begins with a tenth of the labels, asks for more by the queue, and prints the score on rows kept aside at every step
beside that of rows asked for at random, and the score of all labels, by the metric the set is usually judged by. At half of the
labels it prints the difference to all labels, paired by split, with a 95 % interval over seeds (splits of this set), and what it
says: ``reached`` (the interval reaches 0 or lies above it, and ends less than a point below it, so that a wide interval proves
nothing), ``below`` (all of it is under 0) or ``open`` (neither: more seeds would tell).
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from sevenstep.data.labels.encoding import points_of
from sevenstep.data.labels.errors import suspected_errors
from sevenstep.data.labels.queue import By, Pool, choose_rows
from sevenstep.stats.estimated import classified_rows
from sevenstep.stats.metrics import METRICS
from sevenstep.tasks.tabular.images.stage import picture_features

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
PLANTED, FOLDS = 0.10, 5
START, STEP, HALF = 0.10, 0.05, 0.50
KEPT_ASIDE = 0.30
ERROR_ROUNDS, ORDER_ROUNDS = 80, 150  # of boosting; the latter learns from all labels about as much as is in them
A_POINT = 0.01  # of the metric: a loss that is let go

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Table:
    """A data set: what it is judged by, its inputs, the same as numbers, and the class of each row."""

    metric: str
    rows: pl.DataFrame
    values: Floats
    categories: Sequence[int]
    truth: Codes

    @property
    def classes(self) -> int:
        return int(self.truth.max()) + 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["errors", "order"])
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=["steel", "bank", "adult"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=6_000, help="at most so many rows of a set, drawn at random")
    parser.add_argument("--by", choices=["mixed", "uncertain", "diverse"], default="mixed", help="order of the queue")
    options = parser.parse_args()
    for name in options.sets:
        table = _read(name, options.rows)
        if options.what == "errors":
            _errors(name, table, options.seeds)
        else:
            _order(name, table, options.seeds, options.by)


# Data -------------------------------------------------------------------------------------------------------------------------

FAULTS = ["Pastry", "Z_Scratch", "K_Scatch", "Stains", "Dirtiness", "Bumps", "Other"]

SETS: Mapping[str, tuple[str, str, str, Sequence[str]]] = {
    "steel": ("macro_f1", "steel_plates", "", ()),
    "bank": ("roc_auc", "bank_marketing", "y", ("duration",)),
    "adult": ("roc_auc", "adult", "income", ("official_split",)),
    "churn": ("roc_auc", "telco_churn", "Churn", ("customerID",)),
    "ai4i": ("average_precision", "ai4i2020", "Machine failure", ("UDI", "Product ID", "TWF", "HDF", "PWF", "OSF", "RNF")),
    "neu": ("accuracy", "neu_det", "label", ("file", "width", "height", "boxes")),
}
"""Metric, folder, target and columns left out of each set; steel has one flag column for each class, neu a column of pictures."""

PICTURE_GROUPS = ("light", "edge", "pattern")


def _read(name: str, most: int) -> Table:
    metric, folder, target, drop = SETS[name]
    rows = pl.read_parquet(DATA / folder / "train.parquet").drop(drop)
    if len(rows) > most:
        rows = rows.sample(most, seed=1)
    if target:
        truth = rows[target].rank("dense").cast(pl.Int64).to_numpy() - 1
        rows = rows.drop(target)
    else:
        flags = rows.columns[-len(FAULTS) :]
        truth, rows = rows.select(flags).to_numpy().argmax(axis=1), rows.drop(flags)
    if "image" in rows.columns:
        rows = picture_features(rows, ["image"], PICTURE_GROUPS)
    columns = [_number(rows[column]) for column in rows.columns]
    categories = [place for place, column in enumerate(rows.columns) if rows[column].dtype == pl.String]
    return Table(metric, rows, np.column_stack(columns), categories, truth.astype(np.int64))


def _number(column: pl.Series) -> Floats:
    coded = column.rank("dense").cast(pl.Float64) - 1 if column.dtype == pl.String else column.cast(pl.Float64)
    return coded.fill_null(float("nan")).to_numpy()


def _fitted(table: Table, rows: Codes, labels: Codes, seed: int, rounds: int) -> lightgbm.Booster:
    parameters: dict[str, Any] = {
        "objective": "multiclass", "num_class": table.classes, "learning_rate": 0.06, "num_leaves": 15, "min_data_in_leaf": 10,
        "feature_fraction": 0.7, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 5.0, "cat_smooth": 20.0, "seed": seed,
        "num_threads": 1, "verbosity": -1,
    }  # fmt: skip
    data = lightgbm.Dataset(table.values[rows], labels[rows], categorical_feature=list(table.categories), free_raw_data=True)
    return lightgbm.train(parameters, data, rounds)


def _predicted(booster: lightgbm.Booster, table: Table, rows: Codes) -> Floats:
    return np.asarray(booster.predict(table.values[rows], num_threads=1))


# Planted errors ---------------------------------------------------------------------------------------------------------------


def _errors(name: str, table: Table, seeds: int) -> None:
    methods = ("house", "cleanlab") if find_spec("cleanlab") else ("house",)
    counts = {method: np.zeros(4, dtype=int) for method in methods}
    for seed in range(seeds):
        given = _planted(table, seed)
        probability = _out_of_fold(table, given, seed)
        wrong = given != table.truth
        for method in methods:
            flagged = np.zeros(len(given), dtype=bool)
            flagged[suspected_errors(probability, given, method=method).rows] = True  # type: ignore[arg-type]
            counts[method] += [(flagged & wrong).sum(), wrong.sum(), (flagged & ~wrong).sum(), (~wrong).sum()]
    for method in methods:
        found, planted, false, sound = counts[method].tolist()
        print(
            f"{name:<7} {method:<9} found {_share(found, planted)}   false flags {_share(false, sound)}   {seeds} seeds",
            flush=True,
        )


def _planted(table: Table, seed: int) -> Codes:
    """The labels with a tenth of them given another class, any other alike."""
    chance = np.random.default_rng(seed)
    given = table.truth.copy()
    rows = chance.choice(len(given), round(PLANTED * len(given)), replace=False)
    given[rows] = (given[rows] + chance.integers(1, table.classes, len(rows))) % table.classes
    return given


def _out_of_fold(table: Table, given: Codes, seed: int) -> Floats:
    part = np.random.default_rng(100 + seed).permutation(len(given)) % FOLDS
    probability = np.empty((len(given), table.classes))
    for fold in range(FOLDS):
        test = np.flatnonzero(part == fold)
        probability[test] = _predicted(_fitted(table, np.flatnonzero(part != fold), given, seed, ERROR_ROUNDS), table, test)
    return probability


def _share(hits: int, n: int) -> str:
    interval = stats.binomtest(hits, n).proportion_ci(0.95, method="wilson")
    return f"{hits / n:6.1%} ({interval.low:.1%} to {interval.high:.1%}, n {n:,})"


# Order of labelling -----------------------------------------------------------------------------------------------------------


def _order(name: str, table: Table, seeds: int, by: By) -> None:
    curves: dict[str, list[list[float]]] = {"random": [], "queue": []}
    whole = []
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(table.truth))
        kept = round(KEPT_ASIDE * len(order))
        test, train = order[:kept], order[kept:]
        whole.append(_score(table, train, test, seed))
        for way, found in curves.items():
            found.append(_curve(table, train, test, seed, by if way == "queue" else None))
    shares = np.arange(START, HALF + 1e-9, STEP)
    size = f"{len(table.truth):,} rows, {kept:,} kept aside"
    print(f"\n{name}: {table.metric}, all labels {np.mean(whole):.4f}; {size}, {seeds} seeds")
    print("labels  " + " ".join(f"{share:6.0%}" for share in shares))
    for way, found in curves.items():
        print(f"{way:<7} " + " ".join(f"{value:6.3f}" for value in np.mean(found, axis=0)))
    for way, found in curves.items():
        gap = _gap([one[-1] for one in found], whole)
        print(f"{way:<7} at half of the labels less all labels: {gap} {gap.verdict()}")
    ends = {way: [one[-1] for one in found] for way, found in curves.items()}
    print(f"queue   less random at half of the labels:     {_gap(ends['queue'], ends['random'])}", flush=True)


def _curve(table: Table, train: Codes, test: Codes, seed: int, by: By | None) -> list[float]:
    """The score with ever more labels, asked for by the queue or at random."""
    chance = np.random.default_rng(1_000 + seed)
    points = points_of(table.rows, table.rows.columns)
    step, wanted = round(STEP * len(train)), round(HALF * len(train))
    labelled = train[: round(START * len(train))]
    scores = []
    while True:
        booster = _fitted(table, labelled, table.truth, seed, ORDER_ROUNDS)
        scores.append(_value(table, booster, test))
        if len(labelled) + step > wanted + step // 2:
            return scores
        free = np.setdiff1d(train, labelled)
        labelled = np.concatenate([labelled, _next(table, booster, free, labelled, points, step, by, chance)])


def _next(
    table: Table, booster: lightgbm.Booster, free: Codes, labelled: Codes, points: Floats, step: int, by: By | None,
    chance: np.random.Generator,
) -> Codes:  # fmt: skip
    if by is None:
        return chance.choice(free, step, replace=False)
    names = [str(number) for number in range(table.classes)]
    pool = Pool(_predicted(booster, table, free), points[free], points[labelled], names)
    return free[[choice.row for choice in choose_rows(pool, step, by)]]


def _score(table: Table, train: Codes, test: Codes, seed: int) -> float:
    return _value(table, _fitted(table, train, table.truth, seed, ORDER_ROUNDS), test)


def _value(table: Table, booster: lightgbm.Booster, test: Codes) -> float:
    cut = np.ones(table.classes) if table.classes > 2 else 0.5
    return METRICS[table.metric].value(classified_rows(_predicted(booster, table, test), table.truth[test], cut))


@dataclass(frozen=True)
class Gap:
    """The mean of paired differences, and how far its 95 % t interval reaches to either side."""

    mean: float
    reach: float

    def verdict(self) -> str:
        """Whether half of the labels do what all of them do: ``reached``, ``below`` or ``open``."""
        if self.mean + self.reach < 0:
            return "below"
        return "reached" if self.mean - self.reach > -A_POINT else "open"

    def __str__(self) -> str:
        return f"{self.mean:+.4f} ({self.mean - self.reach:+.4f} to {self.mean + self.reach:+.4f})"


def _gap(ones: Sequence[float], others: Sequence[float]) -> Gap:
    gaps = np.asarray(ones) - np.asarray(others)
    if len(gaps) < 2:
        return Gap(float(gaps.mean()), float("inf"))
    return Gap(float(gaps.mean()), float(stats.t.ppf(0.975, len(gaps) - 1) * stats.sem(gaps)))


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=UserWarning, module="lightgbm")
    main()
