"""Days of a score table: the unit in which live rows come in and windows are counted, whatever the spacing of the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

__all__ = ["day_of", "newest_days", "stretches", "windows"]


def day_of(frame: pl.DataFrame, column: str = "time") -> pl.Expr:
    """The day of each row; where the data are not spaced in times of day, the time itself (a day, a week, a step)."""
    return pl.col(column).dt.date() if isinstance(frame.schema[column], pl.Datetime) else pl.col(column)


def newest_days(frame: pl.DataFrame, count: int) -> pl.DataFrame:
    """The rows of the newest days that there are."""
    if frame.is_empty():
        return frame
    days: Sequence[Any] = frame.select(day_of(frame).unique().sort().alias("day"))["day"].tail(count).to_list()
    return frame.filter(day_of(frame) >= days[0])


def stretches(frame: pl.DataFrame) -> list[pl.DataFrame]:
    """The rows of each fold, oldest fold first: in each, days follow each other."""
    return frame.sort("fold", maintain_order=True).partition_by("fold", maintain_order=True)


def windows(frame: pl.DataFrame, length: int) -> list[pl.DataFrame]:
    """Every whole window of so many days of each fold, counted from the fold's first day."""
    found: list[pl.DataFrame] = []
    for stretch in stretches(frame):
        place = ((day_of(stretch).rank("dense").cast(pl.Int64) - 1) // length).alias("window")
        numbered = stretch.with_columns(place)
        whole = numbered.select(day_of(numbered).n_unique().alias("days"))["days"][0] // length
        kept = numbered.filter(pl.col("window") < whole)
        found += [one.drop("window") for one in kept.partition_by("window", maintain_order=True)]
    return found
