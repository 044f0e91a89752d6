"""Forecasts of rows and of the sums above them, made to add up over all series that have an open row at the same time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.forecast.asking import AskedRows, open_at
from sevenstep.tasks.forecast.hierarchy.tree import Tree
from sevenstep.tasks.forecast.hierarchy.upper import Coherent, Upper
from sevenstep.tasks.forecast.panel import Panel
from sevenstep.tasks.scoretable import BOUNDS

__all__ = ["Together", "together"]

Floats = NDArray[np.float64]
Forecast = Callable[[str, AskedRows, Mapping[str, pl.DataFrame]], pl.DataFrame]


@dataclass(frozen=True)
class Together:
    """What a forecast shows.

    Args:
        asked: for each target the rows asked for, in their order.
        sums: rows of the sums at the times asked for, after the last observation: level, columns of the levels, time, ``origin``,
            ``lead``, ``target``, ``prediction`` and bounds.
    """

    asked: Mapping[str, pl.DataFrame]
    sums: pl.DataFrame


def together(
    upper: Upper, history: Dataset, wanted: AskedRows, forecast: Forecast, numbers: NDArray[np.int32], floors: Mapping[str, bool]
) -> Together:
    """Forecast what is asked for so that it adds up with all that is open at the same times.

    Args:
        upper: the levels of the model.
        history: the data set with its open rows.
        wanted: the rows asked for.
        forecast: a target, rows and what was made of them before, to a frame with ``prediction`` and bounds, a row for each.
        numbers: number of each series of the panel in training.
        floors: for each target whether its forecasts may not be below 0; those that follow from others come last.

    What follows from others, and has no way of its own, is added up.
    """
    panel, tree = wanted.panel, upper.tree(wanted.panel)
    wider, place = _widened(history, wanted)
    steps = np.unique(wider.asked.step[wider.asked.step > panel.end])
    shown = np.isin(steps, wanted.asked.step)
    wide: dict[str, pl.DataFrame] = {}
    sums = []
    for target, floor in floors.items():
        frame = forecast(target, wider, wide)
        if len(steps) and target in upper.ways:
            made = _made(upper, target, history, tree, steps, wider, frame, numbers, floor=floor)
            frame = _moved(frame, wider, steps, made, floor=floor)
            sums.append(_rows(made, tree, _moments(history, panel, steps), target, shown))
        wide[target] = frame
    asked = {target: frame[place] for target, frame in wide.items()}
    return Together(asked, pl.concat(sums, how="vertical") if sums else pl.DataFrame())


def _widened(history: Dataset, wanted: AskedRows) -> tuple[AskedRows, NDArray[np.int64]]:
    """All open rows at the times asked for, with those asked for; and where each of the latter stands among them."""
    panel = wanted.panel
    ahead = wanted.asked.step > panel.end
    others = open_at(history, panel, np.unique(wanted.asked.step[ahead]))
    if np.array_equal(np.sort(wanted.row), np.union1d(others.row, wanted.row)):
        return wanted, np.arange(len(wanted.row))
    more = np.setdiff1d(others.row, wanted.row)
    return wanted.with_rows(more), np.arange(len(wanted.row))


def _made(
    upper: Upper, target: str, history: Dataset, tree: Tree, steps: NDArray[np.int32], rows: AskedRows, frame: pl.DataFrame,
    numbers: NDArray[np.int32], *, floor: bool,
) -> Coherent:  # fmt: skip
    ahead = rows.asked.step > rows.panel.end
    place = (rows.asked.series[ahead], np.searchsorted(steps, rows.asked.step[ahead]))
    told = frame["prediction"].to_numpy()[ahead]
    known = np.isfinite(told)
    series, there = np.zeros((rows.panel.shape[0], len(steps))), np.zeros((rows.panel.shape[0], len(steps)), dtype=bool)
    series[place], there[place] = np.where(known, told, 0.0), known
    return upper.coherent(target, history, rows.panel, tree, steps, series, there, numbers, floor=floor)


def _moved(frame: pl.DataFrame, rows: AskedRows, steps: NDArray[np.int32], made: Coherent, *, floor: bool) -> pl.DataFrame:
    """The forecasts with coherent values; bounds move along with the forecast they belong to."""
    ahead = rows.asked.step > rows.panel.end
    at = np.minimum(np.searchsorted(steps, rows.asked.step), len(steps) - 1)
    own = frame["prediction"].to_numpy()
    value = np.where(ahead & np.isfinite(own), made.series[rows.asked.series, at], own)
    shift = pl.Series(np.nan_to_num(value - own))
    least = 0.0 if floor else None
    moved = [(pl.col(name) + shift).clip(lower_bound=least).alias(name) for name in BOUNDS]
    return frame.with_columns(pl.Series("prediction", value).fill_nan(None), *moved)


def _moments(history: Dataset, panel: Panel, steps: NDArray[np.int32]) -> pl.DataFrame:
    """One row for each step: its time under the person's own names, ``origin`` and ``lead``."""
    zeros = np.zeros(len(steps), dtype=np.int32)
    time = panel.times(zeros, steps).alias(str(history.roles.time))
    parts = list(history.roles.time_parts.values())
    own = panel.rows.filter(pl.col("step").is_in(steps)).group_by("step").agg(pl.col(parts).drop_nulls().first()).sort("step")
    shown = own.select(parts) if parts and not own.is_empty() else pl.DataFrame()
    origin = panel.times(zeros, np.full(len(steps), panel.end, dtype=np.int32)).alias("origin")
    lead = pl.Series("lead", (steps - panel.end).astype(np.int32))
    return shown.with_columns(time, origin, lead) if shown.width else pl.DataFrame([time, origin, lead])


def _rows(made: Coherent, tree: Tree, moments: pl.DataFrame, target: str, shown: NDArray[np.bool_]) -> pl.DataFrame:
    node, at = np.nonzero(np.broadcast_to(shown, made.nodes.shape))
    bounds = [pl.Series(name, made.bounds[name][node, at]) for name in BOUNDS]
    told = [pl.lit(target).alias("target"), pl.Series("prediction", made.nodes[node, at]), *bounds]
    return tree.nodes[node].hstack(moments[at]).with_columns(told)
