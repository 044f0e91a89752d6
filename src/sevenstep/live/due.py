"""The second clock: whether it is time to learn anew, by what the champion loses on live rows; the calendar is a backstop."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import sqlalchemy as sa

from sevenstep.errors import InputError
from sevenstep.live.collected import collected
from sevenstep.live.ledger.tables import observations, pointers
from sevenstep.live.losstest import LossTest, backstop, loss_test
from sevenstep.live.operation import Operation
from sevenstep.live.pointers import settle
from sevenstep.live.releases import CHAMPION
from sevenstep.live.retraining import retrain
from sevenstep.live.scoring import live_scores
from sevenstep.search.leaderboard import metric_named
from sevenstep.tasks.leading import leading_kpi, leading_metric
from sevenstep.tasks.scoretable import scored_rows

__all__ = ["Due", "newest_day", "retrain_due", "retrain_if_due", "weekly_losses"]

WEEKS = 12  # weeks of live rows that are looked at
SHORT = 7  # leads whose loss is asked for: known soonest


class Due:
    """Whether to learn anew, and why; ``str`` of it is a sentence."""

    def __init__(self, now: bool, text: str) -> None:
        self.now, self.text = now, text

    def __str__(self) -> str:
        return self.text


def retrain_if_due(operation: Operation, now: datetime) -> str:
    """Learn anew where it is due (see `retrain_due`), and tell what came of it in a sentence."""
    settle(operation)
    found = retrain_due(operation, now)
    if not found.now:
        return str(found)
    try:
        made = retrain(operation, now, actor="rule")
    except InputError as error:
        if error.code != "RETRAIN-NOTHING-NEW":
            raise
        return f"{found}, but {error.given}"
    return f"{found}: challenger {made.challenger} {made.outcome}, {made.verdict.reason}"


def retrain_due(operation: Operation, now: datetime) -> Due:
    """By a test of the newest weeks' loss against the weeks before; by the calendar where that finds nothing for too long.

    The newest weeks are those up to the newest actual: data that are old, or come late, are judged as others are.
    """
    with operation.ledger.reading() as connection:
        since = connection.scalar(sa.select(pointers.c.since).where(pointers.c.name == CHAMPION))
        last = newest_day(operation, connection, now)
        found: LossTest = loss_test(weekly_losses(operation, connection, now))
    until = f", by actuals up to {last}" if last is not None and last < now.date() else ""
    every = operation.spec.operate.retrain.every
    longest = timedelta(seconds=every.seconds) if every is not None else backstop(timedelta(days=1))
    if found.due:
        return Due(True, f"{found.text}{until}")
    if since is not None and now - since >= longest:
        return Due(True, f"the champion has served for {(now - since).days} days, {longest.days} are the longest")
    return Due(False, f"not due: {found.text}{until}")


def newest_day(operation: Operation, connection: sa.Connection, now: datetime) -> date | None:
    """The day of the newest actual that was published by ``now``, at most that of ``now``; None where rows have no dates."""
    table = observations.c
    if not operation.task.grammar.one_row_per_time or not collected(operation.store).schema[operation.time].is_temporal():
        return None
    text = connection.scalar(sa.select(sa.func.max(table.time)).where(table.published <= now))
    return min(date.fromisoformat(text[:10]), now.date()) if text else None


def weekly_losses(operation: Operation, connection: sa.Connection, now: datetime) -> list[float]:
    """Loss of the first KPI's metric in each of the newest whole weeks, oldest first; none where rows have no dates."""
    spec = operation.spec
    target = spec.kpis[0].target or spec.targets[0]
    kpi = leading_kpi(spec.kpis, target, spec.targets)
    metric = metric_named(leading_metric(kpi) if kpi is not None else spec.kpis[0].metric)
    until: Any = newest_day(operation, connection, now) or now
    if operation.task.grammar.one_row_per_time and isinstance(until, datetime):
        until = until.date()
    table = live_scores(operation, connection, until - timedelta(weeks=WEEKS), until, now)
    if table is None:
        return []
    rows = table.of(target=target).frame.filter(pl.col("lead") <= SHORT)
    if not rows.schema["time"].is_temporal() or rows["time"].null_count() == len(rows):
        return []
    rows = rows.with_columns(((rows["time"].max() - pl.col("time")).dt.total_days() // 7).alias("week"))
    weeks = rows.partition_by("week", as_dict=True)
    losses = [
        float(metric.loss(np.asarray(metric.value(scored_rows(weeks[week], metric))))) for week in sorted(weeks, reverse=True)
    ]
    return [loss for loss in losses[1:] if np.isfinite(loss)]  # the oldest week is seldom whole
