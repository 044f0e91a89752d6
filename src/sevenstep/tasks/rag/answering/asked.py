"""What a question asks for: its kind, the noun it asks after, the unit of a number, and the words that should stand nearby."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sevenstep.tasks.rag.answering.reading import TOKEN, stem_of
from sevenstep.tasks.rag.answering.wordclasses import word_class
from sevenstep.tasks.rag.text.stopwords import ENGLISH

__all__ = ["KINDS", "Asked", "asked"]

KINDS = ("who", "when", "where", "count", "which", "why", "how", "what", "other")

FORMS = (
    ("do", "does", "did"), ("is", "are", "was", "were"), ("has", "have", "had"),
    ("can", "could", "will", "would", "may", "might", "should", "must"),
)  # fmt: skip
"""Words behind "what" or "who" that tell whether it is the subject."""

_KOREAN: Mapping[str, str] = {
    "who": "누구|누가|사람은|사람의 이름|인물|이름은",
    "when": "언제|날짜|연도|년도|며칠|몇년|몇 년|몇월|몇 월|시기|일자|해는|날은|때는|년은",
    "where": "어디|장소|지역은|나라는|국가는|도시는|곳은",
    "count": "몇|얼마|나이는|수는|갯수|개수|거리는|높이|고도|넓이|면적|길이|무게|속도|비율|율은|인구|순위|기간|시간은"
    "|온도|금액|가격|연봉|크기",
    "which": "어느|어떤|무슨",
    "why": "왜|이유",
    "how": "어떻게|방법",
    "what": "무엇|뭐|뭘|무얼",
}
_ENGLISH: Mapping[str, str] = {
    "count": r"\bhow (many|much|long|old|far|tall|large|big|often|high|few|deep|fast)\b|percent",
    "when": r"\bwhen\b|\b(what|which) (year|date|day|month|decade|century)\b|what time",
    "who": r"\bwho(m|se)?\b",
    "where": r"\bwhere\b",
    "why": r"\bwhy\b",
    "how": r"\bhow\b",
    "which": r"\bwhich\b",
    "what": r"\bwhat\b",
}
_KOREAN_WH = re.compile("누구|누가|언제|어디|몇|얼마|어느|어떤|무슨|왜|어떻게|무엇|뭐|이름")
_ENGLISH_WH = re.compile(r"(who|whom|whose|what|which|when|where|why|how)$", re.IGNORECASE)
_ASKS_FOR_NEXT = re.compile("어느|어떤|무슨|몇")
_PRONOUN = re.compile("무엇|누구|어디|언제|얼마|뭐")
_UNIT = re.compile(r"몇\s*([가-힣]{1,2}?)(?:[은는이가을를의에]|째|인가|나|간|\b)")
_NOUNS_IN_A_ROW = 3


@dataclass(frozen=True)
class Asked:
    """A question, read.

    Args:
        text: the question.
        kind: one of `KINDS`.
        focus: stem of the noun it asks after ("what **year**", "연출한 **감독**은?"), empty where it names none; one that only
            stands in for the answer ("what is the **name**") has an equals sign before it.
        unit: what a number it asks for is counted in ("몇 **명**"), empty where it tells none.
        words: stems of the words that should stand near the answer, each once.
        places: where in the question each of them stands, in words.
        asks_at: where in the question it asks, in words.
        form: number of `FORMS`, what follows the word it asks by: it tells on which side of its verb the answer stands.
        join: the preposition that binds the answer ("**in** which year", "known **for**?"), empty where there is none.
    """

    text: str
    kind: str
    focus: str
    unit: str
    words: Sequence[str]
    places: npt.NDArray[np.int64]
    asks_at: int
    form: int
    join: str


def asked(question: str, korean: bool) -> Asked:
    """Read a question."""
    words = [token for token in TOKEN.findall(question) if token[0].isalnum()]
    stems = [stem_of(word) for word in words]
    wh_words = [at for at, word in enumerate(words) if _wh(word, korean)]
    wh = (wh_words[-1] if korean else wh_words[0]) if wh_words else -1
    focus = (_korean_focus if korean else _english_focus)(words, stems, wh)
    unit = _UNIT.search(question) if korean else None
    asks_at = wh if wh >= 0 else (len(words) - 1 if korean else 0)
    first: dict[str, int] = {}
    for at, (word, one) in enumerate(zip(words, stems, strict=True)):
        if word.lower() not in ENGLISH and not _wh(word, korean):
            first.setdefault(one, at)
    places = np.array(list(first.values()), np.int64)
    return Asked(
        question, _kind(question, korean), focus, unit[1] if unit else "", tuple(first), places, max(asks_at, 0),
        _form(words, wh), "" if korean else _join(words, wh),
    )  # fmt: skip


def _form(words: Sequence[str], wh: int) -> int:
    """The first of `FORMS` that the word behind the asking one is of; 0 for none."""
    behind = words[wh + 1].lower() if 0 <= wh < len(words) - 1 else ""
    return next((number + 1 for number, form in enumerate(FORMS) if behind in form), 0)


def _join(words: Sequence[str], wh: int) -> str:
    """The preposition right before the word an English question asks by, else the one it ends with."""
    beside = [words[at].lower() for at in (wh - 1, len(words) - 1) if 0 <= at != wh]
    return next((word for word in beside if word_class(word) == "preposition"), "")


def _wh(word: str, korean: bool) -> bool:
    return (_KOREAN_WH if korean else _ENGLISH_WH).match(word) is not None


def _kind(question: str, korean: bool) -> str:
    patterns = _KOREAN if korean else _ENGLISH
    return next((kind for kind, pattern in patterns.items() if re.search(pattern, question, re.IGNORECASE)), "other")


def _korean_focus(words: Sequence[str], stems: Sequence[str], wh: int) -> str:
    """The noun behind "어느", "어떤", "몇", the topic before "무엇인가", or the last word of a question that ends in a noun."""
    if wh < 0:
        return stems[-1] if stems else ""
    word = words[wh]
    if _ASKS_FOR_NEXT.match(word):
        if word.startswith("몇") and len(word) > 1:
            return stems[wh].removeprefix("몇")
        return stems[wh + 1] if wh + 1 < len(words) else ""
    before = words[wh - 1] if wh > 0 else ""
    if _PRONOUN.match(word) and not before.endswith(("은", "는")):
        return ""
    return stems[wh - 1] if wh > 0 else ""


def _english_focus(words: Sequence[str], stems: Sequence[str], wh: int) -> str:
    if wh < 0:
        return ""
    word, after = words[wh].lower(), wh + 1
    if word == "how" and wh + 2 < len(words):
        return stems[wh + 2] if words[after].lower() in ("many", "much") else stems[after]
    if word not in ("what", "which"):
        return ""
    last = after
    while last < len(words) and words[last].lower() not in ENGLISH and last - after < _NOUNS_IN_A_ROW:
        last += 1
    if last > after:
        return stems[last - 1] if last < len(words) else stems[after]
    at = next((place for place in range(after, len(words)) if words[place].lower() not in ENGLISH), None)
    return "" if at is None else f"={stems[at]}"
