"""Rows of a database query, through SQLAlchemy; free of Polars, since fingerprints need the rows as well."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sevenstep.data.naming import did_you_mean
from sevenstep.errors import InputError

__all__ = ["rows"]

_READS = re.compile(r"\s*(select|with|values|table)\b", re.IGNORECASE)


def rows(url: str, query: str) -> tuple[list[str], Sequence[Any]]:
    """Column names and rows of ``query``, which is one statement that reads, or the name of a table; nothing is ever committed.

    Raises:
        InputError: ``DATA-NO-BACKEND`` (driver absent), ``DATA-SQL-WRITES`` (the query does not read), ``DATA-SQL`` (the database
            refuses, with the table that was probably meant).
    """
    import sqlalchemy
    from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

    try:
        engine = sqlalchemy.create_engine(url)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise _no_driver(url, error) from error
    try:
        with engine.connect() as connection:
            found = connection.execute(sqlalchemy.text(_statement(query)))
            return list(found.keys()), found.fetchall()
    except DBAPIError as error:
        raise _refused(engine, query, error) from error
    finally:
        engine.dispose()


def _statement(query: str) -> str:
    if re.fullmatch(r"[\w.]+", query):
        return f"SELECT * FROM {query}"
    if not _READS.match(query):
        given = f"the query starts with '{query.split()[0]}'"
        raise InputError("DATA-SQL-WRITES", given, "a source only reads", "start it with SELECT or WITH")
    return query


def _no_driver(url: str, error: Exception) -> InputError:
    kind = url.split("://")[0]
    given = f"no driver for a '{kind}' URL ({error})"
    fix = "install its driver, as 'pip install psycopg' for PostgreSQL"
    return InputError("DATA-NO-BACKEND", given, "SQLAlchemy must be able to open it", fix)


def _refused(engine: Any, query: str, error: Any) -> InputError:
    """The database's own words, and the table that was probably meant where one is unknown."""
    words = str(error.orig).strip().split("\n", 1)[0]
    unknown = re.search(r"no such table: \"?(?:\w+\.)?(\w+)|relation \"(?:\w+\.)?(\w+)\" does not exist", words)
    if unknown is None:
        given = f"the database refuses the query ({words})"
        return InputError("DATA-SQL", given, "'query' must run as it stands", "try it in the database's own shell")
    import sqlalchemy

    tables = sqlalchemy.inspect(engine).get_table_names()
    table = unknown.group(1) or unknown.group(2)
    given = f"the database has no table '{table}'"
    return InputError("DATA-SQL", given, "'query' must name tables that exist", did_you_mean(table, tables))
