"""Panels of daily demand made up for tests of level shifts: a week, promotions, holidays, noise of days, segments and series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.live.monitor.cells import Days, Segments

Floats = NDArray[np.float64]
SEGMENTS = {"state": 12, "kind": 4, "range": 3}
RELEASED, LEAD = 200, 7


@dataclass(frozen=True)
class Shift:
    """From ``day`` after release on, one state sells ``factor`` times as much, or grows by it every week where ``weekly``."""

    state: int
    day: int
    factor: float
    weekly: bool = False


@dataclass(frozen=True)
class ShiftWorld:
    """Sales and forecasts of series by day; ``member`` is the number of each series' value in each segment column."""

    sales: Floats
    base: Floats
    promotion: Floats
    member: NDArray[np.int64]
    horizon: int

    @classmethod
    def of(cls, seed: int, *, series: int = 96, days: int = 275, horizon: int = 28, shift: Shift | None = None) -> ShiftWorld:
        chance = np.random.default_rng(seed)
        member = np.stack([np.concatenate([np.arange(k), chance.integers(0, k, series - k)]) for k in SEGMENTS.values()])
        state = member[0]
        week = 1 + 0.3 * np.sin(2 * np.pi * (np.arange(days) + chance.integers(0, 2, (series, 1))) / 7)
        promoted = np.repeat(chance.random((series, days // 14 + 1)) < 0.3, 14, axis=1)[:, :days]
        effect = np.where(promoted, np.exp(chance.normal(0.3, 0.1, (series, 1))), 1.0)
        holiday = np.zeros(days)
        holiday[chance.integers(0, days, 8)] = chance.normal(0, 0.3, 8)
        shared = holiday + chance.normal(0, 0.05, days) + chance.normal(0, 0.03, (SEGMENTS["state"], days))[state]
        level = np.cumsum(chance.normal(0, 0.004, (series, days)), 1)
        level += np.cumsum(chance.normal(0, 0.003, (SEGMENTS["state"], days)), 1)[state]
        size = np.exp(chance.normal(4, 0.7, (series, 1)))
        usual = size * week * effect * np.exp(shared + level + chance.normal(0, 0.15, (series, days)))
        if shift is not None:
            usual[state == shift.state] *= _moved(days, shift)
        sales = chance.poisson(usual).astype(np.float64)
        return cls(sales, sales / effect, effect, member, horizon)

    def forecast(self, day: int, lead: int) -> Floats:
        """The mean of the same weekday over the four weeks known ``lead`` days before, with the promotions that are planned."""
        back = (lead - 1) // 7 + 1
        return np.asarray(np.mean([self.base[:, day - 7 * (back + past)] for past in range(4)], 0) * self.promotion[:, day])

    @property
    def segments(self) -> Segments:
        cells = np.unique(self.member, axis=1)
        names, inside = [("", "")], [np.ones(cells.shape[1], np.bool_)]
        for row, (column, count) in enumerate(SEGMENTS.items()):
            names += [(column, str(value)) for value in range(count)]
            inside += [cells[row] == value for value in range(count)]
        beside = [np.zeros(cells.shape[1], np.bool_), *(~one for one in inside[1:])]
        return Segments(names, np.array(inside), np.array(beside))

    def days(self, pairs: list[tuple[int, int]]) -> Days:
        """Sums by cell for pairs of day and lead."""
        cells, place = np.unique(self.member, axis=1, return_inverse=True)
        count, place = cells.shape[1], place.ravel()

        def summed(values: Floats) -> Floats:
            return np.bincount(place, values, count)

        truth = np.stack([summed(self.sales[:, day]) for day, _ in pairs], 1)
        return Days(truth, np.stack([summed(self.forecast(day, lead)) for day, lead in pairs], 1))

    @property
    def released(self) -> list[Days]:
        return [self.days(fold) for fold in self.folds]

    @property
    def folds(self) -> list[list[tuple[int, int]]]:
        starts = [RELEASED - 1 - self.horizon * (3 - fold) for fold in range(3)]
        return [[(start + lead, lead) for lead in range(1, self.horizon + 1)] for start in starts]

    @property
    def live(self) -> Days:
        return self.days([(day, LEAD) for day in range(RELEASED, self.sales.shape[1])])

    def frame(self, pairs: list[tuple[int, int]], fold: int) -> pl.DataFrame:
        """Rows of a score table for pairs of day and lead."""
        rows = [
            {"fold": fold, "time": day, "lead": lead, "cluster": place, "truth": truth, "prediction": prediction}
            | {name: f"{name[0]}{self.member[row, place]}" for row, name in enumerate(SEGMENTS)}
            for day, lead in pairs
            for place, (truth, prediction) in enumerate(zip(self.sales[:, day], self.forecast(day, lead), strict=True))
        ]
        return pl.DataFrame(rows).with_columns((pl.date(2024, 1, 1) + pl.duration(days=pl.col("time"))).alias("time"))


def _moved(days: int, shift: Shift) -> Floats:
    after = np.arange(days) - RELEASED - shift.day
    power = np.where(after >= 0, after // 7 + 1.0 if shift.weekly else 1.0, 0.0)
    return np.asarray(shift.factor**power)


def newest(live: Days, day: int, kept: int = 70) -> Days:
    """What is looked at ``day`` days after release."""
    first = max(0, day - kept)
    return Days(live.truth[:, first:day], live.forecast[:, first:day])
