"""Inputs that are published over time, as each origin saw them; and how far bookings were, for what they usually become.

A row that waits for its forecast sees the newest values, which stand in it; a row of the past sees what had been published by its
origin. Values that count up (bookings) tell more beside their usual course: booked so far, over the share that is usually booked
at that lead, is what the target would become (multiplicative pickup, as in revenue management).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.forecast.features.history import Asked
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.features.windows import exponential_mean
from sevenstep.tasks.forecast.panel import Panel

__all__ = ["as_published", "expected_from", "without_published"]

Floats = NDArray[np.float64]

CYCLES = 12.0  # seasons after which what was booked counts half for the usual share
PULL = 30.0  # units of the target that pull the share of a series towards that of all series
MOST_CELLS = 30_000_000  # cells times leads up to which usual shares are worth their cost


def without_published(recipe: FeatureRecipe, panel: Panel) -> FeatureRecipe:
    """The recipe without events and neighbouring steps of published columns: they would read values of other moments."""
    events = tuple(name for name in recipe.events if name not in panel.published)
    return replace(recipe, events=events, shifted=tuple(name for name in recipe.shifted if name not in panel.published))


def as_published(panel: Panel, asked: Asked, rows: NDArray[np.int64], columns: list[str]) -> Mapping[str, pl.Series]:
    """The columns as each asked value's origin saw them; of rows from the last observation on, as they stand."""
    found: dict[str, pl.Series] = {}
    if not columns:
        return found
    at = pl.Series(np.maximum(rows, 0))
    table = panel.rows[at]
    live = pl.Series(asked.origin >= panel.end)
    moments = panel.times(asked.series, asked.origin)
    for one in {id(panel.published[name]): panel.published[name] for name in columns}.values():
        stood = one.at(table, moments)
        for name in one.columns:
            if name in columns:
                both = pl.DataFrame({"live": live, "now": table[name], "then": stood[name].cast(table.schema[name])})
                found[name] = both.select(pl.when("live").then("now").otherwise("then").alias(name))[name]
    return found


@dataclass(frozen=True)
class _Course:
    """What was booked at one lead and what became of it, by series and step."""

    booked: Floats
    became: Floats

    def share(self, series: NDArray[np.int32], origin: NDArray[np.int32], half_life: float) -> Floats:
        """Share of the target usually booked at the lead, as known at each origin."""
        told = np.isfinite(self.booked) & np.isfinite(self.became)
        booked, became = (
            exponential_mean(np.where(told, one, np.nan), half_life).astype(np.float64) for one in (self.booked, self.became)
        )
        with np.errstate(invalid="ignore"):
            of_all = np.nansum(booked, axis=0)[origin], np.nansum(became, axis=0)[origin]
        all_share = np.divide(of_all[0], of_all[1], out=np.full(len(origin), np.nan), where=of_all[1] > 0)
        own, usual = np.nan_to_num(booked[series, origin]), np.nan_to_num(became[series, origin])
        pull = PULL * np.log(2.0) / half_life  # an exponential mean stands for about half_life / ln 2 values
        return np.asarray((own + pull * all_share) / (usual + pull))


def expected_from(panel: Panel, recipe: FeatureRecipe, asked: Asked, column: str, value: NDArray[np.float32]) -> Floats:
    """What the target would become if bookings went on as usual: ``value`` over the share usually booked at each lead.

    Args:
        panel: the series on their grid.
        recipe: names the target and the season.
        asked: the rows.
        column: a published column that counts up.
        value: what was booked at each row's origin.

    NaN where the usual share is not known or nearly nothing.
    """
    lead = asked.step - asked.origin
    leads = np.unique(lead)
    expected = np.full(len(lead), np.nan)
    if panel.shape[0] * panel.shape[1] * len(leads) > MOST_CELLS:
        return expected
    became = panel.exact_grid(recipe.target)
    became[:, panel.end + 1 :] = np.nan
    half_life = CYCLES * (recipe.seasons[0] if recipe.seasons else 4)
    known = np.flatnonzero(panel.steps <= panel.end)
    for one in leads:
        rows = lead == one
        course = _Course(_booked(panel, column, known, int(one)), became)
        share = course.share(asked.series[rows], asked.origin[rows], half_life)
        expected[rows] = np.where(share > 0.02, value[rows] / np.maximum(share, 0.02), np.nan)
    return expected


def _booked(panel: Panel, column: str, known: NDArray[np.int64], lead: int) -> Floats:
    """What was booked a lead before each step, on the grid."""
    series, step = panel.series[known], panel.steps[known]
    moments = panel.times(series, (step - lead).astype(np.int32))
    told = panel.published[column].at(panel.rows[pl.Series(known)], moments)[column]
    grid = np.full(panel.shape, np.nan)
    grid[series, step] = told.cast(pl.Float64).to_numpy()
    return grid
