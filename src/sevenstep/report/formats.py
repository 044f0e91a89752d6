"""Numbers, times and states as text: one place, so that a table, a tile and a tooltip print a value alike."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sevenstep.chapter import Format
from sevenstep.report.words import Words
from sevenstep.wording import DASH

__all__ = ["Cell", "cells", "decimals_for", "format_interval", "format_seconds", "format_time", "format_value", "plain"]

_NUMERIC = ("integer", "number", "percent", "money", "seconds", "interval")
_LONGEST = 6  # decimals


@dataclass(frozen=True)
class Cell:
    """One cell of a table: ``text``, a quieter ``detail`` behind it, the ``sort`` key and a ``kind`` for its looks."""

    text: str
    kind: str = "is-text"
    detail: str = ""
    sort: str = ""


def cells(values: Sequence[Any], format_: Format, words: Words) -> list[Cell]:
    """All values of one column, printed with the same number of decimals so that they line up."""
    decimals = _shared_decimals([value for value in values if not _is_missing(value, format_)], format_)
    return [_cell(value, format_, words, decimals) for value in values]


def _shared_decimals(values: Sequence[Any], format_: Format) -> int | None:
    if format_ == "number":
        return decimals_for([value for value in values if _is_number(value)])
    if format_ == "interval" and values:
        return statistics.median_high(_interval_decimals(*value) for value in values)
    return None


def _cell(value: Any, format_: Format, words: Words, decimals: int | None) -> Cell:
    kind = "number" if format_ in _NUMERIC else f"is-{format_}"
    if _is_missing(value, format_):
        return Cell(DASH, f"{kind} missing")
    if format_ == "state":
        return Cell(words.known("state", str(value)), f"{kind} {_state_class(value)}")
    if format_ == "interval":
        text, _, detail = format_interval(*value, decimals=decimals).partition(" ")
        return Cell(text, kind, detail, repr(float(value[0])))
    sort = repr(float(value)) if _is_number(value) else ""
    return Cell(format_value(value, format_, words, decimals=decimals), kind, sort=sort)


def _state_class(value: Any) -> str:
    return str(value) if str(value) in ("met", "missed", "not_measured", "go", "go_with_risk", "no_go", "warn") else "other"


def _is_missing(value: Any, format_: Format) -> bool:
    if format_ == "interval":
        return value is None or not value or not _is_number(value[0])
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def format_value(value: Any, format_: Format, words: Words, *, unit: str = "", decimals: int | None = None) -> str:
    """One value as text.

    Args:
        value: what to print; None, NaN and infinities print as a dash.
        format_: how; a text under a numeric format prints as it is.
        words: language of states and of units of time.
        unit: appended behind a thin space where given.
        decimals: digits behind the point for ``number``; chosen from the value where None.
    """
    if _is_missing(value, format_):
        return DASH
    text = _text(value, format_, words, decimals)
    return f"{text} {unit}" if unit and text != DASH else text


def _text(value: Any, format_: Format, words: Words, decimals: int | None) -> str:
    if format_ == "state":
        return words.known("state", str(value))
    if format_ == "time":
        return format_time(str(value))
    if format_ == "interval":
        return format_interval(*value)
    return _figure(float(value), format_, words, decimals) if _is_number(value) else plain(value)


def _figure(value: float, format_: Format, words: Words, decimals: int | None) -> str:
    if format_ == "integer":
        return _minus(f"{value:,.0f}")
    if format_ == "percent":
        return _percent(value)
    if format_ == "money":
        return _minus(f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.2f}")
    if format_ == "seconds":
        return format_seconds(value, words)
    if format_ == "text":
        return _minus(f"{value:,.{decimals_for([value])}f}") if value != int(value) else f"{value:.0f}"
    return _number(value, decimals_for([value]) if decimals is None else decimals)


def _percent(share: float) -> str:
    """One decimal, and more only where a share that is not zero would print as zero."""
    return _number(100 * share, 1) + " %"


def _number(value: float, decimals: int) -> str:
    text = f"{value:,.{decimals}f}"
    return _minus(f"{value:.2g}" if value and not float(text.replace(",", "")) else text)


def _minus(text: str) -> str:
    return text.replace("-", "\u2212")


def decimals_for(values: Sequence[float]) -> int:
    """Decimals that give the median value of ``values`` three significant digits, and none where all are whole numbers."""
    sizes = [abs(value) for value in values if value]
    if not sizes or all(value == int(value) for value in values):
        return 0
    return min(max(2 - math.floor(math.log10(statistics.median(sizes))), 0), _LONGEST)


def format_interval(
    value: float, low: float | None = None, high: float | None = None, *, percent: bool = False, decimals: int | None = None
) -> str:
    """A value with its interval, "0.082 (0.079–0.086)", with as many decimals as the width of the interval supports.

    The width's first digit (first two below 3, as the Particle Data Group rounds) and the value's second one are shown unless
    ``decimals`` says otherwise. Without bounds the value stands alone; with ``percent`` all are shares of 1.
    """
    scale, sign = (100.0, " %") if percent else (1.0, "")
    parts = [None if part is None else part * scale for part in (value, low, high)]
    places = _interval_decimals(*parts) if decimals is None else decimals
    texts = [DASH if part is None else _number(part, places) for part in parts]
    if low is None and high is None:
        return texts[0] + sign
    join = ", " if any(part is not None and part < 0 for part in parts[1:]) else DASH
    return f"{texts[0]}{sign} ({texts[1]}{join}{texts[2]})"


def _interval_decimals(value: float | None, low: float | None = None, high: float | None = None) -> int:
    width = high - low if low is not None and high is not None else 0.0
    from_width = -math.floor(math.log10(width / 3)) if width > 0 else 0  # one digit, or two where the first is small
    from_value = 1 - math.floor(math.log10(abs(value))) if value else 0
    return min(max(from_width, from_value, 0), _LONGEST)


def format_seconds(seconds: float, words: Words) -> str:
    """A span of time in the largest units that tell it: "0.84 s", "12 s", "2 min 05 s", "1 h 02 min"."""
    second, minute, hour = words.say("seconds"), words.say("minutes"), words.say("hours")
    if seconds < 10:
        return f"{seconds:.2g} {second}"
    if seconds < 60:
        return f"{seconds:.0f} {second}"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} {minute} {whole % 60:02d} {second}"
    return f"{whole // 3600} {hour} {whole % 3600 // 60:02d} {minute}"


def format_time(text: str) -> str:
    """An ISO time without what says nothing: no midnight, no seconds of zero, a space for the T."""
    day, _, clock = plain(text).replace("T", " ").partition(" ")
    clock = clock.removesuffix("Z").removesuffix("+00:00").partition(".")[0]
    if clock in ("", "00:00:00", "00:00"):
        return day
    return f"{day} {clock[:5] if clock.endswith(':00') else clock}"


def plain(value: Any) -> str:
    """Any value as one line of text: control characters, which a terminal would obey, become spaces."""
    return "".join(character if character.isprintable() else " " for character in str(value))
