"""The ``forecast`` section of a spec: how far ahead, how often, and what is known in advance.

Light on purpose: reading a spec loads no numerical library.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from sevenstep.spec.fields import Closed, Name, Names, Texts, Whole, fault
from sevenstep.tasks.forecast.identities.identity import parsed

__all__ = ["Calendar", "Forecast"]

_FREQUENCY = re.compile(r"[1-9]\d*(s|min|h|d|w|mo|q|y)")
_WORDS = {
    "second": "1s", "minute": "1min", "hour": "1h", "hourly": "1h", "day": "1d", "daily": "1d", "week": "1w", "weekly": "1w",
    "m": "1mo", "1m": "1mo", "month": "1mo", "monthly": "1mo", "quarter": "1q", "quarterly": "1q",
    "year": "1y", "yearly": "1y", "annual": "1y",
}  # fmt: skip
_RULE = "a frequency is a number with its unit (s, min, h, d, w, mo, q, y), or a whole step of an integer time"


def _frequency(value: Any) -> Any:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        return value
    if isinstance(value, str) and _FREQUENCY.fullmatch(value):
        return value
    word = str(value).strip().lower()
    meant = _WORDS.get(word) or (f"1{word}" if _FREQUENCY.fullmatch(f"1{word}") else None)
    raise fault("SPEC-FREQUENCY", _RULE, f"did you mean '{meant}'?" if meant else "for example 1h, 1d, 1w or 1mo")


def _known_once(levels: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    for position, level in enumerate(levels):
        if level in levels[:position]:
            raise fault("SPEC-REPEATED", "a level of the hierarchy stands there once", f"remove one {list(level)}")
    return levels


def _identities(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        if parsed(text) is None:
            rule = "an identity is one name = others joined by * and /, or by + and -, each name once"
            raise fault("SPEC-IDENTITY", rule, "for example revenue = quantity * price")
    return texts


def _capitals(value: Any) -> Any:
    """A country code in small letters is meant all the same; any other word stays as it was written."""
    return value.upper() if isinstance(value, str) and len(value) <= 3 else value


_Written = Annotated[int, Field(gt=0)] | Annotated[str, Field(pattern=f"^{_FREQUENCY.pattern}$")] | None
Frequency = Annotated[int | str | None, BeforeValidator(_frequency, json_schema_input_type=_Written)]


class Calendar(Closed):
    """Whose holidays the days follow, and days of the person's own."""

    country: Annotated[str, Field(pattern=r"^[A-Z]{2,3}$"), BeforeValidator(_capitals)] | None = Field(
        default=None, description="country code (ISO 3166)", examples=["DE"]
    )
    subdivision: Name | None = Field(default=None, description="state or province code within the country", examples=["BW"])
    extra: dict[Name, tuple[date, ...]] = Field(default_factory=dict, description="days of your own by name: {name: [dates]}")


class Forecast(Closed):
    """What is to be forecast, and what is known of the time line."""

    horizon: Annotated[Whole, Field(gt=0)] = Field(description="how many steps ahead to forecast", examples=[14])
    frequency: Frequency = Field(
        default=None,
        description="one step: 1h, 1d, 1w, 1mo, 1q, 1y, or a whole step of an integer time; told from the data when not given",
    )
    season: Annotated[Whole, Field(ge=1)] | None = Field(
        default=None, description="steps in one season, 1 for none; told from the data when not given", examples=[7]
    )
    gaps: Literal["closed", "zero", "missing"] | None = Field(
        default=None,
        description="what a step without a row means: no demand possible, no demand, or not recorded; told from the data",
    )
    known_ahead: Names = Field(
        default=(), description="columns, or sources with all their columns, whose future values are known"
    )
    hierarchy: Annotated[tuple[Names, ...], AfterValidator(_known_once)] = Field(
        default=(),
        description="levels that forecasts add up to, each a list of columns; the total is always one",
        examples=[[["region"], ["shop"]]],
    )
    stock: dict[Name, Name] = Field(
        default_factory=dict,
        description="for targets that are sales, the column with what was left at the end: at 0 more was wanted than was sold",
        examples=[{"sales": "stock_end"}],
    )
    identities: Annotated[Texts, AfterValidator(_identities)] = Field(
        default=(),
        description="what holds among targets in every forecast: one name = product, quotient, sum or difference of others",
        examples=[["revenue = quantity * price"]],
    )
    calendar: Calendar = Field(default_factory=Calendar, description="holidays and other days that matter")
    clock: Literal["common", "each"] | None = Field(
        default=None,
        description="whether all series share one last observation time or each has its own; told from the data when not given",
    )
