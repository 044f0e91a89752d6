"""How the ledger names what is observed or predicted: the text of a key and of a time of the data, one way for all tables."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from sevenstep.live.ledger.tables import item_key

__all__ = ["KEY", "TIME", "from_texts", "key_texts", "time_texts"]

KEY, TIME = "__key__", "__time__"
"""Columns that carry the texts beside a frame's own."""


def key_texts(frame: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """`item_key` of the given columns for each row, computed once for each distinct key; empty texts without columns."""
    if not columns:
        return pl.repeat("", len(frame), dtype=pl.String, eager=True).alias(KEY)
    own = frame.select(columns)
    distinct = own.unique(maintain_order=True)
    texts = pl.Series(KEY, [item_key(row) for row in distinct.rows(named=True)], dtype=pl.String)
    return own.join(distinct.with_columns(texts), on=list(columns), how="left", nulls_equal=True, maintain_order="left")[KEY]


def time_texts(times: pl.Series) -> pl.Series:
    """Times of the data as ISO 8601 text, as `datetime.isoformat` writes them; counted steps as digits."""
    if isinstance(times.dtype, pl.Datetime):
        whole, exact = (pl.Series(times).dt.to_string(f"%Y-%m-%dT%H:%M:%S{rest}") for rest in ("", "%.6f"))
        return whole.zip_with((times.dt.microsecond() == 0).fill_null(True), exact).alias(TIME)
    return times.cast(pl.String).alias(TIME)


def from_texts(texts: pl.Series, kind: pl.DataType) -> pl.Series:
    """The values that texts of the ledger stand for, in the type of their column; null where a text is none of that type."""
    if kind == pl.Date:
        return texts.str.head(10).str.to_date("%Y-%m-%d", strict=False)
    if isinstance(kind, pl.Datetime):
        clocked = texts.str.replace(r"^(.{10})$", "${1}T00:00:00")
        return clocked.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False).cast(kind)
    if kind == pl.Boolean:
        return texts.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)
    if kind.is_integer():
        whole = texts.cast(pl.Float64, strict=False).cast(pl.Int64, strict=False)
        return texts.cast(pl.Int64, strict=False).fill_null(whole).cast(kind)
    return texts.cast(kind, strict=False)
