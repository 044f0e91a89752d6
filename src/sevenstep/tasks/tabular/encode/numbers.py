"""Numbers as features: as they are, on a common scale, or as straight pieces between quantiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from sevenstep.tasks.tabular.encode.part import Matrix
from sevenstep.tasks.tabular.encode.reading import Columns

__all__ = ["Missing", "Normal", "Numbers", "Pieces", "stacked"]

_GRID = 257
_LARGEST = 1e30
_FEW = 1_000  # rows below which what is done for each column costs more than what is done for its values
_END = 5.2  # normal quantile of the ends of a column, where its distribution is not known


@dataclass(frozen=True)
class Numbers:
    """Numbers as they are, NaN where one is missing."""

    columns: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The columns."""
        return list(self.columns)

    def transform(self, columns: Columns) -> Matrix:
        """One feature a column."""
        return stacked([columns.numbers(name) for name in self.columns], columns.height)


def stacked(made: list[NDArray[Any]], rows: int) -> Matrix:
    """Columns side by side, within what single precision holds; ``[rows, 0]`` where there are none."""
    if not made:
        return np.zeros((rows, 0), np.float32)
    if rows < _FEW and all(column.ndim == 1 for column in made):
        wide = np.concatenate(made).reshape(len(made), rows).T
    else:
        wide = np.column_stack(made)
    held: Matrix = np.minimum(np.maximum(wide, -_LARGEST), _LARGEST).astype(np.float32, order="C")  # NaN stays NaN
    return held


@dataclass(frozen=True)
class Missing:
    """1 where a number is missing, else 0."""

    columns: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The columns, marked."""
        return [f"{name} is missing" for name in self.columns]

    def transform(self, columns: Columns) -> Matrix:
        """One feature a column."""
        return stacked([np.isnan(columns.numbers(name)) for name in self.columns], columns.height)

    @classmethod
    def learn(cls, columns: Columns, numbers: tuple[str, ...], share: float) -> Missing:
        """Of the columns in which at least ``share`` of the rows are missing."""
        return cls(tuple(name for name in numbers if np.isnan(columns.numbers(name)).mean() >= share))


@dataclass(frozen=True)
class Normal:
    """Numbers by their rank, as normal quantiles: robust to outliers and skew; a missing one is in the middle.

    ``grid`` holds quantiles of each column, ``[points, columns]``.
    """

    columns: tuple[str, ...]
    grid: NDArray[np.float64]

    @property
    def names(self) -> list[str]:
        """The columns."""
        return list(self.columns)

    def transform(self, columns: Columns) -> Matrix:
        """One feature a column."""
        made = [_normal(columns.numbers(name), self.grid[:, place]) for place, name in enumerate(self.columns)]
        return stacked(made, columns.height)

    @classmethod
    def learn(cls, columns: Columns, numbers: tuple[str, ...]) -> Normal:
        """Quantiles of the known values."""
        levels = np.linspace(0.0, 1.0, _GRID)
        grids = [np.quantile(known_or_zero(columns.numbers(name)), levels) for name in numbers]
        return cls(numbers, np.column_stack(grids) if grids else np.zeros((_GRID, 0)))


def known_or_zero(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The known values; one 0 where none is known."""
    known = values[np.isfinite(values)]
    return known if len(known) else np.zeros(1)


def _normal(values: NDArray[np.float64], grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ties get the middle of their ranks, so that a common value is no extreme one."""
    levels = np.linspace(0.0, 1.0, len(grid))
    up = np.interp(values, grid, levels)
    down = 1.0 - np.interp(-values, -grid[::-1], levels)
    made = np.clip(ndtri((up + down) / 2), -_END, _END)
    return np.where(np.isnan(values), 0.0, made)


@dataclass(frozen=True)
class Pieces:
    """Each number as the share of every quantile interval that lies below it: a straight line in each piece.

    Piecewise linear encoding (Gorishniy, Rubachev and Babenko, 2022, On embeddings for numerical features in tabular deep
    learning): a linear model on it follows any smooth curve. All pieces of a missing number are 0.

    ``edges`` holds the edges of all columns one after another, ``counts`` how many each has.
    """

    columns: tuple[str, ...]
    counts: tuple[int, ...]
    edges: NDArray[np.float64]

    @property
    def names(self) -> list[str]:
        """Each piece by the value it starts at."""
        starts = zip(self.columns, self._edges(), strict=True)
        return [f"{name} from {edge:g}" for name, edges in starts for edge in edges[:-1]]

    def _edges(self) -> list[NDArray[np.float64]]:
        return np.split(self.edges, np.cumsum(self.counts)[:-1]) if self.counts else []

    def transform(self, columns: Columns) -> Matrix:
        """One feature a piece."""
        made = [_pieces(columns.numbers(name), edges) for name, edges in zip(self.columns, self._edges(), strict=True)]
        return stacked(made, columns.height)

    @classmethod
    def learn(cls, columns: Columns, numbers: tuple[str, ...], bins: int) -> Pieces:
        """Edges at quantiles of the known values; a column with one value has no piece."""
        levels = np.linspace(0.0, 1.0, bins + 1)
        found = {name: np.unique(np.quantile(known_or_zero(columns.numbers(name)), levels)) for name in numbers}
        kept = {name: edges for name, edges in found.items() if len(edges) > 1}
        counts = tuple(len(edges) for edges in kept.values())
        return cls(tuple(kept), counts, np.concatenate(list(kept.values())) if kept else np.zeros(0))


def _pieces(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    shares = (values[:, None] - edges[None, :-1]) / np.diff(edges)[None, :]
    return np.where(np.isnan(shares), 0.0, np.clip(shares, 0.0, 1.0))
