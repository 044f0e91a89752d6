"""Where the sentences of a text begin and end, so that quotes and chunks do not cut one in two."""

from __future__ import annotations

import re

__all__ = ["sentences"]

_END = re.compile(
    r"(?<=[.!?。])[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[A-Z0-9가-힣])"  # a full stop, then white space, then what can begin a sentence
    r"|\n\s*\n|\n(?=\s*(?:[-*•#|]|\d+[.)]\s))"  # an empty line, or a line that begins a list item, a heading or a table row
)
_ABBREVIATED = re.compile(
    r"(?:\b(?:e\.g|i\.e|vs|cf|al|etc|fig|figs|no|dr|mr|mrs|ms|st|prof|approx|ca|eq|sec|vol|pp|u\.s|u\.k)|\b[A-Z]|^\s*\d{1,3})\.$",
    re.IGNORECASE,
)


def sentences(text: str) -> list[tuple[int, int]]:
    """Offsets ``[start, end)`` of each sentence of ``text``, without the white space around it; in order, never overlapping.

    A rule of thumb for prose in English and Korean: a full stop ends a sentence unless it ends an abbreviation, an initial or
    the number of a list; an empty line, a heading and a list item always do.
    """
    found: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(text):
        if "\n" not in match.group() and _ABBREVIATED.search(text[max(start, match.start() - 12) : match.start()]):
            continue
        _keep(text, start, match.start(), found)
        start = match.end()
    _keep(text, start, len(text), found)
    return found


def _keep(text: str, start: int, end: int, found: list[tuple[int, int]]) -> None:
    piece = text[start:end]
    left, right = len(piece) - len(piece.lstrip()), len(piece.rstrip())
    if right > left:
        found.append((start + left, start + right))
