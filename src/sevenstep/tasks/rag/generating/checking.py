"""What a model wrote, held against what it cites: a sentence stays only where the passage it names says it.

Nothing a model writes is believed. A sentence without a citation, with a number that names no passage, or whose words do not
stand in the cited passage is taken out; where none is left, the answer is a refusal. Sentences worded as
instructions are no part of a passage here, so that a model that obeys one has nothing to rest on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sevenstep.stats.answers import supported_share
from sevenstep.tasks.rag.answering.extractive import quoted_sentence
from sevenstep.tasks.rag.data_only import without_instructions
from sevenstep.tasks.rag.found import Citation, Passage
from sevenstep.tasks.rag.generating.prompts import REFUSED
from sevenstep.tasks.rag.text.sentences import sentences

__all__ = ["Checked", "checked"]

_SUPPORTED = 0.6  # share of a sentence's content that has to stand in the sentence it cites
_NUMBERS = re.compile(r"\[(\d+(?:\s*,\s*\d+)*)\]")
_SENTENCE = re.compile(r".*?(?:\[\d+(?:\s*,\s*\d+)*\][.!?]?|[.!?。](?=\s|$)(?!\s*\[)|\n|$)", re.DOTALL)


@dataclass(frozen=True)
class Checked:
    """What is left of an answer: its text without the numbers, its citations, and how many sentences were taken out."""

    text: str
    citations: Sequence[Citation]
    removed: int


def checked(written: str, passages: Sequence[Passage]) -> Checked:
    """Keep what is supported.

    Args:
        written: as the model wrote it, with numbers of passages in square brackets.
        passages: those it was shown, number 1 first.
    """
    if REFUSED in written:
        return Checked("", (), 0)
    kept, citations, removed = list[str](), list[Citation](), 0
    for sentence in (found.group().strip() for found in _SENTENCE.finditer(written)):
        text = _NUMBERS.sub("", sentence).strip()
        if not any(letter.isalnum() for letter in text):
            continue
        support = _support(text, _cited(sentence, passages))
        if support is None:
            removed += 1
            continue
        kept.append(_tidy(text))
        citations.append(support)
    return Checked(" ".join(kept), tuple(dict.fromkeys(citations)), removed)


def _cited(sentence: str, passages: Sequence[Passage]) -> list[Passage]:
    numbers = [int(one) for found in _NUMBERS.finditer(sentence) for one in found[1].split(",")]
    return [passages[number - 1] for number in numbers if 1 <= number <= len(passages)]


def _support(text: str, cited: Sequence[Passage]) -> Citation | None:
    """The sentence among the cited passages that says most of ``text``, if it says enough of it."""
    best, most = None, _SUPPORTED
    for passage in cited:
        data = without_instructions(passage.text)
        for start, end in sentences(data):
            share = supported_share(text, [data[start:end]])
            if share >= most and (best is None or share > most):
                best, most = quoted_sentence(passage, start, end), share
    return best


def _tidy(text: str) -> str:
    return re.sub(r"\s+([.,!?])", r"\1", re.sub(r"\s+", " ", text)).strip()
