"""Figures and spans of time as people say them."""

from __future__ import annotations

import math

from sevenstep.tasks.forecast.clock import Clock

__all__ = ["RULE_NAMES", "counted", "figure", "moment", "percent", "span"]

RULE_NAMES = {
    "naive": "Naive (last value)",
    "seasonal_naive": "Seasonal naive",
    "same_event": "Same season, same event",
    "moving_average": "Moving average",
    "drift": "Drift",
}
_DAY, _WEEK, _MINUTE = 86_400, 604_800, 60
_LEAST = 2  # of the larger unit before it is used, times 1 for years and 7 for weeks


def figure(value: float | None) -> str:
    """A KPI value with three significant digits, whole from 1000 on: ``0.0853``, ``1,412``."""
    if value is None or not math.isfinite(value):
        return "not measured"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def percent(share: float) -> str:
    """A share of 1 as percent: ``37 %``, with one decimal below ten."""
    return f"{100 * share:.1f} %" if 0 < abs(share) < 0.095 else f"{100 * share:.0f} %"


def counted(count: int, noun: str) -> str:
    """A count with its noun: ``1 week``, ``14 weeks``; ``series`` stays as it is."""
    return f"{count:,} {noun if count == 1 or noun.endswith('s') else noun + 's'}"


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
