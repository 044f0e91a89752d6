"""Which way of making forecasts add up is taken for a target: the one that out-of-fold forecasts speak for.

Adding up the series is the rule to beat. Another way is taken where it lowers the error of the levels on average, by more than
chance and in every fold, and raises that of none of them, the series included. Each fold is made coherent in the way, and with
the errors, that the other folds speak for, so that its figures are honest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.stats.metrics import METRICS
from sevenstep.stats.scored import Scored
from sevenstep.tasks.forecast.hierarchy.evidence import BOTTOM_UP, Side, left_out, ways_of
from sevenstep.tasks.forecast.hierarchy.reconcile import Errors
from sevenstep.tasks.forecast.hierarchy.tree import Tree, level_name

__all__ = ["SERIES", "Chosen", "choose", "places_on", "told"]

FEWEST_FOLDS = 3  # a fold is judged by the choice of the others, and one other says too little
WORTH = 0.005  # mean share of the error of the levels that a way must save to be taken
SURE = 2.0  # times its standard error that the gain must be, over the times forecast
HARM = 0.002  # share by which it may raise the error of one of them
SERIES = "series"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Chosen:
    """How one target's forecasts are made to add up.

    Args:
        way: see `ways_of`.
        errors: covariance of out-of-fold errors, where the way needs it.
        made: ``[series, column]`` coherent out-of-fold forecasts, each fold by the choice of the others.
        side: what they are made from.
        losses: for each way and level the error out of fold (WAPE; of the series by the KPI's metric).
        why: one sentence.
    """

    way: str
    errors: Errors | None
    made: Floats
    side: Side
    losses: Mapping[str, Mapping[str, float]]
    why: str


def choose(side: Side, tree: Tree, own: pl.DataFrame, metric: str, *, floor: bool, whole: bool = True) -> Chosen:
    """Choose on all folds, and for each fold on the others.

    Args:
        side: out-of-fold forecasts of series and sums.
        tree: the sums.
        own: the score table of the series that ``side`` was made from, for what ``metric`` reads besides.
        metric: what the series are judged by.
        floor: whether forecasts may not be below 0.
        whole: whether all series are judged; sums of a sample say nothing of the sums' own forecasts.
    """
    ways = ways_of(tree) if whole else [BOTTOM_UP]
    made = left_out(side, tree, ways, floor=floor)
    cells = _Cells.of(own, side, metric)
    losses = {way: _losses(values, side, tree, cells, None) for way, values in made.items()}
    gains = {way: _gains(side.series, values, side, tree) for way, values in made.items()}
    if not whole:
        return Chosen(BOTTOM_UP, None, side.series, side, losses, "there are so many series that only a sample of them is judged")
    if len(side.folds) < FEWEST_FOLDS:
        why = f"another way takes {FEWEST_FOLDS} folds to choose and to check, and there are {len(side.folds)}"
        return Chosen(BOTTOM_UP, None, side.series, side, losses, why)
    way, why = _best(losses, gains, side.fold)
    result = side.series.copy()
    for fold in side.folds:
        columns = side.fold == fold
        rest = {name: _losses(values, side, tree, cells, fold) for name, values in made.items()}
        taken, _ = _best(rest, {name: gain[~columns] for name, gain in gains.items()}, side.fold[~columns])
        result[:, columns] = made[taken][:, columns]
    return Chosen(way, side.errors(tree), result, side, losses, why)


def _gains(plain: Floats, made: Floats, side: Side, tree: Tree) -> Floats:
    """``[column]`` what a way saves of the error of series added up, as the mean over levels of its share of the volume."""
    parts = [
        (np.abs(plain - side.truth).sum(axis=0) - np.abs(made - side.truth).sum(axis=0)) / max(np.abs(side.truth).sum(), 1e-9)
    ]
    before, after = np.abs(tree.adds @ (plain - side.truth)), np.abs(tree.adds @ (made - side.truth))
    for position in range(len(tree.levels)):
        own = tree.level == position
        parts.append((before[own] - after[own]).sum(axis=0) / max(np.abs(side.truth).sum(), 1e-9))
    return np.asarray(np.mean(parts, axis=0))


def _is_sure(gain: Floats, fold: NDArray[np.int64]) -> bool:
    """Whether a gain is above 0 in every fold and by more than chance over the times."""
    if len(gain) < 2 or any(gain[fold == one].mean() <= 0 for one in np.unique(fold)):
        return False
    return bool(gain.mean() > SURE * gain.std(ddof=1) / np.sqrt(len(gain)))


def _best(losses: Mapping[str, Mapping[str, float]], gains: Mapping[str, Floats], fold: NDArray[np.int64]) -> tuple[str, str]:
    start = losses[BOTTOM_UP]
    ratios = {way: _ratios(found, start) for way, found in losses.items() if way != BOTTOM_UP}
    able = {way: found for way, found in ratios.items() if len(found) and max(found) <= 1.0 + HARM and _is_sure(gains[way], fold)}
    saved = {way: 1.0 - float(np.mean(found)) for way, found in able.items()}
    best = max(saved, key=lambda way: saved[way], default=BOTTOM_UP)
    if saved.get(best, 0.0) < WORTH:
        return BOTTOM_UP, "no other way lowers the error of the levels out of fold without raising that of one of them"
    return best, f"out of fold it lowers the error of the levels by {100 * saved[best]:.1f} % on average, and raises that of none"


def _ratios(found: Mapping[str, float], start: Mapping[str, float]) -> list[float]:
    return [found[level] / start[level] for level in start if start[level] > 0 and np.isfinite(found[level])]


@dataclass(frozen=True)
class _Cells:
    """The scored rows of the series, each with its place on the grid, as the metric of the series reads them."""

    place: tuple[NDArray[np.int64], NDArray[np.int64]]
    fold: NDArray[np.int64]
    columns: Mapping[str, Floats]
    metric: str

    @classmethod
    def of(cls, own: pl.DataFrame, side: Side, metric: str) -> _Cells:
        known = own.filter(pl.col("truth").is_finite() & pl.col("prediction").is_finite())
        place = places_on(known, side)
        reads = [name for name in METRICS[metric].reads if name != "prediction"]
        columns = {name: known[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in dict.fromkeys(["truth", *reads])}
        return cls(place, known["fold"].to_numpy().astype(np.int64), columns, metric)

    def loss(self, made: Floats, without: int | None) -> float:
        metric, rows = METRICS[self.metric], Scored.of(prediction=made[self.place], **self.columns)
        rows = rows if without is None else rows.at(self.fold != without)
        return float(metric.loss(np.asarray(metric.value(rows))))


def places_on(known: pl.DataFrame, side: Side) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and column of each scored row on the grids of a side, which was made from these rows."""
    columns = known.select("fold", "time").unique().sort("fold", "time").with_row_index("at")
    at = known.join(columns, on=["fold", "time"], how="left", maintain_order="left")["at"]
    return known["cluster"].to_numpy().astype(np.int64), at.to_numpy().astype(np.int64)


def _losses(made: Floats, side: Side, tree: Tree, cells: _Cells, without: int | None) -> dict[str, float]:
    """The error of each level, on all folds or without one."""
    kept = np.ones(len(side.fold), dtype=bool) if without is None else side.fold != without
    found = {SERIES: cells.loss(made, without)}
    sums, truth = tree.adds @ made[:, kept], tree.adds @ side.truth[:, kept]
    for position, columns in enumerate(tree.levels):
        own = tree.level == position
        size = float(np.abs(truth[own]).sum())
        found[level_name(columns)] = float(np.abs(sums[own] - truth[own]).sum()) / size if size else float("nan")
    return found


def told(chosen: Chosen) -> list[dict[str, Any]]:
    """What each way came to, as rows for a table."""
    levels: Sequence[str] = list(next(iter(chosen.losses.values())))
    return [{"way": way, "taken": "yes" if way == chosen.way else "", **{level: found[level] for level in levels}}
            for way, found in chosen.losses.items()]  # fmt: skip
