"""Goals, counts, amounts and durations as a person reads them; figures of metrics are worded in `sevenstep.stats.wording`."""

from __future__ import annotations

import math

from sevenstep.stats.wording import figure

__all__ = ["counted", "goal_text", "money", "times"]


def goal_text(operator: str, value: float, metric: str) -> str:
    """A goal as people write it: ``≤ 8.50 %``."""
    sign = {"<=": "≤", ">=": "≥"}.get(operator, operator)
    return f"{sign} {figure(value, metric)}"


def counted(count: int, noun: str, plural: str = "") -> str:
    """``1 row``, ``2,000 rows``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def money(value: float, unit: str) -> str:
    """An amount with its unit, in three significant digits."""
    if value == 0 or not math.isfinite(value):
        return f"0 {unit}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{round(value, 2 - math.floor(math.log10(abs(value)))):,.{min(digits, 2)}f} {unit}"


def times(seconds: float) -> str:
    """A duration in the unit that suits it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
