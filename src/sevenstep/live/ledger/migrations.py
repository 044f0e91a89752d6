"""How a ledger of any earlier version becomes one of this version: ordered steps, each applied once and noted.

A step is never edited once it was released; a change of the tables is a new step at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sqlalchemy as sa

from sevenstep.errors import InputError
from sevenstep.live.ledger.tables import METADATA, meta

__all__ = ["MIGRATIONS", "migrate"]

Migration = Callable[[sa.Connection], None]
VERSION = "version"

_APPEND_ONLY = {
    "sqlite": (
        "CREATE TRIGGER decisions_stay_{event} BEFORE {event} ON decisions "
        "BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END",
    ),
    "postgresql": (
        "CREATE OR REPLACE FUNCTION decisions_stay() RETURNS trigger AS $$ "
        "BEGIN RAISE EXCEPTION 'decisions are append-only'; END $$ LANGUAGE plpgsql",
        "CREATE TRIGGER decisions_stay_{event} BEFORE {event} ON decisions FOR EACH ROW EXECUTE FUNCTION decisions_stay()",
    ),
}  # fmt: skip


def _first_tables(connection: sa.Connection) -> None:
    """All tables, and triggers that keep a slip of the hand from changing a decision."""
    METADATA.create_all(connection)
    for event in ("UPDATE", "DELETE"):
        for statement in _APPEND_ONLY[connection.dialect.name]:
            connection.execute(sa.text(statement.format(event=event)))


def _lifts(connection: sa.Connection) -> None:
    """Versions tell what they were lifted by."""
    _add_list(connection, "versions", "lifts")


def _tags_of_tokens(connection: sa.Connection) -> None:
    """The tags of documents that a token may see."""
    _add_list(connection, "tokens", "access")


def _add_list(connection: sa.Connection, table: str, column: str) -> None:
    """A column of JSON lists, empty in old rows; a table made just now has the column already."""
    if column not in {known["name"] for known in sa.inspect(connection).get_columns(table)}:
        connection.execute(sa.text(f"ALTER TABLE {table} ADD COLUMN {column} TEXT NOT NULL DEFAULT '[]'"))


MIGRATIONS: Sequence[Migration] = (_first_tables, _lifts, _tags_of_tokens)


def migrate(connection: sa.Connection) -> None:
    """Bring the ledger to this version, within the caller's write transaction.

    Raises:
        InputError: ``LEDGER-NEWER``, a newer sevenstep has written it.
    """
    done = _version(connection)
    if done > len(MIGRATIONS):
        given = f"the ledger is of version {done}"
        raise InputError("LEDGER-NEWER", given, f"this sevenstep knows versions up to {len(MIGRATIONS)}", "install a newer one")
    if done == len(MIGRATIONS):
        return
    for migration in MIGRATIONS[done:]:
        migration(connection)
    connection.execute(meta.delete().where(meta.c.name == VERSION))
    connection.execute(meta.insert().values(name=VERSION, value=str(len(MIGRATIONS))))


def _version(connection: sa.Connection) -> int:
    if not sa.inspect(connection).has_table(meta.name):
        return 0
    value = connection.scalar(sa.select(meta.c.value).where(meta.c.name == VERSION))
    return int(value or 0)
