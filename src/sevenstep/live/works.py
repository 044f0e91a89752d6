"""What ``operate`` does by the calendar: files taken in as they come, refresh, monitoring, the question whether to learn anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time
from importlib import import_module
from pathlib import Path
from typing import Any

from sevenstep.errors import InputError
from sevenstep.live.failing import Untold, tell_failing
from sevenstep.live.inbox import Arrivals, take_in
from sevenstep.live.jobs.due import Work
from sevenstep.live.jobs.timetable import Computed, Daily
from sevenstep.live.operation import Operation
from sevenstep.live.refreshing import refresh
from sevenstep.live.standing import Standing
from sevenstep.wording import counted

__all__ = ["works"]

_REFRESHED, _MONITORED, _RECONSIDERED, _RECKONED = time(5), time(12), time(2), time(3)  # hours of the day, the machine's clock
_SUNDAY = 6

_LATE: Mapping[str, tuple[str, str]] = {
    "calendar": ("sevenstep.live.cadence.calendar", "calendar"),
    "cadence": ("sevenstep.live.cadence.calendar", "reckon_if_due"),
    "monitor": ("sevenstep.live.monitor.watch", "monitor"),
    "retrain": ("sevenstep.live.due", "retrain_if_due"),
}
"""What is imported when it is first due: monitoring and learning bring libraries that a process standing by never needs."""


def works(operation: Operation, inbox: Path | None = None) -> Sequence[Work]:
    """The works of a project.

    Args:
        operation: the project after release.
        inbox: folder that files of observations arrive in, where there is one.
    """
    refreshing = _Refreshing(operation)
    found = (
        Work("refresh", Computed(refreshing.moments, otherwise=Daily(_REFRESHED)), refreshing.refresh),
        Work("cadence", Daily(_RECKONED), lambda now: str(_late("cadence")(operation, now)), at_once=False),
        Work("monitor", Daily(_MONITORED), refreshing.monitor, follows="refresh"),
        Work("retrain", Daily(_RECONSIDERED, weekday=_SUNDAY), lambda now: str(_late("retrain")(operation, now))),
        Work("tell", Untold(operation.ledger), lambda now: tell_failing(operation, now), at_once=False),
    )
    if inbox is None:
        return found
    return (Work("observe", Arrivals(inbox), lambda now: take_in(operation, inbox, now), at_once=False), *found)


def _late(name: str) -> Callable[..., Any]:
    module, function = _LATE[name]
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found


class _Refreshing:
    """Refreshes, and the looks that follow them, each going on from where the last refresh left off."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self._last: Standing | None = None

    def moments(self, since: datetime) -> Sequence[datetime]:
        """The computed calendar; none where it cannot be computed, which the refresh tells."""
        try:
            found: Sequence[datetime] = _late("calendar")(self._operation, since)
        except InputError:
            return ()
        return found

    def refresh(self, now: datetime) -> str:
        """Predict again, and make sure that there is a calendar for the next time."""
        version, self._last = refresh(self._operation, now, self._last)
        _late("calendar")(self._operation, now)
        said = f"version {version.number} by release {version.release}: {counted(version.rows, 'prediction')}"
        return f"{said} from data up to {version.origin}" if version.origin else said

    def monitor(self, now: datetime) -> str:
        """Look at everything that is watched."""
        return str(_late("monitor")(self._operation, now, self._last))
