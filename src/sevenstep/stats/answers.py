"""How good the text of an answer is: the published rules of SQuAD and KorQuAD, support by what is cited, and abstention.

One figure per question, so that intervals are taken over whole clusters of questions like those of every other metric. A question
without a known answer has no figure (NaN, "not measured"); it is never counted as wrong.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

__all__ = [
    "abstention_error", "answer_f1", "answer_tokens", "exact_match", "groundedness", "normal_answer", "supported_share",
]  # fmt: skip

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_KOREAN_MARKS = str.maketrans(dict.fromkeys("'\"《》<>〈〉()‘’", " "))
_HANGUL = re.compile(r"[가-힣]")
_WORDS = re.compile(r"[^\W_]+")


def normal_answer(text: str, language: str) -> str:
    """The answer as the official scorers compare it.

    English and all else: lower case, no ASCII punctuation, no articles, single blanks (SQuAD 1.1's ``evaluate-v1.1.py``).
    Korean: quotes and brackets become blanks before the ASCII punctuation goes, articles stay (KorQuAD 1.0's
    ``evaluate-korquad_v1.0.py``).
    """
    if language == "ko":
        return " ".join(text.translate(_KOREAN_MARKS).lower().translate(_NO_PUNCTUATION).split())
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def answer_tokens(text: str, language: str) -> Counter[str]:
    """What is counted for F1: the normalised words, and for Korean their characters."""
    normal = normal_answer(text, language)
    return Counter(normal.replace(" ", "") if language == "ko" else normal.split())


def exact_match(answer: str, known: Sequence[str], language: str) -> float:
    """1 where the normalised answer equals one of the ``known`` ones, else 0; NaN where none is known."""
    return _best(lambda one: float(normal_answer(answer, language) == normal_answer(one, language)), known)


def answer_f1(answer: str, known: Sequence[str], language: str) -> float:
    """The harmonic mean of precision and recall of the answer's tokens, against the ``known`` answer that fits best.

    ``2 c / (a + k)`` for ``c`` tokens in common of ``a`` and ``k``; Korean counts characters. 0 where nothing is in common (an
    empty answer included), NaN where no answer is known. Rajpurkar et al. (2016), SQuAD; Lim et al. (2019), KorQuAD1.0.
    """
    given = answer_tokens(answer, language)
    return _best(lambda one: _overlap(given, answer_tokens(one, language)), known)


def _overlap(given: Counter[str], known: Counter[str]) -> float:
    common = (given & known).total()
    return 2 * common / (given.total() + known.total()) if common else 0.0


def _best(figure: Callable[[str], float], known: Sequence[str]) -> float:
    return max(map(figure, known), default=float("nan"))


def supported_share(sentence: str, quotes: Sequence[str]) -> float:
    """Which share of a sentence's content stands in what it cites, 0 to 1.

    Content is words, and for Hangul pairs of neighbouring characters, so that a particle or an ending more does not count as
    another word. A number that stands in no quote makes the share 0: a wrong figure is not nearly right. NaN for a sentence
    without content.
    """
    said, cited = _content(sentence), set().union(*map(_content, quotes)) if quotes else set()
    if not said:
        return float("nan")
    if any(one.isdecimal() and one not in cited for one in said):
        return 0.0
    return len(said & cited) / len(said)


def _content(text: str) -> set[str]:
    return {unit for word in _WORDS.findall(text.lower()) for unit in _units(word)}


def _units(word: str) -> list[str]:
    numbers = re.findall(r"\d+", word)
    rest = re.sub(r"\d+", "", word)
    if _HANGUL.search(rest) and len(rest) > 1:
        return numbers + [rest[place : place + 2] for place in range(len(rest) - 1)]
    return numbers + ([rest] if rest else [])


def groundedness(sentences: Sequence[str], quotes: Sequence[Sequence[str]]) -> float:
    """Mean support of an answer's sentences, each in the ``quotes`` it cites; a sentence that cites nothing counts 0.

    NaN for an answer without content (a refusal claims nothing, so there is nothing to support).
    """
    shares = np.array([supported_share(sentence, cited) for sentence, cited in zip(sentences, quotes, strict=True)], np.float64)
    measured = shares[~np.isnan(shares)]
    return float(measured.mean()) if len(measured) else float("nan")


def abstention_error(answered: npt.NDArray[np.bool_], answerable: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """1 for each question answered that has no answer, or refused that has one; 0 for the others."""
    return np.not_equal(answered, answerable).astype(np.float64)
