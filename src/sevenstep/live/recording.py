"""One arrival of observations as it is written into the ledger, within one transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa

from sevenstep.data.dataset import Finding
from sevenstep.data.quarantine import SCHEMA
from sevenstep.live.arriving import Arriving
from sevenstep.live.known import Book
from sevenstep.live.ledger.tables import arrivals, observations
from sevenstep.live.ledger.tables import aside as aside_table
from sevenstep.wording import counted

__all__ = ["Arrival", "record"]

_FIGURES = ("rows", "new", "corrections", "unchanged", "late", "set_aside")


@dataclass(frozen=True)
class Arrival:
    """What became of rows that arrived.

    Args:
        number: of the arrival in the ledger.
        made: when it was taken in.
        source: who sent it.
        rows: how many rows it had.
        new: rows of items nothing was known of.
        corrections: rows that changed what was known.
        unchanged: rows that say what was known.
        late: rows published before what is known, which change nothing of it and are kept as history.
        set_aside: rows that cannot be used.
        findings: what is odd, the contract's violations among them.
        aside: the rows set aside with the reason, in the columns of `quarantine.SCHEMA`.
        repeated: the same content had arrived before and nothing changed; the figures are those of then.
    """

    number: int
    made: datetime
    source: str
    rows: int
    new: int
    corrections: int
    unchanged: int
    late: int
    set_aside: int
    findings: tuple[Finding, ...]
    aside: pl.DataFrame
    repeated: bool = False

    def to_json(self) -> dict[str, Any]:
        """The arrival as JSON values."""
        told = {name: getattr(self, name) for name in ("number", "source", *_FIGURES, "repeated")}
        findings = [asdict(finding) for finding in self.findings]
        return {**told, "made": self.made.isoformat(), "findings": findings, "aside": self.aside.to_dicts()}


def record(connection: sa.Connection, came: Arriving, source: str, now: datetime) -> Arrival:
    """Write what arrived, within the caller's transaction.

    Content that came before changes nothing, unless rows of it were set aside: then they are tried again, as published no later
    than when it came first, and the arrival says what it came to in all.
    """
    came = _with_ahead(came, now)
    earlier = connection.execute(sa.select(arrivals).where(arrivals.c.content == came.content)).mappings().first()
    if earlier is None:
        return _first(connection, came, source, now)
    if earlier["set_aside"] == 0:
        return _told(earlier, pl.DataFrame(schema=SCHEMA))
    return _again(connection, came, earlier)


def _with_ahead(came: Arriving, now: datetime) -> Arriving:
    """With a finding where rows say that they were published after they arrived."""
    rows, height = int((came.published > now).sum()), len(came.published)
    if not rows:
        return came
    text = f"{counted(rows, 'row')} published after the time of arrival, which is taken instead"
    found = Finding("OBSERVE-AHEAD", "warning", "timely", "", rows, rows / height, text, "check the time zone")
    return replace(came, findings=(*came.findings, found))


def _first(connection: sa.Connection, came: Arriving, source: str, now: datetime) -> Arrival:
    number = _next(connection, arrivals)
    book = _book(connection, came, number, now)
    figures = _figures(came, asdict(book.tally))
    arrival = Arrival(number, now, source, **figures, findings=tuple(came.findings), aside=came.aside)
    row = {"id": number, "made": now, "source": source, "content": came.content, **figures}
    connection.execute(arrivals.insert().values(**row, findings=_findings(came)))
    _keep_aside(connection, arrival)
    book.write(connection)
    return arrival


def _again(connection: sa.Connection, came: Arriving, earlier: sa.RowMapping) -> Arrival:
    book = _book(connection, came, earlier["id"], earlier["made"])
    tally = book.tally
    if len(came.aside) == earlier["set_aside"] and not tally.new + tally.corrections + tally.late:
        return _told(earlier, came.aside)
    told = {name: earlier[name] + count for name, count in asdict(tally).items() if name != "unchanged"}
    usable = len(came.table)
    figures = _figures(came, {**told, "unchanged": max(0, usable - sum(told.values()))})
    values = {**figures, "findings": _findings(came)}
    connection.execute(arrivals.update().where(arrivals.c.id == earlier["id"]).values(**values))
    connection.execute(aside_table.delete().where(aside_table.c.arrival == earlier["id"]))
    findings = tuple(came.findings)
    arrival = Arrival(earlier["id"], earlier["made"], earlier["source"], **figures, findings=findings, aside=came.aside)
    _keep_aside(connection, arrival)
    book.write(connection)
    return arrival


def _book(connection: sa.Connection, came: Arriving, number: int, made: datetime) -> Book:
    """What is known of the items of an arrival with its rows taken in."""
    rows = list(came.usable(made))
    book = Book.of(connection, rows, _next(connection, observations), number)
    book.take(rows)
    return book


def _figures(came: Arriving, tally: Mapping[str, int]) -> dict[str, Any]:
    aside = len(came.aside)
    return {"rows": len(came.table) + aside, **tally, "set_aside": aside}


def _findings(came: Arriving) -> str:
    return json.dumps([asdict(finding) for finding in came.findings], ensure_ascii=False)


def _keep_aside(connection: sa.Connection, arrival: Arrival) -> None:
    rows = [{"arrival": arrival.number, **row} for row in arrival.aside.drop("source").iter_rows(named=True)]
    if rows:
        connection.execute(aside_table.insert(), rows)


def _told(row: sa.RowMapping, aside: pl.DataFrame) -> Arrival:
    """An arrival as the ledger holds it, of which nothing is new."""
    findings = tuple(Finding(**finding) for finding in json.loads(row["findings"]))
    figures = {name: row[name] for name in _FIGURES}
    return Arrival(row["id"], row["made"], row["source"], **figures, findings=findings, aside=aside, repeated=True)


def _next(connection: sa.Connection, table: sa.Table) -> int:
    """The next number of a table that nobody else writes to while the caller's transaction lasts."""
    return int(connection.scalar(sa.select(sa.func.max(table.c.id))) or 0) + 1
