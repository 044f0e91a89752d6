"""A run that was killed, stopped or found its store damaged goes on where it was and comes to the same report."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import helpers_engine as toy
from sevenstep.engine.artifact import BrokenArtifact
from sevenstep.engine.journal import Journal, journal_paths, read_journal
from sevenstep.engine.lock import run_lock
from sevenstep.engine.store import Store
from sevenstep.errors import InputError, InternalError

HERE = Path(__file__).parent
NUMBERS = [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEVENSTEP_CORES", "1")
    folder = tmp_path / "orders"
    toy.write_data(folder, NUMBERS)
    return folder


def start(project: Path, cores: int = 1, seconds: float = 0.03) -> subprocess.Popen[str]:
    environment = os.environ | {"SEVENSTEP_CORES": str(cores), "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])}
    command = [sys.executable, "-m", "helpers_engine", str(project), str(seconds)]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # jobs in the background of a shell ignore it
    try:
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
    finally:
        signal.signal(signal.SIGINT, before)


def event_names(path: Path) -> list[str]:
    return [event["event"] for event in read_journal(path)]


def jobs_of(paths: list[Path], event: str) -> list[str]:
    return [line["job"] for path in paths for line in read_journal(path) if line["event"] == event]


def wait_for_fits(project: Path, count: int) -> None:
    """Until so many fits are in the store."""
    patience = time.monotonic() + 60
    while len(list(project.glob(".sevenstep/objects/*/*/value.json"))) < count:
        assert time.monotonic() < patience
        time.sleep(0.005)


# Killed -----------------------------------------------------------------------------------------------------------------------


def kill_and_resume(project: Path, expected: str, cores: int, wait: float) -> None:
    """Start a run, kill it with all its processes after ``wait`` seconds, and let another go on."""
    process = start(project, cores)
    time.sleep(wait)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert Store(project / ".sevenstep").verify() == []
    resumed = toy.run_toy(project, toy.toy_spec(project, 0.03))
    assert resumed.report_hash == expected
    assert Store(resumed.store_root).verify() == []
    assert list((resumed.store_root / "temporary").iterdir()) == []
    assert not (resumed.store_root / "broken").exists()
    fits = jobs_of(journal_paths(resumed.store_root), "job_ended")
    assert len(fits) == len(set(fits))  # no fit that had ended was made again


def kill_many(project: Path, times: int, cores: int, seed: int) -> None:
    begin = time.monotonic()
    process = start(project / "whole", cores)
    expected = process.communicate()[0].strip()
    whole = time.monotonic() - begin
    assert len(expected) == 64
    moments = random.Random(seed)
    for number in range(times):
        one = project / f"killed-{number}"
        toy.write_data(one, NUMBERS)
        kill_and_resume(one, expected, cores, moments.uniform(0.3, 1.0) * whole)


def test_a_run_killed_at_any_moment_is_resumed_to_the_same_report(project: Path) -> None:
    toy.write_data(project / "whole", NUMBERS)
    kill_many(project, times=5, cores=1, seed=7)


@pytest.mark.slow
@pytest.mark.parametrize("cores", [1, 2])
def test_thirty_runs_killed_at_random_moments_are_resumed_to_the_same_report(project: Path, cores: int) -> None:
    toy.write_data(project / "whole", NUMBERS)
    kill_many(project, times=30, cores=cores, seed=11)


def test_a_killed_run_loses_at_most_the_fit_it_was_at(project: Path) -> None:
    process = start(project, seconds=0.3)
    wait_for_fits(project, 3)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    kept = len(list(project.glob(".sevenstep/objects/*/*/value.json")))
    resumed = toy.run_toy(project, toy.toy_spec(project, 0.3))
    assert len(jobs_of([resumed.journal], "job_cached")) == kept >= 3
    assert len(jobs_of([resumed.journal], "job_ended")) == len(NUMBERS) - kept


def test_workers_do_not_outlive_a_killed_run(project: Path) -> None:
    process = start(project, cores=2, seconds=0.3)
    wait_for_fits(project, 1)
    process.kill()  # the run alone, not its workers
    process.wait()
    patience = time.monotonic() + 30
    while _session(process.pid):
        assert time.monotonic() < patience, "workers are still there"
        time.sleep(0.1)
    process.communicate()


def _session(leader: int) -> list[str]:
    listed = subprocess.run(["ps", "-s", str(leader), "-o", "pid=,args="], capture_output=True, text=True, check=False)
    return [line for line in listed.stdout.splitlines() if "popen_loky" in line]


# Stopped ----------------------------------------------------------------------------------------------------------------------


def test_an_interrupt_ends_the_run_with_a_sentence_and_exit_code_130(project: Path) -> None:
    process = start(project, seconds=0.8)
    wait_for_fits(project, 1)
    os.killpg(process.pid, signal.SIGINT)
    shown, errors = process.communicate(timeout=60)
    assert (shown, errors) == ("stopped; run again to resume\n", "")
    assert process.returncode == 130
    assert read_journal(journal_paths(project / ".sevenstep")[0])[-1]["status"] == "stopped"
    assert toy.run_toy(project, toy.toy_spec(project, 0.8)).status == "done"


# One run at a time ------------------------------------------------------------------------------------------------------------


def test_a_second_run_on_the_same_store_is_told_who_holds_it(project: Path) -> None:
    store = Store(project / ".sevenstep")
    with run_lock(store.root, "orders"), pytest.raises(InputError) as error:
        toy.run_toy(project)
    assert error.value.code == "STORE-BUSY"
    assert f"a run of 'orders', process {os.getpid()} on " in error.value.sentence()
    assert toy.run_toy(project).status == "done"


def test_of_two_runs_at_once_one_works_and_the_other_is_told(project: Path) -> None:
    first = start(project, seconds=0.3)
    wait_for_fits(project, 1)
    second = start(project, seconds=0.3)
    told, _ = second.communicate(timeout=60)
    assert second.returncode == 2
    assert f"process {first.pid} on" in told
    assert len(first.communicate(timeout=60)[0].strip()) == 64


def test_the_lock_of_a_killed_run_is_free(project: Path) -> None:
    process = start(project, seconds=0.3)
    wait_for_fits(project, 1)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert (project / ".sevenstep" / "lock").exists()
    assert toy.run_toy(project).status == "done"


# Damaged ----------------------------------------------------------------------------------------------------------------------


def flip_bytes(project: Path, name: str) -> int:
    """Change a byte in every file of that name below the store; how many there were."""
    paths = list((project / ".sevenstep" / "objects").rglob(name))
    for path in paths:
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 1
        path.write_bytes(bytes(raw))
    return len(paths)


def test_a_run_that_reads_a_damaged_artifact_makes_it_again(project: Path) -> None:
    first = toy.run_toy(project)
    assert flip_bytes(project, "text.txt") == 1
    assert flip_bytes(project, "scores.parquet") == 1
    Store(first.store_root).set_aside(first.steps[-1].fingerprint)  # so that operate runs, and reads them
    told: list[Any] = []
    second = toy.run_toy(project, told=told)
    assert second.report_hash == first.report_hash
    assert event_names(second.journal).count("artifact_set_aside") == 2
    assert [(step.name, step.cached) for step in second.steps] == [(step.name, step.cached) for step in told]
    assert Store(first.store_root).verify() == []


def test_a_damaged_result_of_a_job_is_made_again(project: Path) -> None:
    first = toy.run_toy(project)
    assert flip_bytes(project, "value.json") == len(NUMBERS)
    assert len(Store(first.store_root).verify()) == len(NUMBERS)
    Store(first.store_root).set_aside(first.steps[2].fingerprint)
    assert toy.run_toy(project).report_hash == first.report_hash


def test_a_chapter_found_damaged_after_the_run_is_made_again_by_the_next(project: Path) -> None:
    first = toy.run_toy(project)
    flip_bytes(project, "chapter.json")
    with pytest.raises(BrokenArtifact, match="run again: it is made anew"):
        Store(first.store_root).open(first.steps[0].fingerprint).chapter()
    second = toy.run_toy(project)
    assert [step.cached for step in second.steps] == [False, True, True, True]
    assert second.report_hash == first.report_hash


# The journal ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(Store(tmp_path / "store").root) as journal:
        yield journal


def test_the_journal_of_a_run_tells_its_steps_and_jobs_in_order(project: Path) -> None:
    result = toy.run_toy(project)
    assert event_names(result.journal) == [
        "run_started",
        *("step_started", "job_ended", "step_ended"),
        *("step_started", "job_cached", "step_ended"),
        *("step_started", *["job_ended"] * len(NUMBERS), "step_ended"),
        *("step_started", "step_ended"),
        "run_ended",
    ]
    events = read_journal(result.journal)
    assert events[0]["libraries"]["polars"]
    assert {"seconds", "peak_mebibytes", "fingerprint", "time"} <= events[2].keys()
    assert events[-1]["report_hash"] == result.report_hash


def test_a_run_that_fails_ends_its_journal_with_the_reason(project: Path) -> None:
    (project / "data.csv").unlink()
    with pytest.raises(InputError):
        toy.run_toy(project)
    last = read_journal(journal_paths(project / ".sevenstep")[-1])[-1]
    assert last["status"] == "failed"
    assert "DATA-NO-FILE" in last["reason"]


def test_a_torn_last_line_is_left_out_wherever_it_is_torn(journal: Journal) -> None:
    journal.note("run_started", project="orders")
    journal.note("step_started", step="define")
    whole = journal.path.read_bytes()
    first_line = whole.index(b"\n") + 1
    for length in range(first_line, len(whole)):
        journal.path.write_bytes(whole[:length])
        assert event_names(journal.path) == ["run_started"]
    journal.path.write_bytes(whole)
    assert event_names(journal.path) == ["run_started", "step_started"]


def test_a_damaged_line_before_the_last_is_told_with_its_place(journal: Journal) -> None:
    journal.note("run_started")
    journal.path.write_bytes(b'{"event": "run_st\n' + journal.path.read_bytes())
    with pytest.raises(InternalError, match=r"\.jsonl:1: .*JOURNAL-BROKEN"):
        read_journal(journal.path)


def test_lines_of_runs_and_steps_are_synced_and_those_of_jobs_only_written(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    for event in ("run_started", "step_started", "job_ended", "step_ended"):
        journal.note(event)
    assert len(synced) == 3
    assert event_names(journal.path) == ["run_started", "step_started", "job_ended", "step_ended"]


# No code in data --------------------------------------------------------------------------------------------------------------


def test_no_file_of_the_store_is_a_pickle(project: Path) -> None:
    result = toy.run_toy(project)
    files = [path for path in result.store_root.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert {path.suffix for path in files} <= {".json", ".jsonl", ".parquet", ".txt", ""}
    assert not [path for path in files if path.read_bytes()[:1] == b"\x80"]
