"""Text of documents as data: sentences worded as instructions to whoever reads them carry no answer and are shown to no model.

Offsets stay: what is left out is blanked, so that what is quoted of the rest still lies where it lies in the document.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from sevenstep.tasks.rag.found import Passage
from sevenstep.tasks.rag.instructions import instructions_in
from sevenstep.tasks.rag.text.sentences import sentences

__all__ = ["data_only", "holds_instructions", "without_instructions"]

_VISIBLE = re.compile(r"\S")
_KEPT = 8192  # passages remembered


@lru_cache(maxsize=_KEPT)
def without_instructions(text: str) -> str:
    """The text, as long as it was, with every sentence blanked that holds an instruction, and what follows it on its line.

    An instruction tells what to write next to it, so the rest of its line is as little to be trusted as itself.
    """
    found = instructions_in(text)
    if not found:
        return text
    places = sentences(text)
    for start, end in found:
        first = min((a for a, b in places if a <= start < b), default=start)
        line = text.find("\n", end)
        last = max(max((b for a, b in places if a < end <= b), default=end), len(text) if line < 0 else line)
        text = text[:first] + _VISIBLE.sub(" ", text[first:last]) + text[last:]
    return text


def holds_instructions(passage: Passage) -> bool:
    """Whether a passage is worded, somewhere, as an instruction to whoever reads it."""
    return without_instructions(passage.text) != passage.text


def data_only(passages: Sequence[Passage]) -> list[Passage]:
    """The passages without what is worded as an instruction."""
    return [replace(passage, text=without_instructions(passage.text)) for passage in passages]
