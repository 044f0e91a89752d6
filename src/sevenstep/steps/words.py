"""Amounts and durations as a person reads them."""

from __future__ import annotations

import math

__all__ = ["money", "times"]


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
