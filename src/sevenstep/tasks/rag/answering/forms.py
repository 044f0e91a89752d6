"""The form an answer to an English question must have, told from the question, and the forms stretches of a passage have.

Finer than the kind of a question: "how long" wants a duration, "what percentage" a share, "which country" a place. What has the
form asked for is the better answer, and a few hundred answered questions are too few to teach it for every form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["FORMS_ASKED", "HELD", "LOCATES", "NUMBERS", "forms_asked", "forms_held"]

_TIMES = r"(?:second|minute|hour|day|week|month|year|decade)s?|century|centuries"
_SIZES = (
    r"(?:kilo|centi|milli)?met(?:er|re)s?|km2?|mm|cm|miles?|feet|foot|ft|inch(?:es)?|acres?|hectares?|square|sq|tons?|tonnes?|kg|"
    r"kilograms?|grams?|pounds?|lit(?:er|re)s?|gallons?|degrees?|mph|[gm]hz|k?pa|psi"
)
_COUNTS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|twenty|thirty|forty|"
    "fifty|sixty|seventy|eighty|ninety|dozen|hundreds?|thousands?|millions?|billions?|trillions?|half|twice|several"
)
_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"


def _any_of(words: str) -> str:
    return "|".join(words.split())


_PLACES = _any_of(
    "city town village country countries state province county region district valley river lake ocean sea mountains "
    "mountain island islands street avenue road square park bridge building hall castle palace desert forest coast bay "
    "gulf basin gorge peninsula continent kingdom empire republic airport station"
)
_BODIES = _any_of(
    "university college school institute academy company corporation inc ltd group party church council committee "
    "commission agency association organization organisation society union court parliament congress senate ministry "
    "department bank league club team network army navy foundation museum library board bureau"
)
_PERSONS = _any_of(
    "person man woman king queen president emperor pope bishop author writer scientist philosopher mathematician "
    "physicist chemist leader general director founder inventor player actor actress singer poet artist architect "
    "engineer minister secretary governor mayor chairman member student professor researcher scholar explorer son "
    "daughter wife husband father mother brother sister"
)
_TITLES = _any_of(
    "mr mrs ms dr sir lord lady king queen president emperor pope saint st prince princess professor captain senator"
)
_ORDINALS = "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|last"


def _found(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_HELD: Mapping[str, re.Pattern[str]] = {
    "year": _found(r"\b(1\d{3}|20\d{2})(s|\b)"),
    "date": _found(
        rf"\b({_MONTHS}|(mon|tues|wednes|thurs|fri|satur|sun)day)\b|\b(1\d{{3}}|20\d{{2}})s?\b|\bcentur|\b(bc|ad|bce|ce)\b|"
        r"\bago\b|\b(spring|summer|autumn|winter|today)\b"
    ),
    "share": _found(r"%|\bper ?cent|\b(half|third|quarter|fifth)s?\b"),
    "money": _found(r"[$€£¥]|\b(dollars?|euros?|pounds?|francs?|cents)\b"),
    "duration": _found(rf"(\d|\b({_COUNTS}))[\w.,\- ]* ?-?({_TIMES})\b"),
    "size": _found(rf"(\d|\b({_COUNTS}))[\w.,\- ]* ?-?({_SIZES})\b"),
    "number": _found(rf"\d|\b({_COUNTS})\b"),
    "ordinal": _found(rf"\b\d+(st|nd|rd|th)\b|\b({_ORDINALS})\b"),
    "place": re.compile(rf"\b({_PLACES.title()})\b"),
    "body": re.compile(rf"(?i:\b({_BODIES})\b)|\b[A-Z]{{2,6}}\b"),
    "title": _found(rf"\b({_TITLES})\b"),
    "several": _found(r", | and | or "),
}
_NAME = re.compile(r"(?:[A-Z][\w'’.\-]*(?: |$)|(?:of|the|de|von|van|al|bin|la|le|du) )+$")

_WHAT = r"\b(what|which) (\w+ )?"
_ASKED: Mapping[str, re.Pattern[str]] = {
    "share": _found(r"\bpercent|\bwhat (share|portion|proportion|fraction)\b"),
    "money": _found(
        r"\bhow much (money\b|.*\b(cost|pay|paid|spen[dt]|sell|sold|worth|earn|raise))|\bwhat \w+ the (cost|price|salary|fee)"
    ),
    "duration": _found(r"\bhow (long|old)\b|\bwhat (age|(length|amount) of time)\b|\bhow many (years|days|months|hours|weeks)"),
    "size": _found(
        r"\bhow (tall|far|high|deep|wide|large|big|fast|heavy)\b|\bwhat (temperature|height|distance|size)\b|"
        r"\bhow many (square|miles|meters|metres|kilomet|feet|acres|tons|metric)"
    ),
    "year": _found(r"\b(what|which) years?\b"),
    "date": _found(r"\bwhen\b|\b(what|which) (years?|date|day|month|decade|century|time|era|period)\b"),
    "number": _found(r"\bhow (many|much|often)\b|\bwhat (is |was )?(the )?(number|amount|quantity|total|population)\b"),
    "person": _found(rf"\bwho(m|se)?\b|{_WHAT}({_PERSONS})s?\b"),
    "place": _found(rf"\bwhere\b|{_WHAT}({_PLACES}|cities|place|location|area|nation|part)s?\b"),
    "body": _found(rf"{_WHAT}({_BODIES})s?\b"),
    "reason": _found(r"\bwhy\b|\bwhat (is|was|were) the (reason|cause|purpose)"),
    "several": _found(
        r"\b(what|which|who) (are|were|two|three|four|other)\b|\b(what|which) (\w+ )?\w{3,}s (are|were|do|did|have|can)\b"
    ),
    "name": _found(r"\bname of\b|\bnamed?\b|\bcalled\b|\bknown as\b|\btitle\b"),
}
FORMS_ASKED = tuple(_ASKED)

LOCATES = frozenset(("in", "at", "near", "from", "throughout", "across", "outside", "around"))
"""Prepositions behind which names are places, as often as not."""

HELD = (*_HELD, "name", "person")
"""The forms a stretch may have."""

NUMBERS = ("year", "date", "share", "money", "duration", "size", "number")
"""Those of them that hold a number or a date."""


def forms_asked(question: str) -> tuple[bool, ...]:
    """Which of `FORMS_ASKED` an English question asks for; several may hold."""
    return tuple(pattern.search(question) is not None for pattern in _ASKED.values())


def forms_held(text: str, located: bool = False) -> tuple[bool, ...]:
    """Which of `HELD` a stretch has; a person is a name that says neither place, nor body, nor number.

    Args:
        text: the stretch.
        located: whether something is said to be in it, at it or near it: a name that is no date is a place then.
    """
    held = {name: pattern.search(text) is not None for name, pattern in _HELD.items()}
    name = _NAME.fullmatch(text) is not None
    held["place"] |= located and name and not (held["body"] or held["number"] or held["date"])
    person = name and not any(held[other] for other in ("place", "body", "number", "date"))
    return (*held.values(), name, person)
