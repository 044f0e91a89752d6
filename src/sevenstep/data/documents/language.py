"""Which language texts are in, as far as it matters here: how they are cut into terms and how answers are compared."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from sevenstep.wording import percent

__all__ = ["ENGLISH", "Language", "language_of", "language_of_text"]

Language = Literal["ko", "en", "other"]

_ENGLISH = """
    a about after all also an and any are as at be because been between both but by can could did do
    does during each for from had has have he her him his how i if in into is it its may more most no
    nor not of on only or other our over s she should so some such t than that the their them then there
    these they this those through to under up upon was we were what when where which while who whom
    whose why will with would you your
"""
ENGLISH = frozenset(_ENGLISH.split())
"""Function words of English."""

_HANGUL, _LETTER, _LATIN_WORD = re.compile("[가-힣]"), re.compile(r"[^\W\d_]"), re.compile("[a-z]+")
_HANGUL_SHARE = 0.2  # Korean texts on technical matters are full of Latin names
_FUNCTION_SHARE = 0.15  # of the words of English prose a third or more are function words; of other languages next to none
_ENOUGH = 1_000  # characters of one text that tell


def language_of(texts: Iterable[str]) -> tuple[Language, str]:
    """The language most of the texts' letters are in, and why.

    Args:
        texts: a sample is enough; a few hundred paragraphs tell.

    Returns:
        ``ko`` or ``en``, or ``other`` where neither is sure; and the reason, one clause.
    """
    letters, hangul, words, function_words = 0, 0, 0, 0
    for text in texts:
        lowered = text[:_ENOUGH].lower()
        letters += len(_LETTER.findall(lowered))
        hangul += len(_HANGUL.findall(lowered))
        found = _LATIN_WORD.findall(lowered)
        words += len(found)
        function_words += sum(word in ENGLISH for word in found)
    if letters == 0:
        return "other", "there are no letters in the texts"
    if hangul >= _HANGUL_SHARE * letters:
        return "ko", f"{percent(hangul / letters)} of the letters are Hangul"
    if words and function_words >= _FUNCTION_SHARE * words:
        return "en", f"{percent(function_words / words)} of the words are English function words"
    return "other", "neither Hangul nor English function words lead"


def language_of_text(text: str) -> Language:
    """The language of one text."""
    return language_of([text])[0]
