"""Opening the ledger, and reading and writing in transactions that are whole or not at all.

By default it is one SQLite file in the store (write-ahead log, so that readers never wait for a writer); a PostgreSQL URL takes
its place when several machines share it. Writers come one after the other: on SQLite the file has one writer, on PostgreSQL they
queue at an advisory lock of the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from sevenstep.engine.durable import make_folder
from sevenstep.errors import InputError
from sevenstep.live.ledger.migrations import migrate
from sevenstep.live.ledger.tables import meta
from sevenstep.spec.secrets import masked

__all__ = ["FILE", "Ledger", "open_ledger"]

FILE = "ledger.sqlite"
_PATIENCE = 30  # seconds a writer waits for another
_QUEUE = 0x7573_7465_7073  # number of the advisory lock at which writers of a PostgreSQL ledger queue
_READ = {"sqlite": "BEGIN", "postgresql": "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"}
# On PostgreSQL a writer whose machine went away or stands still must not keep all others waiting for ever.
_WRITE = {
    "sqlite": ("BEGIN IMMEDIATE",),
    "postgresql": (
        f"SET LOCAL lock_timeout = '{_PATIENCE}s'",
        "SET LOCAL idle_in_transaction_session_timeout = '120s'",
        f"SELECT pg_advisory_xact_lock({_QUEUE})",
    ),
}
_ALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}  # seconds, seconds, times: of both ends


class Ledger:
    """A ledger that is open; see `open_ledger`. Safe to share between threads."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection that sees one state of the ledger from its first read on."""
        with self._engine.connect() as connection:
            connection.exec_driver_sql(_READ[connection.dialect.name])
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that no other writer comes between: what it read still holds when it writes. Committed at the end, else
        nothing of it stays.
        """
        with self._engine.connect() as connection:
            for statement in _WRITE[connection.dialect.name]:
                connection.exec_driver_sql(statement)
            yield connection
            connection.commit()

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()


def open_ledger(store: Path, project: str, url: str = "") -> Ledger:
    """The ledger of a project, made or brought up to date where need be.

    Args:
        store: folder of the store, which holds the ledger unless ``url`` names another place.
        project: name of the project; a ledger belongs to one.
        url: SQLAlchemy URL of a PostgreSQL database (``postgresql+psycopg://...``); empty for the SQLite file of the store.

    Raises:
        InputError: ``LEDGER-URL``, no PostgreSQL URL; ``LEDGER-DRIVER``, its driver is not installed; ``LEDGER-UNREACHABLE``;
            ``LEDGER-PROJECT``, the ledger belongs to another project; ``LEDGER-NEWER``.
    """
    ledger = Ledger(_postgres(url) if url else _sqlite(make_folder(store) / FILE))
    try:
        with ledger.writing() as connection:
            migrate(connection)
            _claim(connection, project)
    except OperationalError as error:
        given = f"the ledger {masked(url) or store / FILE} cannot be opened: {str(error.orig).strip().splitlines()[0]}"
        raise InputError("LEDGER-UNREACHABLE", given, "live commands need their ledger", "check that it is there") from error
    return ledger


def _claim(connection: sa.Connection, project: str) -> None:
    owner = connection.scalar(sa.select(meta.c.value).where(meta.c.name == "project"))
    if owner is None:
        connection.execute(meta.insert().values(name="project", value=project))
    elif owner != project:
        fix = "give this project a database (or a store) of its own"
        raise InputError(
            "LEDGER-PROJECT", f"the ledger belongs to project '{owner}', not '{project}'", "a ledger belongs to one project", fix
        )


def _sqlite(path: Path) -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": _PATIENCE, "check_same_thread": False})
    sa.event.listen(engine, "connect", _prepared)
    return engine


def _prepared(connection: Any, record: Any) -> None:
    """Transactions are ours to begin; the log is written ahead and synced at each commit."""
    connection.isolation_level = None
    for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {setting}")


def _postgres(url: str) -> sa.Engine:
    if not url.startswith(("postgresql://", "postgresql+psycopg://")):
        rule = "a ledger outside the store is a PostgreSQL database"
        raise InputError("LEDGER-URL", f"ledger '{masked(url)}'", rule, "write postgresql://user@host/database")
    if find_spec("psycopg") is None:
        rule = "PostgreSQL is reached with psycopg, which is not part of the core install"
        raise InputError("LEDGER-DRIVER", f"the ledger is at {masked(url)}", rule, "pip install 'sevenstep[postgres]'")
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"), pool_pre_ping=True, connect_args=_ALIVE)
    sa.event.listen(engine, "connect", _watched)
    return engine


def _watched(connection: Any, record: Any) -> None:
    """The server, too, notices within half a minute that the other end has gone without a word."""
    for name, value in _ALIVE.items():
        connection.execute(f"SET tcp_{name} = {value}")
    connection.commit()
