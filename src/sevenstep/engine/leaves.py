"""Writes what a step or job leaves as plain files: JSON, Parquet, and folders that save themselves."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from sevenstep.chapter import chapter_to_json
from sevenstep.engine.artifact import CHAPTER
from sevenstep.engine.canonical import canonical_json
from sevenstep.engine.durable import sync, write_synced
from sevenstep.engine.manifest import FileRecord, record_file
from sevenstep.errors import InternalError
from sevenstep.work import Leaves, Saves

if TYPE_CHECKING:
    import polars as pl

__all__ = ["MANIFEST", "write_leaves"]

MANIFEST = "manifest.json"
_NAME = re.compile(r"[^/\x00-\x1f.][^/\x00-\x1f]{0,79}")
_ROWS_PER_GROUP = 1 << 17  # fixed, so that a frame's bytes do not depend on the number of threads


def write_leaves(leaves: Leaves, folder: Path) -> dict[str, FileRecord]:
    """Write all of ``leaves`` into the empty ``folder``, synced; the record of each file by its path below it."""
    _check_names(leaves)
    for name, value in leaves.json.items():
        write_synced(folder / f"{name}.json", canonical_json(value, name))
    if leaves.chapter is not None:
        write_synced(folder / CHAPTER, canonical_json(chapter_to_json(leaves.chapter), "chapter"))
    for name, frame in leaves.frames.items():
        _write_frame(frame, folder / f"{name}.parquet")
    for name, saves in leaves.folders.items():
        _write_folder(saves, folder / name)
    return {path.relative_to(folder).as_posix(): record_file(path) for path in _files(folder)}


def _write_frame(frame: pl.DataFrame, path: Path) -> None:
    frame.rechunk().write_parquet(path, compression="zstd", row_group_size=_ROWS_PER_GROUP)
    sync(path)


def _write_folder(saves: Saves, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    saves.save(folder)
    for path in _files(folder):
        sync(path)
    for place, _, _ in os.walk(folder):
        Path(place).chmod(0o700)
        sync(Path(place))


def _files(folder: Path) -> list[Path]:
    """All files below ``folder``, sorted; raises InternalError for a link, which could lead out of the store."""
    found = sorted(Path(place, name) for place, folders, names in os.walk(folder) for name in (*names, *folders))
    for path in found:
        if path.is_symlink():
            raise InternalError("STORE-LINK", f"{path.name} is a link", "an artifact holds plain files", "write the file itself")
    return [path for path in found if path.is_file()]


def _check_names(leaves: Leaves) -> None:
    for name in (*leaves.json, *leaves.frames, *leaves.folders):
        if not _NAME.fullmatch(name):
            raise InternalError(
                "STORE-NAME",
                f"a leaf is called {name!r}",
                "it names a file",
                "use up to 80 characters without / or a leading point",
            )
    for name in leaves.json:
        if f"{name}.json" in (CHAPTER, MANIFEST):
            raise InternalError(
                "STORE-NAME", f"a JSON leaf is called '{name}'", "the store keeps that name", "choose another one"
            )
