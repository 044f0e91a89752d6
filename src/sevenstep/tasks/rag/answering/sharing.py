"""No source speaks for all: a bound on how many of the passages an answer is made from come from one file."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from sevenstep.tasks.rag.found import Passage

__all__ = ["LOOKED_AT", "capped"]

LOOKED_AT = 200
"""Passages found that are looked through for those of other sources."""


def capped(passages: Iterable[Passage], count: int, share: float) -> list[Passage]:
    """The best ``count`` passages of which no source gives more than its ``share``; fewer where other sources have too few.

    Passages of one source alone are all it takes where nothing else was found. A source is its file; documents without one are
    each their own. A source always has room for one passage.

    Args:
        passages: as found, best first, and many more than ``count``: they are read on until enough have room, so that a source
            that fills the first places does not keep out the others.
        count: how many are wanted.
        share: of those, above 0 to 1.
    """
    kept, left, taken = list[Passage](), list[Passage](), Counter[str]()
    for passage in passages:
        source = _source(passage)
        if taken[source] < max(1, math.floor(share * count)):
            taken[source] += 1
            kept.append(passage)
        else:
            left.append(passage)
        if len(kept) == count:
            return kept
    if len(taken) == 1:
        return [*kept, *left][:count]
    return _balanced(kept, share)


def _balanced(kept: list[Passage], share: float) -> list[Passage]:
    """Fewer than were wanted, the last of a source taken out as long as it has more than its share of what is left."""
    while True:
        taken = Counter(map(_source, kept))
        source, most = taken.most_common(1)[0] if taken else ("", 0)
        if most <= max(1, math.floor(share * len(kept))):
            return kept
        last = max(at for at, passage in enumerate(kept) if _source(passage) == source)
        kept = kept[:last] + kept[last + 1 :]


def _source(passage: Passage) -> str:
    return passage.source or f"document {passage.document}"
