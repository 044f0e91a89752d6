"""Names of the rules, and spans of time as people say them."""

from __future__ import annotations

import math

from sevenstep.tasks.forecast.clock import Clock
from sevenstep.wording import counted

__all__ = ["RULE_NAMES", "moment", "span"]

RULE_NAMES = {
    "naive": "Naive (last value)",
    "seasonal_naive": "Seasonal naive",
    "same_event": "Same season, same event",
    "moving_average": "Moving average",
    "drift": "Drift",
}
_DAY, _WEEK, _MINUTE = 86_400, 604_800, 60
_LEAST = 2  # of the larger unit before it is used, times 1 for years and 7 for weeks


def span(steps: float, clock: Clock) -> str:
    """A number of steps as a span of time, rounded up: ``14 weeks``, ``5 days``, ``3 years``, ``48 steps``."""
    if clock.kind == "integer":
        return counted(math.ceil(steps), "step")
    if clock.kind == "month":
        months = math.ceil(steps * clock.size)
        return counted(math.ceil(months / 12), "year") if months >= 12 * _LEAST else counted(months, "month")
    seconds = steps * clock.size
    if seconds >= 7 * _LEAST * _DAY:
        return counted(math.ceil(seconds / _WEEK), "week")
    if seconds >= _LEAST * _DAY or clock.size >= _DAY:
        return counted(math.ceil(seconds / _DAY), "day")
    if seconds >= 3_600:
        return counted(math.ceil(seconds / 3_600), "hour")
    return counted(math.ceil(seconds / _MINUTE), "minute") if seconds >= _MINUTE else counted(math.ceil(seconds), "second")


def moment(step: int, clock: Clock) -> str:
    """The time of a step as text; days without their hours."""
    text = str(clock.time_at(step))
    return text.removesuffix(" 00:00:00")
