"""Looking for alarms while the past is lived through: the monitor itself, told of nothing but the new alarms."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sevenstep.live.alarms import read_alarms
from sevenstep.live.monitor.watch import monitor
from sevenstep.live.operation import Operation
from sevenstep.live.rehearsal.lived import Look
from sevenstep.live.standing import Standing

__all__ = ["looker"]


def looker() -> Look:
    """A monitor whose new alarms are told as JSON values, again where the same moment is lived through again."""

    def look(operation: Operation, now: datetime, known: Standing) -> Sequence[dict[str, Any]]:
        monitor(operation, now, known)
        with operation.ledger.reading() as connection:
            alarms = read_alarms(connection, ended=True)
        return [alarm.to_json() for alarm in reversed(alarms) if alarm.told == now]

    return look
