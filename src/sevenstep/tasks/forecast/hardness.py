"""How hard a step is to forecast, told beforehand: how far the same weeks of last year departed from what stood before them.

The folds of a year's newest half are not like the half to come: Christmas and Easter are in one of them. Bounds made from such
folds alone would be as wide in June as they have to be in December.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.forecast.features.history import Asked
from sevenstep.tasks.forecast.settings import Settings
from sevenstep.tasks.forecast.shocks import HELD
from sevenstep.tasks.scoretable import HARDNESS

__all__ = ["Hardness", "hardness_of"]

Floats = NDArray[np.float64]

LEVEL = 4  # newest steps whose mean stands for what was before
FLOOR = 0.05  # of a series' usual size: below it, changes are not divided any further
PRIOR = 4.0  # origins and leads that the assumption of no difference weighs as much as
FEWEST = 8  # of them from which on anything is believed


def hardness_of(grid: Floats, asked: Asked, settings: Settings) -> Floats | None:
    """For each asked row the mean over all series of how far last year's value at its step lay from the mean of the `LEVEL` steps
    up to last year's origin, as a share of that mean; NaN where last year was not seen. None where the season is not the year: a
    shorter one departs from its level at every step.

    Args:
        grid: the target, ``[series, step]``.
        asked: which rows; nothing after their origins is looked at.
        settings: season and year in steps.
    """
    year = settings.year
    if not year or settings.season != year:
        return None
    told = np.full(len(asked.step), np.nan)
    for origin in np.unique(asked.origin):
        rows = np.flatnonzero(asked.origin == origin)
        steps, place = np.unique(asked.step[rows], return_inverse=True)
        told[rows] = _departures(grid[:, : origin + 1], int(origin) - year, steps - year)[place]
    return told


def _departures(known: Floats, origin: int, steps: NDArray[np.integer]) -> Floats:
    """Of the values at some steps from the level up to an origin; only what is known is looked at."""
    found = np.full(len(steps), np.nan)
    if origin < LEVEL - 1:
        return found
    level, size = _mean(known[:, origin - LEVEL + 1 : origin + 1]), _mean(np.abs(known))
    unit = np.maximum(np.abs(level), np.maximum(FLOOR * size, 1e-12))
    for at in np.flatnonzero(steps < known.shape[1]):
        share = np.abs(known[:, steps[at]] - level) / unit
        share = share[np.isfinite(share)]
        if len(share):
            found[at] = np.minimum(share, np.quantile(share, HELD)).mean()
    return found


def _mean(values: Floats) -> Floats:
    """Mean of the known values of each series; NaN without any."""
    seen = np.isfinite(values)
    count = seen.sum(axis=1)
    total = np.where(seen, values, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


@dataclass(frozen=True)
class Hardness:
    """How bounds follow what was told beforehand: their distance goes with its power.

    Args:
        power: 0 for not at all, 1 for in proportion.
        usual: what was told where the bounds were made, their geometric mean.
    """

    power: float = 0.0
    usual: float = 1.0

    @classmethod
    def learnt(cls, items: pl.DataFrame, size: Floats) -> Hardness:
        """From errors of many items: the slope of their mean size at each origin and lead on what was told of it, both as
        logarithms, pulled towards 0 where few origins and leads tell.

        Args:
            items: rows of a score table.
            size: their absolute errors as shares of the forecast, as what is told is of changes.
        """
        if HARDNESS not in items.columns or not len(items):
            return cls()
        held = pl.Series("size", np.minimum(size, np.quantile(size, HELD)))
        cells = items.select("fold", "lead", HARDNESS).with_columns(held).group_by("fold", "lead").mean()
        cells = cells.filter((pl.col(HARDNESS) > 0) & (pl.col("size") > 0))
        told, off = (np.log(cells[name].to_numpy()) for name in (HARDNESS, "size"))
        if len(cells) < FEWEST or np.ptp(told) <= 0:
            return cls()
        slope = float(np.cov(told, off)[0, 1] / np.var(told, ddof=1))
        return cls(float(np.clip(slope * len(cells) / (len(cells) + PRIOR), 0.0, 1.0)), float(np.exp(told.mean())))

    def factors(self, items: pl.DataFrame) -> Floats:
        """For each item the factor of its bounds' distance; 1 where nothing was told."""
        if self.power == 0.0 or HARDNESS not in items.columns:
            return np.ones(len(items))
        told = items[HARDNESS].cast(pl.Float64).fill_null(np.nan).to_numpy() / self.usual
        return np.where(told > 0, np.where(told > 0, told, 1.0) ** self.power, 1.0)
