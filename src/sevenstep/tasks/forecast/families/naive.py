"""Simple rules: the floor every model has to beat, and often a good member of an ensemble.

Each rule is evaluated at the origin of the row it predicts, from the observed values alone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.forecast.families.question import Question
from sevenstep.tasks.forecast.features.inputs import event_states
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.features.windows import exponential_mean, last_value, rolling_mean

__all__ = ["RULES", "NaiveMember"]

Grid = NDArray[np.float32]


@dataclass(frozen=True)
class NaiveMember:
    """One rule with what it needs to know.

    Args:
        rule: ``naive``, ``seasonal_naive``, ``same_event``, ``moving_average`` or ``drift``.
        season: steps of the season the rule uses.
        recipe: names the events for ``same_event``.
    """

    rule: str
    season: int
    recipe: FeatureRecipe

    def predict(self, question: Question) -> NDArray[np.float64]:
        """The rule's value, or the nearest simpler rule's where the series is too short for it."""
        grid = question.panel.grid(self.recipe.target)
        result = RULES[self.rule](grid, self, question)
        for fallback in (_moving_average, _naive):
            if np.isfinite(result).all():
                break
            result = np.where(np.isfinite(result), result, fallback(grid, self, question))
        return result.astype(np.float64)

    def save(self, folder: Path) -> dict[str, Any]:
        """All of it is small."""
        return {"rule": self.rule, "season": self.season, "recipe": asdict(self.recipe)}

    @classmethod
    def load(cls, folder: Path, about: dict[str, Any]) -> NaiveMember:
        """Read back what `save` gave."""
        return cls(about["rule"], about["season"], FeatureRecipe.from_json(about["recipe"]))


def _naive(grid: Grid, member: NaiveMember, question: Question) -> Grid:
    asked = question.asked
    return last_value(grid)[asked.series, asked.origin]


def _seasonal_naive(grid: Grid, member: NaiveMember, question: Question) -> Grid:
    asked, season = question.asked, member.season
    result = np.full(len(asked.series), np.nan, dtype=np.float32)
    for phase in np.unique(asked.step % season):
        rows = asked.step % season == phase
        newest = last_value(grid[:, phase::season])
        cycle = (asked.origin[rows] - phase) // season
        known = newest[asked.series[rows], np.maximum(cycle, 0)] if newest.shape[1] else np.nan
        result[rows] = np.where(cycle >= 0, known, np.nan)
    return result


def _same_event(grid: Grid, member: NaiveMember, question: Question) -> Grid:
    states = event_states(question.panel, member.recipe)
    if states is None:
        return _seasonal_naive(grid, member, question)
    asked, season = question.asked, member.season
    keys = np.where(states >= 0, states.astype(np.int32) * season + np.arange(grid.shape[1]) % season, -1)
    wanted = keys[asked.series, asked.step]
    result = np.full(len(wanted), np.nan, dtype=np.float32)
    for key in np.unique(wanted[wanted >= 0]):
        rows = wanted == key
        mean = exponential_mean(np.where(keys == key, grid, np.nan), 8.0 * season)
        result[rows] = mean[asked.series[rows], asked.origin[rows]]
    return result


def _moving_average(grid: Grid, member: NaiveMember, question: Question) -> Grid:
    asked = question.asked
    return rolling_mean(grid, 4 * max(member.season, 1))[asked.series, asked.origin]


def _drift(grid: Grid, member: NaiveMember, question: Question) -> Grid:
    asked, seen = question.asked, np.isfinite(grid)
    column = np.arange(grid.shape[1])
    first = np.where(seen.any(axis=1), seen.argmax(axis=1), 0)
    last_at = np.maximum.accumulate(np.where(seen, column, -1), axis=1)[asked.series, asked.origin]
    start = first[asked.series]
    newest = _naive(grid, member, question)
    slope = (newest - grid[asked.series, start]) / np.maximum(last_at - start, 1)
    line: Grid = (newest + slope * (asked.step - last_at)).astype(np.float32)
    return line


RULES = {
    "naive": _naive,
    "seasonal_naive": _seasonal_naive,
    "same_event": _same_event,
    "moving_average": _moving_average,
    "drift": _drift,
}
