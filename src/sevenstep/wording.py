"""Counts and shares as people read them: one rule for the terminal, the chapters and the report.

Figures of metrics are worded in `sevenstep.stats.wording`, which knows what each metric is measured in.
"""

from __future__ import annotations

__all__ = ["DASH", "counted", "percent", "roughly", "short"]

DASH = "–"
_ALIKE = "series"  # the plural is the same word
_TINY = 0.00005  # share of 1 below which two decimals would show nothing


def percent(share: float) -> str:
    """A share of 1 in percent: ``8.50 %``, ``11.5 %``; more digits only where what is not zero would read as zero."""
    if 0 < abs(share) < _TINY:
        return f"{100 * share:.1g} %"
    return f"{100 * share:.2f} %" if round(abs(share), 6) < 0.1 else f"{100 * share:.1f} %"


def roughly(share: float) -> str:
    """A share of 1 in percent where its size matters, not its digits: ``37 %``, ``3.5 %``, ``5 %``, ``0.07 %``."""
    size = round(100 * abs(share), 6)
    if size and size < 0.1:
        return f"{100 * share:.1g} %"
    return f"{100 * share:.0f} %" if size >= 9.5 or size == int(size) else f"{100 * share:.1f} %"


def short(value: float) -> str:
    """A number in three digits, whole from 1,000 on."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def counted(count: int, noun: str) -> str:
    """A count with its noun: ``1 row``, ``2,000 rows``, ``2 classes``, ``3 series``."""
    return f"{count:,} {noun if count == 1 else _plural(noun)}"


def _plural(noun: str) -> str:
    if noun.endswith(_ALIKE):
        return noun
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"
