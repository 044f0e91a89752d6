"""Which rows are to be forecast, and what is known about them."""

from __future__ import annotations

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
from sevenstep.tasks.forecast.panel import Panel, Settings

__all__ = ["AskedRows", "open_rows", "rows_to_ask"]


@dataclass(frozen=True)
class AskedRows:
    """Rows of a panel to be forecast, each from the newest origin before it.

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

    def shown(self, roles: Roles) -> pl.DataFrame:
        """Keys and time of the rows, under the person's own names."""
        keys = self.panel.keys[self.asked.series] if roles.keys else pl.DataFrame({"": [0] * len(self.row)}).select([])
        times = self.panel.times(self.asked.series, self.asked.step)
        if roles.time_parts and (self.row >= 0).all():
            return keys.hstack(self.panel.rows.select(list(roles.time_parts.values()))[self.row])
        return keys.with_columns(times.alias(str(roles.time))) if roles.keys else pl.DataFrame({str(roles.time): times})


def open_rows(data: Dataset, panel: Panel, horizon: int) -> AskedRows:
    """The rows whose targets are all unknown and that lie after the last observation.

    Without such rows, and where nothing has to be known ahead, the next ``horizon`` steps of every series.
    """
    unknown = pl.all_horizontal([pl.col(target).is_null() for target in data.roles.targets])
    row = panel.rows.select((unknown & (pl.col("step") > panel.end)).arg_true())[:, 0].to_numpy().astype(np.int64)
    if len(row):
        return _asked(panel, row)
    if data.roles.known_ahead:
        raise InputError(
            "PREDICT-NO-ROWS",
            "the data hold no rows without a target",
            f"a forecast needs rows that say what is known ahead ({', '.join(data.roles.known_ahead)})",
            "give them with --input FILE",
        )
    series = np.repeat(np.arange(panel.shape[0], dtype=np.int32), horizon)
    step = np.tile(np.arange(1, horizon + 1, dtype=np.int32), panel.shape[0]) + np.int32(panel.end)
    asked = Asked(series, step, np.full(len(step), panel.end, dtype=np.int32))
    return AskedRows(panel, asked, np.full(len(step), -1, dtype=np.int64))


def rows_to_ask(data: Dataset, panel: Panel, rows: pl.DataFrame) -> AskedRows:
    """The given rows in which no target is known, in the order they were given."""
    roles = data.roles
    names = [*roles.keys, str(roles.time)]
    targets = [name for name in roles.targets if name in rows.columns]
    wanted = rows.filter(pl.all_horizontal([pl.col(name).is_null() for name in targets])) if targets else rows
    if wanted.is_empty():
        raise InputError(
            "PREDICT-NO-ROWS", "every row given has its target already", "rows to be forecast have none", "leave the target empty"
        )
    _check_ahead(wanted, roles)
    typed = wanted.select(names).cast({name: panel.rows.schema[name] for name in names})
    numbered = panel.rows.select(names).with_row_index("row")
    found = typed.join(numbered, on=names, how="left", nulls_equal=True, maintain_order="left")
    return _asked(panel, found["row"].to_numpy().astype(np.int64))


def _check_ahead(rows: pl.DataFrame, roles: Roles) -> None:
    absent = [name for name in roles.known_ahead if name not in rows.columns]
    if absent:
        raise InputError(
            "PREDICT-INPUT",
            f"the rows to be forecast lack {', '.join(absent)}",
            "inputs that are known ahead must be given for the time to be forecast",
            "add the columns, or take them out of forecast.known_ahead and run again",
        )


def _asked(panel: Panel, row: NDArray[np.int64]) -> AskedRows:
    step = panel.steps[row]
    origin = np.minimum(panel.end, step - 1).astype(np.int32)
    return AskedRows(panel, Asked(panel.series[row], step, origin), row)
