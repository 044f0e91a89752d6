"""What is known of a project in operation, as the routes and the page tell it: releases, KPIs, alarms, forecasts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl
import sqlalchemy as sa

from sevenstep.data.naming import did_you_mean
from sevenstep.errors import InputError
from sevenstep.live.items import from_texts
from sevenstep.live.ledger.tables import alarms, live_scores
from sevenstep.live.operation import Operation
from sevenstep.live.refreshing import read_version, read_versions
from sevenstep.live.releases import Release, champion, releases

__all__ = ["alarms_told", "forecasts_told", "kpis_told", "releases_told"]

_OVERALL = ""  # slice of a live score that is of all rows


def releases_told(operation: Operation) -> list[dict[str, Any]]:
    """All releases, the newest first, with the one that serves marked."""
    serving = _serving(operation)
    return [_release(release, serves=release.number == serving) for release in reversed(releases(operation.store))]


def _serving(operation: Operation) -> int | None:
    try:
        return champion(operation.store).number
    except InputError:
        return None


def _release(release: Release, *, serves: bool) -> dict[str, Any]:
    told = release.manifest
    about = {name: told.get(name) for name in ("made", "task", "gate", "overrides", "kpis")}
    return {"number": release.number, "champion": serves, **about}


def kpis_told(operation: Operation) -> list[dict[str, Any]]:
    """Every KPI as the champion was released with it, and as it stands on live rows (None before there are any)."""
    stated: Sequence[Mapping[str, Any]] = champion(operation.store).manifest.get("kpis", ())
    with operation.ledger.reading() as connection:
        return [{**state, "live": _live(connection, str(state["id"]))} for state in stated]


def _live(connection: sa.Connection, kpi: str) -> dict[str, Any] | None:
    """The newest score of a KPI over all rows."""
    query = sa.select(live_scores).where(live_scores.c.kpi == kpi, live_scores.c.slice == _OVERALL)
    found = connection.execute(query.order_by(live_scores.c.id.desc()).limit(1)).mappings().first()
    return None if found is None else {name: found[name] for name in found if name not in ("id", "kpi", "slice")}


def alarms_told(operation: Operation, *, resolved: bool = False) -> list[dict[str, Any]]:
    """The alarms that are not resolved, or all, the newest first."""
    query = sa.select(alarms).order_by(alarms.c.id.desc())
    if not resolved:
        query = query.where(alarms.c.state != "resolved")
    with operation.ledger.reading() as connection:
        rows = connection.execute(query.limit(1_000)).mappings().all()
    return [{**row, "evidence": json.loads(row["evidence"] or "null")} for row in rows]


def forecasts_told(
    operation: Operation, named: Mapping[str, str], target_time: str | None, believed_at: datetime | None, most: int
) -> dict[str, Any]:
    """What is predicted, or was by ``believed_at``, for the rows whose columns have the values ``named``.

    Raises:
        InputError: ``FORECAST-NONE``, there is no version by then; ``FORECAST-COLUMN``; ``FORECAST-VALUE``; ``VERSION-GONE``.
    """
    with operation.ledger.reading() as connection:
        known = read_versions(connection, until=believed_at or datetime.now(UTC))
    if not known:
        given = "no forecast had been made" + (f" by {believed_at.isoformat()}" if believed_at else "")
        raise InputError("FORECAST-NONE", given, "forecasts are those of a refresh", "run sevenstep refresh")
    version = known[-1]
    rows = read_version(operation.store, version)
    schema = rows.collect_schema()
    wanted = dict(named) if target_time is None else {**named, operation.time: target_time}
    for name, text in wanted.items():
        rows = rows.filter(pl.col(name) == _value(name, text, schema))
    found = rows.head(most).collect()
    about = {"number": version.number, "made": version.made, "release": version.release, "origin": version.origin}
    return {"version": about, "forecasts": found.to_dicts()}


def _value(name: str, text: str, schema: Mapping[str, pl.DataType]) -> Any:
    """The value a text stands for in a column."""
    if name not in schema:
        fix = did_you_mean(name, schema)
        raise InputError("FORECAST-COLUMN", f"forecasts have no column '{name}'", f"they have {', '.join(schema)}", fix)
    kind = schema[name]
    values = from_texts(pl.Series([text]), kind)
    if values.null_count() or kind.is_nested():
        given = f"'{name}' cannot be '{text[:60]}'"
        raise InputError("FORECAST-VALUE", given, f"the column holds {kind}", "write the value as the forecasts show it")
    return values[0]
