"""Actuals and forecasts summed by day and cell (a combination of values of all segment columns), and segments made of cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from sevenstep.stats.scored import BoolArray, FloatArray

__all__ = ["Days", "Segments"]


@dataclass(frozen=True)
class Segments:
    """What may move, in terms of cells: combinations of the values of all segment columns.

    Args:
        names: column and value of each segment; two empty texts for everything.
        inside: which cells belong to it, ``[segments, cells]``.
        beside: which cells it is compared with, the rest of its column; none for everything.
    """

    names: Sequence[tuple[str, str]]
    inside: BoolArray
    beside: BoolArray

    @property
    def compared(self) -> BoolArray:
        """Which segments are compared with others, ``[segments]``."""
        return np.asarray(self.beside.any(axis=1), np.bool_)

    def log_ratios(self, days: Days) -> FloatArray:
        """Of actuals over forecasts beside the same of the rest, ``[segments, blocks]``; NaN where one of them is not above 0."""
        own = _log_ratio(self.inside @ days.truth, self.inside @ days.forecast)
        rest = _log_ratio(self.beside @ days.truth, self.beside @ days.forecast)
        return own - np.where(self.compared[:, None], rest, 0.0)

    def shares(self, days: Days) -> FloatArray:
        """Share of each segment in all forecasts, ``[segments]``."""
        size = self.inside @ days.forecast.sum(axis=1)
        return np.asarray(size / max(float(days.forecast.sum()), 1e-300))


@dataclass(frozen=True)
class Days:
    """Sums of actuals and forecasts by cell and day (or block of days), each ``[cells, days]``."""

    truth: FloatArray
    forecast: FloatArray

    def last(self, count: int) -> Days:
        """The newest days."""
        return Days(self.truth[:, -count:], self.forecast[:, -count:])

    def blocks(self, length: int) -> Days:
        """Sums of whole blocks of so many days, counted back from the newest; days left over at the start are dropped."""
        count = self.truth.shape[1] // length
        truth, forecast = (one[:, one.shape[1] - count * length :] for one in (self.truth, self.forecast))
        starts = np.arange(0, count * length, length)
        if not count:
            return Days(truth, forecast)
        return Days(np.add.reduceat(truth, starts, axis=1), np.add.reduceat(forecast, starts, axis=1))

    def beside(self, other: Days) -> Days:
        """The blocks of both."""
        truth = np.concatenate([self.truth, other.truth], axis=1)
        return Days(truth, np.concatenate([self.forecast, other.forecast], axis=1))

    def least(self, length: int, left_out: int) -> Days:
        """Sums of the newest days with every choice of so many of them left out, as blocks."""
        kept = np.ones((length, 0))
        for days in combinations(range(length), left_out):
            choice = np.ones((length, 1))
            choice[list(days)] = 0
            kept = np.concatenate([kept, choice], axis=1)
        newest = self.last(length)
        return Days(newest.truth @ kept, newest.forecast @ kept)

    def explained(self, cells: BoolArray, since: int, size: float) -> Days:
        """As it would be had the forecasts of some cells known of a shift of logarithm ``size`` from a day on."""
        forecast = self.forecast.copy()
        forecast[np.ix_(cells, np.arange(since, forecast.shape[1]))] *= np.exp(size)
        return Days(self.truth, forecast)


def _log_ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    able = (above > 0) & (below > 0)
    found = np.full(above.shape, np.nan)
    np.divide(above, below, out=found, where=able)
    return np.asarray(np.log(found), np.float64)
