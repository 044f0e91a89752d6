"""All that was found out about one target, before any of it is put in words, pictures or a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.forecast.explore.change import LevelChange, level_change
from sevenstep.tasks.forecast.explore.effects import (
    EventEffect,
    NumberEffect,
    choose_events,
    event_effects,
    number_effects,
    reactions,
    splits,
)  # fmt: skip
from sevenstep.tasks.forecast.explore.history import history_facts, per_series
from sevenstep.tasks.forecast.explore.holidays import Calendar, HolidayEffect, holiday_effects
from sevenstep.tasks.forecast.explore.inputs import Inputs
from sevenstep.tasks.forecast.explore.leaks import find_leaks
from sevenstep.tasks.forecast.explore.outliers import Outliers, find_outliers
from sevenstep.tasks.forecast.explore.sample import Sample
from sevenstep.tasks.forecast.explore.seasons import year_reason
from sevenstep.tasks.forecast.explore.strength import trend_strength, typical, year_strength
from sevenstep.tasks.forecast.explore.view import View
from sevenstep.tasks.forecast.explore.within import codes_of, degrees_used, within

__all__ = ["TargetFindings", "study"]

SHIFT_SIZE = 0.02  # smallest effect of a neighbouring step worth an input


@dataclass(frozen=True)
class TargetFindings:
    """What is known about one target.

    Args:
        view: its rows in the sample.
        series: one row a series, from all rows (see `per_series`).
        history: facts about lengths, zeros and classes.
        trend: strength of the trend in the usual series, or None.
        year: strength of the time of the year in the usual series, or None.
        year_steps: steps to the same time last year, or 0, with the reason.
        effects: all event-like columns.
        chosen: events worth averages of their own, with what each explains.
        numbers: numbers that change over time.
        neighbours: what steps beside events do.
        holidays: effects of holidays.
        calendar: the calendar, with the reading of weeks that explains more.
        leaks: suspected leaks.
        outliers: values far from their cell.
        change: like-for-like change of the level.
        noise: mean error left by level, season and events, as a share of the target.
    """

    view: View
    series: pl.DataFrame
    history: dict[str, Any]
    trend: float | None
    year: float | None
    year_steps: tuple[int, str]
    effects: Sequence[EventEffect]
    chosen: Sequence[tuple[EventEffect, float]]
    numbers: Sequence[NumberEffect]
    neighbours: Sequence[dict[str, Any]]
    holidays: Sequence[HolidayEffect]
    calendar: Calendar | None
    leaks: Sequence[dict[str, Any]]
    outliers: Outliers
    change: LevelChange | None
    noise: float

    @property
    def target(self) -> str:
        """Name of the target."""
        return self.view.target

    @property
    def left_out(self) -> dict[str, str]:
        """Known-ahead columns that must not be inputs of this target, with the reason."""
        return {leak["column"]: leak["text"] for leak in self.leaks if leak["drop"]}

    def shifted(self) -> list[str]:
        """Event-like columns whose neighbouring steps have an effect of their own."""
        clear = [fact for fact in self.neighbours if abs(fact["relative"]) >= SHIFT_SIZE and fact["low"] * fact["high"] > 0]
        return list(dict.fromkeys(fact["column"] for fact in clear if fact["column"] not in self.left_out))

    def to_json(self) -> dict[str, Any]:
        """The facts the plan reads."""
        return {
            **self.history,
            "non_negative": bool(self.view.raw.min() >= 0),
            "effect_scale": self.view.measure.name,
            "compared_with": self.view.cells.words,
            "intervals": self.view.method,
            "seasons": [fact.to_json() for fact in self.view.weighed],
            "season_strength": next((fact.strength for fact in self.view.weighed), None),
            "year_strength": self.year,
            "trend_strength": self.trend,
            "year": self.year_steps[0],
            "events": [effect.to_json() for effect in self.effects if splits(effect)],
            "effects": [effect.to_json() for effect in self.effects],
            "numbers": [effect.to_json() for effect in self.numbers],
            "neighbours": list(self.neighbours),
            "holiday_effects": [asdict(effect) for effect in self.holidays],
            "leaks": list(self.leaks),
            "outliers": {"count": self.outliers.count, "share": self.outliers.share},
            "change": self.change.to_json() if self.change else None,
            "noise": self.noise,
        }


def study(data: Dataset, sample: Sample, view: View, inputs: Inputs, calendar: Calendar | None) -> TargetFindings:
    """Measure everything about one target."""
    settings, grid = sample.settings, view.grid()
    series = per_series(data, settings, view.target)
    history = history_facts(series, settings)
    main = view.seasons[0] if view.seasons else 1
    effects = event_effects(view, inputs)
    chosen = choose_events(view, inputs, effects, main)
    holidays, calendar = holiday_effects(view, inputs, calendar)
    return TargetFindings(
        view=view,
        series=series,
        history=history,
        trend=typical(trend_strength(grid, main)),
        year=typical(year_strength(grid, main, settings.year)),
        year_steps=year_reason(history["length"]["q50"], settings),
        effects=effects,
        chosen=chosen,
        numbers=number_effects(view, inputs),
        neighbours=list(reactions(view, inputs)),
        holidays=holidays,
        calendar=calendar,
        leaks=find_leaks(view, data.roles),
        outliers=find_outliers(view),
        change=level_change(view, settings),
        noise=_noise(view, inputs, chosen),
    )


def _noise(view: View, inputs: Inputs, chosen: Sequence[tuple[EventEffect, float]]) -> float:
    """Sum of errors over sum of sizes, as WAPE counts, when each cell and state is met by its mean."""
    states = [inputs.states[effect.column][view.row] for effect, _ in chosen]
    cells = [codes_of(part, *states) for part in view.fine.codes]
    left = within(view.scaled, cells)
    errors = np.abs(view.raw - view.measure.backward(view.scaled - left))
    free = max(1 - degrees_used(cells) / len(left), 0.1)
    return float(errors.sum() / max(np.abs(view.raw).sum(), 1e-12) / np.sqrt(free))
