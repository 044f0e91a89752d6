"""The tables of the ledger, the same on SQLite and PostgreSQL.

Times of the clock are kept in UTC; times of the data (a day of sales, an hour of a machine) are kept as the data say them, as ISO
8601 text, because a day has no time zone. ``key`` names a series or unit: the canonical JSON of its key columns, see `item_key`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

__all__ = [
    "METADATA", "alarms", "arrivals", "aside", "decisions", "item_key", "jobs", "leases", "live_scores", "meta", "observations",
    "pointers", "predictions", "requests", "tokens", "versions",
]  # fmt: skip

METADATA = sa.MetaData()


class _Moment(sa.TypeDecorator[datetime]):
    """A moment in UTC; SQLite would drop the time zone."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment of the ledger needs a time zone")
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


def item_key(values: Mapping[str, Any]) -> str:
    """The one way the key columns of a series or unit are written, whatever order they came in; empty where there are none."""
    return json.dumps(dict(sorted(values.items())), ensure_ascii=False, default=str) if values else ""


def _number() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True)


meta = sa.Table("meta", METADATA, sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False))
"""Facts of the ledger itself: its version, and the project it belongs to."""

pointers = sa.Table(
    "pointers", METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("release", sa.Integer, nullable=False),
    sa.Column("since", _Moment, nullable=False),
)  # fmt: skip
"""``champion`` and ``challenger``: names that point to releases."""

decisions = sa.Table(
    "decisions", METADATA, _number(),
    sa.Column("made", _Moment, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False, unique=True),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
)  # fmt: skip
"""Who or what decided what, when and on which evidence (JSON): append-only, each row hashed with the one before it."""

arrivals = sa.Table(
    "arrivals", METADATA, _number(),
    sa.Column("made", _Moment, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("content", sa.String(64), nullable=False, unique=True),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("new", sa.Integer, nullable=False),
    sa.Column("corrections", sa.Integer, nullable=False),
    sa.Column("unchanged", sa.Integer, nullable=False),
    sa.Column("late", sa.Integer, nullable=False),
    sa.Column("set_aside", sa.Integer, nullable=False),
    sa.Column("findings", sa.Text, nullable=False),
)  # fmt: skip
"""One row for each file or message of observations, by the hash of its content: taken in once."""

aside = sa.Table(
    "aside", METADATA, _number(),
    sa.Column("arrival", sa.ForeignKey("arrivals.id"), nullable=False, index=True),
    sa.Column("row", sa.BigInteger),
    sa.Column("column", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("values", sa.Text, nullable=False),
)  # fmt: skip
"""Rows of an arrival that could not be used, each with the reason and its values (JSON)."""

observations = sa.Table(
    "observations", METADATA, _number(),
    sa.Column("arrival", sa.ForeignKey("arrivals.id"), nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("time", sa.Text, nullable=False),
    sa.Column("columns", sa.Text, nullable=False),
    sa.Column("published", _Moment, nullable=False),
    sa.Column("confirmed", _Moment, nullable=False),
    sa.Column("content", sa.String(64), nullable=False),
    sa.Column("corrects", sa.BigInteger),
    sa.Column("current", sa.Boolean, nullable=False),
    sa.UniqueConstraint("key", "time", "content", "published"),
)  # fmt: skip
"""What was observed: the values of a row (JSON) at a key and time, when they were published first (``published``) and last
(``confirmed``) without others between, and which row they correct. The newest published row of a key and time is ``current``.
"""

sa.Index(
    "one_current", observations.c.key, observations.c.time, unique=True,
    sqlite_where=observations.c.current, postgresql_where=observations.c.current,
)  # fmt: skip

versions = sa.Table(
    "versions", METADATA, _number(),
    sa.Column("made", _Moment, nullable=False),
    sa.Column("release", sa.Integer, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("first", sa.Text, nullable=False),
    sa.Column("last", sa.Text, nullable=False),
    sa.Column("observed", sa.BigInteger, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("checksum", sa.String(64), nullable=False),
    sa.Column("input_hash", sa.String(64), nullable=False),
    sa.Column("stretch", sa.Text, nullable=False),
    sa.Column("lifts", sa.Text, nullable=False, server_default="[]"),
)  # fmt: skip
"""Each making of forecasts for all open rows: by which release, from which newest actual (``origin``) and observation, for which
times (``first`` to ``last``), and the Parquet file that holds them.
"""

requests = sa.Table(
    "requests", METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("made", _Moment, nullable=False),
    sa.Column("route", sa.Text, nullable=False),
    sa.Column("token", sa.Text, nullable=False),
    sa.Column("release", sa.Integer, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("input_hash", sa.String(64), nullable=False),
)  # fmt: skip
"""Each answered request for predictions."""

predictions = sa.Table(
    "predictions", METADATA, _number(),
    sa.Column("request", sa.String(32), nullable=False, index=True),
    sa.Column("row", sa.Integer, nullable=False),
    sa.Column("release", sa.Integer, nullable=False),
    sa.Column("made", _Moment, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("time", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("prediction", sa.Text, nullable=False),
    sa.Column("details", sa.Text, nullable=False),
    sa.Column("inputs", sa.Text, nullable=False),
)  # fmt: skip
"""Each prediction served: its item, value, what stands beside it (bounds, probabilities) and its inputs (JSON)."""

live_scores = sa.Table(
    "live_scores", METADATA, _number(),
    sa.Column("made", _Moment, nullable=False),
    sa.Column("kpi", sa.Text, nullable=False),
    sa.Column("release", sa.Integer, nullable=False),
    sa.Column("since", sa.Text, nullable=False),
    sa.Column("until", sa.Text, nullable=False),
    sa.Column("slice", sa.Text, nullable=False),
    sa.Column("value", sa.Float),
    sa.Column("low", sa.Float),
    sa.Column("high", sa.Float),
    sa.Column("n", sa.Integer, nullable=False),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
)  # fmt: skip
"""A KPI on live rows between two times of the data, overall or on one slice (a segment's value, a lead)."""

alarms = sa.Table(
    "alarms", METADATA, _number(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("kpi", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
    sa.Column("raised", _Moment, nullable=False),
    sa.Column("seen", _Moment, nullable=False),
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("until", _Moment),
    sa.Column("ended", _Moment),
    sa.Column("told", _Moment),
    sa.Column("looked", sa.Text, nullable=False, server_default=""),
    sa.Column("clean", sa.Integer, nullable=False, server_default="0"),
)  # fmt: skip
"""What is wrong: one row from the first sight to the end of it (``open``, ``acknowledged``, ``snoozed`` until, ``resolved``).

``told`` is when the channels were told, null until then; ``looked`` what data the newest look at it saw, and ``clean`` how many
looks at different data since it was last seen found nothing.
"""

sa.Index(
    "one_alive", alarms.c.name, unique=True,
    sqlite_where=alarms.c.state != "resolved", postgresql_where=alarms.c.state != "resolved",
)  # fmt: skip

jobs = sa.Table(
    "jobs", METADATA, _number(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("due", _Moment, nullable=False),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("started", _Moment, nullable=False),
    sa.Column("ended", _Moment),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("skipped", sa.Integer, nullable=False),
    sa.UniqueConstraint("name", "due"),
)  # fmt: skip
"""Each job of the calendar, by name and due time: done once, whoever does it (``running``, ``done``, ``failed``, ``stopped`` with
its process, ``lost`` with its process). ``attempt`` is above 1 where its process died and another took it up; ``skipped`` counts
the due times before it that nobody was there for.
"""

leases = sa.Table(
    "leases", METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("until", _Moment, nullable=False),
)  # fmt: skip
"""Who leads among several processes, until when."""

tokens = sa.Table(
    "tokens", METADATA, _number(),
    sa.Column("label", sa.Text, nullable=False, unique=True),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("made", _Moment, nullable=False),
    sa.Column("ends", _Moment),
    sa.Column("access", sa.Text, nullable=False, server_default="[]"),
)  # fmt: skip
"""Who may call the server: the hash of a token, never the token; ``access`` lists the tags of documents it may see (JSON)."""
