"""Figures as a person reads them, the same in every step's headline and chapter."""

from __future__ import annotations

import math

__all__ = ["counted", "figure", "goal_text", "interval", "money", "times"]

_SHARES = {"wape", "rmspe", "mape", "bias", "coverage_80", "coverage_95"}


def figure(value: float | None, metric: str = "") -> str:
    """A metric's value: shares as percent, others with four significant digits; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    if metric in _SHARES:
        return f"{100 * value:.2f} %" if abs(value) < 0.1 else f"{100 * value:.1f} %"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def interval(value: float | None, low: float | None, high: float | None, metric: str = "") -> str:
    """A value with its interval, or the value alone where there is no interval: ``17.9 % (15.5 to 20.6)``."""
    if low is None or high is None:
        return figure(value, metric)
    ends = f"{figure(low, metric).removesuffix(' %')} to {figure(high, metric).removesuffix(' %')}"
    return f"{figure(value, metric)} ({ends})"


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
