"""Which language one text is in, as far as it matters: Korean, English, or another."""

from __future__ import annotations

import re
from typing import Literal

__all__ = ["Language", "language_of_text"]

Language = Literal["ko", "en", "other"]

_HANGUL, _LETTER, _WORD = re.compile("[가-힣]"), re.compile(r"[^\W\d_]"), re.compile("[a-z]+")
_FUNCTION_WORDS = frozenset(
    ("a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "has", "have", "if", "in", "is", "it", "its", "not", "of",
     "on", "or", "that", "the", "their", "this", "to", "was", "were", "what", "when", "where", "which", "who", "will", "with",
     "you")
)  # fmt: skip
_HANGUL_SHARE, _FUNCTION_SHARE = 0.2, 0.12
_ENOUGH = 1_000  # characters of a text that tell


def language_of_text(text: str) -> Language:
    """``ko`` where a fifth of the letters are Hangul, ``en`` where the words are those of English prose, else ``other``."""
    head = text[:_ENOUGH].lower()
    letters, hangul = len(_LETTER.findall(head)), len(_HANGUL.findall(head))
    if letters and hangul >= _HANGUL_SHARE * letters:
        return "ko"
    words = _WORD.findall(head)
    function_words = sum(word in _FUNCTION_WORDS for word in words)
    return "en" if words and function_words >= _FUNCTION_SHARE * len(words) else "other"
