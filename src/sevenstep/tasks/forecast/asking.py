"""Which rows are to be forecast, and what is known about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset, Roles
from sevenstep.errors import InputError
from sevenstep.tasks.forecast.families.question import Features, Question
from sevenstep.tasks.forecast.features.history import Asked
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.features.table import features_for
from sevenstep.tasks.forecast.given import check_columns, typed_as
from sevenstep.tasks.forecast.panel import Panel, Settings

__all__ = ["AskedRows", "newest_rows", "next_rows", "open_at", "open_rows", "rows_to_ask", "to_forecast"]


@dataclass(frozen=True)
class AskedRows:
    """Rows of a panel to be forecast, each from an origin before it.

    Features are computed once for each recipe, however many members ask.
    """

    panel: Panel
    asked: Asked
    row: NDArray[np.int64]
    _features: dict[str, Features] = field(default_factory=dict)

    def question(self, target: str, settings: Settings) -> Question:
        """The question put to each member."""
        return Question(self.panel, settings, target, self.asked, self.row, self.features)

    def features(self, recipe: FeatureRecipe) -> Features:
        """Features of the rows under a recipe."""
        key = repr(recipe)
        if key not in self._features:
            self._features[key] = features_for(self.panel, recipe, self.asked, self.row)
        return self._features[key]

    def with_rows(self, row: NDArray[np.int64]) -> AskedRows:
        """These rows and then further ones of the same panel."""
        return _asked(self.panel, np.concatenate([self.row, row]))

    def shown(self, roles: Roles) -> pl.DataFrame:
        """Keys and time of the rows, under the person's own names."""
        own = list(roles.time_parts.values())
        parts = self.panel.rows[self.row].select(own) if own else pl.DataFrame()
        if not own or any(parts[name].has_nulls() for name in own):
            parts = pl.DataFrame({str(roles.time): self.panel.times(self.asked.series, self.asked.step)})
        return self.panel.keys[self.asked.series].hstack(parts) if roles.keys else parts


def open_rows(data: Dataset, panel: Panel, leads: Sequence[int] = ()) -> AskedRows:
    """The rows whose targets are all unknown and that lie after the last observation (by one of ``leads``, where some are given);
    raises InputError without any.
    """
    row = _open(data, panel)
    row = row[np.isin(panel.steps[row] - panel.end, np.asarray(leads))] if len(leads) else row
    if not len(row):
        raise InputError(
            "PREDICT-NO-ROWS",
            "the data hold no rows without a target",
            f"a forecast needs rows that say what is known ahead ({', '.join(data.roles.known_ahead)})",
            "give them with --input FILE",
        )
    return _asked(panel, row)


def newest_rows(data: Dataset, panel: Panel, times: int) -> NDArray[np.int64]:
    """Rows of the panel that are known, of the newest ``times`` steps."""
    told = pl.any_horizontal([pl.col(target).is_not_null() for target in data.roles.targets])
    inside = (pl.col("step") > max(panel.end - times, 0)) & (pl.col("step") <= panel.end)
    return panel.rows.select((told & inside).arg_true())[:, 0].to_numpy().astype(np.int64)


def open_at(data: Dataset, panel: Panel, steps: NDArray[np.int32]) -> AskedRows:
    """The open rows at some steps."""
    row = _open(data, panel)
    return _asked(panel, row[np.isin(panel.steps[row], steps)])


def next_rows(data: Dataset, panel: Panel, horizon: int) -> pl.DataFrame:
    """Rows for the next ``horizon`` steps of every series, where nothing has to be known ahead and none are open; else none."""
    count = 0 if data.roles.known_ahead or len(_open(data, panel)) else horizon
    series = np.repeat(np.arange(panel.shape[0], dtype=np.int32), count)
    step = np.tile(np.arange(1, count + 1, dtype=np.int32), panel.shape[0]) + np.int32(panel.end)
    times = panel.times(series, step).alias(str(data.roles.time))
    return panel.keys[series].with_columns(times) if data.roles.keys else times.to_frame()


def _open(data: Dataset, panel: Panel) -> NDArray[np.int64]:
    unknown = pl.all_horizontal([pl.col(target).is_null() for target in data.roles.targets])
    return panel.rows.select((unknown & (pl.col("step") > panel.end)).arg_true())[:, 0].to_numpy().astype(np.int64)


def _unexpectedly_empty(rows: pl.DataFrame, data: Dataset) -> list[str]:
    """Inputs known ahead that no given row fills, though most of the history does; a sparse one (local events) may be empty."""
    ahead = [name for name in data.roles.known_ahead if name in rows.columns and rows[name].null_count() == len(rows)]
    return [name for name in ahead if data.items[name].null_count() < len(data.items) / 2]


def rows_to_ask(data: Dataset, panel: Panel, rows: pl.DataFrame) -> AskedRows:
    """The given rows in which no target is known, in the order they were given."""
    roles = data.roles
    names = [*roles.keys, str(roles.time)]
    wanted = rows.filter(to_forecast(rows, roles))
    if wanted.is_empty():
        raise InputError(
            "PREDICT-NO-ROWS", "every row given has its target already", "rows to be forecast have none", "leave the target empty"
        )
    check_columns(wanted.drop(_unexpectedly_empty(wanted, data)), names, roles.known_ahead)
    typed = typed_as(wanted.select(names), panel.rows)
    numbered = panel.rows.select(names).with_row_index("row")
    found = typed.join(numbered, on=names, how="left", nulls_equal=True, maintain_order="left")
    row = found["row"].to_numpy().astype(np.int64)
    _check_time(data, panel, row)
    return _asked(panel, row)


def to_forecast(rows: pl.DataFrame, roles: Roles) -> pl.Series:
    """Which of some rows are to be forecast: those in which no target is known."""
    wanted = pl.repeat(True, len(rows), eager=True)
    for name in roles.targets:
        wanted &= rows[name].is_null() if name in rows.columns else wanted
    return wanted


def _check_time(data: Dataset, panel: Panel, row: NDArray[np.int64]) -> None:
    """A forecast needs an observation before it."""
    known = pl.any_horizontal([pl.col(target).is_not_null() for target in data.roles.targets])
    first = panel.rows.filter(known).sort("step")[:1]
    early = row[panel.steps[row] <= int(first["step"][0])]
    if len(early):
        time = str(data.roles.time)
        given = f"{time} {panel.rows[time][int(early[0])]} is to be forecast"
        raise InputError("PREDICT-TIME", given, f"the first observation is of {first[time][0]}", "ask for later times")


def _asked(panel: Panel, row: NDArray[np.int64]) -> AskedRows:
    step = panel.steps[row]
    origin = np.minimum(panel.end, step - 1).astype(np.int32)
    return AskedRows(panel, Asked(panel.series[row], step, origin), row)
