"""When work is due: pure functions of a calendar, so that any process finds the same moments, also those nobody was there for.

All moments are in UTC; hours of the day are those of a time zone. Every day has one due time: where clocks are set back it is the
first of the two, where they are set forward it is the hour as if they had not been.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from math import floor
from typing import Protocol

__all__ = ["Computed", "Daily", "Dues", "Every", "Timetable"]

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Dues:
    """The due times in a span of time: the newest one, and how many there are."""

    newest: datetime
    count: int


class Timetable(Protocol):
    """When work is due."""

    def dues(self, after: datetime, until: datetime) -> Dues | None:
        """What is due after one moment and up to another (inclusive); None where nothing is."""

    def following(self, after: datetime) -> datetime | None:
        """The first due time after a moment; None where it cannot be foreseen."""


@dataclass(frozen=True)
class Every:
    """Due each time a length of time has passed, counted from the start of the year 2000."""

    step: timedelta

    def dues(self, after: datetime, until: datetime) -> Dues | None:
        """See `Timetable`."""
        last = self._steps(until)
        count = last - self._steps(after)
        return Dues(_EPOCH + last * self.step, count) if count > 0 else None

    def following(self, after: datetime) -> datetime:
        """See `Timetable`."""
        return _EPOCH + (self._steps(after) + 1) * self.step

    def _steps(self, moment: datetime) -> int:
        return floor((moment - _EPOCH) / self.step)


@dataclass(frozen=True)
class Daily:
    """Due at an hour of every day, or of one day of the week.

    Args:
        at: hour and minute.
        zone: time zone of the hour; that of the machine when None.
        weekday: 0 for Mondays only to 6 for Sundays only; every day when None.
    """

    at: time
    zone: tzinfo | None = None
    weekday: int | None = None

    def dues(self, after: datetime, until: datetime) -> Dues | None:
        """See `Timetable`."""
        found: datetime | None = None
        count, due = 0, self.following(after)
        while due <= until:
            found, count, due = due, count + 1, self.following(due)
        return None if found is None else Dues(found, count)

    def following(self, after: datetime) -> datetime:
        """See `Timetable`."""
        day = after.astimezone(self.zone).date()
        while (due := self._on(day)) <= after or self.weekday not in (None, day.weekday()):
            day += timedelta(days=1)
        return due

    def _on(self, day: date) -> datetime:
        local = datetime.combine(day, self.at)  # without a zone it is read as the machine's
        return (local if self.zone is None else local.replace(tzinfo=self.zone)).astimezone(UTC)


class Computed:
    """Due at moments that are computed as they look at the time it was due last.

    Args:
        moments: gives due times from a moment on, in ascending order.
        otherwise: when it is due where no moment follows.
    """

    def __init__(self, moments: Callable[[datetime], Sequence[datetime]], otherwise: Timetable) -> None:
        self._compute = moments
        self._otherwise = otherwise
        self._known: Sequence[datetime] = ()

    def dues(self, after: datetime, until: datetime) -> Dues | None:
        """See `Timetable`."""
        moments = self._known = [moment.astimezone(UTC) for moment in self._compute(after) if moment > after]
        if not moments:
            return self._otherwise.dues(after, until)
        count = bisect_right(moments, until)
        return Dues(moments[count - 1], count) if count else None

    def following(self, after: datetime) -> datetime | None:
        """See `Timetable`; as it looked when `dues` was asked last."""
        return next((moment for moment in self._known if moment > after), None)
