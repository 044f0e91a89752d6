"""Public holidays as a table: names, which event a day belongs to, and its place within that event.

A day off moves demand before, on and after it, and moves through the year with the moon or the weekday. To compare an event
with the same event of last year, each day carries an event id and its distance from the event's main day, substitutes included.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta

import holidays
import polars as pl

from sevenstep.data.naming import did_you_mean
from sevenstep.errors import InputError

__all__ = ["country_code", "holiday_table", "weekend_of"]

_SCHEMA = pl.Schema(
    {
        "date": pl.Date,
        "name": pl.String,
        "event": pl.String,
        "event_day": pl.Int64,
        "substitute": pl.Boolean,
        "day_off": pl.Boolean,
    }
)
_STAND_IN = re.compile(
    r"\s*\((?:observed|substitute[^)]*|in lieu)\)"
    r"|^(?:alternative holiday|day off|substitute holiday|holiday) (?:for|in lieu of) ",
    re.I,
)
_BESIDE = re.compile(r"^the (?:day preceding|day before|day after|second day of|third day of) ", re.I)
_NOTE = re.compile(r"\s*\(estimated\)", re.I)
_NEAR = 10
"""A stand-in or a neighbouring day belongs to the main day within so many days."""


def holiday_table(
    country: str, subdivision: str | None, first: date, last: date, extra: Mapping[date, str] | None = None
) -> pl.DataFrame:
    """The public holidays from ``first`` to ``last``, and the retail observances that are no days off.

    Args:
        country: ISO 3166 code ("DE", "KR") or English name ("Germany").
        subdivision: its state or province ("BY"), or None for what holds in the whole country.
        first: first day, included.
        last: last day, included.
        extra: further days off by date, such as a company's holidays.

    Returns:
        One row per date and event, sorted: ``date``, ``name``, ``event`` (id that is the same every year), ``event_day`` (days
        from the event's main day: -1 is the eve of Seollal), ``substitute`` (stands in for a holiday on a weekend), ``day_off``
        (False for Easter Sunday, where it is no public holiday, and the Super Bowl).

    Raises:
        InputError: ``CALENDAR-COUNTRY`` or ``CALENDAR-SUBDIVISION``, with the name that was probably meant.
    """
    years = range(first.year - 1, last.year + 2)
    named = _official(country, subdivision, years)
    named |= {day: f"{named[day]}; {name}" if day in named else name for day, name in (extra or {}).items()}
    rows = [row for day, names in sorted(named.items()) for row in _rows(day, names)]
    official = _anchored(rows)
    known = {(day, event) for day, _, event, *_ in official}
    placed = [*official, *(row for row in _observances(country_code(country), years) if (row[0], row[2]) not in known)]
    frame = pl.DataFrame(placed, schema=_SCHEMA, orient="row")
    return frame.filter(pl.col("date").is_between(first, last)).sort("date", "event")


def country_code(country: str) -> str:
    """Two-letter ISO 3166 code of a country given by code or English name; raises ``CALENDAR-COUNTRY`` without one."""
    codes = set(holidays.list_supported_countries(include_aliases=False))
    if country.upper() in codes:
        return country.upper()
    entries = holidays.registry.COUNTRIES.values()
    names = {re.sub(r"(?<=[a-z])(?=[A-Z])", " ", entry[0]): str(entry[1]) for entry in entries}
    folded = {name.casefold(): code for name, code in names.items()} | {entry[2].casefold(): str(entry[1]) for entry in entries}
    if country.casefold() in folded:
        return folded[country.casefold()]
    fix = did_you_mean(country, names) if len(country) > 3 else did_you_mean(country.upper(), sorted(codes))
    raise InputError(
        "CALENDAR-COUNTRY", f"'{country}' is no country with known holidays", "write an ISO 3166 code or an English name", fix
    )


def weekend_of(country: str, subdivision: str | None = None) -> frozenset[int]:
    """The weekend as ISO weekdays (Monday is 1): Saturday and Sunday in most places, Friday and Saturday in some."""
    return frozenset(day + 1 for day in _book(country, subdivision, range(2000, 2001)).weekend)


def _book(country: str, subdivision: str | None, years: range) -> holidays.HolidayBase:
    code = country_code(country)
    known = holidays.list_supported_countries(include_aliases=True)[code]
    if subdivision is not None and subdivision not in known:
        given = f"'{subdivision}' is no part of {code} with holidays of its own"
        raise InputError("CALENDAR-SUBDIVISION", given, "write its ISO 3166-2 code", did_you_mean(subdivision, known))
    languages = getattr(holidays, code).supported_languages
    language = "en_US" if "en_US" in languages else None
    return holidays.country_holidays(code, subdiv=subdivision, years=years, language=language)


def _official(country: str, subdivision: str | None, years: range) -> dict[date, str]:
    return dict(_book(country, subdivision, years).items())


def _rows(day: date, names: str) -> list[tuple[date, str, str, bool, bool]]:
    """One row per name: date, name, event id, whether it is a stand-in, whether it is the event's main day."""
    found = []
    for name in names.split("; "):
        plain = _NOTE.sub("", name)
        stand_in = _STAND_IN.search(plain) is not None
        beside = _BESIDE.search(plain) is not None
        event = _BESIDE.sub("", _STAND_IN.sub("", plain))
        found.append((day, name, _identifier(event), stand_in, not stand_in and not beside))
    return found


def _identifier(name: str) -> str:
    return re.sub(r"[^\w]+", "_", name.casefold().replace("'", "")).strip("_")


def _anchored(rows: list[tuple[date, str, str, bool, bool]]) -> list[tuple[date, str, str, int, bool, bool]]:
    """The rows with the distance from the nearest main day of their event; a row without one is its own main day."""
    mains: dict[str, list[date]] = {}
    for day, _, event, _, is_main in rows:
        if is_main:
            mains.setdefault(event, []).append(day)
    placed = []
    for day, name, event, stand_in, _ in rows:
        nearest = min(mains.get(event, [day]), key=lambda main: abs((day - main).days))
        distance = (day - nearest).days
        placed.append((day, name, event, distance if abs(distance) <= _NEAR else 0, stand_in, True))
    return placed


def _observances(code: str, years: range) -> list[tuple[date, str, str, int, bool, bool]]:
    """Days that move retail without being days off: Easter Sunday, and in the United States the Super Bowl and Black Friday."""
    named = dict.fromkeys(_easters(years), "Easter Sunday")
    if code == "US":
        named |= {_super_bowl(year): "Super Bowl" for year in years if year >= 2004}
        named |= {_weekday_of(year, 11, weekday=4, number=4) + timedelta(1): "Black Friday" for year in years}
    return [(day, name, _identifier(name), 0, False, False) for day, name in named.items()]


def _easters(years: range) -> list[date]:
    """Easter Sundays of the Western churches: two days after the Good Friday of a calendar that always has one."""
    book = holidays.country_holidays("DE", years=years, language="en_US")
    return [day + timedelta(2) for day, name in book.items() if name == "Good Friday"]


def _super_bowl(year: int) -> date:
    """The first Sunday of February, from 2022 (a season of 17 games) the second."""
    return _weekday_of(year, 2, weekday=7, number=2 if year >= 2022 else 1)


def _weekday_of(year: int, month: int, *, weekday: int, number: int) -> date:
    """The ``number``-th ISO ``weekday`` of a month."""
    first = date(year, month, 1)
    return first + timedelta((weekday - first.isoweekday()) % 7 + 7 * (number - 1))
