"""A predicted number against what it was, and whether the bounds hold at every size."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.chapter import Block, Figure
from sevenstep.tasks.scoretable import ScoreTable
from sevenstep.tasks.tabular.problem import Problem

__all__ = ["number_figures"]

_POINTS, _STEPS = 600, 10
Floats = NDArray[np.float64]


def number_figures(scores: ScoreTable, problem: Problem) -> Iterator[Block]:
    """Actual against predicted, the mean by size of the prediction with its bounds, and their coverage."""
    frame = scores.frame.filter(pl.col("truth").is_finite() & pl.col("prediction").is_finite()).sort("prediction", "item")
    if frame.is_empty():
        return
    yield _scatter(frame, problem)
    if frame["lower_95"].null_count() == 0:
        yield _steps(frame, problem)
        yield _coverage(frame, problem)


def _scatter(frame: pl.DataFrame, problem: Problem) -> Figure:
    every = max(1, len(frame) // _POINTS)
    rows = [_dot(row) for row in frame.gather_every(every).iter_rows(named=True)]
    taken = f"every {every}th of {len(frame):,} rows" if every > 1 else f"{len(frame):,} rows"
    caption = f"Out of fold, {taken}; a perfect prediction lies where both are equal."
    return Figure(
        f"{problem.target}: actual against predicted", "scatter", rows, "predicted", "actual", "number", caption=caption
    )


def _dot(row: dict[str, Any]) -> dict[str, Any]:
    dot = {"x": _digits(row["prediction"]), "y": _digits(row["truth"])}
    if row["lower_95"] is None or row["upper_95"] is None:
        return dot
    inside = row["lower_95"] <= row["truth"] <= row["upper_95"]
    return {**dot, "group": "inside the 95 % bounds" if inside else "outside"}


def _digits(value: float) -> float:
    return float(f"{value:.5g}")


def _runs(frame: pl.DataFrame) -> list[pl.DataFrame]:
    """Rows in order of the prediction, in runs of equal size."""
    edges = np.linspace(0, len(frame), min(_STEPS, len(frame)) + 1).astype(int)
    return [frame[start:end] for start, end in pairwise(edges.tolist()) if end > start]


def _mean(values: pl.Series) -> float:
    return _digits(float(values.to_numpy().mean()))


def _steps(frame: pl.DataFrame, problem: Problem) -> Figure:
    rows: list[dict[str, Any]] = []
    for run in _runs(frame):
        x = _mean(run["prediction"])
        rows.append(
            {"x": x, "y": _mean(run["truth"]), "low": _mean(run["lower_80"]), "high": _mean(run["upper_80"]), "group": "actual"}
        )
        rows.append({"x": x, "y": x, "group": "predicted"})
    caption = "Means of rows in order of their prediction; the band is the mean of the 80 % bounds."
    return Figure(f"{problem.target} by size of the prediction", "line", rows, "predicted", "mean", "number", caption=caption)


def _coverage(frame: pl.DataFrame, problem: Problem) -> Figure:
    rows: list[dict[str, Any]] = []
    for run in _runs(frame):
        for level in ("80", "95"):
            inside = run["truth"].is_between(run[f"lower_{level}"], run[f"upper_{level}"])
            rows.append({"x": _mean(run["prediction"]), "y": float(inside.to_numpy().mean()), "group": f"{level} % bounds"})
    caption = "Share of actual values inside the bounds, by size of the prediction. The lines should lie at 80 % and 95 %."
    title = f"Coverage of the bounds of {problem.target}"
    return Figure(title, "line", rows, "predicted", "inside the bounds", "number", "percent", goal=0.8,
                  goal_label="80 %", caption=caption)  # fmt: skip
