"""Step 3 of a forecast, put together: facts for the plan, insights, recipe, pictures and tables."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import Any

from sevenstep.chapter import Block
from sevenstep.data.dataset import Dataset
from sevenstep.spec.brief import Brief
from sevenstep.tasks.contract import Profile
from sevenstep.tasks.forecast.explore.findings import TargetFindings, study
from sevenstep.tasks.forecast.explore.holidays import calendar_of
from sevenstep.tasks.forecast.explore.inputs import Inputs, read_inputs
from sevenstep.tasks.forecast.explore.insights import rank_insights
from sevenstep.tasks.forecast.explore.pictures import (
    course_figures,
    effect_figure,
    gaps_figure,
    history_figure,
    size_figure,
    value_figures,
)  # fmt: skip
from sevenstep.tasks.forecast.explore.profiles import Course, season_course, year_course
from sevenstep.tasks.forecast.explore.recipe import make_recipe
from sevenstep.tasks.forecast.explore.sample import Sample, draw_sample
from sevenstep.tasks.forecast.explore.tables import column_table, leak_table, outlier_table, recipe_table, segment_table
from sevenstep.tasks.forecast.explore.view import view_of
from sevenstep.tasks.forecast.panel import Settings
from sevenstep.tasks.forecast.zeros import telling_inputs, with_zero_rows

__all__ = ["explore"]


def explore(data: Dataset, brief: Brief) -> Profile:
    """What is in the data, and how it will be prepared.

    ``facts`` holds ``sample`` (how much was looked at closely), ``inputs`` (use of each column) and ``targets`` (see
    `TargetFindings.to_json`). Effects are told relative to the target where its values allow a logarithmic scale; each has n
    and a 95 % interval. ``recipe`` is that of `make_recipe`.
    """
    settings = Settings.of(data)
    full = replace(data, tables={**data.tables, "items": with_zero_rows(data.items, data.roles, settings)})
    sample = draw_sample(full, settings, brief.seed)
    views = [view_of(sample, target) for target in data.roles.targets]
    seasons = sorted({season for view in views for season in view.seasons})
    inputs = read_inputs(data, sample.panel, seasons, telling_inputs(data.items, full.items, data.roles))
    calendar = calendar_of(brief.section.calendar, settings.frequency, data.items[str(data.roles.time)])
    found = [study(full, sample, view, inputs, calendar) for view in views]
    courses = [_courses(item, sample) for item in found]
    recipe = make_recipe(found, inputs, settings)
    targets = {item.target: _finite(item.to_json()) for item in found}
    facts = {"sample": sample.to_json(), "inputs": inputs.to_json(), "targets": targets}
    insights = rank_insights(found, courses, sample, data)
    return Profile(facts, insights, recipe, _blocks(data, full, sample, inputs, found, courses, recipe))


def _finite(value: Any) -> Any:
    """JSON knows no NaN: a bound that does not exist is None."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _courses(found: TargetFindings, sample: Sample) -> list[Course]:
    courses = [season_course(sample, found.view, season) for season in found.view.seasons]
    if found.year_steps[0] > max(found.view.seasons, default=1) and found.calendar:
        courses.append(year_course(found.view))
    return courses


def _blocks(
    data: Dataset,
    full: Dataset,
    sample: Sample,
    inputs: Inputs,
    found: list[TargetFindings],
    courses: list[list[Course]],
    recipe: dict[str, object],
) -> list[Block]:
    return [
        *leak_table(found),
        *effect_figure(found, sample),
        *course_figures(found, courses, sample),
        history_figure(full, sample),
        *value_figures(found, sample),
        *size_figure(found),
        *gaps_figure(data, sample),
        *outlier_table(found, sample),
        *segment_table(full, inputs),
        recipe_table(recipe),
        column_table(data, inputs),
    ]
