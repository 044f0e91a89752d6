"""From what a fitted member predicts of a fold to a score table, and the columns worth slicing it by.

Two classes give one row an item: the probability of the second class. More classes give one row an item and class. A number gives
one row an item.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.contract import Candidate, Fold
from sevenstep.tasks.scoretable import BOUNDS, ScoreTable
from sevenstep.tasks.tabular.decide import cuts_by_cost, plain_cuts
from sevenstep.tasks.tabular.folds import group_codes
from sevenstep.tasks.tabular.problem import Problem

__all__ = ["row_weights", "score_rows", "segment_scores"]

_MOST_SLICES, _MOST_VALUES = 4, 8

Floats = NDArray[np.float64]


def score_rows(
    predicted: Floats, rows: NDArray[np.int64], candidate: Candidate, fold: Fold, data: Dataset, problem: Problem
) -> ScoreTable:
    """One row an item, or one an item and class where there are more than two.

    Args:
        predicted: of each row the probabilities of the classes ``[n, classes]``, or the number ``[n, 1]``.
        rows: positions of the rows in the data.
        candidate: whose prediction it is.
        fold: the rows are judged in.
        data: the data set.
        problem: of the data set.
    """
    several = len(problem.classes) if len(problem.classes) > 2 else 1
    label = np.tile(np.arange(several), len(rows))
    row = np.repeat(rows, several)
    truth = problem.values(data.items)[row]
    cells = {
        "fold": np.full(len(row), fold.number, dtype=np.int32),
        "time": _times(data, row),
        "lead": np.zeros(len(row), dtype=np.int32),
        "item": row * several + label,
        "cluster": group_codes(data)[row],
        "weight": row_weights(problem, label if several > 1 else truth),
        "scale": np.ones(len(row)),
        "root_scale": np.ones(len(row)),
        "truth": (truth == label).astype(np.float64) if several > 1 else truth,
        "prediction": predicted.reshape(-1) if several > 1 else predicted[:, -1],
    }
    if problem.classes:
        cells |= {"unit": row, "label": label, "cut": np.tile(_cuts(problem), len(rows))}
    return ScoreTable(_ordered(pl.DataFrame(cells), candidate))


def _times(data: Dataset, row: NDArray[np.int64]) -> pl.Series:
    if data.roles.time is None:
        return pl.Series([None] * len(row), dtype=pl.Datetime("us"))
    return data.items[data.roles.time].gather(row)


def _cuts(problem: Problem) -> Floats:
    """Cuts before any calibration, one for each row of an item: by the costs where there are some."""
    return cuts_by_cost(np.array(problem.miss)) if problem.priced else plain_cuts(len(problem.classes))


def row_weights(problem: Problem, number: NDArray[Any]) -> Floats:
    """What it costs to be wrong about each row: of two classes a false alarm or a miss, of more the miss of the row's class."""
    if not problem.classes:
        return np.ones(len(number))
    return np.array(problem.miss or (1.0,) * len(problem.classes))[number.astype(np.int64)]


def _ordered(frame: pl.DataFrame, candidate: Candidate) -> pl.DataFrame:
    named = [pl.lit(candidate.name).alias("candidate"), pl.lit(candidate.target).alias("target")]
    origin = pl.lit(None, dtype=frame.schema["time"]).alias("origin")
    return frame.with_columns(*named, origin, *(pl.lit(None, dtype=pl.Float64).alias(bound) for bound in BOUNDS))


def segment_scores(scores: ScoreTable, data: Dataset) -> tuple[ScoreTable, dict[str, str]]:
    """Add the person's segments, or else the inputs of few values that go most with the target."""
    problem = Problem.of(data)
    several = len(problem.classes) if len(problem.classes) > 2 else 1
    taken = set(scores.frame.columns)
    names = [name for name in data.roles.segments or _telling(data, problem) if name not in taken]
    row = (scores.frame["item"] // several).cast(pl.UInt32)
    columns = [data.items[name].cast(pl.String).gather(row) for name in names if data.items[name].n_unique() <= 200]
    return ScoreTable(scores.frame.with_columns(columns)), {column.name: column.name for column in columns}


def _telling(data: Dataset, problem: Problem) -> list[str]:
    """Inputs of few values, those the target goes with most first."""
    few = [name for name in problem.inputs if problem.kinds[name] in ("number", "category") and _few(data.items[name])]
    strength = {name: _strength(data.items[name], problem.values(data.items)) for name in few}
    return sorted(few, key=lambda name: -strength[name])[:_MOST_SLICES]


def _few(values: pl.Series) -> bool:
    return values.dtype in (pl.String, pl.Int64, pl.Boolean) and 2 <= values.drop_nulls().n_unique() <= _MOST_VALUES


def _strength(values: pl.Series, target: Floats) -> float:
    """Share of the spread of the target (or of the class codes) that lies between the values."""
    known = np.isfinite(target)
    codes = values.rank("dense").fill_null(0).cast(pl.Int64).to_numpy()[known]
    spread = target[known] - target[known].mean()
    counts = np.maximum(np.bincount(codes), 1)
    means = np.bincount(codes, spread) / counts
    return float((counts * means**2).sum() / max(float((spread**2).sum()), 1e-12))
