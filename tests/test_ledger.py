"""The ledger: whole transactions, one project, and a chain of decisions in which any change is found."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from sevenstep.errors import InputError
from sevenstep.live.ledger.decisions import broken_at, decide, read_decisions
from sevenstep.live.ledger.ledger import FILE, Ledger, open_ledger
from sevenstep.live.ledger.migrations import MIGRATIONS
from sevenstep.live.ledger.tables import item_key, meta, pointers
from sevenstep.web.tokens import digest, make_token, read_callers

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(tmp_path, "orders")
    yield opened
    opened.close()


def decide_three(ledger: Ledger) -> None:
    for number in range(1, 4):
        with ledger.writing() as connection:
            decide(connection, NOON, "rule", "promote", f"release {number}", f"release {number} serves", {"gain": number / 10})


def forge(folder: Path, statement: str) -> None:
    """Change the file behind the ledger's back, triggers or not."""
    with sqlite3.connect(folder / FILE) as file:
        for name in ("UPDATE", "DELETE"):
            file.execute(f"DROP TRIGGER decisions_stay_{name}")
        file.execute(statement)


def test_decisions_are_read_in_the_order_they_were_made_with_their_evidence(ledger: Ledger) -> None:
    decide_three(ledger)
    with ledger.reading() as connection:
        found = read_decisions(connection)
        assert broken_at(connection) is None
    assert [(one.number, one.subject, one.evidence) for one in found] == [
        (n, f"release {n}", {"gain": n / 10}) for n in (1, 2, 3)
    ]
    assert found[0].made == NOON


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("UPDATE decisions SET evidence = '{\"gain\": 9}' WHERE id = 2", 2),
        ("UPDATE decisions SET actor = 'owner' WHERE id = 1", 1),
        ("UPDATE decisions SET made = '2026-01-01 00:00:00.000000' WHERE id = 3", 3),
        ("DELETE FROM decisions WHERE id = 2", 3),
        ("DELETE FROM decisions WHERE id = 3", 3),
    ],
)
def test_a_forged_decision_is_found_by_its_number(ledger: Ledger, tmp_path: Path, statement: str, number: int) -> None:
    decide_three(ledger)
    forge(tmp_path, statement)
    with ledger.reading() as connection:
        assert broken_at(connection) == number


def test_a_slip_of_the_hand_cannot_change_a_decision(ledger: Ledger, tmp_path: Path) -> None:
    decide_three(ledger)
    with sqlite3.connect(tmp_path / FILE) as file, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        file.execute("UPDATE decisions SET actor = 'nobody'")


def test_a_transaction_that_fails_leaves_nothing(ledger: Ledger) -> None:
    with pytest.raises(ZeroDivisionError), ledger.writing() as connection:
        connection.execute(pointers.insert().values(name="champion", release=1, since=NOON))
        raise ZeroDivisionError
    with ledger.reading() as connection:
        assert connection.execute(sa.select(pointers)).all() == []


def test_writers_come_one_after_the_other(ledger: Ledger) -> None:
    with ledger.writing() as connection:
        connection.execute(pointers.insert().values(name="champion", release=0, since=NOON))

    def count_up() -> None:
        for _ in range(20):
            with ledger.writing() as connection:
                seen = connection.scalar(sa.select(pointers.c.release))
                connection.execute(pointers.update().values(release=int(seen or 0) + 1))

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with ledger.reading() as connection:
        assert connection.scalar(sa.select(pointers.c.release)) == 80


def test_moments_come_back_in_utc_whatever_zone_they_were_given_in(ledger: Ledger) -> None:
    elsewhere = NOON.astimezone(datetime.strptime("+0900", "%z").tzinfo)
    with ledger.writing() as connection:
        connection.execute(pointers.insert().values(name="champion", release=1, since=elsewhere))
    with ledger.reading() as connection:
        since = connection.scalar(sa.select(pointers.c.since))
    assert since == NOON and since.utcoffset() == timedelta(0)


def test_a_ledger_belongs_to_one_project(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="belongs to project 'orders', not 'returns'") as caught:
        open_ledger(tmp_path, "returns")
    assert caught.value.code == "LEDGER-PROJECT"


def test_a_ledger_of_a_newer_version_is_left_alone(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.writing() as connection:
        connection.execute(meta.update().where(meta.c.name == "version").values(value=str(len(MIGRATIONS) + 1)))
    with pytest.raises(InputError, match="install a newer one") as caught:
        open_ledger(tmp_path, "orders")
    assert caught.value.code == "LEDGER-NEWER"


def test_tokens_of_a_ledger_made_before_there_were_access_tags_open_no_tagged_document(ledger: Ledger, tmp_path: Path) -> None:
    token = make_token(ledger, "till", ["predict"], NOON)
    with ledger.writing() as connection:
        connection.execute(sa.text("ALTER TABLE tokens DROP COLUMN access"))
        connection.execute(meta.update().where(meta.c.name == "version").values(value="1"))
    ledger.close()
    again = open_ledger(tmp_path, "orders")
    caller = read_callers(again)[digest(token)]
    assert (caller.label, caller.access) == ("till", ())
    again.close()


@pytest.mark.parametrize(
    ("url", "code"), [("mysql://host/base", "LEDGER-URL"), ("postgresql://nobody:secret@127.0.0.1:1/none", "LEDGER-UNREACHABLE")]
)
def test_a_ledger_that_cannot_be_is_told_without_its_password(tmp_path: Path, url: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        open_ledger(tmp_path, "orders", url)
    assert caught.value.code == code
    assert "secret" not in caught.value.sentence()


def test_a_writer_that_is_killed_leaves_the_last_whole_state(ledger: Ledger, tmp_path: Path) -> None:
    decide_three(ledger)
    script = f"""
import os, signal
from datetime import UTC, datetime
from pathlib import Path
from sevenstep.live.ledger.decisions import decide
from sevenstep.live.ledger.ledger import open_ledger
with open_ledger(Path({str(tmp_path)!r}), "orders").writing() as connection:
    decide(connection, datetime.now(UTC), "rule", "promote", "release 4", "never", {{}})
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    with ledger.reading() as connection:
        assert len(read_decisions(connection)) == 3
        assert broken_at(connection) is None


def test_a_key_is_written_alike_whatever_order_its_columns_come_in() -> None:
    assert item_key({"b": 2, "a": "x"}) == item_key({"a": "x", "b": 2}) == '{"a": "x", "b": 2}'
    assert item_key({}) == ""
