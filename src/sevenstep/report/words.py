"""The fixed words of the report in each language it speaks; the texts inside chapters come as the steps wrote them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files

from sevenstep.errors import InputError

__all__ = ["LANGUAGES", "STEPS", "Words", "words_for"]

LANGUAGES = ("en", "ko")
STEPS = ("define", "collect", "prepare", "design", "train", "tune", "operate")


@dataclass(frozen=True)
class Words:
    """Fixed words by key in one language."""

    language: str
    texts: Mapping[str, str]

    def say(self, key: str, **values: object) -> str:
        """The text under ``key`` with its ``{placeholders}`` filled in; raises KeyError for an unknown key."""
        return self.texts[key].format(**values)

    def known(self, family: str, name: str) -> str:
        """The word for ``name`` in a family such as ``state`` or ``step``, or ``name`` itself where there is none."""
        return self.texts.get(f"{family}.{name}", name)


@cache
def words_for(language: str) -> Words:
    """The words of ``language`` (``en`` or ``ko``); raises `InputError` ``REPORT-LANGUAGE`` for any other."""
    if language not in LANGUAGES:
        close = get_close_matches(language, LANGUAGES, n=1)
        fix = f"did you mean '{close[0]}'?" if close else f"use one of {', '.join(LANGUAGES)}"
        raise InputError("REPORT-LANGUAGE", f"language '{language}'", "the report speaks English (en) and Korean (ko)", fix)
    text = (files("sevenstep.report") / "words" / f"{language}.json").read_text(encoding="utf-8")
    return Words(language, json.loads(text))
