"""One target of the sample, row by row, on the scale its effects are told on, with the cells rows are compared in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.forecast.clock import UNIT_WORDS
from sevenstep.tasks.forecast.explore.sample import Sample
from sevenstep.tasks.forecast.explore.seasons import SeasonFact, weigh_seasons
from sevenstep.tasks.forecast.explore.within import Clusters, Codes, Fit, codes_of, least_squares, mean_ratios
from sevenstep.tasks.forecast.panel import Panel

__all__ = ["Cells", "Measure", "View", "choose_cells", "step_word", "view_of"]

Floats = NDArray[np.float64]
LEVEL_CYCLES = 4
CYCLES = 13  # seasons in one stretch of comparison: a quarter of weeks
FEW_NEGATIVE, MANY_ZEROS, SMALL = 0.01, 0.2, 5.0
LONG_SEASON = 31  # seasons longer than this are no unit in which chance events come and go


@dataclass(frozen=True)
class Measure:
    """The scale on which effects add: a logarithm where values allow it, so that effects read as percent.

    ``name`` is ``log``, ``log1p``, ``asinh`` or ``plain``; ``mean`` is the mean size of the target in its own units.
    """

    name: str
    mean: float

    @classmethod
    def of(cls, values: Floats) -> Measure:
        """The scale that suits observed values."""
        mean = float(np.abs(values).mean())
        if values.min() > 0:
            return cls("log", mean)
        small = float(np.median(np.abs(values))) < SMALL or float((values == 0).mean()) > MANY_ZEROS
        if small or float((values < 0).mean()) > FEW_NEGATIVE:
            return cls("plain", mean)
        return cls("log1p" if values.min() >= 0 else "asinh", mean)

    def forward(self, values: Floats) -> Floats:
        """Values on the scale."""
        functions = {"log": np.log, "log1p": np.log1p, "asinh": np.arcsinh}
        return np.asarray(functions[self.name](values) if self.name in functions else values, np.float64)

    def backward(self, values: Floats) -> Floats:
        """Back to units of the target."""
        functions = {"log": np.exp, "log1p": np.expm1, "asinh": np.sinh}
        return np.asarray(functions[self.name](values) if self.name in functions else values, np.float64)

    def relative(self, effect: float) -> float:
        """An effect as a share: of the value without it on logarithmic scales, of the mean otherwise."""
        if self.name != "plain":
            return float(np.expm1(effect))
        return effect / self.mean if self.mean > 0 else 0.0


@dataclass(frozen=True)
class Cells:
    """Groups of rows that are compared with each other only, and the words for them."""

    codes: Sequence[Codes]
    words: str


@dataclass(frozen=True)
class View:
    """Observed values of one target in the sample, arrays of equal length.

    ``row`` points into the panel's long table; ``cells`` compares within the main season, ``fine`` within the longest one that
    repeats often enough; ``shape`` are the stretches in which the level moves, and the phases of each series; ``clusters``
    tells what errors share.
    """

    target: str
    panel: Panel
    measure: Measure
    row: NDArray[np.int64]
    raw: Floats
    scaled: Floats
    cells: Cells
    fine: Cells
    shape: tuple[Codes, Codes]
    clusters: Clusters
    method: str
    weighed: Sequence[SeasonFact]

    @property
    def seasons(self) -> tuple[int, ...]:
        """Seasons that are strong enough to be used, shortest first."""
        return tuple(fact.season for fact in self.weighed if fact.used)

    @property
    def series(self) -> NDArray[np.int32]:
        """Grid row of each value."""
        return self.panel.series[self.row]

    @property
    def step(self) -> NDArray[np.int32]:
        """Grid column of each value."""
        return self.panel.steps[self.row]

    def grid(self) -> Floats:
        """The scaled target on the grid, NaN where unknown."""
        return self._on_grid(self.scaled)

    def means_grid(self) -> Floats:
        """What means are taken of: the target itself where it is compared by sums, else the scaled one; NaN where unknown."""
        return self._on_grid(self.raw if self.by_sums else self.scaled)

    def _on_grid(self, values: Floats) -> Floats:
        grid = np.full(self.panel.shape, np.nan)
        grid[self.series, self.step] = values
        return grid

    @property
    def by_sums(self) -> bool:
        """Whether the target is 0 now and then: its means are then compared as they are, as logarithms would exaggerate."""
        return self.measure.name == "log1p"

    def effects(
        self, columns: Sequence[Floats], cells: Sequence[Codes], at: NDArray[np.bool_] | None = None, told: int | None = None
    ) -> Fit:
        """What one more unit of each of ``columns`` does within ``cells``, all of them of the rows ``at`` (by default all).

        On the scale of the measure; where values are 0 now and then, the logarithm of the ratio of means.
        """
        rows = np.ones(len(self.row), dtype=bool) if at is None else at
        fit, values = (mean_ratios, self.raw) if self.by_sums else (least_squares, self.scaled)
        return fit(values[rows], columns, cells, self.clusters.at(rows), told)

    def column(self, name: str) -> pl.Series:
        """A column of the long table at the rows of the view."""
        return self.panel.rows[name][self.row]


def view_of(sample: Sample, target: str) -> View:
    """The rows of the sample in which ``target`` is known."""
    panel = sample.panel
    values = panel.rows[target].cast(pl.Float64).to_numpy()
    row = np.flatnonzero(np.isfinite(values))
    raw = values[row]
    measure = Measure.of(raw)
    scaled = measure.forward(raw)
    series, step = panel.series[row], panel.steps[row]
    grid = np.full(panel.shape, np.nan)
    grid[series, step] = scaled
    weighed = weigh_seasons(grid, sample.settings)
    seasons = [fact.season for fact in weighed if fact.used]
    word = step_word(sample)
    cells = choose_cells(series, step, seasons[0] if seasons else 1, word)
    fine = choose_cells(series, step, seasons[-1], word) if len(seasons) > 1 else cells
    clusters, method = _clusters(sample, series, step, seasons[0] if seasons else 1)
    return View(target, panel, measure, row, raw, scaled, cells, fine, _shape(series, step, seasons), clusters, method, weighed)


def _shape(series: NDArray[np.int32], step: NDArray[np.int32], seasons: Sequence[int]) -> tuple[Codes, Codes]:
    """Stretches of a few seasons in which the level stands still, and the phases of each series."""
    season = seasons[0] if seasons else 1
    if season > 1 and int(np.ptp(step)) + 1 >= 4 * season:
        return codes_of(series, step // (LEVEL_CYCLES * season)), codes_of(series, step % season)
    return codes_of(series, step // max(8, season // 2)), codes_of(series)


def step_word(sample: Sample) -> str:
    """What one step is called: day, hour, week ..., or step."""
    frequency = str(sample.settings.frequency)
    unit = frequency.lstrip("0123456789")
    return UNIT_WORDS.get(unit, "step") if frequency in (unit, f"1{unit}") else "step"


def choose_cells(series: NDArray[np.int32], step: NDArray[np.int32], season: int, word: str) -> Cells:
    """Cells as narrow as the history carries: phase and stretch, phase and cycle, or the stretch alone.

    Slow changes of level stay out of effects because rows are only compared with rows near in time.
    """
    length = int(step.max()) - int(step.min()) + 1
    if season > 1 and length >= 8 * season:
        stretch = CYCLES * season
        codes = [codes_of(series, step % season, step // stretch)]
        return Cells(codes, f"the same {_phase_word(season, word)} of the same series within {stretch:,} {word}s")
    if season > 1 and length >= 4 * season:
        codes = [codes_of(series, step // season), codes_of(series, step % season)]
        return Cells(codes, f"the same series, given its {_phase_word(season, word)} and its level in each {season} {word}s")
    stretch = max(8, season // 2)
    return Cells([codes_of(series, step // stretch)], f"the same series within {stretch} {word}s")


def _phase_word(season: int, word: str) -> str:
    names = {("day", 7): "weekday", ("hour", 24): "hour of the day", ("hour", 168): "hour of the week", ("month", 12): "month"}
    return names.get((word, season), f"phase of the season of {season}")


def _clusters(sample: Sample, series: NDArray[np.int32], step: NDArray[np.int32], season: int) -> tuple[Clusters, str]:
    width = season if 1 < season <= LONG_SEASON else 1
    shared = sample.settings.shared or len(sample.panel.keys) == 1
    time = codes_of(step // width) if shared else np.zeros(len(step), dtype=np.intp)
    clusters = Clusters(codes_of(series), time)
    word = step_word(sample)
    span = f"stretch of {width} {word}s" if width > 1 else word
    ways = [name for name, codes in (("series", clusters.series), (span, clusters.time)) if codes.max(initial=0) > 0]
    return clusters, f"clustered by {' and '.join(ways)}" if ways else "no interval"
