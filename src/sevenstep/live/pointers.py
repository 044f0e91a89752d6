"""Which release serves, and who decided it: promotion, rollback, and what a run may move.

A move is one transaction of the ledger (the decision and the pointer), then the file that predictions are served by. A crash
between the two leaves a file that is behind; `settle` lets it follow.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sevenstep.errors import InputError
from sevenstep.live.ledger.decisions import Decision, decide, read_decisions
from sevenstep.live.ledger.ledger import Ledger
from sevenstep.live.ledger.tables import pointers
from sevenstep.live.operation import Operation
from sevenstep.live.releases import CHAMPION, Release, champion, point, releases, sound_release

__all__ = ["CHALLENGER", "challenge", "crown_by_run", "move", "pointed", "promote", "rollback", "served", "settle"]

CHALLENGER = "challenger"
_MOVES = ("adopt", "release", "promote", "rollback")


def promote(operation: Operation, number: int, actor: str, now: datetime, evidence: Mapping[str, Any] | None = None) -> Release:
    """Let a release serve; where it serves already, nothing is decided.

    Args:
        operation: the project after release.
        number: of the release.
        actor: who or what decides: ``owner``, ``rule``.
        now: when.
        evidence: the figures the decision rests on.

    Raises:
        InputError: ``RELEASE-NO-SUCH``, ``RELEASE-DAMAGED``: a release that is not whole never serves.
    """
    settle(operation)
    release = sound_release(operation.store, number)
    with operation.ledger.writing() as connection:
        before = pointed(connection)
        if before != number:
            move(connection, release, before, ("promote", actor, f"release {number} serves"), now, evidence or {})
    settle(operation)
    return release


def rollback(operation: Operation, actor: str, now: datetime, evidence: Mapping[str, Any] | None = None) -> Release:
    """Let the release serve that served before; damaged ones and those that are gone are passed over.

    Rolling back again goes back further: what was rolled back from counts as tried and left.

    Raises:
        InputError: ``ROLLBACK-NONE``, no release that served before is whole.
    """
    settle(operation)
    with operation.ledger.writing() as connection:
        now_serving, *before = reversed(_trail(read_decisions(connection)))
        release, passed = _newest_sound(operation.store, before)
        if release is None:
            given = f"before release {now_serving} served {_listed(before)}"
            fix = "run sevenstep run, or name a release with sevenstep promote"
            raise InputError("ROLLBACK-NONE", given, "a rollback needs a whole release that served before", fix)
        said = ("rollback", actor, f"release {release.number} serves again in place of release {now_serving}")
        move(connection, release, now_serving, said, now, {**(evidence or {}), "passed_over": passed})
    settle(operation)
    return release


def settle(operation: Operation) -> None:
    """Finish what a crash cut short: the file of the champion follows the ledger; a ledger without champion adopts the file's.

    Called at the start of every live command; where both agree it reads twice and writes nothing.
    """
    store, ledger = operation.store, operation.ledger
    with ledger.reading() as connection:
        number = pointed(connection)
    if number is None:
        number = _adopted(store, ledger)
    if number is None or _in_file(store) == number:
        return
    with _moving(store), ledger.reading() as connection:
        latest = pointed(connection)
        if latest is not None and any(release.number == latest for release in releases(store)):
            point(store, latest)


def crown_by_run(operation: Operation, release: Release, now: datetime, *, new: bool) -> None:
    """Let the release of a run serve, as far as a run may: what a person or a rule promoted or rolled back to since stays, unless
    the run made its release just now.
    """
    settle(operation)
    with operation.ledger.writing() as connection:
        before = pointed(connection)
        if before == release.number or (not new and _chosen_since(operation.store, connection)):
            return
        evidence = {"kpis": release.manifest.get("kpis", []), "overrides": list(release.overrides)}
        move(connection, release, before, ("release", "run", f"release {release.number} serves, made by a run"), now, evidence)
    settle(operation)


def _chosen_since(store: Path, connection: sa.Connection) -> bool:
    """Whether the release that serves was promoted or rolled back to, and is there."""
    moves = [decision for decision in read_decisions(connection) if decision.kind in _MOVES]
    there = {release.number for release in releases(store)}
    return bool(moves) and moves[-1].kind in ("promote", "rollback") and moves[-1].evidence["release"] in there


def challenge(connection: sa.Connection, number: int | None, now: datetime) -> None:
    """Name the challenger, or none."""
    connection.execute(pointers.delete().where(pointers.c.name == CHALLENGER))
    if number is not None:
        connection.execute(pointers.insert().values(name=CHALLENGER, release=number, since=now))


def pointed(connection: sa.Connection, name: str = CHAMPION) -> int | None:
    """Number of the release a pointer names; None where it names none."""
    found: int | None = connection.scalar(sa.select(pointers.c.release).where(pointers.c.name == name))
    return found


def served(connection: sa.Connection) -> Sequence[int]:
    """Numbers of all releases that ever served, the one that serves now last; each where it served last."""
    numbers = [decision.evidence["release"] for decision in read_decisions(connection) if decision.kind in _MOVES]
    return list(dict.fromkeys(reversed(numbers)))[::-1]


def move(
    connection: sa.Connection,
    release: Release,
    before: int | None,
    said: tuple[str, str, str],
    now: datetime,
    evidence: Mapping[str, Any],
) -> None:
    """The decision and the pointer, within the caller's transaction; a challenger that serves challenges nobody."""
    kind, actor, text = said
    told = {**evidence, "release": release.number, "before": before}
    decide(connection, now, actor, kind, f"release {release.number}", text, told)
    connection.execute(pointers.delete().where(pointers.c.name == CHAMPION))
    connection.execute(pointers.insert().values(name=CHAMPION, release=release.number, since=now))
    connection.execute(pointers.delete().where(pointers.c.name == CHALLENGER, pointers.c.release == release.number))


def _trail(decisions: Sequence[Decision]) -> list[int]:
    """The way to the release that serves: each once, without those that were rolled back from."""
    trail: list[int] = []
    for decision in decisions:
        if decision.kind not in _MOVES:
            continue
        number = decision.evidence["release"]
        if decision.kind == "rollback":
            trail = trail[: trail.index(number)] if number in trail else []
        else:
            trail = [other for other in trail if other != number]
        trail.append(number)
    return trail


def _newest_sound(store: Path, numbers: Sequence[int]) -> tuple[Release | None, list[int]]:
    """The first of the releases that is whole, and those before it that are not."""
    there = {release.number: release for release in releases(store)}
    passed: list[int] = []
    for number in numbers:
        if number in there and not there[number].damage():
            return there[number], passed
        passed.append(number)
    return None, passed


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(f"release {number}" for number in numbers) if numbers else "none"


def _adopted(store: Path, ledger: Ledger) -> int | None:
    """The champion that stood before the ledger did, taken over with a decision; None where there is none."""
    try:
        release = champion(store)
    except InputError:
        return None
    made = datetime.fromisoformat(release.manifest["made"]).astimezone(UTC)
    with ledger.writing() as connection:
        if pointed(connection) is None:
            text = f"release {release.number} serves, as it did before the ledger was opened"
            move(connection, release, None, ("adopt", "run", text), made, {"kpis": release.manifest.get("kpis", [])})
        return pointed(connection)


def _in_file(store: Path) -> int | None:
    try:
        return champion(store).number
    except InputError:
        return None


@contextmanager
def _moving(store: Path) -> Iterator[None]:
    """One at a time writes the file, each what the ledger says by then: the last word stays."""
    handle = os.open(store / "releases" / ".moving", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
