"""The data contract: what the columns were like at first, for a person to edit and for later runs to keep.

A model learns what the data was like; data that has become otherwise (a new category, grams instead of kilograms, a lost
column) spoils it in silence. The contract makes that loud. `contract_text` writes and reads it, `contract_check` enforces it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from sevenstep.data.dataset import Roles
from sevenstep.data.vast import thinned
from sevenstep.spec.sources import Limits

__all__ = ["ACTIONS", "DEFAULT_ACTIONS", "TYPES", "Action", "ColumnRule", "Contract", "infer_contract", "type_of"]

Action = Literal["warn", "quarantine", "stop"]
ACTIONS: tuple[Action, ...] = ("warn", "quarantine", "stop")
DEFAULT_ACTIONS: Mapping[str, Action] = {
    "column": "stop", "type": "stop", "unique": "stop",
    "null_share": "warn", "values": "warn", "range": "warn", "frequency": "warn",
    "limits": "quarantine",
}  # fmt: skip
"""What follows from a violation of each kind where the column does not say ``on_violation``."""

TYPES: tuple[tuple[type[pl.DataType], str], ...] = (
    (pl.Int64, "integer"), (pl.Float64, "number"), (pl.String, "text"),
    (pl.Boolean, "boolean"), (pl.Date, "date"), (pl.Datetime, "datetime"),
)  # fmt: skip
"""The canonical types with their names in a contract; all else is ``other``."""

_FEW_WORDS, _FEW_NUMBERS = 50, 12
"""Up to so many distinct texts or whole numbers are listed; a column with more is open to new ones."""


@dataclass(frozen=True)
class ColumnRule:
    """What holds for one column.

    Args:
        type: one of the names in `TYPES`, or ``other``.
        null_share: largest share of nulls, 0 to 1; None where any is fine (open targets).
        values: every value it may have; None where it is open.
        range: lowest and highest value that would not surprise.
        limits: lowest and highest value that is possible at all, each None where there is none.
        typical: median of the absolute values other than zero, to tell a wrong unit from a wrong value.
        on_violation: what follows, instead of `DEFAULT_ACTIONS`.
    """

    type: str
    null_share: float | None = None
    values: tuple[str | int, ...] | None = None
    range: tuple[float, float] | None = None
    limits: tuple[float | None, float | None] | None = None
    typical: float | None = None
    on_violation: Action | None = None


@dataclass(frozen=True)
class Contract:
    """Rules by column, the columns that name a row (``unique``) and the spacing of its times (``frequency``, empty if none)."""

    columns: Mapping[str, ColumnRule]
    unique: tuple[str, ...] = ()
    frequency: str = ""


def infer_contract(
    items: pl.DataFrame,
    roles: Roles,
    *,
    limits: Mapping[str, Limits] | None = None,
    frequency: str = "",
    one_row_per_time: bool = True,
) -> Contract:
    """The contract that ``items`` keep, with room for what is likely to come; the same items give the same contract.

    A bound on nulls is twice the share seen (at least five points more), or zero where there was none. A range is the one seen,
    widened by a quarter of its width on both sides and rounded outward to two digits, but never below zero where nothing was.
    """
    rules = {name: _rule(items[name], name, roles, (limits or {}).get(name)) for name in items.columns}
    unique = (*roles.keys, *([roles.time] if roles.time else [])) if one_row_per_time else ()
    return Contract(rules, unique, frequency)


def type_of(dtype: pl.DataType) -> str:
    """Name of a canonical type."""
    return next((name for kind, name in TYPES if dtype == kind), "other")


def _rule(series: pl.Series, name: str, roles: Roles, limits: Limits | None) -> ColumnRule:
    kind = type_of(series.dtype)
    named = name in roles.keys or name == roles.time or name in roles.time_parts.values()
    values = None if named else _few(series)
    numeric = kind in ("integer", "number") and not named
    return ColumnRule(
        kind,
        null_share=None if name in roles.targets else _null_bound(series),
        values=values,
        range=_widened(series) if numeric and values is None else None,
        limits=None if limits is None else (limits.min, limits.max),
        typical=_typical(series) if numeric and values is None else None,
    )


def _null_bound(series: pl.Series) -> float:
    share = series.null_count() / max(1, series.len())
    return 0.0 if share == 0 else min(1.0, math.ceil(100 * max(2 * share, share + 0.05)) / 100)


def _few(series: pl.Series) -> tuple[str | int, ...] | None:
    """The distinct values where they are few and each stands for several rows."""
    most = {pl.String: _FEW_WORDS, pl.Int64: _FEW_NUMBERS}.get(type(series.dtype))
    if most is None:
        return None
    distinct = series.drop_nulls().unique().sort()
    if not 0 < distinct.len() <= min(most, series.len() // 5):
        return None
    return tuple(distinct.to_list())


def _widened(series: pl.Series) -> tuple[float, float] | None:
    if series.null_count() == series.len():
        return None
    low, high = float(series.min()), float(series.max())  # type: ignore[arg-type]
    room = 0.25 * (high - low) or 0.25 * abs(high) or 1.0
    floor = _outward(low - room, math.floor)
    return max(0.0, floor) if low >= 0 else floor, _outward(high + room, math.ceil)


def _outward(value: float, rounding: Any) -> float:
    """``value`` rounded to two significant digits by ``rounding``."""
    if value == 0:
        return 0.0
    digits = 1 - math.floor(math.log10(abs(value)))
    scaled = rounding(round(value * 10.0**digits, 6))
    return float(round(scaled / 10.0**digits, digits))


def _typical(series: pl.Series) -> float | None:
    size = thinned(series).drop_nulls().cast(pl.Float64).abs()
    median = size.filter(size > 0).median()
    return float(f"{median:.3g}") if isinstance(median, float) else None
