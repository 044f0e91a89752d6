"""What each input column can be used as, and which columns say nothing new.

Levels and constants are read from all rows, open ones included, so that a level that first occurs in the future has its code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.forecast.panel import Panel

__all__ = ["UNKNOWN", "Inputs", "read_inputs"]

UNKNOWN = -1
MOST_LEVELS, EVENT_LEVELS, FEW_KEY_LEVELS, SERIES_PER_LEVEL = 1_000, 8, 64, 8
_TEXTS = (pl.String, pl.Categorical, pl.Enum, pl.Boolean)


@dataclass(frozen=True)
class Inputs:
    """Known-ahead, static and segment columns by use.

    Args:
        categories: columns taken as codes with their levels as sorted text.
        numbers: columns taken as numbers.
        varying: those of both that change over time within a series.
        event_like: varying categories of at most 8 levels.
        groups: segment columns worth pooling over.
        dropped: columns left out, with the reason.
        states: for each event-like column the position of each row's level among its levels, -1 where unknown; rows of the panel.
    """

    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    numbers: tuple[str, ...] = ()
    varying: tuple[str, ...] = ()
    event_like: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    dropped: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Uses and level counts as JSON values."""
        return {
            "categories": {column: len(levels) for column, levels in self.categories.items()},
            "static_categories": [column for column in self.categories if column not in self.varying],
            "static_numbers": [column for column in self.numbers if column not in self.varying],
            "varying": list(self.varying),
            "groups": list(self.groups),
            "dropped": [{"column": column, "reason": reason} for column, reason in self.dropped.items()],
        }


def read_inputs(data: Dataset, panel: Panel, seasons: Sequence[int], left_out: Mapping[str, str] | None = None) -> Inputs:
    """Sort the input columns by use; ``panel`` may hold a sample of the series.

    ``left_out`` are columns that must not be inputs, with the reason.
    """
    roles, items = data.roles, data.items
    segments = [column for column in roles.segments if column not in roles.targets]
    columns = list(dict.fromkeys([*roles.known_ahead, *roles.static, *(name for name in segments if name not in roles.observed)]))
    dropped = dict(left_out or {})
    kinds: dict[str, str | tuple[str, ...]] = {}
    for column in columns:
        if column in dropped:
            continue
        use = _key_use(items, column, data) if column in roles.keys else _use(items[column])
        if use[0] == "drop":
            dropped[column] = use[1]
        else:
            kinds[column] = use[0] if use[0] == "number" else _levels(items[column])
    varying = _varying(panel, [column for column in kinds if column in roles.known_ahead])
    dropped |= dict(_phase_duplicates(panel, varying, kinds, seasons))
    dropped |= dict(_twins(panel, [column for column in kinds if column not in dropped and column not in segments], kinds))
    kept = {column: kind for column, kind in kinds.items() if column not in dropped}
    categories = {column: kind for column, kind in kept.items() if not isinstance(kind, str)}
    events = tuple(column for column in varying if 2 <= len(categories.get(column, ())) <= EVENT_LEVELS)
    return Inputs(
        categories=categories,
        numbers=tuple(column for column, kind in kept.items() if isinstance(kind, str)),
        varying=tuple(column for column in varying if column in kept),
        event_like=events,
        groups=tuple(column for column in segments if _pools(items, column, roles.keys)),
        dropped=dropped,
        states={column: _states(panel.rows[column], categories[column]) for column in events},
    )


def _states(values: pl.Series, levels: Sequence[str]) -> NDArray[np.int64]:
    codes = values.cast(pl.String).replace_strict(list(levels), list(range(len(levels))), default=UNKNOWN, return_dtype=pl.Int64)
    return codes.fill_null(UNKNOWN).to_numpy()


def _levels(values: pl.Series) -> tuple[str, ...]:
    return tuple(sorted(values.unique().drop_nulls().cast(pl.String).to_list()))


def _use(values: pl.Series) -> tuple[str, str]:
    """``number``, ``category`` or ``drop`` with the reason."""
    if values.dtype.is_temporal() or values.dtype.is_nested():
        return "drop", "is a time or a list; the calendar is derived from the time column"
    distinct = values.n_unique() - int(values.null_count() > 0)
    if distinct == 0 or (distinct == 1 and values.null_count() == 0):
        return "drop", f"is always {values.drop_nulls()[0]}" if distinct else "is always empty"
    if values.dtype in _TEXTS or (values.dtype.is_integer() and distinct <= 4):
        return ("category", "") if distinct <= MOST_LEVELS else ("drop", f"has {distinct:,} levels, too many to learn from")
    return ("number", "") if values.dtype.is_numeric() else ("drop", f"has values of type {values.dtype}")


def _key_use(items: pl.DataFrame, column: str, data: Dataset) -> tuple[str, str]:
    """A key column says which series it is; as an input it serves where several series share its levels."""
    levels = items[column].n_unique()
    series = items.select(data.roles.keys).n_unique()
    shared = levels < FEW_KEY_LEVELS or series >= SERIES_PER_LEVEL * levels
    if levels == series or not shared or levels > MOST_LEVELS:
        return "drop", f"names the series ({levels:,} levels for {series:,} series)"
    return ("category", "") if levels > 1 else ("drop", "has one level")


def _pools(items: pl.DataFrame, column: str, keys: tuple[str, ...]) -> bool:
    levels = items[column].n_unique()
    return bool(keys) and 1 < levels <= MOST_LEVELS and levels < items.select(keys).n_unique()


def _varying(panel: Panel, columns: list[str]) -> tuple[str, ...]:
    if not columns:
        return ()
    counts = panel.rows.group_by("series").agg(pl.col(columns).n_unique()).select(pl.col(columns).max()).row(0)
    return tuple(column for column, count in zip(columns, counts, strict=True) if count > 1)


def _phase_duplicates(
    panel: Panel, columns: Sequence[str], kinds: Mapping[str, Any], seasons: Sequence[int]
) -> Iterator[tuple[str, str]]:
    """Columns whose value follows from the phase of a season alone."""
    if np.ptp(panel.offsets):
        return  # the columns of the grid are not the same moment for all series
    for season in seasons:
        if not columns or panel.shape[1] < 3 * season:
            continue
        phases = panel.rows.group_by(pl.col("step") % season).agg(pl.col(columns).n_unique()).select(pl.col(columns).max()).row(0)
        for column, most in zip(columns, phases, strict=True):
            if most == 1 and column in kinds:
                yield column, f"follows from the phase of the season of {season} steps"


def _twins(panel: Panel, columns: Iterable[str], kinds: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Columns that say one to one what an earlier column says."""
    counts: dict[int, list[str]] = {}
    for column in columns:
        count = panel.rows[column].n_unique()
        for earlier in counts.get(count, []) if count > 2 or not isinstance(kinds[column], str) else []:
            if panel.rows.select(pl.struct(earlier, column).n_unique()).item() == count:
                yield column, f"says the same as {earlier}"
                break
        else:
            counts.setdefault(count, []).append(column)
