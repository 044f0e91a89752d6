"""What is asked of tables with very many rows at little memory: whether rows stand in order, and statistics of some of the rows.

Rows are looked at a stretch at a time: what a question needs besides the table does not grow with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import gcd

import polars as pl

__all__ = ["MANY", "distinct", "in_order", "kept", "stretches", "thinned"]

STRETCH = 1 << 22  # rows looked at together
MANY = 10_000_000  # values from which a quantile is taken from some of them
_PERIODS = 2 * 3 * 5 * 7 * 13  # what hours, days, weeks and months are made of


def stretches(rows: int, size: int = STRETCH) -> Iterator[tuple[int, int]]:
    """First row and number of rows of each stretch, in order; sizes are multiples of 8, so that bits of one fill whole bytes."""
    for first in range(0, rows, size):
        yield first, min(size, rows - first)


def in_order(table: pl.DataFrame, by: Sequence[str], *, strictly: bool = False) -> bool:
    """Whether rows stand sorted by some columns already; ``strictly`` that no two are alike in them, too.

    Tables mostly do, and sorting one that does takes several times its memory. One with nulls in them is not looked at further.
    """
    if any(table[name].has_nulls() or table.schema[name].is_nested() for name in by):
        return False
    return all(_stretch_in_order(table, by, first, count, strictly) for first, count in stretches(len(table)))


def _stretch_in_order(table: pl.DataFrame, by: Sequence[str], first: int, count: int, strictly: bool) -> bool:
    part = table.select(by).slice(first, count + 1)  # with the first row of the next one
    alike = pl.repeat(True, len(part) - 1, eager=True)
    for name in by:
        before, after = part[name].head(len(part) - 1), part[name].tail(len(part) - 1)
        if (alike & (after < before)).any():
            return False
        alike &= after == before
    return not (strictly and alike.any())


def kept(table: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    """`DataFrame.filter` that makes no copy where every row stays."""
    return table if rows.all() else table.filter(rows)


def distinct(values: pl.Series) -> int:
    """How many distinct values there are, about so many where there are very many values (HyperLogLog)."""
    if len(values) <= MANY or values.dtype.is_nested():
        return values.n_unique()
    return int(values.alias("values").to_frame().select(pl.col("values").approx_n_unique()).item())


def thinned(values: pl.Series, most: int = MANY) -> pl.Series:
    """All values, or of more than ``most`` each k-th one, where k has no factor in common with the usual seasons."""
    every = -(-len(values) // most)
    while every > 1 and gcd(every, _PERIODS) > 1:
        every += 1
    return values.gather_every(every) if every > 1 else values
