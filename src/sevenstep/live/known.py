"""What is known of each item, and what a row that arrives does to it: the rule of observations, apart from reading and writing.

Of each cell the value published last counts; of two published at once the one that arrived later. A row that says what the newest
one says only confirms it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from sevenstep.live.arriving import Observed
from sevenstep.live.ledger.tables import observations

__all__ = ["Book", "Tally"]

_AT_ONCE = 500  # keys asked for in one statement

Item = tuple[str, str]


@dataclass
class Tally:
    """How many rows did what."""

    new: int = 0
    corrections: int = 0
    unchanged: int = 0
    late: int = 0


@dataclass
class _Row:
    """A row of an item, in the ledger or about to be."""

    id: int
    content: str
    columns: str
    published: datetime
    confirmed: datetime
    current: bool
    corrects: int | None = None
    stored: bool = True
    changed: bool = False

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """What it says, each cell by its column."""
        told: Mapping[str, Any] = json.loads(self.columns)
        return told

    @property
    def place(self) -> tuple[datetime, int]:
        """Where it stands among the rows of its item: later ones count before earlier ones."""
        return self.confirmed, self.id


@dataclass
class Book:
    """Rows known of the items that arrive.

    Args:
        rows: by item, all that is known.
        number: of the next row.
        arrival: number of the arrival.
    """

    rows: dict[Item, list[_Row]]
    number: int
    arrival: int
    tally: Tally = field(default_factory=Tally)

    @classmethod
    def of(cls, connection: sa.Connection, arriving: Sequence[Observed], number: int, arrival: int) -> Book:
        """All that the ledger knows of the items of some rows."""
        known: dict[Item, list[_Row]] = {}
        for item, row in _stored(connection, {(row.key, row.time) for row in arriving}):
            known.setdefault(item, []).append(row)
        return cls(known, number, arrival)

    def take(self, arriving: Sequence[Observed]) -> Tally:
        """Take rows in, in their order."""
        for row in arriving:
            self._take(row)
        return self.tally

    def _take(self, row: Observed) -> None:
        known = self.rows.setdefault((row.key, row.time), [])
        columns = row.columns
        content = hashlib.sha256(columns.encode()).hexdigest()
        if not known:
            self.tally.new += 1
            self._add(known, row, columns, content, None)
            return
        last = max(known, key=lambda one: one.place)
        if content == last.content:
            self.tally.unchanged += 1
            _confirm(last, row.published)
        elif any(one.content == content and one.published <= row.published <= one.confirmed for one in known):
            self.tally.unchanged += 1
        else:
            self._differ(known, row, columns, content, last)

    def _differ(self, known: list[_Row], row: Observed, columns: str, content: str, last: _Row) -> None:
        """A row unlike the newest one: it takes its place, or is history; either may fill a cell that nothing was known of."""
        before, late = _state(known), row.published < last.confirmed
        self._add(known, row, columns, content, None if late else last)
        if _state(known) != before:
            self.tally.corrections += 1
        elif late:
            self.tally.late += 1
        else:
            self.tally.unchanged += 1

    def _add(self, known: list[_Row], row: Observed, columns: str, content: str, replaced: _Row | None) -> None:
        newest = replaced is not None or not known
        corrects = None if replaced is None else replaced.id
        known.append(_Row(self.number, content, columns, row.published, row.published, newest, corrects, stored=False))
        self.number += 1
        if replaced is not None:
            replaced.current, replaced.changed = False, True

    def write(self, connection: sa.Connection) -> None:
        """Write what changed: first what is current no longer, as an item has one current row."""
        every = [(item, row) for item, rows in self.rows.items() for row in rows]
        changed = [
            {"number": row.id, "now": row.current, "last": row.confirmed} for _, row in every if row.stored and row.changed
        ]
        if changed:
            statement = observations.update().where(observations.c.id == sa.bindparam("number"))
            connection.execute(statement.values(current=sa.bindparam("now"), confirmed=sa.bindparam("last")), changed)
        added = [self._inserted(item, row) for item, row in every if not row.stored]
        if added:
            connection.execute(observations.insert(), added)

    def _inserted(self, item: Item, row: _Row) -> dict[str, Any]:
        return {
            "id": row.id, "arrival": self.arrival, "key": item[0], "time": item[1], "columns": row.columns,
            "published": row.published, "confirmed": row.confirmed, "content": row.content, "corrects": row.corrects,
            "current": row.current,
        }  # fmt: skip


def _confirm(row: _Row, published: datetime) -> None:
    if published > row.confirmed:
        row.confirmed, row.changed = published, True


def _state(rows: Sequence[_Row]) -> Mapping[str, Any]:
    """What is known of an item: of each cell the value published last."""
    found: dict[str, Any] = {}
    for row in sorted(rows, key=lambda one: one.place):
        found |= row.values
    return found


def _stored(connection: sa.Connection, items: Collection[Item]) -> Iterator[tuple[Item, _Row]]:
    """All rows of the items: those of some keys at a time, by the index of keys and times."""
    table, keys = observations.c, sorted({key for key, _ in items})
    first, last = min((time for _, time in items), default=""), max((time for _, time in items), default="")
    columns = [table[name] for name in ("id", "content", "columns", "published", "confirmed", "current", "corrects")]
    between = sa.select(table.key, table.time, *columns).where(table.time.between(first, last))
    for start in range(0, len(keys), _AT_ONCE):
        for key, time, *rest in connection.execute(between.where(table.key.in_(keys[start : start + _AT_ONCE]))):
            if (key, time) in items:
                yield (key, time), _Row(*rest)
