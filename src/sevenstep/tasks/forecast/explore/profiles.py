"""How the target runs through its season and through the year, as shares of its usual level, with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.forecast.explore.sample import Sample
from sevenstep.tasks.forecast.explore.strength import centred_mean, linear_part, phase_part
from sevenstep.tasks.forecast.explore.view import View, step_word
from sevenstep.tasks.forecast.explore.within import group_means

__all__ = ["MONTHS", "WEEKDAYS", "Course", "season_course", "year_course"]

Floats = NDArray[np.float64]
RARE = 0.1  # phases with under a tenth of the rows of the fullest are not named as best or worst
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Course:
    """Mean distance from the usual level at each phase, as a share of the target, ``[phase]``, with 95 % intervals."""

    name: str
    labels: tuple[str, ...]
    value: Floats
    low: Floats
    high: Floats
    count: NDArray[np.int64]
    matters: float

    @property
    def best(self) -> int:
        """Position of the highest phase that is not rare."""
        return int(np.argmax(np.where(self._common, self.value, -np.inf)))

    @property
    def worst(self) -> int:
        """Position of the lowest phase that is not rare."""
        return int(np.argmin(np.where(self._common, self.value, np.inf)))

    @property
    def _common(self) -> NDArray[np.bool_]:
        return np.asarray(self.count >= RARE * self.count.max(), np.bool_)


def season_course(sample: Sample, view: View, season: int) -> Course:
    """The course of one season around a centred moving average of the season's length."""
    grid = view.means_grid()
    away = (grid - centred_mean(grid, season))[view.series, view.step]
    name, labels, phase = _phases(sample, view, season)
    return _course(view, name, labels, phase, away)


def year_course(view: View) -> Course:
    """The course of the year by month, the season and the trend of each series taken out; for time axes with dates."""
    grid = view.means_grid()
    for season in view.seasons[:1]:
        grid = grid - phase_part(grid, season)
    away = (grid - linear_part(grid))[view.series, view.step]
    month = view.panel.times(view.series, view.step).dt.month().to_numpy().astype(np.int64) - 1
    return _course(view, "month", MONTHS, month, away)


def _course(view: View, name: str, labels: tuple[str, ...], phase: NDArray[np.int64], away: Floats) -> Course:
    known = np.isfinite(away)
    present, codes = np.unique(phase[known], return_inverse=True)
    bounds = group_means(away[known], codes.reshape(-1), view.clusters.at(known))
    count = np.bincount(codes.reshape(-1))
    value, low, high = _shares(view, bounds, count)
    matters = float((np.abs(value) * count).sum() / count.sum())
    return Course(name, tuple(labels[position] for position in present), value, low, high, count, matters)


def _shares(view: View, bounds: tuple[Floats, Floats, Floats], count: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """Means and their bounds as distances from the usual level: the mean over rows, in units of the target."""
    mean, low, high = bounds
    if view.measure.name == "plain" or view.by_sums:
        size = max(view.measure.mean, 1e-12)
        middle = float((mean * count).sum() / count.sum())
        return (mean - middle) / size, (low - middle) / size, (high - middle) / size
    usual = float((np.exp(mean) * count).sum() / count.sum())
    return np.exp(mean) / usual - 1, np.exp(low) / usual - 1, np.exp(high) / usual - 1


def _phases(sample: Sample, view: View, season: int) -> tuple[str, tuple[str, ...], NDArray[np.int64]]:
    """What the phases of a season are called, and the phase of each row."""
    word = step_word(sample)
    times = view.panel.times(view.series, view.step)
    if times.dtype.is_temporal():
        if (word, season) == ("day", 7):
            return "weekday", WEEKDAYS, _whole(times.dt.weekday()) - 1
        if (word, season) == ("hour", 24):
            return "hour", tuple(f"{hour:02d}" for hour in range(24)), _whole(times.dt.hour())
        if (word, season) == ("hour", 168):
            names = tuple(f"{day} {hour:02d}" for day in WEEKDAYS for hour in range(24))
            return "hour of the week", names, (_whole(times.dt.weekday()) - 1) * 24 + _whole(times.dt.hour())
        if (word, season) == ("month", 12):
            return "month", MONTHS, _whole(times.dt.month()) - 1
        if (word, season) == ("week", 52):
            return "week of the year", tuple(str(week) for week in range(1, 54)), _whole(times.dt.week()) - 1
    phase = (view.step % season).astype(np.int64)
    return f"phase of the season of {season}", tuple(str(number + 1) for number in range(season)), phase


def _whole(values: pl.Series) -> NDArray[np.int64]:
    return values.cast(pl.Int64).to_numpy()
