"""What was predicted and from what, lately, whether or not its truth is known."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import sqlalchemy as sa

from sevenstep.live.items import from_texts, time_texts
from sevenstep.live.ledger.tables import observations, predictions
from sevenstep.live.monitor.daily import newest_days
from sevenstep.live.monitor.released import Released
from sevenstep.live.observing import newest, observed
from sevenstep.live.operation import Operation
from sevenstep.live.refreshing import read_version, read_versions
from sevenstep.live.standing import RECENT, Standing

__all__ = ["SPAN", "newest_forecasts", "newest_inputs", "served"]

SPAN = timedelta(days=7)
"""How far back served predictions are looked at."""

_MOST = 20_000  # predictions looked at, the newest


def newest_inputs(
    operation: Operation, connection: sa.Connection, released: Released, days: int, now: datetime, last: Standing | None = None
) -> pl.DataFrame:
    """Observed rows of the newest days, typed as the data the release learnt from; ``last`` spares reading them again."""
    name, kind = operation.time, released.collected.schema[operation.time]
    if last is not None and last.rows is not None and days <= RECENT and last.observed == newest(connection, now):
        return _newest(last.rows, name, days)
    table = observations.c
    texts = pl.Series(
        "time",
        list(connection.execute(sa.select(table.time).where(table.published <= now).distinct()).scalars()),
        dtype=pl.String,
    )
    times = newest_days(pl.DataFrame({"time": from_texts(texts, kind).drop_nulls()}), days)["time"]
    if times.is_empty():
        return pl.DataFrame(schema=dict(released.collected.schema))
    wanted = time_texts(times).to_list()
    first = connection.scalar(sa.select(sa.func.min(table.id)).where(table.time.in_(wanted), table.published <= now))
    rows = observed(operation, connection, int(first or 1) - 1, now)
    return rows.filter(pl.col(name).is_between(times.min(), times.max()))


def _newest(rows: pl.DataFrame, time: str, days: int) -> pl.DataFrame:
    return newest_days(rows.rename({time: "time"}), days).rename({"time": time})


def newest_forecasts(operation: Operation, connection: sa.Connection, released: Released, now: datetime) -> pl.DataFrame | None:
    """Rows of the newest forecasts of the champion, as far ahead as a window is long, sums of items left out (they have no key of
    their own); None where there are none.
    """
    own = [one for one in read_versions(connection, until=now) if one.release == released.release.number]
    if not own:
        return None
    rows = read_version(operation.store, own[-1]).filter(pl.col("lead") <= released.window)
    return rows.drop_nulls([*released.collected.roles.keys, "lead"]).collect()


def served(connection: sa.Connection, release: int, now: datetime) -> list[dict[str, Any]]:
    """Predictions a release served lately, the newest first, each with ``inputs``, ``prediction`` and ``details``."""
    table = predictions.c
    query = (
        sa.select(table.request, table.inputs, table.prediction, table.details)
        .where(table.release == release, table.made > now - SPAN, table.made <= now)
        .order_by(table.id.desc())
        .limit(_MOST)
    )
    parts = ("inputs", "prediction", "details")
    return [{name: json.loads(row[name]) for name in parts} for row in connection.execute(query).mappings()]
