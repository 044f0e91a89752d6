"""A passage as the answerer reads it: its words with their offsets, stems and sentences."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sevenstep.tasks.rag.answering.particles import HANGUL, stem
from sevenstep.tasks.rag.text.sentences import sentences
from sevenstep.tasks.rag.text.stopwords import ENGLISH

__all__ = ["TOKEN", "Reading", "grams", "read", "stem_of"]

Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

TOKEN = re.compile(r"[^\W_]+(?:[-.,'’:/~·&][^\W_]+)*|[^\w\s]")
"""A word with the marks inside it (``5,000``, ``Ki-moon``), or one mark."""

_SENTENCE_APART = 8  # words that the end of a sentence counts for in distances
_ENGLISH_ENDINGS = ("'s", "’s", "ies", "ing", "ed", "es", "s", "ly")
_LEAST_STEM = 3


@dataclass(frozen=True)
class Reading:
    """A passage cut into tokens.

    Args:
        text: the passage.
        korean: whether it is read as Korean.
        tokens: words and marks, in order.
        starts, ends: their offsets in ``text``.
        sentence: number of the sentence of each.
        is_word: whether it is a word, not a mark.
        function: whether it is a mark or a function word.
        stems: lower-case stem of each word, empty for marks.
        particles: what the stem leaves of a Korean word.
        place: how many words stand before it, the end of a sentence counting as several.
        found: which tokens hold a pair of letters.
        sizes: how many distinct pairs of letters each token holds.
    """

    text: str
    korean: bool
    tokens: Sequence[str]
    starts: Integers
    ends: Integers
    sentence: Integers
    is_word: Booleans
    function: Booleans
    stems: Sequence[str]
    particles: Sequence[str]
    place: npt.NDArray[np.float64]
    found: Mapping[str, Integers]
    sizes: npt.NDArray[np.float64]


def read(text: str, korean: bool) -> Reading:
    """Cut a passage into tokens."""
    matches = list(TOKEN.finditer(text))
    tokens = [match.group() for match in matches]
    starts = np.array([match.start() for match in matches], np.int64)
    ends = np.array([match.end() for match in matches], np.int64)
    begun = np.array([start for start, _ in sentences(text)], np.int64)
    sentence = np.maximum(np.searchsorted(begun, starts, side="right") - 1, 0)
    is_word = np.array([token[0].isalnum() for token in tokens], bool)
    stems = [stem_of(token) if word else "" for token, word in zip(tokens, is_word, strict=True)]
    particles = [token[len(one) :] if one and HANGUL.match(token[-1]) else "" for token, one in zip(tokens, stems, strict=True)]
    function = np.array([token.lower() in ENGLISH for token in tokens], bool) | ~is_word
    found, sizes = _letters(stems)
    place = np.cumsum(is_word) + _SENTENCE_APART * sentence.astype(np.float64)
    return Reading(text, korean, tokens, starts, ends, sentence, is_word, function, stems, particles, place, found, sizes)


def stem_of(word: str) -> str:
    """The lower-case stem of a word: Korean without its particle, English without its commonest endings."""
    lower = word.lower()
    if HANGUL.match(lower[-1]):
        return stem(lower)
    for ending in _ENGLISH_ENDINGS:
        if lower.endswith(ending) and len(lower) - len(ending) > _LEAST_STEM:
            return lower[: -len(ending)]
    return lower


def grams(word: str) -> set[str]:
    """Pairs of neighbouring letters of a word; a single letter is its own."""
    return {word[at : at + 2] for at in range(len(word) - 1)} or {word}


def _letters(stems: Sequence[str]) -> tuple[dict[str, Integers], npt.NDArray[np.float64]]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    sizes = np.ones(len(stems))
    for number, one in enumerate(stems):
        if one:
            pairs = grams(one)
            sizes[number] = len(pairs)
            for pair in pairs:
                found[pair].append(number)
    return {pair: np.array(numbers, np.int64) for pair, numbers in found.items()}, sizes
