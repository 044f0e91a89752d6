"""A forecast that follows from others by an identity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.forecast.asking import AskedRows
from sevenstep.tasks.forecast.calibrate import apply
from sevenstep.tasks.forecast.identities.identity import Identity
from sevenstep.tasks.scoretable import BOUNDS, ScoreTable

__all__ = ["following"]


def following(
    identity: Identity, name: str, rows: AskedRows, others: Mapping[str, pl.DataFrame], own: pl.DataFrame | None,
    scored: Callable[[NDArray[np.float64]], ScoreTable], calibration: Mapping[str, Any],
) -> pl.DataFrame:  # fmt: skip
    """The forecast of ``name`` computed from the forecasts of the other names.

    Args:
        identity: what holds.
        name: what follows.
        rows: the rows asked for; columns known ahead are read from them.
        others: forecasts of the other names, a row for each of ``rows``.
        own: forecast of the name by itself, whose bounds move along; None where it has no column.
        scored: puts predictions into the shape the calibration reads.
        calibration: bounds of a name without a column.

    Where the identity cannot be solved (a division by 0) a target keeps its own forecast, and a name without a column has none.
    """
    given = {one: others[one]["prediction"].to_numpy() for one in identity.names if one in others}
    known = rows.panel.rows[pl.Series(rows.row)]
    given |= {one: known[one].cast(pl.Float64).to_numpy() for one in identity.names if one not in given and one != name}
    with np.errstate(divide="ignore", invalid="ignore"):
        solved = np.asarray(identity.solved(name, given), dtype=np.float64)
    value = np.where(np.isfinite(solved), solved, np.nan)
    if own is None:
        frame = apply(scored(value), calibration).frame.with_columns(pl.col("prediction", *BOUNDS).fill_nan(None))
        base = next(iter(others.values())).with_columns(pl.lit(name).alias("target"))
        exact = pl.Series("prediction", value).fill_nan(None)
        return base.with_columns(exact, *(frame[bound] for bound in BOUNDS))
    before = own["prediction"].to_numpy()
    value = np.where(np.isfinite(value), value, before)
    shift = pl.Series(np.nan_to_num(value - before))
    least = 0.0 if calibration["floor_zero"] else None
    moved = [(pl.col(one) + shift).clip(lower_bound=least).alias(one) for one in BOUNDS]
    return own.with_columns(pl.Series("prediction", value).fill_nan(None), *moved)
