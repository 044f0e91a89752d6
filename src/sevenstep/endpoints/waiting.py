"""How long to wait before an endpoint is asked again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["pause_before"]

_FIRST = 0.5  # seconds before the second attempt; each further one waits twice as long


def pause_before(attempt: int, headers: Mapping[str, str], most: float) -> float:
    """Seconds to wait before attempt number ``attempt`` (from 2), ``most`` at most.

    ``Retry-After``, in seconds or as a date (RFC 9110, 10.2.3), goes before the waiting that doubles.
    """
    asked = _asked(headers.get("retry-after", ""))
    return max(0.0, min(asked if asked is not None else _FIRST * 2.0 ** (attempt - 2), most))


def _asked(value: str) -> float | None:
    if not value:
        return None
    try:
        return float(value)
    except ValueError:
        pass
    try:
        return (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
