"""Writing so that a crash at any moment leaves either the old state or the new one, never half of one.

Everything is written under a temporary name that its writer holds locked, synced, renamed, and the folder synced. The lock is the
kernel's (``flock``) and ends with its process, however that ends: what is left over and can be locked has no owner and may go. A
process id would be taken for the wrong process once ids are used again, or when two containers share a disk.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sevenstep.errors import InternalError

__all__ = [
    "PARTIAL", "claimed_folder", "make_folder", "remove_abandoned", "replace_file", "resolve_under", "sync", "write_synced",
]  # fmt: skip

PARTIAL = ".partial"


def resolve_under(root: Path, *parts: str) -> Path:
    """The path of ``parts`` below ``root``; raises InternalError where it would lead outside."""
    path = root.joinpath(*parts)
    if not path.resolve().is_relative_to(root.resolve()):
        given = f"the path {'/'.join(parts)} leads out of {root}"
        raise InternalError("STORE-PATH", given, "the store keeps everything below its root", "use a plain name")
    return path


def sync(path: Path) -> None:
    """Make sure that a file's bytes, or a folder's entries, are on the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_synced(path: Path, data: bytes) -> None:
    """Write a new file and sync it; the folder's entry is the caller's to sync."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def make_folder(path: Path) -> Path:
    """Make the folder (for its owner alone) where it is missing, with its entry in the parent synced."""
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
        sync(path.parent)
    return path


def replace_file(path: Path, data: bytes) -> None:
    """Give the file at ``path`` new content: readers see the old or the new, whole."""
    with _claimed(path.parent, f".{path.name}.", _make_file) as temporary:
        temporary.write_bytes(data)
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)


@contextmanager
def claimed_folder(parent: Path) -> Iterator[Path]:
    """An empty temporary folder, locked while it is filled; removed at the end unless it has been renamed."""
    with _claimed(parent, "", _make_folder) as folder:
        yield folder


def remove_abandoned(paths: Iterable[Path]) -> None:
    """Remove temporary files and folders whose writer is gone."""
    for path in paths:
        with suppress(OSError):
            _remove_unowned(path)


@contextmanager
def _claimed(parent: Path, prefix: str, make: Callable[[Path], None]) -> Iterator[Path]:
    path, handle = _claim(parent, prefix, make)
    try:
        yield path
    finally:
        _remove(path)
        os.close(handle)


def _claim(parent: Path, prefix: str, make: Callable[[Path], None]) -> tuple[Path, int]:
    """A new temporary path and the handle that keeps it locked."""
    while True:
        path = parent / f"{prefix}{secrets.token_hex(8)}{PARTIAL}"
        make(path)
        with suppress(FileNotFoundError):  # another process may take it for abandoned in the moment before it is locked
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            _lock_if_possible(handle)
            if path.exists():
                return path, handle
            os.close(handle)


def _lock_if_possible(handle: int) -> None:
    with suppress(OSError):  # on a file system without locks nothing can be told abandoned, so nothing is removed
        fcntl.flock(handle, fcntl.LOCK_EX)


def _remove_unowned(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(path)
    finally:
        os.close(handle)


def _make_file(path: Path) -> None:
    path.touch(mode=0o600, exist_ok=False)


def _make_folder(path: Path) -> None:
    path.mkdir(mode=0o700)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
