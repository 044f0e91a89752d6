"""The ledger on a real PostgreSQL server: what is said of the file holds there too, and what only a server can do."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from postgres_server import database
from sevenstep.errors import InputError
from sevenstep.live.jobs.entries import claim
from sevenstep.live.leading import Leadership
from sevenstep.live.ledger import ledger as ledger_module
from sevenstep.live.ledger.decisions import broken_at, read_decisions
from sevenstep.live.ledger.ledger import Ledger, open_ledger
from sevenstep.live.ledger.migrations import MIGRATIONS
from sevenstep.live.ledger.tables import METADATA, jobs, meta, pointers
from test_ledger import (  # noqa: F401 - the same statements, about the ledger below
    NOON,
    decide_three,
    test_a_transaction_that_fails_leaves_nothing,
    test_decisions_are_read_in_the_order_they_were_made_with_their_evidence,
    test_moments_come_back_in_utc_whatever_zone_they_were_given_in,
    test_writers_come_one_after_the_other,
)


@pytest.fixture
def url() -> str:
    return database()


@pytest.fixture
def ledger(tmp_path: Path, url: str) -> Iterator[Ledger]:
    opened = open_ledger(tmp_path, "orders", url)
    yield opened
    opened.close()


def test_nothing_of_it_lies_in_the_store(ledger: Ledger, tmp_path: Path) -> None:
    assert list(tmp_path.iterdir()) == []


def test_it_has_the_tables_of_the_file_with_the_same_columns(ledger: Ledger) -> None:
    with ledger.reading() as connection:
        there = sa.inspect(connection)
        found = {name: [column["name"] for column in there.get_columns(name)] for name in there.get_table_names()}
    assert found == {table.name: [column.name for column in table.columns] for table in METADATA.sorted_tables}


def test_processes_that_open_a_new_ledger_at_once_make_it_once(url: str, tmp_path: Path) -> None:
    failed: list[BaseException] = []

    def open_it() -> None:
        try:
            open_ledger(tmp_path, "orders", url).close()
        except DBAPIError as error:
            failed.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("UPDATE decisions SET evidence = '{\"gain\": 9}' WHERE id = 2", 2),
        ("UPDATE decisions SET made = '2026-01-01' WHERE id = 3", 3),
        ("DELETE FROM decisions WHERE id = 2", 3),
        ("DELETE FROM decisions WHERE id = 3", 3),
    ],
)
def test_a_forged_decision_is_found_by_its_number(ledger: Ledger, statement: str, number: int) -> None:
    decide_three(ledger)
    with ledger.writing() as connection:
        connection.execute(sa.text("ALTER TABLE decisions DISABLE TRIGGER USER"))
        connection.execute(sa.text(statement))
    with ledger.reading() as connection:
        assert broken_at(connection) == number


def test_a_slip_of_the_hand_cannot_change_a_decision(ledger: Ledger) -> None:
    decide_three(ledger)
    with pytest.raises(DBAPIError, match="append-only"), ledger.writing() as connection:
        connection.execute(sa.text("DELETE FROM decisions"))


@pytest.mark.parametrize("where", ["server", "file"])
def test_a_reader_sees_one_state_whatever_is_written_meanwhile(tmp_path: Path, where: str) -> None:
    ledger = open_ledger(tmp_path, "orders", database() if where == "server" else "")
    with ledger.reading() as reader:
        before = reader.scalar(sa.select(sa.func.count()).select_from(pointers))
        with ledger.writing() as writer:
            writer.execute(pointers.insert().values(name="champion", release=1, since=NOON))
        assert reader.scalar(sa.select(sa.func.count()).select_from(pointers)) == before == 0
    ledger.close()


def test_a_ledger_belongs_to_one_project(ledger: Ledger, tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError, match="belongs to project 'orders', not 'returns'"):
        open_ledger(tmp_path, "returns", url)


def test_a_ledger_of_a_newer_version_is_left_alone(ledger: Ledger, tmp_path: Path, url: str) -> None:
    with ledger.writing() as connection:
        connection.execute(meta.update().where(meta.c.name == "version").values(value=str(len(MIGRATIONS) + 1)))
    with pytest.raises(InputError, match="install a newer one"):
        open_ledger(tmp_path, "orders", url)


def test_a_writer_that_is_killed_leaves_the_last_whole_state_and_blocks_nobody(ledger: Ledger, tmp_path: Path, url: str) -> None:
    decide_three(ledger)
    script = f"""
import os, signal
from datetime import UTC, datetime
from pathlib import Path
from sevenstep.live.ledger.decisions import decide
from sevenstep.live.ledger.ledger import open_ledger
with open_ledger(Path({str(tmp_path)!r}), "orders", {url!r}).writing() as connection:
    decide(connection, datetime.now(UTC), "rule", "promote", "release 4", "never", {{}})
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -signal.SIGKILL
    with ledger.writing() as connection:
        assert len(read_decisions(connection)) == 3
        assert broken_at(connection) is None


def test_a_writer_waits_for_another_only_so_long(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    short = tuple(text.replace("30s", "200ms") for text in ledger_module._WRITE["postgresql"])
    assert short != ledger_module._WRITE["postgresql"]
    with ledger.writing():
        monkeypatch.setitem(ledger_module._WRITE, "postgresql", short)
        with pytest.raises(OperationalError, match="lock timeout"), ledger.writing():
            pass


def test_a_connection_that_the_server_closed_fails_its_transaction_and_is_replaced(
    ledger: Ledger, tmp_path: Path, url: str
) -> None:
    killer = open_ledger(tmp_path, "orders", url)
    with pytest.raises(OperationalError, match="terminating connection"), ledger.writing() as connection:
        own = connection.scalar(sa.text("SELECT pg_backend_pid()"))
        with killer.reading() as other:
            other.execute(sa.text(f"SELECT pg_terminate_backend({own}, 5000)"))
        connection.execute(sa.select(meta))
    with ledger.writing() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(meta)) == 2
    killer.close()


def test_machines_whose_clocks_differ_agree_on_the_leader(ledger: Ledger) -> None:
    right = datetime.now(UTC)
    wrong = right + timedelta(days=400)
    first, second = Leadership("first"), Leadership("second")
    for now, other in ((right, wrong), (wrong, right)):
        for _ in range(3):
            with ledger.writing() as connection:
                assert first.hold(connection, now)
            with ledger.writing() as connection:
                assert not second.hold(connection, other)


def test_of_many_processes_that_claim_a_job_at_once_one_has_it(ledger: Ledger) -> None:
    won: list[str] = []

    def claim_all(holder: str) -> None:
        for hour in range(10):
            with ledger.writing() as connection:
                if claim(connection, "refresh", NOON + timedelta(hours=hour), holder, NOON):
                    won.append(holder)

    threads = [threading.Thread(target=claim_all, args=(f"process {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with ledger.reading() as connection:
        assert len(won) == connection.scalar(sa.select(sa.func.count()).select_from(jobs)) == 10
