"""Series on a common grid: one row a series, one column a step.

Lags, windows and seasonal averages are single passes over such arrays. Under a *common* clock a column is the same moment for all
series; under an *each* clock (series that share no calendar) every series ends in the same column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset
from sevenstep.data.vintages import Vintages, vintages_of
from sevenstep.tasks.forecast.clock import Clock
from sevenstep.tasks.forecast.settings import Settings
from sevenstep.tasks.forecast.soldout import uncensored
from sevenstep.tasks.forecast.zeros import with_zero_rows

__all__ = ["Panel", "Settings", "build_panel"]

FloatGrid = NDArray[np.float32]
AnyFloat = TypeVar("AnyFloat", np.float32, np.float64)
_KNOWN = "__known__"


@dataclass(frozen=True)
class Panel:
    """The grid of a data set.

    Args:
        keys: one row a series with the key columns, in the order of the grid's rows.
        clock: turns column numbers into times where the clock is common.
        rows: the long table, sorted by ``series`` (row of the grid) and ``step`` (column of the grid), with all item columns.
        shape: number of series and of steps (future steps included).
        end: column of the last observation: the newest origin a forecast can have.
        offsets: for each series, what to add to a grid column to get its own step number (zeros under a common clock).
        published: by column, what was published over time: an origin sees of it what had been published by then.
    """

    keys: pl.DataFrame
    clock: Clock
    rows: pl.DataFrame
    shape: tuple[int, int]
    end: int
    offsets: NDArray[np.int32]
    published: Mapping[str, Vintages] = field(default_factory=dict)

    def grid(self, column: str) -> FloatGrid:
        """A column of the long table on the grid in single precision, NaN where there is no row or no value."""
        return self._filled(column, np.float32)

    def exact_grid(self, column: str) -> NDArray[np.float64]:
        """A column of the long table on the grid in double precision, NaN where there is no row or no value."""
        return self._filled(column, np.float64)

    def _filled(self, column: str, kind: type[AnyFloat]) -> NDArray[AnyFloat]:
        grid = np.full(self.shape, np.nan, dtype=kind)
        grid[self.series, self.steps] = self.rows[column].cast(pl.Float64).to_numpy()
        return grid

    @property
    def series(self) -> NDArray[np.int32]:
        """Grid row of each row of the long table."""
        return self.rows["series"].to_numpy()

    @property
    def steps(self) -> NDArray[np.int32]:
        """Grid column of each row of the long table."""
        return self.rows["step"].to_numpy()

    def times(self, series: NDArray[np.int32], steps: NDArray[np.int32]) -> pl.Series:
        """The time of each (series, grid column) pair."""
        own = pl.Series("step", steps.astype(np.int64) + self.offsets[series])
        return pl.DataFrame([own]).select(self.clock.times(pl.col("step")).alias("time"))["time"]


def build_panel(data: Dataset, settings: Settings, *, targets: Sequence[str] | None = None) -> Panel:
    """Lay a data set on its grid.

    Sold-out values are taken for unknown, see `uncensored`. The last observation is the newest row in which any target is known;
    rows after it are the open future. Where a gap means no demand, the panel has a row with a target of 0 for it, see
    `with_zero_rows`.
    """
    roles = data.roles
    assert roles.time is not None
    names = list(targets or roles.targets)
    items = with_zero_rows(uncensored(data.items, data.facts), roles, settings, names)
    clock = Clock.of(items[roles.time], settings.frequency)
    key_columns = list(roles.keys)
    keys = items.select(key_columns).unique(maintain_order=True).sort(key_columns) if key_columns else pl.DataFrame({"": [0]})
    rows = items.with_columns(clock.steps(pl.col(roles.time)).alias("step"))
    if key_columns:
        numbered = keys.with_row_index("series")
        named = rows.select(key_columns).join(numbered, on=key_columns, how="left", nulls_equal=True, maintain_order="left")
        rows = rows.with_columns(named["series"])
    else:
        rows = rows.with_columns(pl.lit(0, dtype=pl.UInt32).alias("series"))
    rows = rows.with_columns(pl.col("series").cast(pl.Int32))
    rows = rows if _in_order(rows) else rows.sort("series", "step")
    known = pl.any_horizontal([pl.col(name).is_not_null() for name in names])
    vintages = vintages_of(data.tables, data.facts).values()
    published = {name: one for one in vintages for name in one.columns}
    return replace(_aligned(rows, keys, clock, known, settings.shared), published=published)


def _in_order(rows: pl.DataFrame) -> bool:
    """Whether rows stand by series and step already, as those of a data set mostly do: sorting them is dear."""
    further = np.diff(rows["series"].to_numpy()), np.diff(rows["step"].to_numpy())
    return bool(np.all((further[0] > 0) | ((further[0] == 0) & (further[1] >= 0))))


def _aligned(rows: pl.DataFrame, keys: pl.DataFrame, clock: Clock, known: pl.Expr, shared: bool) -> Panel:
    seen = rows.select("series", "step", known.alias(_KNOWN)).filter(_KNOWN)
    lasts = seen.group_by("series").agg(pl.col("step").max().alias("last"))
    offsets = np.zeros(len(keys), dtype=np.int32)
    if not shared:
        newest = int(lasts["last"].max())  # type: ignore[arg-type]
        offsets[lasts["series"].to_numpy()] = lasts["last"].to_numpy() - newest
        unseen = rows.join(lasts, on="series", how="anti").group_by("series").agg(pl.col("step").min())
        offsets[unseen["series"].to_numpy()] = unseen["step"].to_numpy() - (newest + 1)  # all of it is future
        rows = rows.with_columns(pl.col("step") - pl.Series(offsets[rows["series"].to_numpy()]))
        end = newest
    else:
        end = int(lasts["last"].max())  # type: ignore[arg-type]
    first = int(rows["step"].min())  # type: ignore[arg-type]
    rows = rows.with_columns((pl.col("step") - first).cast(pl.Int32))
    width = int(rows["step"].max()) + 1  # type: ignore[arg-type]
    return Panel(keys, clock, rows, (len(keys), width), end - first, offsets + np.int32(first))
