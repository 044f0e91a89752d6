"""A folder that observations arrive in: each file is taken in once, then moved aside.

A file is moved only after the ledger has it; a crash between the two brings the same content again, which changes nothing. Files
still being written are left alone: hidden ones, partial ones, and those that have changed in the last seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sevenstep.engine.durable import make_folder, replace_file, sync
from sevenstep.errors import InputError
from sevenstep.live.jobs.timetable import Dues
from sevenstep.live.observing import observe
from sevenstep.live.operation import Operation
from sevenstep.live.recording import Arrival
from sevenstep.live.releases import champion
from sevenstep.wording import counted

__all__ = ["DONE", "SET_ASIDE", "Arrivals", "take_in"]

DONE, SET_ASIDE = "done", "set-aside"
_SETTLED = timedelta(seconds=5)
_UNFINISHED = {".crdownload", ".filepart", ".part", ".partial", ".tmp"}


@dataclass(frozen=True)
class Arrivals:
    """Due whenever files lie in a folder; a timetable of what nobody can foresee."""

    folder: Path

    def dues(self, after: datetime, until: datetime) -> Dues | None:
        """See `timetable.Timetable`. A folder that cannot be read is for `take_in` to tell."""
        try:
            waits = bool(_waiting(self.folder, until))
        except OSError:
            waits = True
        return Dues(until, 1) if waits and until > after else None

    def following(self, after: datetime) -> None:
        """See `timetable.Timetable`."""


def take_in(operation: Operation, folder: Path, now: datetime) -> str:
    """Take in the files that wait in a folder and move each to ``done``, or to ``set-aside`` with the reason beside it.

    Args:
        operation: the project after release.
        folder: where files arrive.
        now: the moment.

    Returns:
        What came of it, in a sentence.

    Raises:
        InputError: there is no release, so that no file can be told right or wrong; all stay where they are.
        OSError: the folder cannot be read or written.
    """
    champion(operation.store)
    arrived: list[Arrival] = []
    refused: list[str] = []
    for path in _waiting(folder, now):
        try:
            arrived.append(observe(operation, path, path.name, now))
            _move(path, folder / DONE)
        except InputError as error:
            moved = _move(path, folder / SET_ASIDE)
            replace_file(moved.with_name(f"{moved.name}.txt"), f"{error.sentence()}\n".encode())  # beside it, for a person
            refused.append(f"{path.name} set aside: {error.sentence()}")
    return "; ".join([_taken(arrived), *refused])


def _waiting(folder: Path, now: datetime) -> Sequence[Path]:
    """Files that are whole, by name."""
    return sorted(path for path in folder.iterdir() if path.is_file() and _whole(path, now))


def _whole(path: Path, now: datetime) -> bool:
    if path.name.startswith(".") or path.suffix.lower() in _UNFINISHED:
        return False
    age = now - datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return not timedelta(0) <= age < _SETTLED  # a time to come is that of another clock


def _move(path: Path, folder: Path) -> Path:
    """Move a file, beside those of the same name that came before."""
    make_folder(folder)
    target, number = folder / path.name, 1
    while target.exists():
        number += 1
        target = folder / f"{path.stem}-{number}{path.suffix}"
    path.rename(target)
    sync(folder)
    sync(path.parent)
    return target


def _taken(arrived: Sequence[Arrival]) -> str:
    if not arrived:
        return "no file taken in"
    new, corrections, aside = (sum(getattr(one, name) for one in arrived) for name in ("new", "corrections", "set_aside"))
    rows = f"{counted(new, 'new row')}, {counted(corrections, 'correction')}, {counted(aside, 'row')} set aside"
    return f"{counted(len(arrived), 'file')} taken in: {rows}"
