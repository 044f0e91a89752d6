"""Which scored rows belong together: the independent groups that intervals and comparisons resample."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from sevenstep.stats.compare import Comparison
from sevenstep.stats.intervals import Estimate

__all__ = ["Groups", "codes_of", "groups_of"]

# With fewer clusters than this, and more folds than clusters, folds are the better independent groups.
_FEW_CLUSTERS = 5

Found = TypeVar("Found", Estimate, Comparison)


@dataclass(frozen=True)
class Groups:
    """Code of each row's group, and a note when the groups are not the table's own clusters."""

    codes: npt.NDArray[np.int64]
    note: str = ""

    def noted(self, found: Found) -> Found:
        """The figure with the note behind its method."""
        return replace(found, method=found.method + self.note)


def groups_of(frame: pl.DataFrame) -> Groups:
    """The clusters of a score table, or its folds where it has few clusters and more folds."""
    own, folds = frame["cluster"].n_unique(), frame["fold"].n_unique()
    if own < _FEW_CLUSTERS and folds > own:
        return Groups(codes_of(frame["fold"]), f" (clusters are the {folds} folds, as the table has {own} of its own)")
    return Groups(codes_of(frame["cluster"]))


def codes_of(column: pl.Series) -> npt.NDArray[np.int64]:
    """A column's values as codes, equal for equal values."""
    return column.rank("dense").cast(pl.Int64).fill_null(0).to_numpy()
