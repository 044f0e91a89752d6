"""Jobs and steps come from the store where nothing they depend on has changed, and failures are told in one sentence."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import helpers_engine as toy
import helpers_jobs as toy_jobs
from sevenstep.endpoints.book import Limits
from sevenstep.endpoints.keeping import keep_calls
from sevenstep.engine import fingerprints
from sevenstep.engine.bench import HEAVY, EngineBench
from sevenstep.engine.cores import usable_cores
from sevenstep.engine.fingerprints import code_version, fingerprint, job_fingerprint, library_versions
from sevenstep.engine.journal import Journal, read_journal
from sevenstep.engine.process import PROCESS
from sevenstep.engine.progress import Progress
from sevenstep.engine.store import Store
from sevenstep.errors import InputError, InternalError
from sevenstep.work import Artifact, Failure, Job, Leaves

# Jobs -------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[EngineBench]:
    store = Store(tmp_path / "store")
    with Journal(store.root) as journal:
        yield EngineBench(store, journal, Progress(None), cores=1)


def squares(*numbers: int, **options: Any) -> list[Job]:
    return [Job(f"square {number}", toy_jobs.square, {"number": number}, **options) for number in numbers]


def values(results: list[Artifact | Failure]) -> list[Any]:
    return [result.reason if isinstance(result, Failure) else result.json("value") for result in results]


def events(bench: EngineBench, *kinds: str) -> list[str]:
    return [event["job"] for event in read_journal(bench.journal.path) if event["event"] in (kinds or ("job_ended",))]


def test_results_come_in_the_order_of_the_jobs_and_the_heaviest_runs_first(bench: EngineBench) -> None:
    jobs = [replace(job, weight=float(number)) for job, number in zip(squares(1, 3, 2), (1, 3, 2), strict=True)]
    assert values(bench.run(jobs)) == [1, 9, 4]
    assert events(bench) == ["square 3", "square 2", "square 1"]


def test_a_job_runs_once_and_comes_from_the_cache_after(bench: EngineBench) -> None:
    assert values(bench.run(squares(2, 3, 2))) == [4, 9, 4]
    assert values(bench.run(squares(3, 2))) == [9, 4]
    assert sorted(events(bench)) == ["square 2", "square 3"]
    assert sorted(events(bench, "job_cached")) == ["square 2", "square 3"]


def test_a_changed_argument_makes_only_that_job_again(bench: EngineBench) -> None:
    bench.run(squares(1, 2, 3))
    bench.run(squares(1, 5, 3))
    assert events(bench)[3:] == ["square 5"]


def test_name_weight_threads_and_optional_are_no_part_of_the_key() -> None:
    job = squares(2)[0]
    same = replace(job, name="other", weight=9.0, threads=2, optional=True)
    assert job_fingerprint(job) == job_fingerprint(same)


def test_a_job_reads_what_other_jobs_left_and_their_fingerprints_are_in_its_key(bench: EngineBench) -> None:
    two, three, four = bench.run(squares(2, 3, 4))
    assert not isinstance(two, Failure) and not isinstance(three, Failure) and not isinstance(four, Failure)
    first = Job("sum", toy_jobs.total, inputs={"a": two, "b": three})
    second = Job("sum", toy_jobs.total, inputs={"a": two, "b": four})
    assert values(bench.run([first, second])) == [13, 20]
    assert job_fingerprint(first) != job_fingerprint(second)


def test_what_was_measured_is_kept_with_the_result(bench: EngineBench) -> None:
    (result,) = bench.run([Job("square", toy_jobs.square, {"number": 2, "seconds": 0.05})])
    assert not isinstance(result, Failure)
    assert 0.05 <= result.measured["seconds"] < 5
    assert result.measured["peak_mebibytes"] > 5


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only this kernel resets the peak")
def test_the_peak_memory_is_that_of_the_job_and_not_of_the_one_before(bench: EngineBench) -> None:
    (large,) = bench.run([Job("large", toy_jobs.use_memory, {"mebibytes": 150})])
    (small,) = bench.run([Job("small", toy_jobs.use_memory, {"mebibytes": 1})])
    assert not isinstance(large, Failure) and not isinstance(small, Failure)
    assert large.measured["peak_mebibytes"] - small.measured["peak_mebibytes"] == pytest.approx(149, abs=25)


# Fingerprints -----------------------------------------------------------------------------------------------------------------


def test_a_fingerprint_does_not_depend_on_the_order_of_keys_and_on_nothing_else_being_equal() -> None:
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert len({fingerprint(value) for value in ({"a": 1}, {"a": 2}, {"b": 1}, {"a": "1"}, [1], None)}) == 6
    assert fingerprint({"a": 1}) == "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"  # sha256sum of {"a":1}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of two rooms whose source can be changed, as a later version of it would."""
    for room in ("data", "stats"):
        (tmp_path / room / "inner").mkdir(parents=True)
        (tmp_path / room / "inner" / "code.py").write_text("answer = 1\n")
    monkeypatch.setattr(fingerprints, "PACKAGE", tmp_path)
    forget_sources()
    yield tmp_path
    forget_sources()


def forget_sources() -> None:
    for remembered in (fingerprints._room_hash, fingerprints._tree_hash, fingerprints._file_hash):
        remembered.cache_clear()


def test_changed_source_text_in_a_room_of_the_job_changes_its_key_and_elsewhere_does_not(package: Path) -> None:
    job = Job("square", toy_jobs.square, {"number": 2}, rooms=("data",))
    before = job_fingerprint(job)
    (package / "stats" / "inner" / "code.py").write_text("answer = 2\n")
    forget_sources()
    assert job_fingerprint(job) == before
    (package / "data" / "inner" / "code.py").write_text("answer = 2\n")
    forget_sources()
    assert job_fingerprint(job) != before


def test_a_renamed_file_is_a_changed_room(package: Path) -> None:
    before = code_version(["data"])
    (package / "data" / "inner" / "code.py").rename(package / "data" / "inner" / "other.py")
    forget_sources()
    assert code_version(["data"]) != before


def test_a_room_that_is_not_there_is_told() -> None:
    with pytest.raises(InternalError, match="ENGINE-ROOM"):
        code_version(["no_such_room"])


def test_library_versions_name_what_is_installed_only() -> None:
    import polars

    assert library_versions(("polars", "no-such-library")) == (("polars", polars.__version__),)


def test_another_version_of_a_library_or_of_python_is_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    (job,) = squares(2)
    keys = {job_fingerprint(job)}
    monkeypatch.setattr(fingerprints, "library_versions", lambda names: (("polars", "99"),))
    keys.add(job_fingerprint(job))
    monkeypatch.setattr(
        fingerprints, "sys", SimpleNamespace(version_info=SimpleNamespace(major=3, minor=99), modules=sys.modules)
    )
    keys.add(job_fingerprint(job))
    assert len(keys) == 3


# Failures ---------------------------------------------------------------------------------------------------------------------


def test_an_optional_job_that_fails_gives_its_reason_and_the_others_go_on(bench: EngineBench) -> None:
    results = bench.run([*squares(2), Job("fit", toy_jobs.fail, optional=True), *squares(3)])
    assert values(results) == [4, "ZeroDivisionError: the matrix is singular", 9]
    assert results[1] == Failure("fit", "ZeroDivisionError: the matrix is singular", skipped=False)
    (event,) = [event for event in read_journal(bench.journal.path) if event["event"] == "job_failed"]
    assert "helpers_jobs.py" in event["traceback"]


def test_a_failed_job_is_tried_again_in_the_next_run(bench: EngineBench) -> None:
    for _ in range(2):
        bench.run([Job("fit", toy_jobs.fail, optional=True)])
    assert events(bench, "job_failed") == ["fit", "fit"]


def test_a_job_that_must_not_fail_ends_the_step_in_one_sentence(bench: EngineBench) -> None:
    with pytest.raises(InternalError) as error:
        bench.run([Job("fit boosting", toy_jobs.fail)])
    assert error.value.code == "JOB-FAILED"
    assert error.value.given == "'fit boosting' failed: ZeroDivisionError: the matrix is singular"


def test_an_error_of_ours_comes_out_of_a_job_as_it_is(bench: EngineBench) -> None:
    with pytest.raises(InputError) as error:
        bench.run([Job("fit", toy_jobs.fail_as_input)])
    assert error.value.code == "TOY-WRONG"


def test_after_the_deadline_optional_jobs_are_skipped_and_the_others_run(bench: EngineBench) -> None:
    bench.deadline = time.time() - 1
    results = bench.run([*squares(2), *squares(3, optional=True)])
    assert values(results) == [4, "the time budget had ended before it could start"]
    assert results[1] == Failure("square 3", "the time budget had ended before it could start", skipped=True)
    assert bench.skipped == 1


def test_a_deadline_in_the_middle_lets_what_has_started_end(bench: EngineBench) -> None:
    bench.deadline = time.time() + 0.5
    jobs = [Job(f"wait {number}", toy_jobs.square, {"number": number, "seconds": 0.6}, optional=True) for number in range(3)]
    assert [isinstance(result, Failure) for result in bench.run(jobs)] == [False, True, True]


# Workers ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def wide_bench(bench: EngineBench) -> EngineBench:
    bench.cores = 2
    return bench


def test_workers_are_other_processes_with_the_threads_of_the_job(wide_bench: EngineBench) -> None:
    results = wide_bench.run([Job(f"look {number}", toy_jobs.where_and_how, {"number": number}) for number in range(4)])
    found = [result.json("found") for result in results if not isinstance(result, Failure)]
    assert [one["number"] for one in found] == [0, 1, 2, 3]
    assert os.getpid() not in {one["process"] for one in found}
    assert {(one["polars"], one["openmp"]) for one in found} == {(1, "1")}


def test_a_worker_of_an_earlier_run_keeps_its_calls_within_the_limits_of_this_one(
    wide_bench: EngineBench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SEVENSTEP_CALLS", "")
    found = []
    for run in ("first", "second"):
        keep_calls(tmp_path, run, Limits(usd=1.0))
        jobs = [
            Job(f"{run} {number}", toy_jobs.where_calls_are_kept, {"number": f"{run} {number}"}, weight=5) for number in (1, 2)
        ]
        found.append([result.json("found") for result in wide_bench.run(jobs) if not isinstance(result, Failure)])
    assert {one["process"] for one in found[0]} & {one["process"] for one in found[1]}  # workers stay from run to run
    assert [{json.loads(one["place"])["run"] for one in run} for run in found] == [{"first"}, {"second"}]


@pytest.mark.parametrize(("peak", "same"), [(HEAVY, False), (10.0, True)])
def test_workers_that_have_grown_are_not_kept_for_the_next_step(wide_bench: EngineBench, peak: float, same: bool) -> None:
    def processes(names: range) -> set[int]:
        jobs = [Job(f"look {number}", toy_jobs.where_and_how, {"number": number}, weight=5) for number in names]
        return {result.json("found")["process"] for result in wide_bench.run(jobs) if not isinstance(result, Failure)}

    before = processes(range(2))
    wide_bench.peak = peak
    wide_bench.close()
    assert bool(before & processes(range(2, 4))) is same


def test_errors_come_back_from_workers_as_they_are_from_this_process(wide_bench: EngineBench) -> None:
    results = wide_bench.run([*squares(2, 3), Job("fit", toy_jobs.fail, optional=True)])
    assert values(results) == [4, 9, "ZeroDivisionError: the matrix is singular"]
    with pytest.raises(InputError, match="TOY-WRONG"):
        wide_bench.run([Job("fit", toy_jobs.fail_as_input), *squares(4, 5)])


def test_a_killed_worker_is_told_as_the_failure_of_its_job_and_the_others_are_saved(wide_bench: EngineBench) -> None:
    jobs = [*squares(2, 3, 4), Job("fit greedy", toy_jobs.die, optional=True, weight=9.0)]
    *others, killed = wide_bench.run(jobs)
    assert values(others) == [4, 9, 16]
    assert isinstance(killed, Failure)
    assert "ran out of memory" in killed.reason
    with pytest.raises(InternalError, match=r"'fit greedy' failed: its process was killed"):
        wide_bench.run([replace(jobs[-1], optional=False), *squares(7)])


def test_one_small_job_is_not_worth_a_worker_and_a_heavy_one_is(wide_bench: EngineBench) -> None:
    light = Job("look", toy_jobs.where_and_how, {"number": 1}, weight=0.1)
    heavy = Job("look", toy_jobs.where_and_how, {"number": 2}, weight=60.0)
    processes = []
    for job in (light, heavy):
        (result,) = wide_bench.run([job])
        assert not isinstance(result, Failure)
        processes.append(result.json("found")["process"])
    assert processes[0] == os.getpid() != processes[1]


def test_cores_can_be_set_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEVENSTEP_CORES", "3")
    assert usable_cores() == 3
    monkeypatch.setenv("SEVENSTEP_CORES", "0")
    with pytest.raises(InputError, match="ENGINE-CORES"):
        usable_cores()
    monkeypatch.delenv("SEVENSTEP_CORES")
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


# Steps ------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEVENSTEP_CORES", "1")
    folder = tmp_path / "orders"
    toy.write_data(folder, [1, 2, 3])
    return folder


def made(told: list[Any]) -> list[str]:
    return [step.name for step in told if not step.cached]


def test_a_run_tells_each_step_and_what_it_came_to(project: Path) -> None:
    told: list[Any] = []
    result = toy.run_toy(project, told=told)
    assert [step.headline for step in told] == ["go", "3 rows", "toy: [1, 4, 9]", "sum 14"]
    assert result.steps == told
    assert (result.status, result.exit_code) == ("done", 0)
    assert Store(result.store_root).open(told[-1].fingerprint).json("release")["sum"] == 14


def test_a_second_run_makes_nothing_and_has_the_same_report_hash(project: Path) -> None:
    first = toy.run_toy(project)
    told: list[Any] = []
    second = toy.run_toy(project, told=told)
    assert made(told) == []
    assert second.report_hash == first.report_hash
    assert [step.headline for step in second.steps] == [step.headline for step in first.steps]


def test_changed_data_makes_all_again_but_only_the_fit_of_the_changed_row(project: Path) -> None:
    first = toy.run_toy(project)
    toy.write_data(project, [1, 2, 4])
    told: list[Any] = []
    second = toy.run_toy(project, told=told)
    assert made(told) == ["define", "collect", "train", "operate"]
    fitted = [event["job"] for event in read_journal(second.journal) if event["event"] == "job_ended"]
    assert fitted == ["take in the data", "fit 4"]
    assert second.report_hash != first.report_hash


def test_a_changed_key_makes_only_the_steps_again_that_may_read_it(project: Path) -> None:
    toy.run_toy(project)
    told: list[Any] = []
    toy.run_toy(project, toy.toy_spec(project, seconds=0.001), told)
    assert made(told) == ["train", "operate"]


def test_the_same_data_in_another_folder_is_the_same_run(project: Path, tmp_path: Path) -> None:
    first = toy.run_toy(project)
    elsewhere = tmp_path / "elsewhere" / "orders"
    toy.write_data(elsewhere, [1, 2, 3])
    told: list[Any] = []
    second = toy.run_toy(elsewhere, told=told, store_root=project / ".sevenstep")
    assert made(told) == []
    assert second.report_hash == first.report_hash


def test_two_stores_give_the_same_report_hash(project: Path, tmp_path: Path) -> None:
    assert toy.run_toy(project).report_hash == toy.run_toy(project, store_root=tmp_path / "other").report_hash


def test_a_verdict_of_no_go_stops_the_run_unless_told_to_go_on(project: Path) -> None:
    toy.write_data(project, [-1, 2, 3])
    stopped = toy.run_toy(project)
    assert [step.name for step in stopped.steps] == ["define"]
    assert (stopped.status, stopped.exit_code) == ("no_go", 1)
    assert toy.run_toy(project, anyway=True).status == "done"


def test_a_missed_gate_at_the_end_is_exit_code_1(project: Path) -> None:
    toy.write_data(project, [1, 2])
    result = toy.run_toy(project)
    assert (result.status, result.exit_code) == ("missed", 1)


def test_a_run_may_end_at_a_step(project: Path) -> None:
    assert [step.name for step in toy.run_toy(project, until="collect").steps] == ["define", "collect"]
    with pytest.raises(InputError, match=r"no step 'trian'.*did you mean 'train'"):
        toy.run_toy(project, until="trian")


def test_data_that_changes_while_it_is_read_is_told_and_not_kept(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take_in = toy_jobs.take_in

    def take_in_while_it_grows(arguments: Any, inputs: Any) -> Leaves:
        leaves = take_in(arguments, inputs)
        toy.write_data(project, [1, 2, 3, 4])
        return leaves

    take_in_while_it_grows.__module__, take_in_while_it_grows.__qualname__ = take_in.__module__, take_in.__qualname__
    with monkeypatch.context() as patch:
        patch.setattr(toy_jobs, "take_in", take_in_while_it_grows)
        with pytest.raises(InputError, match="DATA-CHANGED"):
            toy.run_toy(project)
    toy.write_data(project, [1, 2, 3])
    assert toy.run_toy(project).steps[1].headline == "3 rows"


COLD = """
import sys, time
sys.path.insert(0, sys.argv[2])
import helpers_engine as toy
import helpers_jobs as toy_jobs
from pathlib import Path
start = time.perf_counter()
folder = Path(sys.argv[1])
result = toy.run_toy(folder)
heavy = {"polars", "numpy", "joblib", "rich", "lightgbm"} & set(sys.modules)
print(len(result.steps), all(step.cached for step in result.steps), sorted(heavy), time.perf_counter() - start < 0.4)
"""


def test_a_run_that_changes_nothing_is_quick_and_loads_nothing_heavy(project: Path) -> None:
    toy.run_toy(project)
    command = [sys.executable, "-c", COLD, str(project), str(Path(__file__).parent)]
    shown = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() for _ in range(2)]
    assert "4 True [] True" in shown


def test_the_process_reads_only_what_earlier_steps_left() -> None:
    names = [step.name for step in PROCESS.steps]
    assert names == ["define", "collect", "prepare", "design", "train", "tune", "operate"]
    for number, step in enumerate(PROCESS.steps):
        assert set(step.reads) <= set(names[:number])


# What a step's code may reach is in its key ------------------------------------------------------------------------------------


KEYED = [(step.module, step.rooms) for step in PROCESS.steps] + [(PROCESS.intake.split(":")[0], PROCESS.intake_rooms)]


@pytest.mark.parametrize(("module", "rooms_in_key"), KEYED, ids=[module for module, _ in KEYED])
def test_all_that_a_step_or_the_intake_imports_is_source_text_its_key_hashes(module: str, rooms_in_key: Sequence[str]) -> None:
    rooms = [fingerprints.PACKAGE / room for room in rooms_in_key]
    assert all(room.exists() for room in rooms)
    assert _source(module).exists()
    reached = _reached(module) - {_source("sevenstep.errors"), fingerprints.PACKAGE / "__init__.py"}
    assert {path for path in reached if not any(path.is_relative_to(room) for room in rooms)} == set()


def _source(module: str) -> Path:
    path = fingerprints.PACKAGE.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _reached(module: str) -> set[Path]:
    """The files of the package a module imports, directly or not, wherever in it the import stands."""
    reached: set[Path] = set()
    waiting = [module]
    while waiting:
        path = _source(waiting.pop())
        if path.exists() and path not in reached:
            reached.add(path)
            waiting += _imported(ast.parse(path.read_text(encoding="utf-8")))
    return reached


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return []
    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sevenstep"):
        return [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for child in ast.iter_child_nodes(node) for name in _imported(child)]
