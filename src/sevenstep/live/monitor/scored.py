"""Live rows as a score table: each day is scored once, when its actuals arrive, and again only when they are corrected.

The rows are kept beside the ledger in one Parquet file for each release. It can be lost: it is made again from forecasts and
observations.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa

from sevenstep.live.items import from_texts
from sevenstep.live.kept import AHEAD, keep_rows, kept_rows
from sevenstep.live.ledger.tables import observations, versions
from sevenstep.live.monitor.daily import day_of, newest_days
from sevenstep.live.monitor.released import Released
from sevenstep.live.observing import newest
from sevenstep.live.operation import Operation
from sevenstep.live.scoring import live_scores
from sevenstep.live.standing import Standing

__all__ = ["KEPT", "follow", "scored"]

KEPT = 70
"""Days of live rows that are kept."""


def scored(
    operation: Operation, connection: sa.Connection, released: Released, now: datetime, last: Standing | None = None
) -> pl.DataFrame:
    """What forecasts of the champion came to on its newest days, one row for each item and lead that is told of.

    For a lead ``l`` that is the forecast in force ``l`` steps before: of those made at least so early the newest. At the lead
    that is watched, days the release forecast for the first time less far ahead are in it too, so that a new release is watched
    from its first day on.

    Args:
        operation: the project after release.
        connection: of its ledger.
        released: the champion.
        now: nothing published or made later is read.
        last: see `standing`.
    """
    known, seen = kept_rows(operation.store, released.release.number)
    until = newest(connection, now)
    first = _first(connection, released.release.number)
    if first is None or until <= max(seen, first):
        return known
    times = _still_kept(_touched(operation, connection, released, max(seen, first), now), known)
    if times.is_empty():
        return known
    fresh = _fresh(operation, connection, released, times, now, last)
    whole = newest_days(_replaced(known, fresh, times), KEPT).sort("target", "time", "item", AHEAD)  # sums depend on the order
    keep_rows(operation.store, released.release.number, whole, until)
    return whole


def follow(operation: Operation, now: datetime, last: Standing) -> None:
    """Score what has come true since, after a refresh that no look of the monitor follows: the next refresh reads off these rows
    how wide its bounds have to be.
    """
    if operation.task.grammar.one_row_per_time:
        released = Released.of(operation, last.release)
        with operation.ledger.reading() as connection:
            scored(operation, connection, released, now, last)


def _first(connection: sa.Connection, release: int) -> int | None:
    """What the first forecasts of a release had seen; None where it has made none."""
    query = sa.select(versions.c.observed).where(versions.c.release == release).order_by(versions.c.id).limit(1)
    found: int | None = connection.scalar(query)
    return found


def _touched(operation: Operation, connection: sa.Connection, released: Released, after: int, now: datetime) -> pl.Series:
    """Times of the data that observations since are about, the newest days only."""
    table = observations.c
    query = sa.select(table.time).where(table.id > after, table.published <= now).distinct()
    texts = pl.Series("time", list(connection.execute(query).scalars()), dtype=pl.String)
    times = from_texts(texts, released.collected.schema[operation.time]).drop_nulls()
    return newest_days(pl.DataFrame({"time": times}), KEPT)["time"]


def _still_kept(times: pl.Series, known: pl.DataFrame) -> pl.Series:
    """Without times older than all that is kept, where that is as much as is ever kept: a correction of them changes nothing."""
    if known.is_empty() or known.select(day_of(known).n_unique().alias("days"))["days"][0] < KEPT:
        return times
    return times.filter(times >= known["time"].min())


def _fresh(
    operation: Operation, connection: sa.Connection, released: Released, times: pl.Series, now: datetime, last: Standing | None
) -> pl.DataFrame | None:
    made = live_scores(operation, connection, times.min(), times.max(), now, last)
    if made is None:
        return None
    query = sa.select(versions.c.id).where(versions.c.release == released.release.number)
    own = list(connection.execute(query).scalars())
    rows = made.frame.filter(pl.col("fold").is_in(own))
    return pl.concat([_in_force(rows, lead, watched=lead == released.lead) for lead in released.leads])


def _in_force(rows: pl.DataFrame, lead: int, *, watched: bool) -> pl.DataFrame:
    """Of the forecasts of each item the newest made at least ``lead`` steps before; where it is watched, else the oldest."""
    early = pl.col("lead") >= lead
    kept = rows if watched else rows.filter(early)
    order = pl.when(early).then(pl.col("lead")).otherwise(2**30 - pl.col("lead"))
    ranked = kept.with_columns(order.alias("__order__")).sort("__order__", -pl.col("fold"))
    chosen = ranked.unique(["target", "item"], keep="first", maintain_order=True).drop("__order__")
    return chosen.with_columns(pl.lit(lead, pl.Int32).alias(AHEAD))


def _replaced(known: pl.DataFrame, fresh: pl.DataFrame | None, times: pl.Series) -> pl.DataFrame:
    """The rows with those of days that were scored anew in place of the old ones."""
    first: Any = times.min()
    last: Any = times.max()
    old = known.filter(~pl.col("time").is_between(first, last)) if len(known) else None
    parts = [part for part in (old, fresh) if part is not None and len(part)]
    return pl.concat(parts, how="diagonal_relaxed") if parts else known
