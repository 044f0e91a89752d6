"""The alarm of work that fails time and again: raised with the third failure in a row, ended by the next good end.

Monitoring tells the channels of alarms; as it may be what fails, these alarms are told by work of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from sevenstep.live.alarms import Alarm, mark_told, raise_alarm, read_alarms, resolve, untold
from sevenstep.live.channels import tell
from sevenstep.live.check import Check
from sevenstep.live.jobs.noting import Trouble
from sevenstep.live.jobs.timetable import Dues
from sevenstep.live.ledger.ledger import Ledger
from sevenstep.live.operation import Operation
from sevenstep.wording import counted

__all__ = ["Untold", "alarm_of", "tell_failing"]

_KIND = "job"


def alarm_of(connection: sa.Connection, trouble: Trouble, now: datetime) -> None:
    """Raise the alarm of a work, see it again, or end it; within the caller's write transaction."""
    text = f"{trouble.name} failed {counted(trouble.failures, 'time')} in a row: {trouble.text}"
    check = Check(_KIND, "", trouble.name, text, alarm=True, n=trouble.failures)
    if trouble.failures:
        raise_alarm(connection, check, now)
        return
    for alarm in read_alarms(connection):
        if alarm.name == check.name:
            resolve(connection, alarm.number, "rule", now)


@dataclass(frozen=True)
class Untold:
    """Due whenever such an alarm waits to be told; a timetable of what nobody can foresee."""

    ledger: Ledger

    def dues(self, after: datetime, until: datetime) -> Dues | None:
        """See `timetable.Timetable`."""
        with self.ledger.reading() as connection:
            waits = bool(_untold(connection))
        return Dues(until, 1) if waits and until > after else None

    def following(self, after: datetime) -> None:
        """See `timetable.Timetable`."""


def tell_failing(operation: Operation, now: datetime) -> str:
    """Tell the channels of these alarms; what came of it, in a sentence."""
    with operation.ledger.reading() as connection:
        waiting = _untold(connection)
    failed = tell(operation.spec, operation.store, waiting, now)
    with operation.ledger.writing() as connection:
        mark_told(connection, [alarm.number for alarm in waiting], now)
    return "; ".join([f"{counted(len(waiting), 'alarm')} told", *failed])


def _untold(connection: sa.Connection) -> list[Alarm]:
    return [alarm for alarm in untold(connection) if alarm.kind == _KIND]
