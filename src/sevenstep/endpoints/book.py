"""Every call, kept as it was sent and answered: what was asked, what came back, how long it took and what it cost.

One SQLite file that several processes write. It is the cache as well (an equal request is answered from it), and the budget is
kept by it: before a call is made, what it may cost at most is written down in the same transaction that adds up what the run has
spent, so that no two calls under way share the last cent.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sevenstep.endpoints.endpoint import BudgetSpent

__all__ = ["CALLS_FILE", "CallBook", "Limits", "Spent"]

CALLS_FILE = "calls.sqlite"
_WAIT = 30.0  # seconds for another writer
_TABLE = """
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY, run TEXT NOT NULL, made TEXT NOT NULL, url TEXT NOT NULL, kind TEXT NOT NULL, model TEXT NOT NULL,
    purpose TEXT NOT NULL, attempt INTEGER NOT NULL, digest TEXT NOT NULL, request TEXT NOT NULL, status TEXT NOT NULL,
    code INTEGER, response TEXT, sent INTEGER NOT NULL, received INTEGER NOT NULL, usd REAL NOT NULL, seconds REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS calls_digest ON calls (digest, status);
CREATE INDEX IF NOT EXISTS calls_run ON calls (run);
"""


@dataclass(frozen=True)
class Limits:
    """What the calls of a run may use in all; None bounds nothing."""

    usd: float | None = None
    tokens: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Spent:
    """What calls have used: US dollars, tokens both ways, seconds of waiting, and how many there were."""

    usd: float
    tokens: int
    seconds: float
    calls: int


class CallBook:
    """The calls of a store.

    Args:
        path: of the SQLite file, made where it is missing.
        run: the run that spends; its calls count against the limits.
        limits: of the run.

    A row's ``status`` is ``open`` while the call is under way, ``ok``, ``cached`` (answered from an earlier row, at no cost), or
    why it failed: ``timeout``, ``unreachable``, ``refused``, ``busy`` (429), ``server_error``, ``malformed``, ``cut``.
    """

    def __init__(self, path: Path, run: str = "", limits: Limits | None = None) -> None:
        self.path, self.run, self.limits = path, run, limits or Limits()
        with self._writing() as connection:
            connection.executescript(_TABLE)
        path.chmod(0o600)  # questions and documents stand in it

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None)
        try:
            connection.row_factory = sqlite3.Row
            yield connection
        finally:
            connection.close()

    def known(self, digest: str) -> str | None:
        """The response an equal request got before, as it came; None where there is none."""
        query = "SELECT response FROM calls WHERE digest = ? AND status = 'ok' ORDER BY id DESC LIMIT 1"
        with self._writing() as connection:
            row = connection.execute(query, (digest,)).fetchone()
        return None if row is None else str(row["response"])

    def open(self, about: Mapping[str, Any], tokens: int, usd: float) -> int:
        """Write a call down before it is made, with what it may use at most; its number.

        Raises:
            BudgetSpent: ``ENDPOINT-BUDGET``, the limits do not hold that.
        """
        with self._writing() as connection, connection:  # the inner one commits, or rolls back what raises
            connection.execute("BEGIN IMMEDIATE")
            self._check(_sums(connection, self.run), tokens, usd)
            return self._insert(connection, about, status="open", sent=tokens, usd=usd)

    def note(self, about: Mapping[str, Any]) -> None:
        """Write down that a request was answered from the book."""
        with self._writing() as connection:
            self._insert(connection, about, status="cached", sent=0, usd=0.0)

    def _insert(self, connection: sqlite3.Connection, about: Mapping[str, Any], **known: Any) -> int:
        values = {"run": self.run, "made": datetime.now(UTC).isoformat(), **about, "received": 0, "seconds": 0.0, **known}
        names, marks = ", ".join(values), ", ".join("?" for _ in values)
        cursor = connection.execute(f"INSERT INTO calls ({names}) VALUES ({marks})", tuple(values.values()))
        return int(cursor.lastrowid or 0)

    def close(self, call: int, **values: Any) -> None:
        """Write down how a call ended: ``status``, ``code``, ``response``, ``sent``, ``received``, ``usd``, ``seconds``."""
        names = ", ".join(f"{name} = ?" for name in values)
        with self._writing() as connection:
            connection.execute(f"UPDATE calls SET {names} WHERE id = ?", (*values.values(), call))

    def spent(self) -> Spent:
        """What the calls of this run have used, those under way with what they may use at most."""
        with self._writing() as connection:
            return _sums(connection, self.run)

    def calls(self, *, last: int | None = None, run: str | None = None) -> list[dict[str, Any]]:
        """The calls with their requests and responses word for word, newest first; of one ``run`` where it is named."""
        query = "SELECT * FROM calls WHERE (? IS NULL OR run = ?) ORDER BY id DESC LIMIT ?"
        with self._writing() as connection:
            rows = connection.execute(query, (run, run, -1 if last is None else last)).fetchall()
        return [{**dict(row), "request": json.loads(row["request"])} for row in rows]

    def call(self, number: int) -> dict[str, Any] | None:
        """One call by its number, or None."""
        with self._writing() as connection:
            row = connection.execute("SELECT * FROM calls WHERE id = ?", (number,)).fetchone()
        return None if row is None else {**dict(row), "request": json.loads(row["request"])}

    def _check(self, spent: Spent, tokens: int, usd: float) -> None:
        limits = self.limits
        over = [
            (limits.usd, spent.usd + usd, "usd", f"${spent.usd:.4f} is spent and the next call may cost ${usd:.4f}"),
            (
                limits.tokens,
                spent.tokens + tokens,
                "tokens",
                f"{spent.tokens} tokens are used and the next call may use {tokens}",
            ),
            (limits.seconds, spent.seconds, "time", f"calls have taken {spent.seconds:.0f} s"),
        ]
        for limit, needed, name, given in over:
            if limit is not None and needed > limit:
                rule = f"budget.{name} is {limit:g}, and nothing is called beyond it"
                raise BudgetSpent("ENDPOINT-BUDGET", given, rule, f"raise budget.{name}, or ask for less")


def _sums(connection: sqlite3.Connection, run: str) -> Spent:
    query = """SELECT coalesce(sum(usd), 0) AS usd, coalesce(sum(sent + received), 0) AS tokens,
               coalesce(sum(seconds), 0) AS seconds, count(*) AS calls FROM calls WHERE run = ? AND status != 'cached'"""
    row = connection.execute(query, (run,)).fetchone()
    return Spent(float(row["usd"]), int(row["tokens"]), float(row["seconds"]), int(row["calls"]))
