"""What a model is shown: passages as numbered, fenced data, within a number of tokens, and examples before the question."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sevenstep.endpoints.tokens import text_tokens
from sevenstep.tasks.rag.answering.reading import grams, read
from sevenstep.tasks.rag.data_only import without_instructions
from sevenstep.tasks.rag.found import Passage

__all__ = ["Shot", "chosen_shots", "messages_of", "passages_text", "shown"]

Order = Literal["best first", "best last"]

_FENCE = re.compile(r"</?\s*passage\b", re.IGNORECASE)
_LEFT_OUT = "[a sentence worded as an instruction was left out]"
_BLANK = re.compile(r"[ \t]{3,}")


@dataclass(frozen=True)
class Shot:
    """An answered question shown as an example: the sentence it was answered from, and the answer."""

    question: str
    sentence: str
    answer: str


def shown(passages: Sequence[Passage], tokens: int) -> list[Passage]:
    """The passages that fit, best first; the first one always, whole or not."""
    kept, used = list[Passage](), 0
    for passage in passages:
        used += text_tokens(passage.text)
        if kept and used > tokens:
            break
        kept.append(passage)
    return kept


def messages_of(
    prompt: str, question: str, passages: Sequence[Passage], shots: Sequence[Shot], order: Order
) -> list[dict[str, str]]:
    """The chat: rules, examples, passages numbered from 1 by their rank, question."""
    messages = [{"role": "system", "content": prompt}]
    for shot in shots:
        block = f'<passage number="1">\n{_fenced(shot.sentence)}\n</passage>'
        messages.append({"role": "user", "content": f"{block}\n\nQuestion: {shot.question}"})
        messages.append({"role": "assistant", "content": f"{shot.answer} [1]"})
    return [*messages, {"role": "user", "content": f"{passages_text(passages, order)}\n\nQuestion: {question}"}]


def passages_text(passages: Sequence[Passage], order: Order = "best first") -> str:
    """Passages as numbered, fenced data."""
    blocks = [_block(number, passage) for number, passage in enumerate(passages, 1)]
    return "\n".join(blocks[::-1] if order == "best last" else blocks)


def _block(number: int, passage: Passage) -> str:
    title = re.sub(r'[<>"\n]', " ", passage.title)
    return f'<passage number="{number}" title="{title}">\n{_fenced(passage.text)}\n</passage>'


def _fenced(text: str) -> str:
    """A document's text so that it cannot end its own quotation, nor speak to the model."""
    kept = without_instructions(text)
    if kept != text:
        kept = _BLANK.sub(f" {_LEFT_OUT} ", kept)
    return _FENCE.sub(lambda found: found.group().replace("<", "‹"), kept)


def chosen_shots(question: str, shots: Sequence[Shot], count: int, korean: bool) -> list[Shot]:
    """The ``count`` examples whose questions share most pairs of letters with this one (Dice), most alike last."""
    asked = _pairs(question, korean)
    ranked = sorted(shots, key=lambda shot: (-_dice(asked, _pairs(shot.question, korean)), shot.question))
    return ranked[:count][::-1]


def _pairs(text: str, korean: bool) -> set[str]:
    return {pair for word in read(text, korean).stems if word for pair in grams(word)}


def _dice(first: set[str], second: set[str]) -> float:
    return 2 * len(first & second) / max(len(first) + len(second), 1)
