"""What predictions served earlier came to, as a score table like that of the comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from sevenstep.tasks.scoretable import BOUNDS, ScoreTable
from sevenstep.tasks.tabular.problem import Problem
from sevenstep.tasks.tabular.scoring import row_weights

__all__ = ["judged"]


def judged(made: pl.DataFrame, problem: Problem, calibration: Mapping[str, Any]) -> ScoreTable:
    """Score predictions against their ``truth``; each item stands for itself, since nothing groups what is served.

    Args:
        made: ``prediction`` with ``probability_<class>`` (classes) or bounds (a number), and ``truth`` as the target is written.
        problem: of the model.
        calibration: of the model: where it decides, and from which probability a class is in the sets.
    """
    truth = problem.values(made.select(pl.col("truth").alias(problem.target)))
    known = np.flatnonzero(np.isfinite(truth))
    several = len(problem.classes) if len(problem.classes) > 2 else 1
    row, label = np.repeat(known, several), np.tile(np.arange(several), len(known))
    said = truth[row]
    nothing = pl.Series([None] * len(row), dtype=pl.Datetime("us"))
    frame = pl.DataFrame({
        "candidate": ["final"] * len(row), "target": [problem.target] * len(row), "fold": np.zeros(len(row), np.int32),
        "origin": nothing, "time": nothing, "lead": np.zeros(len(row), np.int32), "item": row * several + label, "cluster": row,
        "weight": row_weights(problem, label if several > 1 else said), "scale": np.ones(len(row)),
        "root_scale": np.ones(len(row)), "truth": (said == label).astype(float) if several > 1 else said,
    }).with_columns(_predicted(made[known], problem, calibration))  # fmt: skip
    if problem.classes:
        frame = frame.with_columns(unit=pl.Series(row), label=pl.Series(label))
    return ScoreTable(frame)


def _predicted(made: pl.DataFrame, problem: Problem, calibration: Mapping[str, Any]) -> list[pl.Series]:
    """Columns of what was predicted, one row for each row of a score table."""
    if not problem.classes:
        return [made[name].cast(pl.Float64) for name in ("prediction", *BOUNDS)]
    classes = problem.classes[1:] if problem.binary else problem.classes
    probability = made.select(pl.col(f"probability_{name}").cast(pl.Float64) for name in classes).to_numpy().reshape(-1)
    count = len(probability)
    least = [float(calibration["least"].get(bound, np.nan)) for bound in BOUNDS]
    bounds = [pl.Series(bound, np.full(count, value)).fill_nan(None) for bound, value in zip(BOUNDS, least, strict=True)]
    cuts = np.asarray(calibration["cuts"], np.float64)
    return [pl.Series("prediction", probability), pl.Series("cut", np.resize(cuts[-len(classes) :], count)), *bounds]
