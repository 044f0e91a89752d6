"""The server as a process of its own: started, stopped, killed, its champion exchanged under load."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from served_projects import ROW, made_project, settings_of
from server_processes import ready, started
from sevenstep.engine.store import Store
from sevenstep.live.operation import Operation
from sevenstep.live.pointers import promote, rollback
from sevenstep.live.releases import champion, release_beside
from sevenstep.project import Project
from sevenstep.web.server import is_loopback
from sevenstep.web.service import Service
from sevenstep.work import Leaves


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEVENSTEP_CORES", "1")
        yield made_project(tmp_path_factory.mktemp("server") / "parts")


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "parts")


def ids_recorded(folder: Path) -> list[str]:
    with sqlite3.connect(folder / ".sevenstep" / "ledger.sqlite") as connection:
        return [row[0] for row in connection.execute("SELECT id FROM requests")]


def second_release(folder: Path) -> int:
    """A second release of the same model, as another run leaves one."""
    project = Project(folder)
    store, first = Store(project.store), champion(project.store)
    model = project.task.load_model(first.model_folder)
    tune = store.put("a" * 64, Leaves(folders={"model": model}), "step", "tune")
    said = {name: first.manifest[name] for name in ("project", "task", "kpis", "gate")}
    operate = store.put("b" * 64, Leaves({"release": said}), "step", "operate")
    return release_beside(project.store, operate, tune, (), str(first.manifest.get("collect", "")))[0].number


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("127.9.9.9", True), ("0.0.0.0", False), ("10.0.0.1", False)],
)
def test_loopback_is_told_from_other_addresses(host: str, local: bool) -> None:
    assert is_loopback(host) == local


def test_at_another_address_a_first_token_is_made_and_shown_once(folder: Path) -> None:
    with started(folder, "--host", "0.0.0.0") as (_, opened):
        address = opened["address"].replace("0.0.0.0", "127.0.0.1")
        assert opened["tokens"]
        ready(address, authorization=f"Bearer {opened['token']}")
        assert httpx.get(f"{address}/health/live").status_code == 401
    with started(folder, "--host", "0.0.0.0") as (_, opened):
        assert opened["token"] is None


def test_a_graceful_stop_answers_what_is_under_way_and_records_it_all(folder: Path) -> None:
    answered: list[str] = []
    broken: list[str] = []
    stopping = threading.Event()

    def ask(address: str) -> None:
        with httpx.Client() as client:
            while True:
                try:
                    answer = client.post(f"{address}/v1/predict", json={"rows": [ROW]})
                except httpx.ConnectError:
                    return
                except httpx.TransportError as error:
                    if not stopping.is_set():
                        broken.append(str(error))
                    return
                assert answer.status_code == 200
                answered.append(answer.json()["request"])

    with started(folder, "--workers", "2") as (process, opened):
        ready(opened["address"])
        threads = [threading.Thread(target=ask, args=(opened["address"],)) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(1.0)
        stopping.set()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        for thread in threads:
            thread.join()
    assert not broken
    assert len(answered) > 20
    assert set(answered) <= set(ids_recorded(folder))
    assert list((folder / ".sevenstep" / "recording").iterdir()) == []


def test_a_kill_loses_no_record_of_what_was_answered_and_doubles_none(folder: Path) -> None:
    answered = []
    for _ in range(2):
        with started(folder) as (process, opened):
            ready(opened["address"])
            until = time.monotonic() + 0.7
            while time.monotonic() < until:
                answered.append(httpx.post(f"{opened['address']}/v1/predict", json={"rows": [ROW]}).json()["request"])
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    with started(folder) as (process, opened):
        ready(opened["address"])
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    recorded = ids_recorded(folder)
    assert len(recorded) == len(set(recorded))
    assert set(answered) <= set(recorded)


def test_workers_stop_when_the_process_that_started_them_is_killed(folder: Path) -> None:
    with started(folder) as (process, opened):
        ready(opened["address"])
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        for _ in range(100):
            try:
                httpx.get(f"{opened['address']}/health/live", timeout=2)
            except httpx.TransportError:
                return
            time.sleep(0.1)
        pytest.fail("a worker still answers")


@pytest.mark.slow
def test_50_promotions_and_rollbacks_under_load_fail_no_request(folder: Path) -> None:
    second = second_release(folder)
    project = Project(folder)
    operation = Operation.of(project.spec, project.store, lambda: project.task)
    codes: list[int] = []
    releases: set[int] = set()
    done = threading.Event()

    def ask(address: str) -> None:
        with httpx.Client() as client:
            while not done.is_set():
                answer = client.post(f"{address}/v1/predict", json={"rows": [ROW]})
                codes.append(answer.status_code)
                releases.add(answer.json()["release"])

    with started(folder, "--workers", "2") as (_, opened):
        ready(opened["address"])
        threads = [threading.Thread(target=ask, args=(opened["address"],)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for number in range(50):
            if number % 2 == 0:
                promote(operation, second, "owner", datetime.now(UTC))
            else:
                rollback(operation, "owner", datetime.now(UTC))
            time.sleep(0.3)
        done.set()
        for thread in threads:
            thread.join()
    operation.ledger.close()
    assert set(codes) == {200}
    assert len(codes) > 500
    assert releases == {1, second}


def test_a_new_champion_serves_within_seconds_and_a_damaged_one_does_not(folder: Path) -> None:
    second = second_release(folder)
    project = Project(folder)
    operation = Operation.of(project.spec, project.store, lambda: project.task)
    model = project.store / "releases" / f"{second:04d}" / "model" / "model.json"

    async def story() -> list[int]:
        service = Service(settings_of(folder))
        found = []
        async with service.open():
            promote(operation, second, "owner", datetime.now(UTC))
            await service.champion.look()
            found.append(service.champion.served.release.number)
            rollback(operation, "owner", datetime.now(UTC))
            await service.champion.look()
            found.append(service.champion.served.release.number)
            promote(operation, second, "owner", datetime.now(UTC))
            model.write_text(model.read_text() + " ", encoding="utf-8")
            await service.champion.look()
            found.append(service.champion.served.release.number)
        return found

    assert asyncio.run(story()) == [second, 1, 1]
