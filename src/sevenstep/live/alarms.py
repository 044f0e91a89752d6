"""The life of an alarm: raised once, seen again, acknowledged, snoozed, resolved by a person or by itself.

An alarm is known by its name (``kind:kpi:subject``): as long as it lives, seeing the same thing again only notes that it is still
so. What a person decides about it is written with it into the chain of decisions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sevenstep.errors import InputError
from sevenstep.live.check import Check
from sevenstep.live.ledger.decisions import decide
from sevenstep.live.ledger.tables import alarms
from sevenstep.wording import counted

__all__ = [
    "CLEAN",
    "Alarm",
    "acknowledge",
    "mark_told",
    "raise_alarm",
    "read_alarms",
    "resolve",
    "settle_unseen",
    "snooze",
    "untold",
]

CLEAN = 3
"""Looks at newer data that must find nothing before an alarm ends by itself."""

_HIDDEN = ("looked", "clean")


@dataclass(frozen=True)
class Alarm:
    """An alarm as the ledger has it.

    Args:
        number: by which commands name it.
        name: of what is wrong: kind, KPI and subject.
        kind: see `Check`; so are ``kpi``, ``subject``, ``text`` and ``cause``.
        evidence: figures of the newest time it was seen.
        raised: when it was first seen.
        seen: when it was last seen.
        times: how often.
        state: ``open``, ``acknowledged``, ``snoozed`` or ``resolved``.
        until: end of the snooze.
        ended: when it was resolved.
        told: when the channels were told; None until then.
    """

    number: int
    name: str
    kind: str
    kpi: str
    subject: str
    text: str
    cause: str
    evidence: Mapping[str, Any]
    raised: datetime
    seen: datetime
    times: int
    state: str
    until: datetime | None
    ended: datetime | None
    told: datetime | None

    def to_json(self) -> dict[str, Any]:
        """The alarm as JSON values."""
        moments = {name: value.isoformat() for name, value in asdict(self).items() if isinstance(value, datetime)}
        return {**asdict(self), **moments, "evidence": dict(self.evidence)}


def raise_alarm(connection: sa.Connection, check: Check, now: datetime, looked: str = "") -> Alarm:
    """Note that something is wrong, within the caller's transaction: a new alarm, or one more sight of the one that lives.

    A snooze that is over opens the alarm again, and the channels are to be told again.

    Args:
        connection: of the ledger, in a transaction.
        check: what was found.
        now: when.
        looked: the data it was found in; a look at the same data again is not counted.
    """
    told = {"text": check.text, "cause": check.cause, "evidence": _as_text(check.figures()), "seen": now, "looked": looked}
    living = connection.execute(sa.select(alarms).where(alarms.c.name == check.name, _alive())).mappings().first()
    if living is None:
        whole = {"name": check.name, "kind": check.kind, "kpi": check.kpi, "subject": check.subject, **told}
        made = connection.execute(alarms.insert().values(**whole, raised=now, times=1, state="open"))
        number = int(made.inserted_primary_key[0])  # type: ignore[index]  # an insert of one row has its key
        return _read(connection, number)
    again = living["looked"] != looked or not looked
    values: dict[str, Any] = {**told, "times": living["times"] + int(again), "clean": 0}
    if living["state"] == "snoozed" and living["until"] is not None and living["until"] <= now:
        values |= {"state": "open", "until": None, "told": None}
    connection.execute(alarms.update().where(alarms.c.id == living["id"]).values(**values))
    return _read(connection, living["id"])


def settle_unseen(connection: sa.Connection, looked: Mapping[str, str], seen: Sequence[str], now: datetime) -> Sequence[Alarm]:
    """Count a clean look for each living alarm that was looked for and not seen; those with `CLEAN` of them are resolved.

    Args:
        connection: of the ledger, in a transaction.
        looked: for each kind that could be looked at, the data it was looked for in; the same data again count once.
        seen: names of the alarms that were seen.
        now: when.

    Returns:
        The alarms that ended.
    """
    ended: list[Alarm] = []
    for row in list(connection.execute(sa.select(alarms).where(_alive())).mappings()):
        if row["name"] in seen or looked.get(row["kind"], row["looked"]) == row["looked"]:
            continue
        clean = row["clean"] + 1
        values: dict[str, Any] = {"clean": clean, "looked": looked[row["kind"]]}
        if clean >= CLEAN:
            values |= {"state": "resolved", "ended": now}
        connection.execute(alarms.update().where(alarms.c.id == row["id"]).values(**values))
        if clean >= CLEAN:
            ended.append(_read(connection, row["id"]))
    return ended


def acknowledge(connection: sa.Connection, number: int, actor: str, now: datetime) -> Alarm:
    """A person has seen it: it stays until it is resolved, and is told no more.

    Raises:
        InputError: ``ALARM-NO-SUCH``, ``ALARM-ENDED``.
    """
    return _decided(connection, number, actor, now, "acknowledged", {"state": "acknowledged", "until": None})


def snooze(connection: sa.Connection, number: int, until: datetime, actor: str, now: datetime) -> Alarm:
    """Leave it be until a moment; where it is still so then, it opens again and is told again.

    Raises:
        InputError: ``ALARM-NO-SUCH``, ``ALARM-ENDED``; ``ALARM-UNTIL``, the moment is past.
    """
    if until <= now:
        given = f"snoozed until {until:%Y-%m-%d %H:%M}, which is past"
        raise InputError("ALARM-UNTIL", given, "an alarm is snoozed until a moment to come", "name a later one, such as 3d")
    return _decided(connection, number, actor, now, f"snoozed until {until:%Y-%m-%d %H:%M}", {"state": "snoozed", "until": until})


def resolve(connection: sa.Connection, number: int, actor: str, now: datetime) -> Alarm:
    """What was wrong is mended; seen once more, it is a new alarm.

    Raises:
        InputError: ``ALARM-NO-SUCH``, ``ALARM-ENDED``.
    """
    return _decided(connection, number, actor, now, "resolved", {"state": "resolved", "until": None, "ended": now})


def _decided(connection: sa.Connection, number: int, actor: str, now: datetime, word: str, values: Mapping[str, Any]) -> Alarm:
    alarm = _read(connection, number)
    if alarm.state == "resolved":
        given = f"alarm {number} ended on {alarm.ended:%Y-%m-%d %H:%M}"
        raise InputError("ALARM-ENDED", given, "only a living alarm is acknowledged, snoozed or resolved", "see sevenstep alarms")
    told = {"alarm": number, "name": alarm.name, "state": values["state"], "times": alarm.times, "seen": alarm.seen.isoformat()}
    decide(connection, now, actor, "alarm", f"alarm {number}", f"alarm {number} {word}: {alarm.text}", told)
    connection.execute(alarms.update().where(alarms.c.id == number).values(**values))
    return _read(connection, number)


def read_alarms(connection: sa.Connection, *, ended: bool = False) -> Sequence[Alarm]:
    """The living alarms, newest first; with ``ended`` all there ever were."""
    query = sa.select(alarms).order_by(alarms.c.raised.desc(), alarms.c.id.desc())
    return [_alarm(row) for row in connection.execute(query if ended else query.where(_alive())).mappings()]


def untold(connection: sa.Connection) -> Sequence[Alarm]:
    """Open alarms that the channels have not been told of, oldest first."""
    query = sa.select(alarms).where(alarms.c.state == "open", alarms.c.told.is_(None)).order_by(alarms.c.id)
    return [_alarm(row) for row in connection.execute(query).mappings()]


def mark_told(connection: sa.Connection, numbers: Sequence[int], now: datetime) -> None:
    """Note that the channels were told of some alarms."""
    connection.execute(alarms.update().where(alarms.c.id.in_(numbers)).values(told=now))


def _alive() -> sa.ColumnElement[bool]:
    return alarms.c.state != "resolved"


def _read(connection: sa.Connection, number: int) -> Alarm:
    row = connection.execute(sa.select(alarms).where(alarms.c.id == number)).mappings().first()
    if row is None:
        there = connection.execute(sa.select(alarms.c.id).where(_alive()).order_by(alarms.c.id)).scalars().all()
        listed = f"{counted(len(there), 'alarm')} alive: {', '.join(map(str, there))}" if there else "no alarm is alive"
        raise InputError("ALARM-NO-SUCH", f"there is no alarm {number}", listed, "see sevenstep alarms")
    return _alarm(row)


def _alarm(row: sa.RowMapping) -> Alarm:
    parts = {name: row[name] for name in row if name not in ("id", *_HIDDEN)}
    return Alarm(number=row["id"], **{**parts, "evidence": json.loads(row["evidence"])})


def _as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
