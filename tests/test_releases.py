"""Releases: numbered once, whole or not there, checked when they serve; and which of them serves whom."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from sevenstep import Project, __version__
from sevenstep.engine.lock import run_lock
from sevenstep.engine.store import Store
from sevenstep.errors import InputError, InputWarning
from sevenstep.live import releases as live
from sevenstep.live.releases import champion, publish, releases, serving
from sevenstep.work import Leaves
from small_projects import Told, project, sevenstep

WHAT_IF = ("--set", "forecast.horizon=10")


@pytest.fixture(autouse=True, scope="module")
def one_core() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEVENSTEP_CORES", "1")
        yield


class Model:
    """A model of two files."""

    def __init__(self, text: str) -> None:
        self.text = text

    def save(self, folder: Path) -> None:
        (folder / "inner").mkdir()
        (folder / "model.json").write_text(self.text, encoding="utf-8")
        (folder / "inner" / "trees.txt").write_text(self.text * 3, encoding="utf-8")


def released(store: Path, number: int, *overrides: str) -> live.Release:
    """Publish the model of run ``number``, with what overrides changed in it."""
    kept = Store(store)
    tune = kept.put(f"{number:064x}", Leaves(folders={"model": Model(f"model {number}")}), "step", "tune")
    said = {"project": "orders", "task": "forecast", "kpis": []}
    return publish(store, kept.put(f"{number + 1000:064x}", Leaves({"release": said}), "step", "operate"), tune, overrides)


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def fault(store: Path, *overrides: str) -> InputError:
    with pytest.raises(InputError) as error:
        serving(store, overrides).verified()
    assert "\n" not in error.value.sentence()
    return error.value


# Publishing -------------------------------------------------------------------------------------------------------------------


def test_the_manifest_says_what_it_was_made_of_with_what_and_when(tmp_path: Path) -> None:
    found = json.loads((released(tmp_path, 1, "seed=2").folder / "manifest.json").read_text(encoding="utf-8"))
    assert found["number"] == 1
    assert (found["project"], found["task"], found["sevenstep"]) == ("orders", "forecast", __version__)
    assert found["libraries"]["polars"] == version("polars")
    assert found["made"].endswith("+00:00")
    assert found["overrides"] == ["seed=2"]
    assert set(found["files"]) == {"model.json", "inner/trees.txt"}
    assert all(len(record["sha256"]) == 64 and record["size"] > 0 for record in found["files"].values())


def test_a_model_that_is_released_is_not_released_again_and_a_damaged_one_is(tmp_path: Path) -> None:
    assert [released(tmp_path, number).number for number in (1, 1, 2, 1)] == [1, 1, 2, 1]
    damage(released(tmp_path, 1).model_folder / "model.json")
    assert released(tmp_path, 1).number == 3
    assert champion(tmp_path).verified().number == 3


def test_release_ten_thousand_is_the_newest(tmp_path: Path) -> None:
    first = released(tmp_path, 1)
    first.folder.rename(first.folder.with_name("9999"))
    assert [released(tmp_path, number).number for number in (2, 3)] == [10000, 10001]
    assert [release.number for release in releases(tmp_path)] == [9999, 10000, 10001]
    assert champion(tmp_path).number == 10001


def test_drafts_of_killed_runs_are_cleaned_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    released(tmp_path, 1)
    folder = tmp_path / "releases"
    mine, dead, pointer = folder / "a.partial", folder / "b.partial", folder / ".champion.c.partial"
    (mine / "model").mkdir(parents=True)
    (dead / "model").mkdir(parents=True)
    (dead / "model" / "trees.txt").write_text("half", encoding="utf-8")
    pointer.touch()
    handle = os.open(mine, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    released(tmp_path, 1)
    os.close(handle)
    assert sorted(path.name for path in folder.iterdir()) == ["0001", "a.partial", "champion"]


def test_the_store_is_held_while_a_run_publishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def held(store: Path, *arguments: Any) -> live.Release:
        with pytest.raises(InputError, match="STORE-BUSY") as error, run_lock(store, "other"):
            pass
        told.append(error.value.code)
        return publish(store, *arguments)

    monkeypatch.setattr(live, "publish", held)
    assert Project(project(tmp_path / "small")).run().release == 1
    assert told == ["STORE-BUSY"]


# Damage -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["model.json", "inner/trees.txt"])
def test_a_changed_byte_of_the_champion_is_told(name: str, tmp_path: Path) -> None:
    damage(released(tmp_path, 1).model_folder / name)
    error = fault(tmp_path)
    assert error.code == "RELEASE-DAMAGED"
    assert error.given == f"release 1 is damaged: {name} does not match its checksum"


def test_a_lost_or_added_file_of_the_champion_is_told(tmp_path: Path) -> None:
    folder = released(tmp_path, 1).model_folder
    (folder / "extra.json").touch()
    assert fault(tmp_path).given.endswith("extra.json was added")
    (folder / "extra.json").unlink()
    (folder / "model.json").unlink()
    assert fault(tmp_path).given.endswith("model.json is missing")


def test_a_champion_that_is_gone_or_unreadable_is_told_and_the_next_run_puts_another_there(tmp_path: Path) -> None:
    first = released(tmp_path, 1)
    shutil.rmtree(first.folder)
    assert fault(tmp_path).code == "RELEASE-GONE"
    assert "release '1', which is not there" in fault(tmp_path).given
    second = released(tmp_path, 2, "seed=2")
    assert champion(tmp_path).number == second.number
    (second.folder / "manifest.json").write_text('{"number": 1', encoding="utf-8")
    assert fault(tmp_path).code == "RELEASE-GONE"
    (tmp_path / "releases" / "champion").write_text("the best", encoding="utf-8")
    assert "release 'the best'" in fault(tmp_path).given


# Which release serves ---------------------------------------------------------------------------------------------------------


def test_a_what_if_leaves_the_champion_and_a_plain_run_replaces_it(tmp_path: Path) -> None:
    served = []
    for number, overrides in enumerate([(), ("a=1",), ("a=2",), (), ("a=1",)], start=1):
        assert released(tmp_path, number, *overrides).number == number
        served.append(champion(tmp_path).number)
    assert served == [1, 1, 1, 4, 4]


def test_where_the_champion_is_a_what_if_the_next_of_the_same_replaces_it(tmp_path: Path) -> None:
    served = []
    for number, overrides in enumerate([("a=1",), ("a=2",), ("a=1",), ("a=1", "b=2"), ()], start=1):
        released(tmp_path, number, *overrides)
        served.append(champion(tmp_path).number)
    assert served == [1, 1, 3, 3, 5]


def test_the_newest_release_of_the_same_overrides_serves(tmp_path: Path) -> None:
    for number, overrides in enumerate([(), ("a=1",), ("a=1",), ("a=2",)], start=1):
        released(tmp_path, number, *overrides)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [serving(tmp_path, overrides).number for overrides in ((), ("a=1",), ("a=2",))] == [1, 3, 4]
    with pytest.warns(InputWarning, match="no release was made with --set a=3, so release 1, the champion, serves") as caught:
        assert serving(tmp_path, ("a=3",)).number == 1
    assert len(caught) == 1


def test_the_same_run_under_other_overrides_is_a_release_of_its_own(tmp_path: Path) -> None:
    assert released(tmp_path, 1, "horizon=28").number == 1
    assert released(tmp_path, 1).number == 2  # the spec now says what the flag said before
    assert champion(tmp_path).number == 2


def test_a_password_in_an_override_is_no_part_of_the_release(tmp_path: Path) -> None:
    override = "data.source=postgresql://me:hidden@host/db"
    made = released(tmp_path, 1, override)
    assert "hidden" not in (made.folder / "manifest.json").read_text(encoding="utf-8")
    assert serving(tmp_path, (override,)).number == 1


# On the command line ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def what_if(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Told]:
    """A project that was run, and then once more with a longer horizon; what that run printed."""
    folder = project(tmp_path_factory.mktemp("what-if") / "small")
    assert sevenstep("run", folder, "--quiet").code == 0
    return folder, sevenstep("run", folder, "--quiet", *WHAT_IF)


def test_a_what_if_ends_with_which_release_is_champion_and_how_to_predict_with_this_one(what_if: tuple[Path, Told]) -> None:
    _, told = what_if
    assert told.out.splitlines()[7:9] == [
        "release 2 was made with --set forecast.horizon=10; the champion is still release 1",
        "predict with release 2: sevenstep predict --set forecast.horizon=10 --output predictions.csv",
    ]
    ended = json.loads(sevenstep("run", what_if[0], "--json", *WHAT_IF).out)
    assert (ended["release"], ended["champion"]) == (2, 1)


@pytest.mark.parametrize(("flags", "number"), [((), 1), (WHAT_IF, 2)])
def test_predictions_are_those_of_the_release_made_with_the_same_flags(
    flags: tuple[str, ...], number: int, what_if: tuple[Path, Told], tmp_path: Path
) -> None:
    told = sevenstep("predict", what_if[0], "--output", tmp_path / "out.csv", *flags)
    assert told.out == f"21 predictions of release {number} written to {tmp_path / 'out.csv'}\n"
    assert told.err == ""
    assert sevenstep("explain", what_if[0], "--series", "shop=b", "--date", "2024-05-01", *flags).err == ""


def test_flags_that_no_release_was_made_with_are_told_on_the_error_stream(what_if: tuple[Path, Told]) -> None:
    told = sevenstep("predict", what_if[0], "--json", "--set", "seed=5")
    assert len(json.loads(told.out)) == 21
    said = "no release was made with --set seed=5, so release 1, the champion, serves; sevenstep run --set seed=5 makes one"
    assert told.err == f"warning: {said}\n"


def test_a_damaged_release_predicts_nothing_and_says_so_in_one_sentence(what_if: tuple[Path, Told], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(what_if[0], tmp_path / "small"))
    damage(folder / ".sevenstep" / "releases" / "0001" / "model" / "model.json")
    for command in (("predict", folder), ("explain", folder, "--series", "shop=b", "--date", "2024-05-01")):
        told = sevenstep(*command)
        assert told.code == 2
        assert told.err.startswith("release 1 is damaged: model.json does not match its checksum; a release never changes; run")
    assert sevenstep("run", folder, "--quiet").code == 0
    assert sevenstep("predict", folder, "--output", tmp_path / "out.csv").out.startswith("21 predictions of release 3 ")
