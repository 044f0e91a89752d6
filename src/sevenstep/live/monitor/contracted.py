"""The data contract on what arrived last: rules that were broken, and rows that could not be used."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from sevenstep.live.check import Check
from sevenstep.live.ledger.tables import arrivals
from sevenstep.wording import counted, percent

__all__ = ["contract_checks", "newest_arrival"]

SPAN = timedelta(days=1)
"""Arrivals within so long before the newest one are judged together: a day that comes in parts is one day."""

MATTERS = 0.01
"""Share of rows from which on a warning, or rows set aside, are an alarm."""


def newest_arrival(connection: sa.Connection, now: datetime) -> tuple[int, datetime] | None:
    """Number and moment of the newest arrival; None where nothing has arrived."""
    query = sa.select(arrivals.c.id, arrivals.c.made).where(arrivals.c.made <= now).order_by(arrivals.c.id.desc()).limit(1)
    found = connection.execute(query).first()
    return None if found is None else (int(found[0]), found[1])


def contract_checks(connection: sa.Connection, kpi: str, now: datetime) -> list[Check]:
    """One check for each kind of fault of the newest arrivals, and one for the rows set aside."""
    newest = newest_arrival(connection, now)
    if newest is None:
        return []
    between = arrivals.c.made > newest[1] - SPAN, arrivals.c.made <= now
    query = sa.select(arrivals).where(*between).order_by(arrivals.c.id)
    came = [dict(row) for row in connection.execute(query).mappings()]
    faults: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in came:
        for finding in json.loads(row["findings"]):
            if finding["severity"] != "info":
                faults.setdefault((finding["code"], finding["column"]), []).append(finding)
    rows = sum(row["rows"] for row in came)
    return [*(_fault(kpi, found, rows) for found in faults.values()), _aside(kpi, came, rows)]


def _fault(kpi: str, found: Sequence[Mapping[str, Any]], rows: int) -> Check:
    newest, touched = found[-1], sum(one["rows"] for one in found)
    stops = any(one["severity"] == "error" for one in found)
    share = touched / rows if rows else 0.0
    subject = f"{newest['code']} {newest['column']}".strip()
    evidence = {"rows": touched, "of": rows, "code": newest["code"], "column": newest["column"], "fix": newest["fix"]}
    return Check(
        "contract", kpi, subject, newest["text"], stops or share > MATTERS, share, None, None, rows, "rows counted",
        cause=newest["column"], evidence=evidence,
    )  # fmt: skip


def _aside(kpi: str, came: Sequence[Mapping[str, Any]], rows: int) -> Check:
    aside = sum(row["set_aside"] for row in came)
    share = aside / rows if rows else 0.0
    text = f"{counted(aside, 'row')} of {rows:,} that arrived could not be used ({percent(share)})"
    sources = sorted({row["source"] for row in came if row["set_aside"]})
    return Check(
        "contract", kpi, "set aside", text, share > MATTERS, share, None, None, rows, "rows counted",
        cause=", ".join(sources), evidence={"rows": aside, "of": rows, "sources": sources},
    )  # fmt: skip
