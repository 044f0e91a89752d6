"""The rows of a data set in order of time, and what counts as a defect among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset
from sevenstep.stats.scored import FloatArray
from sevenstep.tasks.tabular.encode.building import learnt_forms
from sevenstep.tasks.tabular.encode.reading import Columns
from sevenstep.tasks.tabular.problem import Problem

__all__ = ["Ordered", "class_watched"]

_RAREST = 30
_SHORT = 0.2
"""A lot is made at one time: the rows of a group that takes more of the whole (a machine) are no lot."""


@dataclass(frozen=True)
class Ordered:
    """Rows with a known target, in order of time where there is one.

    Args:
        problem: what is to be predicted from what.
        rows: the rows, all columns.
        columns: the same rows, read as a fit reads them.
        values: the target: class codes, or the number itself.
        time: the time column, or None; then the order means nothing.
        keys: columns that tell groups (lots).
        defect: number of the class that counts as a defect, or None where the target is a number.
    """

    problem: Problem
    rows: pl.DataFrame
    columns: Columns
    values: FloatArray
    time: str | None
    keys: tuple[str, ...]
    defect: int | None

    @classmethod
    def of(cls, data: Dataset) -> Ordered:
        """The rows of a data set whose target and time are known."""
        problem, time = Problem.of(data), data.roles.time
        known = np.isfinite(problem.values(data.items))
        if time is not None:
            known &= data.items[time].is_not_null().to_numpy()
        rows = data.items.filter(pl.Series(known))
        rows = rows if time is None else rows.sort(time, maintain_order=True)
        values = problem.values(rows)
        columns = Columns(rows, learnt_forms(data.items, problem))
        return cls(problem, rows, columns, values, time, data.roles.keys, class_watched(problem, values))

    @property
    def defects(self) -> FloatArray:
        """1 for a defect, else 0."""
        return np.asarray(self.values == self.defect, np.float64)

    @property
    def defect_text(self) -> str:
        """The defect in words ("result is fail")."""
        return "" if self.defect is None else f"{self.problem.target} is {self.problem.classes[self.defect]}"

    @property
    def numbers(self) -> list[str]:
        """Inputs that are numbers."""
        return [name for name, kind in self.problem.kinds.items() if kind == "number"]

    @property
    def clusters(self) -> NDArray[np.int64] | None:
        """Number of the group of each row; None without groups."""
        if not self.keys:
            return None
        return self.rows.select(pl.struct(self.keys).rank("dense")).to_series().to_numpy().astype(np.int64)

    @property
    def lots(self) -> NDArray[np.int64] | None:
        """The groups where they follow one another in time and most have several rows, so that each can be a point of a chart."""
        groups = self.clusters
        if groups is None or self.time is None or not len(groups):
            return None
        places = pl.DataFrame({"group": groups, "place": np.arange(len(groups))}).group_by("group")
        spans = places.agg((pl.col("place").max() - pl.col("place").min() + 1).alias("span"), pl.len().alias("rows"))
        short = float(spans["span"].median()) <= _SHORT * len(groups)  # type: ignore[arg-type]
        return groups if short and float(spans["rows"].median()) > 1 else None  # type: ignore[arg-type]

    def moments(self) -> list[Any]:
        """When each row happened, as a chart reads it: ISO text, or the number of the step; its position without a time."""
        if self.time is None:
            return list(range(len(self.rows)))
        times = self.rows[self.time]
        if times.dtype == pl.Date:
            return times.dt.to_string("%Y-%m-%d").to_list()
        return times.dt.to_string("%Y-%m-%dT%H:%M:%S").to_list() if self.temporal else times.to_list()

    @property
    def temporal(self) -> bool:
        """Whether rows have a date or a time, and not the number of a step."""
        return self.time is not None and self.rows[self.time].dtype.is_temporal()


def class_watched(problem: Problem, values: FloatArray) -> int | None:
    """The class that counts as a defect: of two the alarming one, else the dearest to miss, else the rarest with 30 rows."""
    if not problem.classes:
        return None
    if problem.binary:
        return 1
    if problem.miss and len(set(problem.miss)) > 1:
        return int(np.argmax(problem.miss))
    counts = np.bincount(values.astype(np.int64), minlength=len(problem.classes))
    return int(np.argmin(np.where(counts >= _RAREST, counts, len(values) + 1)))
