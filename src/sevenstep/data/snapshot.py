"""The content hash of a data set: the same rows give the same hash on any machine and in any file layout."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl

from sevenstep.data.dataset import Roles
from sevenstep.data.vast import in_order, stretches

__all__ = ["fingerprint_tables"]

_WIDTHS: tuple[tuple[type[pl.DataType], type[pl.DataType]], ...] = (
    (pl.Date, pl.Int32),
    (pl.Datetime, pl.Int64),
    (pl.Duration, pl.Int64),
    (pl.Time, pl.Int64),
)
"""Types stored as integers, with the integer."""


def fingerprint_tables(tables: Mapping[str, pl.DataFrame], roles: Roles, facts: Mapping[str, Any]) -> str:
    """SHA-256 over the values of all tables, the roles and the facts.

    It depends on the names, types and values of the columns and on the order of rows within equal keys and times; not on the
    order of columns, on how rows are split into chunks or row groups, on compression, on the process or on the platform.

    Args:
        tables: frames by name; ``items`` is hashed in the order of its keys and time, the others as is.
        roles: role of each column.
        facts: JSON values.
    """
    whole = hashlib.sha256(json.dumps([asdict(roles), dict(facts)], sort_keys=True, default=str, ensure_ascii=False).encode())
    for name in sorted(tables):
        whole.update(f"\0table {name}\0".encode())
        _add_table(whole, _sorted(tables[name], roles) if name == "items" else tables[name])
    return whole.hexdigest()


def _sorted(items: pl.DataFrame, roles: Roles) -> pl.DataFrame:
    by = [column for column in (*roles.keys, roles.time) if column is not None and column in items.columns]
    return items.sort(by, maintain_order=True) if by and not in_order(items, by) else items


def _add_table(whole: hashlib._Hash, table: pl.DataFrame) -> None:
    for name in sorted(table.columns):
        series = table[name]
        whole.update(f"\0{name}\0{series.dtype}\0{series.len()}\0".encode())
        for first, count in stretches(series.len()):
            whole.update(np.packbits(series.slice(first, count).is_null().to_numpy()).tobytes())
        _add_values(whole, series)


def _add_values(whole: hashlib._Hash, series: pl.Series) -> None:
    """The values as bytes of one fixed layout (little endian), with zero where there is none."""
    if series.dtype == pl.String:
        _add_texts(whole, series)
    elif series.dtype == pl.Binary:
        for value in series:
            whole.update(len(value or b"").to_bytes(8, "little") + (value or b""))
    elif series.dtype.is_nested() or series.dtype == pl.Decimal:
        _add_texts(whole, series.to_frame().select(pl.struct(pl.all()).struct.json_encode()).to_series())
    else:
        for first, count in stretches(series.len()):
            whole.update(_numbers(series.slice(first, count)).tobytes())


def _add_texts(whole: hashlib._Hash, texts: pl.Series) -> None:
    """Lengths in bytes, then all texts in a row: no two columns can share both."""
    lengths = texts.str.len_bytes().fill_null(0).to_numpy()
    whole.update(lengths.astype("<i8").tobytes())
    whole.update(str(texts.str.join("").item()).encode())


def _numbers(series: pl.Series) -> np.ndarray[Any, Any]:
    for dtype, stored in _WIDTHS:
        if series.dtype == dtype:
            series = series.cast(pl.Datetime("us")) if dtype is pl.Datetime else series
            return _little(series.cast(stored).fill_null(0).to_numpy())
    if series.dtype.is_float():
        return _little(series.fill_null(0.0).fill_nan(float("nan")).to_numpy() + 0.0)  # -0.0 and 0.0 are the same number
    if series.dtype == pl.Boolean:
        return series.fill_null(False).cast(pl.UInt8).to_numpy()
    return _little(series.fill_null(0).to_numpy())


def _little(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return values.astype(values.dtype.newbyteorder("<"), copy=False)
