"""Work done once per distinct value instead of once per row: dates and codes repeat by the thousand."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

__all__ = ["over_distinct", "put_back"]


def over_distinct(values: pl.Series, function: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """``function`` of the distinct values, put back in place; it must give one value for each it gets."""
    distinct = values.unique(maintain_order=True)
    if distinct.len() > values.len() // 2:
        return function(values)
    return put_back(values, distinct, function(distinct))


def put_back(values: pl.Series, distinct: pl.Series, made: pl.Series) -> pl.Series:
    """``made`` (one for each of ``distinct``) in the places of ``values``."""
    table = pl.DataFrame({"given": distinct, "made": made})
    placed = values.alias("given").to_frame().join(table, on="given", how="left", nulls_equal=True, maintain_order="left")
    return placed["made"].alias(values.name)
