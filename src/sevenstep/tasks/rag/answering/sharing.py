"""No source speaks for all: a bound on how many of the passages an answer is made from come from one file."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from sevenstep.tasks.rag.found import Passage

__all__ = ["capped"]


def capped(passages: Sequence[Passage], count: int, share: float) -> list[Passage]:
    """The best ``count`` passages of which no source gives more than its ``share``, where several sources have any.

    Passages of one source alone are all it takes where nothing else was found. A source is its file; documents without one are
    each their own.

    Args:
        passages: as found, best first; more than ``count`` of them, so that others can take the place of those left out.
        count: how many are wanted.
        share: of the wanted number, above 0 to 1; a source always has room for one.
    """
    most, taken = max(1, math.floor(share * count)), Counter[str]()
    if len({_source(passage) for passage in passages}) < 2:
        return list(passages[:count])
    kept: list[Passage] = []
    for passage in passages:
        source = _source(passage)
        if len(kept) < count and taken[source] < most:
            taken[source] += 1
            kept.append(passage)
    return kept


def _source(passage: Passage) -> str:
    return passage.source or f"document {passage.document}"
