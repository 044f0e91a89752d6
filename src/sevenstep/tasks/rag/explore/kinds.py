"""What kind of thing a question asks for and an answer is, by their wording, in English and Korean."""

from __future__ import annotations

import re

__all__ = ["answer_kind", "question_kind"]

_ASKED = (
    ("how many", re.compile(r"\bhow (?:many|much|long|far|often|old|fast|high|large)\b|몇|얼마|개수|어느 정도")),
    ("when", re.compile(r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|time)\b|언제|날짜|연도|년도|몇\s*년|해는|시기")),
    ("who", re.compile(r"\bwh(?:o|om|ose)\b|누구|누가|사람은|인물|이름은")),
    ("where", re.compile(r"\bwhere\b|\b(?:what|which) (?:country|city|place|state)\b|어디|장소|지역은|나라는|도시는")),
    ("why", re.compile(r"\bwhy\b|왜|이유|원인|까닭")),
    ("how", re.compile(r"\bhow\b|어떻게|방법|절차")),
    ("what", re.compile(r"\bwh(?:at|ich)\b|무엇|무슨|뭐|어떤|어느|것은|은\?|는\?")),
)
_YES_NO = re.compile(r"^\s*(?:is|are|was|were|do|does|did|can|could|has|have|will|should)\b", re.IGNORECASE)
_MONTHS = "january|february|march|april|june|july|august|september|october|november|december"
_DATE = re.compile(rf"\d{{1,4}}\s*년|\d{{1,2}}\s*월|\b(?:1[0-9]|20)\d\d\b|\d{{4}}-\d{{2}}|(?:{_MONTHS})\b", re.IGNORECASE)


def question_kind(text: str) -> str:
    """``who``, ``when``, ``where``, ``why``, ``how many``, ``how``, ``what``, ``yes or no``; ``claim`` for what asks nothing."""
    lowered = text.lower()
    if _YES_NO.match(lowered):
        return "yes or no"
    found = next((kind for kind, wording in _ASKED if wording.search(lowered)), None)
    return found or ("other" if text.rstrip().endswith("?") else "claim")


def answer_kind(text: str) -> str:
    """``date``, ``number``, ``phrase`` of up to five words, or ``sentence``."""
    if _DATE.search(text):
        return "date"
    if any(letter.isdecimal() for letter in text):
        return "number"
    return "phrase" if len(text.split()) <= 5 else "sentence"
