"""How empty an input has been in stretches of the past that are as long as the future to be forecast.

An input that is filled at events only (the name of a promotion) is empty most of the time, and may be so for a whole horizon;
that is no reason for a warning, and a mean over all the past would give one.
"""

from __future__ import annotations

import numpy as np
import polars as pl

__all__ = ["CLEARLY_MORE", "emptier_than_before", "emptiest_before"]

CLEARLY_MORE = 0.02
"""Share of values lacking, over the emptiest like stretch of the past, from which an input is called missing."""


def emptier_than_before(past: pl.DataFrame, ahead: pl.DataFrame, step: str, column: str) -> bool:
    """Whether ``ahead`` lacks clearly more of a column than the emptiest stretch of as many steps in the ``past``."""
    length = int(ahead[step].max()) - int(ahead[step].min()) + 1  # type: ignore[arg-type]
    return ahead[column].null_count() / len(ahead) > emptiest_before(past, step, column, length) + CLEARLY_MORE


def emptiest_before(past: pl.DataFrame, step: str, column: str, length: int) -> float:
    """The largest share of values lacking in any ``length`` steps in a row, since the column was first filled; 1 if it never was.

    With less history than that it is the share of all of it.

    Args:
        past: observed rows.
        step: the column that counts steps.
        column: the input.
    """
    per_step = (
        past.drop_nulls(step).group_by(step).agg(pl.col(column).null_count().alias("lacks"), pl.len().alias("rows")).sort(step)
    )
    begun = per_step.filter((pl.col("lacks") < pl.col("rows")).cum_max())
    if begun.is_empty():
        return 1.0
    at = (begun[step] - begun[step][0]).to_numpy()
    lacks, rows = (np.bincount(at, begun[name].to_numpy()) for name in ("lacks", "rows"))
    window = np.ones(min(length, len(rows)))
    lacking, all_rows = np.convolve(lacks, window, "valid"), np.convolve(rows, window, "valid")
    return float((lacking[all_rows > 0] / all_rows[all_rows > 0]).max())
