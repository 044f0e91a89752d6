"""What is known ahead about the time to be forecast: plans, calendar, closures, and attributes of the series.

Nothing here reads the target or any column that is only known afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.forecast.features.calendar import calendar_columns
from sevenstep.tasks.forecast.features.history import Asked, Named
from sevenstep.tasks.forecast.features.published import as_published
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.features.windows import since
from sevenstep.tasks.forecast.panel import Panel

__all__ = ["event_states", "input_features", "level_codes"]

CLOSED_RUN = 30  # closures longer than this count as this long
MANY = 10_000  # values from which whole numbers are looked up in a table, where they lie no further apart


def level_codes(values: pl.Series, levels: tuple[str, ...]) -> NDArray[np.float32]:
    """The position of each value among ``levels`` (compared as text); NaN where it is none of them."""
    if len(values) > MANY and values.dtype.is_integer():
        low, high = values.min(), values.max()
        if isinstance(low, int) and isinstance(high, int) and high - low < MANY:  # to write each as text takes longest of all
            codes = level_codes(pl.int_range(low, high + 1, dtype=pl.Int64, eager=True), levels)
            places = (values.cast(pl.Int64) - low).fill_null(len(codes)).to_numpy()
            table: NDArray[np.float32] = np.append(codes, np.float32(np.nan))
            return np.asarray(table[places])
    found = values.cast(pl.String).replace_strict(list(levels), list(range(len(levels))), default=None, return_dtype=pl.Float32)
    return found.to_numpy().astype(np.float32)


def event_states(panel: Panel, recipe: FeatureRecipe) -> NDArray[np.int16] | None:
    """The joint state of the recipe's events on the grid, -1 where any of them is unknown; None without events."""
    if not recipe.events:
        return None
    own = np.zeros(len(panel.rows), dtype=np.int16)
    for column in recipe.events:
        levels = recipe.categories[column]
        codes = level_codes(panel.rows[column], levels)
        known = np.isfinite(codes) & (own >= 0)
        own = np.where(known, own * len(levels) + np.nan_to_num(codes), -1).astype(np.int16)
    state = np.full(panel.shape, -1, dtype=np.int16)
    state[panel.series, panel.steps] = own
    return state


def input_features(panel: Panel, recipe: FeatureRecipe, asked: Asked, rows: NDArray[np.int64]) -> Iterator[Named]:
    """All features of the target time, one named column at a time.

    ``rows`` gives for each asked value its row in the panel's long table, -1 where it has none.
    """
    yield recipe.free_name("lead"), (asked.step - asked.origin).astype(np.float32)
    for season in recipe.seasons:
        yield recipe.free_name(f"phase_of_{season}"), (asked.step % season).astype(np.float32)
    at = pl.Series(np.maximum(rows, 0))
    published = [name for name in (*recipe.numbers, *recipe.categories) if name in panel.published]
    stood = as_published(panel, asked, rows, published)
    for column in recipe.numbers:
        values = stood[column] if column in stood else panel.rows[column].gather(at)
        yield column, _known(values.cast(pl.Float32).to_numpy(), rows)
    for column, levels in recipe.categories.items():
        values = stood[column] if column in stood else panel.rows[column].gather(at)
        yield column, _known(level_codes(values, levels), rows)
    yield from _shifted(panel, recipe, asked)
    if recipe.closures:
        yield from _closures(panel, asked)
    if recipe.calendar:
        yield from calendar_columns(panel, recipe, asked)


def _known(values: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    return np.where(rows >= 0, values, np.nan).astype(np.float32)


def _shifted(panel: Panel, recipe: FeatureRecipe, asked: Asked) -> Iterator[Named]:
    season = recipe.season
    shifts = sorted({-season, -2, -1, 1, 2, season} - {0})
    first, rows, shape = _around(panel, asked, season)
    for column in recipe.shifted:
        grid = np.full(shape, np.nan, dtype=np.float32)
        levels = recipe.categories.get(column)
        values = panel.rows[column].gather(rows)
        own = level_codes(values, levels) if levels else values.cast(pl.Float32).to_numpy()
        grid[panel.series[rows], panel.steps[rows] - first] = own
        for shift in shifts:
            at = asked.step + shift
            inside = (at >= 0) & (at < panel.shape[1])
            moved = grid[asked.series, np.clip(at - first, 0, shape[1] - 1)]
            yield f"{column}{shift:+d}", np.where(inside, moved, np.nan).astype(np.float32)


def _around(panel: Panel, asked: Asked, reach: int) -> tuple[int, NDArray[np.int64], tuple[int, int]]:
    """Where the asked steps and those up to ``reach`` beside them begin, the rows of the panel there, and their grid's shape."""
    if not len(asked.step):
        return 0, np.empty(0, dtype=np.int64), (panel.shape[0], 1)
    first = max(int(asked.step.min()) - reach, 0)
    last = min(int(asked.step.max()) + reach, panel.shape[1] - 1)
    return first, np.flatnonzero((panel.steps >= first) & (panel.steps <= last)), (panel.shape[0], last + 1 - first)


def _closures(panel: Panel, asked: Asked) -> Iterator[Named]:
    first, rows, shape = _around(panel, asked, CLOSED_RUN + 1)  # what is further away counts as closed so long
    open_ = np.zeros(shape, dtype=bool)
    open_[panel.series[rows], panel.steps[rows] - first] = True
    before, after = since(open_, CLOSED_RUN), since(open_[:, ::-1], CLOSED_RUN)[:, ::-1]
    step, last = asked.step - first, panel.shape[1] - 1
    known = before[asked.series, np.maximum(step - 1, 0)]
    yield "closed_before", np.where(asked.step > 0, known, np.nan).astype(np.float32)
    next_ = after[asked.series, np.minimum(step + 1, shape[1] - 1)]
    yield "closed_after", np.where(asked.step < last, next_, np.nan).astype(np.float32)
