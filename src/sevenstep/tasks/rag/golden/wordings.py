"""Questions from single sentences, by wordings that state one thing: definitions, figures, dates, intervals, settings.

Each rule is a wording with named groups and a question made from them. A rule says how sure it is; what fits no rule makes no
question, since a wrong one costs a person more than a missing one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sevenstep.tasks.rag.golden.made import Made, topic

__all__ = ["from_sentence"]

_NUMBER = r"[-+]?\d[\d.,]*"
_FIGURE_EN = (
    rf"(?:about |at least |at most |up to )?{_NUMBER}(?:\s*(?:to|-|–)\s*\d[\d.,]*)?\s*(?:%|°\s?C|[A-Za-zµΩ²³/·]{{1,12}})?"
)
_FIGURE_KO = rf"(?:약 |최대 |최소 )?{_NUMBER}(?:\s*[~-]\s*\d[\d.,]*)?\s*(?:%|°C|[A-Za-z가-힣µΩ²³/·]{{1,8}})"
_SPAN_EN = r"(?:hours?|days?|weeks?|months?|years?|shifts?|cycles?)"
_PERIOD_EN = rf"(?:(?:every|after each|once (?:a|per))\s+(?:\d[\d,]*\s+)?(?:operating |working )?{_SPAN_EN})"
_SUBJECT_EN = r"(?P<subject>(?:The|A|An|Each|Its)?\s?[A-Za-z][\w\s\-/()]{2,70}?)"
_SUBJECT_KO = r"^(?P<subject>[^.?!,]{2,50}?)"
_DONE_EN = r"(?P<done>built|founded|established|introduced|released|opened|born|made|discovered)"
_DATE_EN = r"(?P<answer>(?:[A-Z][a-z]+ )?(?:\d{1,2}, )?\d{4})\b"


@dataclass(frozen=True)
class _Rule:
    """A wording, the question it makes (``{subject}`` and other groups filled in), its kind and how sure it is."""

    wording: re.Pattern[str]
    question: str
    kind: str
    confidence: float


def _rule(wording: str, question: str, kind: str, confidence: float) -> _Rule:
    return _Rule(re.compile(wording), question, kind, confidence)


_ENGLISH = (
    _rule(rf"^{_SUBJECT_EN} (?P<verb>was|were) {_DONE_EN} (?:in|on) {_DATE_EN}", "When {verb} {subject} {done}?", "figure", 0.8),
    _rule(
        rf"^{_SUBJECT_EN} (?P<verb>is|are) (?P<answer>{_FIGURE_EN}) (?P<quality>long|high|wide|deep|tall|thick|heavy)\b",
        "How {quality} {verb} {subject}?", "figure", 0.8,
    ),
    _rule(
        rf"^{_SUBJECT_EN} (?P<verb>is|are|must be|shall be) (?P<answer>{_FIGURE_EN})[.;]?$",
        "What {verb} {subject}?", "figure", 0.75,
    ),
    _rule(
        r"^(?P<do>Tighten|Set|Adjust|Heat|Fill|Charge|Inflate|Torque) (?P<object>the [\w\s\-/()]{2,60}?) to "
        rf"(?P<answer>{_FIGURE_EN})[.;]?$",
        "To what value do you {do} {object}?", "figure", 0.75,
    ),
    _rule(
        r"^(?P<do>Replace|Check|Inspect|Clean|Lubricate|Grease|Change|Test|Calibrate) (?P<object>the [\w\s\-/()]{2,60}?) "
        rf"(?P<answer>{_PERIOD_EN})[.;]?$",
        "How often do you {do} {object}?", "figure", 0.75,
    ),
    _rule(
        r"^(?P<subject>[A-Z][\w\s\-/()]{1,50}?) (?P<verb>is|are) (?P<answer>(?:a|an|the) [a-z][^.;]{8,120})[.;]?$",
        "What {verb} {subject}?", "definition", 0.6,
    ),
)  # fmt: skip
_KOREAN = (
    _rule(
        rf"{_SUBJECT_KO}(?:은|는) (?P<answer>{_FIGURE_KO})(?:이다|입니다|로 한다|으로 한다)\.?$",
        "{topic} 얼마인가?", "figure", 0.75,
    ),
    _rule(
        rf"{_SUBJECT_KO}(?:을|를) (?P<answer>{_FIGURE_KO})(?:으로|로) "
        r"(?P<done>조인다|설정한다|맞춘다|채운다|조정한다)\.?$",
        "{subject}의 기준값은 얼마인가?", "figure", 0.7,
    ),
    _rule(
        rf"{_SUBJECT_KO}(?:은|는|을|를) (?P<answer>(?:매 ?)?\d[\d,]*\s*(?:시간|일|주|개월|년|회)(?:마다| 간격으로))"
        r" (?P<done>교체|점검|청소|윤활|교정)",
        "{topic} 얼마나 자주 {done}하는가?", "figure", 0.75,
    ),
    _rule(
        rf"{_SUBJECT_KO}(?:은|는) (?P<answer>\d{{4}}년(?: \d{{1,2}}월)?(?: \d{{1,2}}일)?)에? "
        r"(?P<done>설립|건설|발매|출시|개장|제정|창단|개통)",
        "{topic} 언제 {done}되었는가?", "figure", 0.8,
    ),
    _rule(
        r"^(?P<subject>[^.?!,]{2,25}?)(?<![하되있없않받주리르던])(?:은|는|란) (?!것|식|다음)"  # no clause: 하는, 있는
        r"(?P<answer>[^.?!,]{4,50}?)(?:이다|입니다|을 말한다|를 말한다)\.?$",
        "{topic} 무엇인가?", "definition", 0.55,
    ),
)  # fmt: skip
_POINTING = re.compile(
    r"^(?:it|its|this|that|these|those|they|he|she|there|here|which|such|both"
    r"|이|그|저|이것|그것|이는|그는|또한|다만)\b",
    re.IGNORECASE,
)


def from_sentence(sentence: str, language: str) -> Iterator[Made]:
    """The question of the first rule a sentence fits; none for one that points at what was said before it."""
    if _POINTING.match(sentence):
        return
    for rule in _KOREAN if language == "ko" else _ENGLISH:
        found = rule.wording.match(sentence)
        if found is not None:
            yield _made(found, rule)
            return


def _made(found: re.Match[str], rule: _Rule) -> Made:
    groups = {name: (value or "").strip() for name, value in found.groupdict().items()}
    subject = groups.get("subject", "")
    groups["topic"] = topic(subject) if subject else ""
    article, _, rest = subject.partition(" ")
    groups["subject"] = f"{article.lower()} {rest}" if article in ("The", "A", "An", "Each", "Its") and rest else subject
    groups["do"] = groups.get("do", "").lower()
    start, end = found.span("answer")
    text = found.group("answer")
    return Made(rule.question.format(**groups), start, end - (len(text) - len(text.rstrip(" .,;"))), rule.kind, rule.confidence)
