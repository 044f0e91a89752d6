"""Rows that come from outside, read in the types the history has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from sevenstep.errors import InputError

__all__ = ["check_columns", "typed_as"]


def typed_as(rows: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """Rows in the types of the columns of ``items``; raises InputError naming the column whose values do not fit."""
    columns = []
    for name in rows.columns:
        values = _read_as(rows[name], items.schema[name])
        if values.null_count() > rows[name].null_count():
            given = f"column '{name}' of the rows given is {rows.schema[name]}"
            raise InputError("PREDICT-TYPE", given, f"in the data it is {items.schema[name]}", "give values of that type")
        columns.append(values)
    return pl.DataFrame(columns)


def _read_as(values: pl.Series, kind: pl.DataType) -> pl.Series:
    """Values in another type, null where one does not fit; times in text are read as ISO 8601."""
    if values.dtype == pl.String and (kind == pl.Date or kind == pl.Datetime):
        stamps = pl.Series(values.name, [_stamp(text) for text in values], dtype=pl.Datetime("us"))
        return stamps.cast(kind, strict=False)
    if values.dtype == pl.String and kind == pl.Boolean:
        spelt = {"true": True, "false": False}
        return values.str.to_lowercase().replace_strict(spelt, default=None, return_dtype=pl.Boolean)
    try:
        return values.cast(kind, strict=False)
    except pl.exceptions.InvalidOperationError:
        return pl.Series(values.name, [None] * len(values), dtype=kind)


def _stamp(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text is not None else None
    except ValueError:
        return None


def check_columns(rows: pl.DataFrame, needed: Sequence[str], known_ahead: Sequence[str]) -> None:
    """Raise InputError where columns that say which series and when, or what is known ahead, are not there."""
    absent = [name for name in (*needed, *known_ahead) if name not in rows.columns]
    if absent:
        ahead = any(name in known_ahead for name in absent)
        fix = "add the columns, or take them out of forecast.known_ahead and run again" if ahead else "add the columns"
        rule = f"a forecast needs to know {', '.join([*needed, *known_ahead])} of the time to be forecast"
        raise InputError("PREDICT-INPUT", f"the rows to be forecast lack {', '.join(absent)}", rule, fix)
