"""Which release serves: decided in the ledger, followed by the file, finished after a crash, and rolled back in one command."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sevenstep import Project
from sevenstep.errors import InputError
from sevenstep.live import pointers
from sevenstep.live.ledger.decisions import broken_at, read_decisions
from sevenstep.live.ledger.ledger import FILE
from sevenstep.live.operation import Operation
from sevenstep.live.pointers import challenge, pointed, promote, rollback, served, settle
from sevenstep.live.releases import champion, point, releases
from small_projects import project, sevenstep

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
WHAT_IFS = ("forecast.horizon=5", "forecast.horizon=6")


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with release 1, the champion, and two what-ifs beside it."""
    folder = project(tmp_path_factory.mktemp("three") / "small")
    for overrides in ((), *((one,) for one in WHAT_IFS)):
        Project(folder, overrides=overrides).run(report=False)
    return folder


@pytest.fixture
def live(three: Path, tmp_path: Path) -> Iterator[Operation]:
    found = Project(Path(shutil.copytree(three, tmp_path / "small")))
    operation = Operation.of(found.spec, found.store, lambda: found.task)
    yield operation
    operation.ledger.close()


def story(operation: Operation) -> list[tuple[str, str, int]]:
    with operation.ledger.reading() as connection:
        assert broken_at(connection) is None
        return [(one.kind, one.actor, one.evidence["release"]) for one in read_decisions(connection)]


def serves(operation: Operation) -> int:
    """The champion, by the file and by the ledger."""
    with operation.ledger.reading() as connection:
        assert pointed(connection) == champion(operation.store).number
    return champion(operation.store).number


def damage(operation: Operation, number: int) -> None:
    release = next(one for one in releases(operation.store) if one.number == number)
    (release.model_folder / "model.json").write_text("{}", encoding="utf-8")


def test_a_run_that_moves_the_champion_decides_it_with_the_kpis_and_others_write_nothing(live: Operation) -> None:
    assert story(live) == [("release", "run", 1)]
    with live.ledger.reading() as connection:
        assert read_decisions(connection)[0].evidence["kpis"][0]["id"] == "accuracy"
    before = (live.store / FILE).stat().st_mtime_ns
    Project(live.spec.base).run(report=False)
    assert (live.store / FILE).stat().st_mtime_ns == before
    assert story(live) == [("release", "run", 1)]


def test_promotion_and_rollback_move_ledger_and_file_with_a_decision_each(live: Operation) -> None:
    assert promote(live, 2, "owner", NOON, {"gain": 0.1}).number == serves(live) == 2
    promote(live, 2, "owner", NOON)
    promote(live, 3, "rule", NOON)
    assert rollback(live, "owner", NOON).number == serves(live) == 2
    assert rollback(live, "owner", NOON).number == serves(live) == 1
    moves = [("release", 1), ("promote", 2), ("promote", 3), ("rollback", 2), ("rollback", 1)]
    assert [(kind, number) for kind, _, number in story(live)] == moves
    with live.ledger.reading() as connection:
        assert served(connection) == [3, 2, 1]
        assert read_decisions(connection)[1].evidence == {"gain": 0.1, "release": 2, "before": 1}
    with pytest.raises(InputError, match="ROLLBACK-NONE"):
        rollback(live, "owner", NOON)


def test_a_rollback_passes_over_damaged_releases_and_a_promotion_refuses_them(live: Operation) -> None:
    promote(live, 2, "owner", NOON)
    promote(live, 3, "owner", NOON)
    damage(live, 2)
    assert rollback(live, "owner", NOON).number == 1
    with live.ledger.reading() as connection:
        assert read_decisions(connection)[-1].evidence["passed_over"] == [2]
    with pytest.raises(InputError, match="RELEASE-DAMAGED"):
        promote(live, 2, "owner", NOON)
    with pytest.raises(InputError, match="there is no release 9; the releases are 1, 2, 3"):
        promote(live, 9, "owner", NOON)
    assert serves(live) == 1


def test_a_crash_between_the_ledger_and_the_file_is_finished_by_the_next_command(
    live: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(store: Path, number: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(pointers, "point", crash)
        promote(live, 2, "owner", NOON)
    assert champion(live.store).number == 1
    settle(live)
    assert serves(live) == 2


def test_a_ledger_opened_on_a_store_with_releases_adopts_the_standing_champion(live: Operation) -> None:
    live.ledger.close()
    for file in live.store.glob(f"{FILE}*"):
        file.unlink()
    point(live.store, 2)
    fresh = Operation.of(live.spec, live.store, live.load_task)
    settle(fresh)
    settle(fresh)
    assert story(fresh) == [("adopt", "run", 2)]
    promote(fresh, 3, "owner", NOON)
    assert rollback(fresh, "owner", NOON).number == 2
    fresh.ledger.close()


def test_what_a_person_decided_stays_when_a_run_finds_nothing_new(live: Operation) -> None:
    promote(live, 2, "owner", NOON)
    assert Project(live.spec.base).run(report=False).champion == 2
    rollback(live, "owner", NOON)
    assert serves(live) == 1
    data = live.spec.base / "sales.csv"
    data.write_text(data.read_text(encoding="utf-8").replace("\na,2024-01-01,", "\nz,2024-01-01,", 1), encoding="utf-8")
    assert Project(live.spec.base).run(report=False).champion == serves(live) == 4


def test_a_challenger_that_is_promoted_challenges_no_more(live: Operation) -> None:
    with live.ledger.writing() as connection:
        challenge(connection, 3, NOON)
    promote(live, 3, "owner", NOON)
    with live.ledger.reading() as connection:
        assert pointed(connection, "challenger") is None


def test_the_commands_promote_roll_back_and_tell_who_decided(live: Operation) -> None:
    folder = live.spec.base
    assert sevenstep("promote", "2", folder).out == "release 2 serves\n"
    assert json.loads(sevenstep("rollback", folder, "--json").out) == {"champion": 1}
    told = json.loads(sevenstep("decisions", folder, "--json").out)
    assert [one["actor"] for one in told["decisions"]] == ["run", "owner", "owner"]
    assert "owner  rollback  release 1 serves again in place of release 2" in sevenstep("decisions", folder).out


def test_a_forged_decision_is_told_loudly_with_exit_code_3(live: Operation) -> None:
    with sqlite3.connect(live.store / FILE) as file:
        file.execute("DROP TRIGGER decisions_stay_UPDATE")
        file.execute("UPDATE decisions SET actor = 'nobody'")
    told = sevenstep("decisions", live.spec.base)
    assert told.code == 3
    assert "decision 1 is not as it was made" in told.err
    assert "✗" in told.out
    told = sevenstep("decisions", live.spec.base, "--json")
    assert (told.code, json.loads(told.out)["broken"]) == (3, 1)
