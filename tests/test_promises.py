"""What the project promises whatever happens: the same result twice, nothing sent anywhere, no code in what it writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from small_projects import SEARCHED, SPEC, changed, project, rows, sevenstep, table

RUN = "from sevenstep.cli.main import main; main()"
HEAVY = ("polars", "numpy", "scipy", "lightgbm", "joblib", "sevenstep.tasks.forecast.task", "jinja2", "rich")

NO_NETWORK = '''
import sys

LOCAL = ("127.0.0.1", "::1", "localhost")

def refuse(event, args):
    """No name is looked up and no address outside of this machine is reached."""
    if event in ("socket.getaddrinfo", "socket.gethostbyname") and args[0] not in (None, *LOCAL):
        raise PermissionError(f"{event} {args[0]}")
    if event in ("socket.connect", "socket.sendto") and isinstance(args[1], tuple) and args[1][0] not in LOCAL:
        raise PermissionError(f"{event} {args[1]}")

sys.addaudithook(refuse)
'''


def call(*words: str | Path, code: str = RUN, **changes: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, with variables of the environment changed."""
    environment = {**os.environ, **changes}
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False, env=environment)


def python_path(folder: Path) -> str:
    return os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])


@pytest.fixture(scope="module")
def isolated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Mapping[str, str]]:
    """An environment in which this process and its workers reach no other machine."""
    folder = tmp_path_factory.mktemp("isolated")
    (folder / "sitecustomize.py").write_text(NO_NETWORK, encoding="utf-8")
    return folder, {"PYTHONPATH": python_path(folder)}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, isolated: tuple[Path, Mapping[str, str]]) -> list[Path]:
    """The same project in two folders, each run to its end: one in this process, one with workers and without a network."""
    spec = SPEC.replace("60s", "6min")
    alone, apart = (project(tmp_path_factory.mktemp(name) / "small", spec=spec, design=SEARCHED) for name in ("alone", "apart"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEVENSTEP_CORES", "1")
        told = sevenstep("run", alone, "--json").out
    ended = call("run", apart, "--json", **isolated[1], SEVENSTEP_CORES="2")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for folder, text in ((alone, told), (apart, ended.stdout)):
        (folder / "result.json").write_text(text, encoding="utf-8")
    return [alone, apart]


def result(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return found


def test_the_same_spec_data_and_seed_give_the_same_report(runs: list[Path]) -> None:
    first, second = map(result, runs)
    assert first["report_hash"] == second["report_hash"]


def test_one_changed_value_gives_another_report(tmp_path: Path) -> None:
    data = [table(rows()), table(changed(rows(), 5, sales=77.7))]
    folders = [project(tmp_path / str(place), text) for place, text in enumerate(data)]
    hashes = {json.loads(sevenstep("run", folder, "--until", "collect", "--json").out)["report_hash"] for folder in folders}
    assert len(hashes) == 2


def test_the_runs_above_could_reach_no_other_machine(isolated: tuple[Path, Mapping[str, str]]) -> None:
    attempt = "import socket; socket.create_connection(('192.0.2.1', 80), 1)"
    for code in (attempt, f"import joblib\njoblib.Parallel(2)(joblib.delayed(exec)({attempt!r}) for _ in range(2))"):
        ended = call(code=code, **isolated[1])
        assert ended.returncode != 0
        assert "PermissionError" in ended.stderr


def test_what_a_run_writes_holds_no_code(runs: list[Path]) -> None:
    plain = {".json", ".jsonl", ".parquet", ".npy", ".html", ".yaml", ".txt", ".csv", ".sqlite"}
    written = [path for folder in runs for path in folder.rglob("*") if path.is_file()]
    assert len(written) > 100
    assert {path.suffix for path in written} - {""} <= plain
    assert {path.name for path in written if not path.suffix} <= {"champion", "lock", ".moving"}
    pickled = [path for path in written if path.read_bytes()[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")]
    assert pickled == []
    for path in written:
        if path.suffix == ".npy":
            np.load(path, allow_pickle=False)  # raises where objects were pickled into the array


def test_an_unchanged_run_loads_nothing_heavy(runs: list[Path]) -> None:
    last = (
        f"import atexit, sys\natexit.register(lambda: print('loaded', [n for n in {HEAVY} if n in sys.modules], file=sys.stderr))"
    )
    ended = call("run", runs[0], code=f"{last}\n{RUN}")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("cached") == 7
    assert ended.stderr.rstrip().endswith("loaded []")


def test_a_run_leaves_the_project_folder_as_it_was(runs: list[Path]) -> None:
    assert {path.name for path in runs[0].iterdir()} == {"sales.csv", "sevenstep.yaml", ".sevenstep", "result.json"}
