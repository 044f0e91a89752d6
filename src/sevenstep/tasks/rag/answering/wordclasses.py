"""The class of an English word as far as its form tells: closed classes by a list, open ones by their endings.

Phrases begin and end at such words, and no model of the language is needed to see it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["CLASSES", "holds_date", "holds_money", "holds_number", "word_class"]

_CLOSED: Mapping[str, str] = {
    "determiner": "a an the this that these those its his her their our my your each every some any no another such",
    "preposition": "of in on at to for from by with about into over after before between through during against under "
    "within without near among across along around behind beyond since until upon toward towards via per than as like",
    "auxiliary": "is are was were be been being am has have had do does did can could will would shall should may might must",
    "conjunction": "and or but nor so yet while when where because although though if unless whereas which "
    "who whom whose what how",
    "adverb": "not also only however then thus often even still already never always again once too very just almost",
    "verb": "became become becomes began begin begun brought built came come comes came chose chosen fell found gave give given "
    "gives go goes going gone got grew grown held hold holds keep kept knew know known knows lay lead leads led left lost made "
    "make makes meant met paid put ran rose said saw see seen sent set shown sold spent spoke stood take taken takes taught tell "
    "thought told took understood went won wrote written drew drawn drove driven flew forbid forgot froze fought bound bred "
    "broke broken bought caught cost cut dealt ate hid hit lent rode sang sank sat shook shot shut slept spread stole struck "
    "swam swept threw thrown wore wove",
    "pronoun": "it he she they we you i him them us me himself itself themselves there",
}
_BY_WORD = {word: name for name, words in _CLOSED.items() for word in words.split()}
_NUMBERS = re.compile(
    r"\d|\b(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundreds?|thousands?|millions?|billions?|half|"
    r"twice|first|second|third|fourth|fifth)\b",
    re.IGNORECASE,
)
_DATES = re.compile(
    r"\b(1\d{3}|20\d{2})s?\b|\b(january|february|march|april|may|june|july|august|september|october|november|december|monday|"
    r"tuesday|wednesday|thursday|friday|saturday|sunday|century|spring|summer|autumn|winter)\b|\d(년|월|일|세기|시)",
    re.IGNORECASE,
)
_MONEY = re.compile(r"[$€£¥%₩]|\b(dollars?|euros?|pounds?|percent)\b|\d(원|달러|퍼센트|프로)", re.IGNORECASE)
_ENDINGS: tuple[tuple[str, str], ...] = (
    ("adverb", "ly"), ("past", "ed"), ("gerund", "ing"),
    ("adjective", "al"), ("adjective", "ous"), ("adjective", "ive"), ("adjective", "ic"), ("adjective", "able"),
    ("adjective", "ary"),
    ("noun", "ion"), ("noun", "ment"), ("noun", "ness"), ("noun", "ity"), ("noun", "ism"), ("noun", "ance"), ("noun", "ence"),
    ("plural", "s"),
)  # fmt: skip

CLASSES = (
    "mark", "determiner", "preposition", "auxiliary", "conjunction", "pronoun", "verb", "number", "name", "adverb", "past",
    "gerund", "adjective", "noun", "plural", "other",
)  # fmt: skip


def word_class(token: str) -> str:
    """One of `CLASSES`."""
    lower = token.lower()
    if not token[0].isalnum():
        return "mark"
    if lower in _BY_WORD:
        return _BY_WORD[lower]
    if token[0].isdecimal():
        return "number"
    if token[0].isupper():
        return "name"
    return next((name for name, ending in _ENDINGS if lower.endswith(ending)), "other")


def holds_number(text: str) -> bool:
    """Whether a number stands in the text, in digits or in words."""
    return _NUMBERS.search(text) is not None


def holds_date(text: str) -> bool:
    """Whether a year, a month, a day or a century stands in the text."""
    return _DATES.search(text) is not None


def holds_money(text: str) -> bool:
    """Whether an amount of money or a share stands in the text."""
    return _MONEY.search(text) is not None
