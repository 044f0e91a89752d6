"""Which language texts are in, as far as it matters here: how they are cut into terms and how answers are compared."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from sevenstep.tasks.rag.text.stopwords import ENGLISH
from sevenstep.wording import percent

__all__ = ["Language", "language_of"]

Language = Literal["ko", "en", "other"]

_HANGUL, _LETTER, _LATIN_WORD = re.compile("[가-힣]"), re.compile(r"[^\W\d_]"), re.compile("[a-z]+")
_HANGUL_SHARE = 0.2  # Korean texts on technical matters are full of Latin names
_FUNCTION_SHARE = 0.15  # of the words of English prose a third or more are function words; of other languages next to none


def language_of(texts: Iterable[str]) -> tuple[Language, str]:
    """The language most of the texts' letters are in, and why.

    Args:
        texts: a sample is enough; a few hundred paragraphs tell.

    Returns:
        ``ko`` or ``en``, or ``other`` where neither is sure; and the reason, one clause.
    """
    letters, hangul, words, function_words = 0, 0, 0, 0
    for text in texts:
        lowered = text.lower()
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
