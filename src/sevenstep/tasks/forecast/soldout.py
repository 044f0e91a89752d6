"""Sales are not demand: where the stock was sold out, more was wanted than the target tells.

A sold-out value says "at least so much". It is taken for unknown, wherever a forecast learns from it or is judged by it, and
stays in the data as it was recorded. What was wanted beyond it is told as an estimate, from like days that were not sold out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset

__all__ = ["STOCK", "Lost", "lost_sales", "stock_of", "uncensored"]

STOCK = "stock"
"""Name of the fact of a data set that tells for each target the column with what was left of its stock."""

CYCLES = 6  # seasons before and after a sold-out value from which like days are taken
FEWEST = 3  # like days that tell anything

Floats = NDArray[np.float64]


def stock_of(facts: Mapping[str, Any]) -> dict[str, str]:
    """For each target limited by a stock the column that tells it."""
    return dict(facts.get(STOCK, {}).get("value", {}))


def sold_out(target: str, stock: str) -> pl.Expr:
    """Whether a row's target is known and nothing was left."""
    return pl.col(target).is_not_null() & (pl.col(stock) <= 0)


def uncensored(items: pl.DataFrame, facts: Mapping[str, Any]) -> pl.DataFrame:
    """The items with sold-out values of targets taken for unknown."""
    told = {target: stock for target, stock in stock_of(facts).items() if target in items.columns and stock in items.columns}
    return items.with_columns(
        pl.when(~sold_out(target, stock).fill_null(False)).then(pl.col(target)).alias(target) for target, stock in told.items()
    )


@dataclass(frozen=True)
class Lost:
    """What a target lost to empty shelves.

    Args:
        rows: how many values were sold out.
        known: how many values are known.
        sold: sum of the sold-out values.
        wanted: estimate of what was wanted there, at least what was sold.
    """

    rows: int
    known: int
    sold: float
    wanted: float


def lost_sales(data: Dataset, target: str, grid: Floats, season: int, place: NDArray[np.int64]) -> Lost | None:
    """The estimate for one target; None where no stock is told or nothing was sold out.

    Args:
        data: the data set, as recorded.
        target: which.
        grid: ``[series, step]`` of the target without sold-out values.
        season: steps of the season.
        place: ``[row of the items, 2]`` series and step on the grid.

    A value is expected to be the mean of like days: the same phase of the season in the `CYCLES` seasons before and after.
    """
    stock = stock_of(data.facts).get(target)
    if stock is None:
        return None
    rows = np.flatnonzero(data.items.select(sold_out(target, stock).fill_null(False)).to_series().to_numpy())
    if not len(rows):
        return None
    sold = data.items[target].cast(pl.Float64).to_numpy()[rows]
    series, step = place[rows, 0], place[rows, 1]
    shifts = season * np.array([shift for shift in range(-CYCLES, CYCLES + 1) if shift])
    at = step[:, None] + shifts
    inside = (at >= 0) & (at < grid.shape[1])
    like = np.where(inside, grid[series[:, None], np.clip(at, 0, grid.shape[1] - 1)], np.nan)
    count = np.isfinite(like).sum(axis=1)
    mean = np.where(count >= FEWEST, np.nansum(like, axis=1) / np.maximum(count, 1), sold)
    known = int(data.items[target].is_not_null().sum())
    return Lost(len(rows), known, float(sold.sum()), float(np.maximum(mean, sold).sum()))
