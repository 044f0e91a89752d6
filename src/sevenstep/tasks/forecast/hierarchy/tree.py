"""The sums of a hierarchy: which nodes there are, and which series each of them adds up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from sevenstep.data.dataset import Roles
from sevenstep.errors import InputError
from sevenstep.tasks.forecast.panel import Panel

__all__ = ["ALL", "LEVEL", "Tree", "leaf_level", "level_name", "levels_of"]

LEVEL = "level"
"""Column that names the level of a row, where a forecast shows more than its series."""

ALL = "all"
"""Name of the level that is the sum of everything."""


def level_name(columns: Sequence[str]) -> str:
    """How a level is called: its columns, or `ALL`."""
    return " x ".join(columns) or ALL


def leaf_level(roles: Roles) -> str:
    """How the level of the series themselves is called."""
    return level_name(roles.keys)


def levels_of(hierarchy: Sequence[Sequence[str]], roles: Roles) -> list[tuple[str, ...]]:
    """The levels above the series, the total first; none where no hierarchy is asked for, or there is one series."""
    if not hierarchy or not roles.keys:
        return []
    named = [tuple(level) for level in hierarchy if set(level) != set(roles.keys)]
    return list(dict.fromkeys([(), *named]))


@dataclass(frozen=True)
class Tree:
    """Nodes above the series of a panel.

    Args:
        levels: columns of each level, the total first.
        nodes: one row a node in the order of the levels: ``level`` and the columns of all levels, null where not its own.
        level: for each node the position of its level.
        adds: ``[node, series]``, 1 where the series is part of the node.
    """

    levels: Sequence[tuple[str, ...]]
    nodes: pl.DataFrame
    level: NDArray[np.int64]
    adds: csr_matrix

    @classmethod
    def of(cls, panel: Panel, levels: Sequence[tuple[str, ...]]) -> Tree:
        """The nodes of the levels over the series of a panel.

        Raises InputError where a column of a level changes within a series: it would belong to two sums.
        """
        names = list(dict.fromkeys(name for level in levels for name in level))
        members = _members(panel, names)
        nodes, rows, level = [], [], []
        first = 0
        for position, columns in enumerate(levels):
            own = members.select(columns).unique(maintain_order=True).sort(columns) if columns else pl.DataFrame({"": [0]})
            at = _places(members, own, columns) + first
            rows.append(at)
            told = own.select(columns) if columns else pl.DataFrame([{}])
            nodes.append(told.with_columns(pl.lit(level_name(columns)).alias(LEVEL)))
            level.append(np.full(len(own), position))
            first += len(own)
        shown = pl.concat(nodes, how="diagonal").select(LEVEL, *names)
        series = np.tile(np.arange(panel.shape[0]), len(levels))
        adds = csr_matrix((np.ones(len(series)), (np.concatenate(rows), series)), shape=(first, panel.shape[0]))
        return cls(levels, shown, np.concatenate(level), adds)


def _members(panel: Panel, names: Sequence[str]) -> pl.DataFrame:
    """The columns of the levels for each series of the panel."""
    if not names:
        return pl.DataFrame({"series": np.arange(panel.shape[0], dtype=np.int32)})
    grouped = panel.rows.group_by("series").agg(
        [pl.col(names).drop_nulls().first(), pl.col(names).drop_nulls().n_unique().name.suffix(_COUNT)]
    )
    for name in names:
        if (grouped[name + _COUNT] > 1).any():
            given = f"'{name}' in forecast.hierarchy changes within a series"
            rule = "a series belongs to one sum of a level"
            raise InputError("FORECAST-LEVEL", given, rule, f"take '{name}' out of forecast.hierarchy, or add it to data.series")
    return grouped.sort("series").select("series", *names)


def _places(members: pl.DataFrame, own: pl.DataFrame, columns: Sequence[str]) -> NDArray[np.int64]:
    if not columns:
        return np.zeros(len(members), dtype=np.int64)
    numbered = own.with_row_index("number")
    found = members.join(numbered, on=list(columns), how="left", nulls_equal=True, maintain_order="left")["number"]
    return found.to_numpy().astype(np.int64)


_COUNT = " values of its series"
