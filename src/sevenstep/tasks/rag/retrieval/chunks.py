"""Documents cut into the stretches that are searched.

A chunk is offsets into its document, so what is found can be quoted and a judgement finds its chunk however documents are cut.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from sevenstep.tasks.rag.text.sentences import sentences

__all__ = ["CHUNK_SCHEMA", "WHOLE", "cut", "cut_text"]

WHOLE = 0
"""The size that leaves every document in one piece."""

CHUNK_SCHEMA = {"document": pl.UInt32, "start": pl.Int64, "end": pl.Int64}


def cut(texts: Sequence[str], size: int, overlap: float) -> pl.DataFrame:
    """The chunks of documents, in their order.

    Args:
        texts: of the documents, whole.
        size: characters of a chunk at most; `WHOLE` leaves documents whole.
        overlap: share of a chunk that the next one repeats, 0 to 0.5.

    Returns:
        ``document`` (its position in ``texts``), ``start`` and ``end`` (offsets in its text); a chunk at least for each.
    """
    rows: dict[str, list[int]] = {"document": [], "start": [], "end": []}
    for number, text in enumerate(texts):
        for start, end in cut_text(text, size, overlap):
            rows["document"].append(number)
            rows["start"].append(start)
            rows["end"].append(end)
    return pl.DataFrame(rows, schema=CHUNK_SCHEMA)


def cut_text(text: str, size: int, overlap: float) -> list[tuple[int, int]]:
    """Offsets of the chunks of one text: whole sentences as far as they fit, a longer sentence cut between words."""
    if size == WHOLE or len(text) <= size:
        return [(0, len(text))]
    pieces = [part for start, end in sentences(text) for part in _shortened(text, start, end, size)]
    chunks: list[tuple[int, int]] = []
    first = 0
    while first < len(pieces):
        last = first
        while last + 1 < len(pieces) and pieces[last + 1][1] - pieces[first][0] <= size:
            last += 1
        chunks.append((pieces[first][0], pieces[last][1]))
        if last + 1 == len(pieces):
            break
        first = _next_start(pieces, first, last, overlap * size)
    return chunks or [(0, len(text))]


def _next_start(pieces: Sequence[tuple[int, int]], first: int, last: int, repeated: float) -> int:
    """Where the next chunk begins: as many sentences back as its share of repetition allows, but always further on."""
    at = last + 1
    while at - 1 > first and pieces[last][1] - pieces[at - 1][0] <= repeated:
        at -= 1
    return at


def _shortened(text: str, start: int, end: int, size: int) -> list[tuple[int, int]]:
    parts = []
    while end - start > size:
        space = text.rfind(" ", start + size // 2, start + size)
        stop = space if space > start else start + size
        parts.append((start, stop))
        start = stop + (space > start)
    return [*parts, (start, end)]
