"""What the champion knows at a moment: its model with every observation taken in that was published by then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa

from sevenstep.live.observing import newest, observed
from sevenstep.live.operation import Operation
from sevenstep.live.releases import Release, champion
from sevenstep.tasks.contract import Model

__all__ = ["RECENT", "Standing", "standing"]

RECENT = 14
"""Newest times whose observed rows are kept at hand: as many as a look of the monitor is about."""


@dataclass(frozen=True)
class Standing:
    """A release's model up to date.

    Args:
        release: which release.
        model: its model with what was observed.
        observed: number of the newest observation it knows.
        rows: what was observed of the newest `RECENT` times, as `sevenstep.live.observing.observed` gives it; None where rows
            have no time, or none was observed.
    """

    release: Release
    model: Model
    observed: int
    rows: pl.DataFrame | None = None

    def rows_since(self, time: str, since: Any) -> pl.DataFrame | None:
        """What was observed from a time on; None where that is before what is kept.

        Args:
            time: name of the time column.
            since: a time of the data.
        """
        if self.rows is None or self.rows[time].min() > since:
            return None
        return self.rows.filter(pl.col(time) >= since)


def standing(
    operation: Operation, connection: sa.Connection, now: datetime, last: Standing | None = None, release: Release | None = None
) -> Standing:
    """Bring the champion up to date; from ``last``, where that is of the same release, only what came since is taken in.

    Nothing published after ``now`` is read, so that a replay of history sees what could be seen then. Another ``release``, one
    made with ``--set``, is brought up to date where it is given.
    """
    release = release or champion(operation.store)
    if last is None or last.release.number != release.number:
        last = Standing(release, operation.task.load_model(release.verified().model_folder), 0)
    until = newest(connection, now)
    if until <= last.observed:
        return last
    rows = observed(operation, connection, last.observed, now)
    model = last.model.refresh(rows) if len(rows) else last.model
    return Standing(release, model, until, _recent(operation, last.rows, rows))


def _recent(operation: Operation, kept: pl.DataFrame | None, rows: pl.DataFrame) -> pl.DataFrame | None:
    """The newest rows, those that came now in place of what was kept of the same item."""
    if not operation.task.grammar.one_row_per_time or rows.is_empty():
        return kept
    named = [*operation.spec.data.series, operation.time]
    every = rows if kept is None else pl.concat([kept.join(rows, on=named, how="anti", nulls_equal=True), rows])
    times = every[operation.time].unique().sort().tail(RECENT)
    return every.filter(pl.col(operation.time) >= times[0]).sort(named, maintain_order=True)
