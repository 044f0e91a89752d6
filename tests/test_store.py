"""The store keeps whole artifacts or none, whatever happens while it writes."""

from __future__ import annotations

import fcntl
import hashlib
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from helpers_engine import Text, chapter
from sevenstep.engine import artifact
from sevenstep.engine.artifact import BrokenArtifact
from sevenstep.engine.durable import replace_file, resolve_under
from sevenstep.engine.manifest import FileRecord, record_file
from sevenstep.engine.stat_cache import StatCache
from sevenstep.engine.store import Store
from sevenstep.errors import InternalError
from sevenstep.work import Leaves

FINGERPRINT, OTHER = "ab" * 32, "cd" * 32
LEAVES = Leaves(
    json={"value": {"b": [1, 2.5, None], "a": "서울"}}, folders={"model": Text("weights")}, headline="fine", gate="met"
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_what_was_put_is_read_back_the_same(store: Store) -> None:
    frame = pl.DataFrame({"day": [date(2026, 1, 1), None], "sales": [1.5, math.inf], "shop": ["a", "b"]})
    said = chapter("train", "It works.", [{"figure": 1}])
    store.put(
        FINGERPRINT,
        Leaves({"value": [1]}, {"scores": frame}, {"model": Text("w")}, "h", "met", said, {"seconds": 2.0}),
        "step",
        "train",
    )
    found = store.open(FINGERPRINT)
    assert found.json("value") == [1]
    assert_frame_equal(found.frame("scores"), frame)
    assert (found.folder("model") / "inner" / "text.txt").read_text() == "w"
    assert (found.headline, found.gate, found.name, dict(found.measured)) == ("h", "met", "train", {"seconds": 2.0})
    restored = found.chapter()
    assert restored is not None
    assert restored.blocks[0].title == "Figures"
    assert [found.has(name) for name in ("value", "scores", "model", "none", "val")] == [True, True, True, False, False]


def test_the_manifest_holds_the_checksum_of_every_file(store: Store) -> None:
    store.put(FINGERPRINT, LEAVES, "job", "fit")
    folder = store.root / "objects" / "ab" / FINGERPRINT
    records = json.loads((folder / "manifest.json").read_text())["files"]
    on_disk = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    del on_disk["manifest.json"]
    assert records.keys() == on_disk.keys() == {"value.json", "model/inner/text.txt"}
    for name, path in on_disk.items():
        assert records[name] == {"size": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def test_json_is_canonical_utf8(store: Store) -> None:
    store.put(FINGERPRINT, LEAVES, "job", "fit")
    raw = (store.root / "objects" / "ab" / FINGERPRINT / "value.json").read_bytes()
    assert raw == '{"a":"서울","b":[1,2.5,null]}'.encode()


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"kpis": [{"value": math.nan}]}, "value.kpis[0].value is the float nan"),
        ([1.0, [math.inf]], "value[1][0] is the float inf"),
        ({"when": date(2026, 1, 1)}, "value.when is of type datetime.date"),
        ({"text": "\ud800"}, "value.text is text that UTF-8 cannot hold"),
    ],
)
def test_a_value_without_a_json_form_is_named_by_its_path_and_nothing_is_kept(store: Store, value: object, path: str) -> None:
    with pytest.raises(InternalError) as error:
        store.put(FINGERPRINT, Leaves(json={"value": value}), "job", "fit")
    assert path in error.value.sentence()
    assert not store.has(FINGERPRINT)
    assert list((store.root / "temporary").iterdir()) == []


@pytest.mark.parametrize("name", ["../escape", "a/b", "", ".hidden", "a\n", "x" * 81, "manifest", "chapter"])
def test_a_leaf_cannot_be_called_what_is_no_plain_file_name(store: Store, name: str) -> None:
    with pytest.raises(InternalError, match="STORE-NAME"):
        store.put(FINGERPRINT, Leaves(json={name: 1}), "job", "fit")


def test_a_leaf_may_be_called_by_any_word_a_person_gave_a_source(store: Store) -> None:
    store.put(FINGERPRINT, Leaves(json={"vintages_판매 (2026)": 1}), "job", "fit")
    assert store.open(FINGERPRINT).json("vintages_판매 (2026)") == 1


@pytest.mark.parametrize("fingerprint", ["../../etc", "ab", "AB" * 32, "ab" * 32 + "\n"])
def test_only_fingerprints_are_looked_up(store: Store, fingerprint: str) -> None:
    with pytest.raises(InternalError, match="STORE-FINGERPRINT"):
        store.has(fingerprint)


def test_a_path_that_leads_out_of_the_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path)
    assert resolve_under(tmp_path / "root", "a", "b") == tmp_path / "root" / "a" / "b"
    for parts in (("..", "other"), ("/etc/passwd",), ("link", "file")):
        with pytest.raises(InternalError, match="STORE-PATH"):
            resolve_under(tmp_path / "root", *parts)


def test_a_folder_that_holds_a_link_is_refused(store: Store, tmp_path: Path) -> None:
    class Linking:
        def save(self, folder: Path) -> None:
            (folder / "link").symlink_to(tmp_path)

    with pytest.raises(InternalError, match="STORE-LINK"):
        store.put(FINGERPRINT, Leaves(folders={"model": Linking()}), "job", "fit")


def test_the_first_artifact_stays_when_the_same_is_put_again(store: Store) -> None:
    store.put(FINGERPRINT, Leaves(json={"value": 1}), "job", "fit")
    assert store.put(FINGERPRINT, Leaves(json={"value": 2}), "job", "fit").json("value") == 1


def test_folders_are_for_their_owner_alone(store: Store) -> None:
    store.put(FINGERPRINT, LEAVES, "job", "fit")
    folders = [store.root, *(path for path in store.root.rglob("*") if path.is_dir())]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}
    assert any(path.name == "inner" for path in folders)


def test_the_content_hash_leaves_out_what_was_measured_and_by_whom(store: Store) -> None:
    first = store.put(FINGERPRINT, Leaves({"value": 1}, measured={"seconds": 1.0}), "step", "train")
    second = store.put(OTHER, Leaves({"value": 1}, measured={"seconds": 9.0}), "step", "train")
    third = store.put("ef" * 32, Leaves({"value": 2}), "step", "train")
    assert first.content_hash() == second.content_hash() != third.content_hash()


def test_a_frame_has_the_same_bytes_whatever_its_chunks(store: Store) -> None:
    frame = pl.DataFrame({"number": range(300_000)})
    pieces = pl.concat([frame.slice(0, 7), frame.slice(7)], rechunk=False)
    hashes = {
        store.put(key, Leaves(frames={"scores": one}), "step", "train").content_hash()
        for key, one in ((FINGERPRINT, frame), (OTHER, pieces))
    }
    assert len(hashes) == 1


# Damage -----------------------------------------------------------------------------------------------------------------------


def flip_a_byte(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(bytes(raw))


def cut_in_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("name", ["value.json", "scores.parquet", "model/inner/text.txt"])
def test_a_changed_byte_is_noticed_when_the_file_is_read_and_the_artifact_made_again(store: Store, name: str) -> None:
    leaves = Leaves({"value": [1, 2, 3]}, {"scores": pl.DataFrame({"a": [1]})}, {"model": Text("weights")})
    store.put(FINGERPRINT, leaves, "job", "fit")
    flip_a_byte(store.root / "objects" / "ab" / FINGERPRINT / name)
    damaged = store.open(FINGERPRINT)
    reads: dict[str, Callable[[str], object]] = {"value": damaged.json, "scores": damaged.frame, "model": damaged.folder}
    leaf = name.split(".")[0].split("/")[0]
    for other in reads.keys() - {leaf}:
        reads[other](other)
    with pytest.raises(BrokenArtifact) as error:
        reads[leaf](leaf)
    assert error.value.fingerprint == FINGERPRINT
    assert not store.has(FINGERPRINT)
    assert len(list((store.root / "broken").iterdir())) == 1
    store.put(FINGERPRINT, leaves, "job", "fit").verify()


@pytest.mark.parametrize(
    ("name", "damage"),
    [("value.json", cut_in_half), ("value.json", Path.unlink), ("manifest.json", flip_a_byte), ("manifest.json", Path.unlink)],
)
def test_a_cut_or_missing_file_or_a_damaged_manifest_counts_as_absent_at_once(
    store: Store, name: str, damage: Callable[[Path], None]
) -> None:
    store.put(FINGERPRINT, LEAVES, "job", "fit")
    damage(store.root / "objects" / "ab" / FINGERPRINT / name)
    assert store.find(FINGERPRINT) is None
    with pytest.raises(BrokenArtifact):
        store.open(FINGERPRINT)
    store.put(FINGERPRINT, LEAVES, "job", "fit").verify()


def test_every_byte_of_the_manifest_is_sealed(store: Store) -> None:
    store.put(FINGERPRINT, LEAVES, "job", "fit")
    path = store.root / "objects" / "ab" / FINGERPRINT / "manifest.json"
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.parent.mkdir(exist_ok=True)
        changed = bytearray(whole)
        changed[place] ^= 2
        store.put(FINGERPRINT, LEAVES, "job", "fit")
        path.write_bytes(bytes(changed))
        assert store.find(FINGERPRINT) is None, f"byte {place}"


def test_a_file_is_hashed_once_in_a_process_and_again_when_it_has_changed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    hash_file = record_file

    def counting(path: Path) -> FileRecord:
        hashed.append(path.name)
        return hash_file(path)

    store.put(FINGERPRINT, LEAVES, "job", "fit")
    monkeypatch.setattr(artifact, "record_file", counting)
    for _ in range(3):
        store.open(FINGERPRINT).folder("model")
    assert hashed == ["text.txt"]
    path = store.root / "objects" / "ab" / FINGERPRINT / "model" / "inner" / "text.txt"
    os.utime(path, ns=(1, 1))
    flip_a_byte(path)
    with pytest.raises(BrokenArtifact):
        store.open(FINGERPRINT).folder("model")


def test_verify_finds_what_is_damaged_and_only_that(store: Store) -> None:
    store.put(FINGERPRINT, LEAVES, "job", "fit")
    store.put(OTHER, LEAVES, "job", "fit")
    flip_a_byte(store.root / "objects" / "cd" / OTHER / "value.json")
    assert store.verify() == [OTHER]
    assert store.verify() == []
    assert store.has(FINGERPRINT)


# Crashes ----------------------------------------------------------------------------------------------------------------------


def crash_at(number: int, action: Callable[[], object]) -> bool:
    """Run ``action`` in a forked process that dies at its ``number``-th write boundary; True when it came to its end.

    Boundaries are every file opened to be written, folder made, rename, removal and sync. At a sync of a file half of its bytes
    are lost, as they may be when the power goes before it.
    """
    child = os.fork()
    if child == 0:
        _count_down(number)
        action()
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9)
    return code == 0


def _count_down(number: int) -> None:
    left, sync = [number], os.fsync

    def step() -> bool:
        left[0] -= 1
        return left[0] <= 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        written = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if (written or event in ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate")) and step():
            os._exit(9)

    def torn_sync(handle: int) -> None:
        if step():
            path = Path(f"/proc/self/fd/{handle}").readlink()
            if path.is_file():
                left[0] = sys.maxsize
                cut_in_half(path)
            os._exit(9)
        sync(handle)

    os.fsync = torn_sync  # type: ignore[assignment]  # the process is forked for this
    sys.addaudithook(watch)


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="names open files through /proc")


@needs_proc
def test_a_crash_at_any_write_leaves_what_was_there_and_all_or_nothing_of_what_is_new(tmp_path: Path) -> None:
    Store(tmp_path / "store").put(OTHER, LEAVES, "job", "earlier")
    outcomes = set()
    for number in range(1, 200):
        ended = crash_at(number, lambda: Store(tmp_path / "store").put(FINGERPRINT, LEAVES, "job", "fit"))
        store = Store(tmp_path / "store")
        store.clean()
        store.open(OTHER).verify()
        outcomes.add(store.has(FINGERPRINT))
        assert store.verify() == []
        assert not (store.root / "broken").exists()
        assert list((store.root / "temporary").iterdir()) == []
        store.put(FINGERPRINT, LEAVES, "job", "fit").verify()
        if ended:
            break
        (store.root / "objects" / "ab" / FINGERPRINT).rename(tmp_path / f"made-{number}")
    assert ended
    assert number > 12
    assert outcomes == {False, True}


@needs_proc
def test_a_crash_while_a_file_is_replaced_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    path = store.root / "stat-cache.json"
    seen = set()
    for number in range(1, 30):
        replace_file(path, b"old content")
        ended = crash_at(number, lambda: replace_file(path, b"new content"))
        store.clean()
        seen.add(path.read_bytes())
        assert [one.name for one in store.root.iterdir() if one.is_file()] == ["stat-cache.json"]
        if ended:
            break
    assert ended
    assert seen == {b"old content", b"new content"}


def test_every_file_and_folder_is_synced_before_the_rename_and_the_parent_after(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    before_rename: set[int] = set()
    sync, rename = os.fsync, Path.rename

    def recording_sync(handle: int) -> None:
        synced.append(os.fstat(handle).st_ino)
        sync(handle)

    def recording_rename(path: Path, target: Path) -> Path:
        before_rename.update(synced)
        synced.clear()
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", recording_sync)
    monkeypatch.setattr(Path, "rename", recording_rename)
    store.put(FINGERPRINT, LEAVES, "job", "fit")
    folder = store.root / "objects" / "ab" / FINGERPRINT
    assert {path.stat().st_ino for path in (folder, *folder.rglob("*"))} <= before_rename
    assert folder.parent.stat().st_ino in synced


def test_what_a_living_process_is_writing_is_not_cleaned_away(store: Store) -> None:
    mine, dead = store.root / "temporary" / "a.partial", store.root / "temporary" / "b.partial"
    mine.mkdir()
    dead.mkdir()
    (dead / "file").write_text("left over")
    handle = os.open(mine, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    store.clean()
    os.close(handle)
    assert mine.exists()
    assert not dead.exists()


PUT_MANY = """
import sys, pathlib
from sevenstep.engine.store import Store
from sevenstep.work import Leaves
store = Store(pathlib.Path(sys.argv[1]))
sys.stdin.read()
for number in range(40):
    store.clean()
    store.put(f"{number:064x}", Leaves(json={"value": [sys.argv[2]] * 50}), "job", "fit").verify()
"""


def test_processes_that_put_the_same_at_once_all_succeed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PUT_MANY, str(tmp_path / "store")]
    processes = [subprocess.Popen([*command, name], stdin=subprocess.PIPE) for name in "xyz"]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    store = Store(tmp_path / "store")
    assert store.verify() == []
    values = [store.open(f"{number:064x}").json("value") for number in range(40)]
    assert all(len(set(value)) == 1 and len(value) == 50 for value in values)
    assert list((store.root / "temporary").iterdir()) == []
    assert not (store.root / "broken").exists()


def test_the_engine_is_imported_without_polars_numpy_or_joblib() -> None:
    code = "import sys, sevenstep.engine.run; print({'polars', 'numpy', 'joblib', 'rich'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


# Stat cache -------------------------------------------------------------------------------------------------------------------


def test_the_stat_cache_remembers_the_newest_state_of_each_file(tmp_path: Path) -> None:
    cache = StatCache(tmp_path / "stat-cache.json")
    cache["a.csv", 10, 1] = "old"
    cache["a.csv", 12, 2] = "new"
    cache["b.csv", 5, 3] = "other"
    del cache["b.csv", 5, 3]
    cache.save()
    again = StatCache(tmp_path / "stat-cache.json")
    assert dict(again) == {("a.csv", 12, 2): "new"}
    assert ("a.csv", 10, 1) not in again


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"a": 1}', b"\xff"])
def test_a_damaged_stat_cache_is_an_empty_one(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "stat-cache.json").write_bytes(content)
    assert len(StatCache(tmp_path / "stat-cache.json")) == 0
