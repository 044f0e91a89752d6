"""Categories as codes, as one column a level, or as what the target was where they occurred."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.tabular.encode.numbers import stacked
from sevenstep.tasks.tabular.encode.part import Matrix
from sevenstep.tasks.tabular.encode.reading import Columns

__all__ = ["Codes", "OneHot", "Statistics", "level_counts"]

Levels = tuple[tuple[str, ...], ...]

_FEW = 1_000  # rows below which looking levels up one by one takes less than a join


def level_counts(texts: pl.Series) -> list[tuple[str, int]]:
    """The levels of a column with their rows, the most frequent first; equals in the order of their names."""
    counts = texts.drop_nulls().alias("level").to_frame().group_by("level").len().sort(["len", "level"], descending=[True, False])
    return list(zip(counts["level"].to_list(), counts["len"].to_list(), strict=True))


def _numbered(levels: Levels) -> list[Mapping[str, int]]:
    """For each column, the number of each of its levels."""
    return [{level: place for place, level in enumerate(own)} for own in levels]


def _places(texts: pl.Series, numbered: Mapping[str, int]) -> NDArray[np.int64]:
    """Number of the level of each row, -1 where it is missing or new."""
    if len(texts) < _FEW:
        return np.array([numbered.get(text, -1) for text in texts.to_list()], np.int64)
    schema = {"level": pl.String, "place": pl.Int64}
    numbers = pl.DataFrame({"level": list(numbered), "place": np.arange(len(numbered))}, schema=schema)
    joined = texts.alias("level").to_frame().join(numbers, on="level", how="left", maintain_order="left")
    return joined["place"].fill_null(-1).to_numpy()


@dataclass(frozen=True)
class Codes:
    """Each category as the number of its level, the most frequent 0; NaN where it is missing or new."""

    columns: tuple[str, ...]
    levels: Levels

    @cached_property
    def _numbered(self) -> list[Mapping[str, int]]:
        return _numbered(self.levels)

    @property
    def names(self) -> list[str]:
        """The columns."""
        return list(self.columns)

    def transform(self, columns: Columns) -> Matrix:
        """One feature a column."""
        made = [_places(columns.texts(name), own) for name, own in zip(self.columns, self._numbered, strict=True)]
        codes = stacked(made, columns.height)
        codes[codes < 0] = np.nan
        return codes

    @classmethod
    def learn(cls, columns: Columns, categories: Sequence[str]) -> Codes:
        """All levels of each column."""
        levels = (tuple(level for level, _ in level_counts(columns.texts(name))) for name in categories)
        return cls(tuple(categories), tuple(levels))


@dataclass(frozen=True)
class OneHot:
    """One feature for each level that is not rare, one for all rare and new ones, one for missing where it occurred."""

    columns: tuple[str, ...]
    levels: Levels
    missing: tuple[bool, ...]

    @cached_property
    def _numbered(self) -> list[Mapping[str, int]]:
        return _numbered(self.levels)

    @property
    def names(self) -> list[str]:
        """Column and level."""
        told = zip(self.columns, self.levels, self.missing, strict=True)
        return [f"{name} = {level}" for name, levels, missing in told for level in (*levels, "other", *["missing"] * missing)]

    def transform(self, columns: Columns) -> Matrix:
        """0 or 1."""
        made = [self._one(columns.texts(name), place) for place, name in enumerate(self.columns)]
        return stacked(made, columns.height)

    def _one(self, texts: pl.Series, place: int) -> NDArray[np.bool_]:
        levels, missing = self.levels[place], self.missing[place]
        places = _places(texts, self._numbered[place])
        places = np.where(places < 0, len(levels), places)
        if texts.null_count():
            places = np.where(texts.is_null().to_numpy(), len(levels) + 1 if missing else -1, places)
        return np.asarray(places[:, None] == np.arange(len(levels) + 1 + missing)[None, :])

    @classmethod
    def learn(cls, columns: Columns, categories: Sequence[str], rare: int) -> OneHot:
        """Levels of at least ``rare`` rows."""
        levels = tuple(tuple(level for level, rows in level_counts(columns.texts(name)) if rows >= rare) for name in categories)
        return cls(tuple(categories), levels, tuple(columns.texts(name).null_count() > 0 for name in categories))


@dataclass(frozen=True)
class Statistics:
    """Each category as the smoothed mean of the target in its training rows, and as its share of them.

    ``values`` holds for every level of every column the means and the share, then one row a column for levels not seen
    before: ``[levels + columns, targets + 1]``. Training rows must not be transformed by it: they would see their own target
    (Micci-Barreca, 2001, A preprocessing scheme for high-cardinality categorical attributes); `learn` returns their features.
    """

    columns: tuple[str, ...]
    levels: Levels
    values: NDArray[np.float64]

    @cached_property
    def _numbered(self) -> list[Mapping[str, int]]:
        return _numbered(self.levels)

    @property
    def names(self) -> list[str]:
        """Column and statistic."""
        targets = self.values.shape[1] - 1
        means = ["mean"] if targets == 1 else [f"mean {number}" for number in range(targets)]
        return [f"{name} {what}" for name in self.columns for what in (*means, "share")]

    def transform(self, columns: Columns) -> Matrix:
        """Means and share of each column."""
        made, start = [], 0
        unseen = sum(len(levels) for levels in self.levels)
        for number, (name, own) in enumerate(zip(self.columns, self._numbered, strict=True)):
            places = _places(columns.texts(name), own)
            made.append(self.values[np.where(places < 0, unseen + number, start + places)])
            start += len(own)
        return stacked(made, columns.height)

    @classmethod
    def learn(
        cls, columns: Columns, categories: Sequence[str], goal: NDArray[np.float64], parts: NDArray[np.int64], smoothing: float
    ) -> tuple[Statistics, Matrix]:
        """The statistics of all rows, and features of the training rows, each from the rows of other parts alone.

        Args:
            columns: training rows.
            categories: columns to encode.
            goal: target, ``[n, targets]``.
            parts: number of the part each row is in.
            smoothing: rows at the overall mean that are added to each level.
        """
        levels = tuple(tuple(level for level, _ in level_counts(columns.texts(name))) for name in categories)
        places = [_places(columns.texts(name), own) for name, own in zip(categories, _numbered(levels), strict=True)]
        tables = [_table(at, len(known), goal, smoothing) for at, known in zip(places, levels, strict=True)]
        values = np.concatenate([table[:-1] for table in tables] + [table[-1:] for table in tables])
        features = [_apart(at, len(known), goal, parts, smoothing) for at, known in zip(places, levels, strict=True)]
        return cls(tuple(categories), levels, values), stacked(features, columns.height)


def _table(places: NDArray[np.int64], levels: int, goal: NDArray[np.float64], smoothing: float) -> NDArray[np.float64]:
    """Mean and share by level, ``[levels + 1, targets + 1]``; the last row is for levels without rows."""
    seen = places >= 0
    rows = np.bincount(places[seen], minlength=levels).astype(np.float64)
    overall = goal.mean(axis=0)
    sums = np.column_stack([np.bincount(places[seen], weights=column[seen], minlength=levels) for column in goal.T])
    means = (sums + smoothing * overall) / (rows + smoothing)[:, None]
    table = np.column_stack([means, rows / max(len(places), 1)])
    return np.vstack([table, [*overall, 0.0]])


def _apart(
    places: NDArray[np.int64], levels: int, goal: NDArray[np.float64], parts: NDArray[np.int64], smoothing: float
) -> NDArray[np.float64]:
    made = np.empty((len(places), goal.shape[1] + 1))
    for part in np.unique(parts):
        own = parts == part
        table = _table(places[~own], levels, goal[~own], smoothing)
        made[own] = table[np.where(places[own] < 0, levels, places[own])]
    return made
