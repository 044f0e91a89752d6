"""Where a model has no experience: what to forecast for series without a history, and what to say of such rows.

A person may ask for any series and any time. What comes back then is worth less than what was judged, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.naming import listed
from sevenstep.tasks.forecast.asking import AskedRows
from sevenstep.tasks.forecast.panel import Panel

__all__ = ["doubts", "usual_of_others"]

Floats = NDArray[np.float64]
SEASONS = 4
"""How many of the newest seasons the usual value of other series is taken from."""


def usual_of_others(target: str, asked: AskedRows, season: int, segments: Sequence[str], rows: NDArray[np.bool_]) -> Floats:
    """For some of the ``rows`` the mean of comparable series at the same phase of the newest seasons before their origin; NaN
    without any, and for all other rows.

    Comparable are series of the same segments, and all of them where those have no value. It is the nearest there is to a
    forecast where every member of a model needs a history and the series has none.
    """
    grid = asked.panel.exact_grid(target)
    step, origin = asked.asked.step.astype(np.int64), asked.asked.origin.astype(np.int64)
    groups = _groups(asked.panel, segments)
    found = np.full(len(asked.row), np.nan)
    own = groups[asked.asked.series]
    for group in np.unique(own[rows]):
        mine = np.flatnonzero(rows & (own == group))
        found[mine] = _phase_mean(_course(grid[groups == group]), step[mine], origin[mine], season)
    empty = np.flatnonzero(rows & ~np.isfinite(found))
    if len(empty):
        found[empty] = _phase_mean(_course(grid), step[empty], origin[empty], season)
    return found


def _groups(panel: Panel, segments: Sequence[str]) -> NDArray[np.int64]:
    """A number for each series, equal where all its segments are."""
    if not segments:
        return np.zeros(panel.shape[0], dtype=np.int64)
    own = panel.rows.group_by("series").agg(pl.col(list(segments)).drop_nulls().first()).sort("series")
    return own.select(pl.struct(list(segments)).rank("dense").cast(pl.Int64)).to_series().to_numpy()


def _course(grid: Floats) -> Floats:
    """Mean over series at each step, NaN where none has a value."""
    known = np.isfinite(grid)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, grid, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)


def _phase_mean(course: Floats, step: NDArray[np.int64], origin: NDArray[np.int64], season: int) -> Floats:
    """Mean of a course over the newest steps up to each row's origin that are whole seasons before the row."""
    length = max(1, season)
    newest = step - length * np.ceil((step - origin) / length).astype(np.int64)
    before = newest[:, None] - length * np.arange(SEASONS)
    values = np.where(before >= 0, course[np.maximum(before, 0)], np.nan)
    return _course(values.T)


def doubts(asked: AskedRows, horizon: int, unseen: NDArray[np.bool_]) -> Iterator[str]:
    """What to know of the rows asked for: how many lie beyond the horizon, and how many are of series that were not trained on.

    Args:
        asked: the rows.
        horizon: longest lead the model was judged at.
        unseen: for each row, whether its series was not there in training.
    """
    rows = len(asked.row)
    lead = asked.asked.step - asked.asked.origin
    beyond = int((lead > horizon).sum())
    if beyond:
        yield (
            f"{_of(beyond, rows)} beyond the horizon of {horizon} the model was judged at, up to {int(lead.max())} steps ahead: "
            "how far off such forecasts are was never measured, and their bounds, those of the longest lead judged, too narrow"
        )
    if unseen.any():
        keys = asked.panel.keys[np.unique(asked.asked.series[unseen])]
        names = listed((" ".join(map(str, key)) for key in keys.iter_rows()), most=3)
        yield (
            f"{_of(int(unseen.sum()), rows)} of series that were not there in training ({names}): how far off forecasts of new "
            "series are was never measured, and their bounds are those of a usual one"
        )


def _of(count: int, rows: int) -> str:
    return f"{count:,} of {rows:,} {'row' if rows == 1 else 'rows'} {'is' if count == 1 else 'are'}"
