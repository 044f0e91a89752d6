"""The tables a corpus is: what their columns are called, of which types, and what each means.

Everything that points into a document does so by character offsets into its whole text, ``text[start:end]``, never by a chunk:
whatever is cut anew later keeps its anchors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from sevenstep.spec.documents import ANSWER, PASSAGES

__all__ = ["ANSWER", "DOCUMENTS", "JUDGEMENTS", "PARTS", "PASSAGES", "QUESTIONS", "table"]

_TEXT, _TEXTS, _WHOLE, _NUMBER, _TRUTH = pl.String(), pl.List(pl.String), pl.Int64(), pl.Float64(), pl.Boolean()

DOCUMENTS = pl.Schema(
    {"document_id": _TEXT, "title": _TEXT, "text": _TEXT, "source": _TEXT, "language": _TEXT, "trust": _TEXT, "licence": _TEXT,
     "date": _TEXT, "access": _TEXTS, "near": _TEXT}
)  # fmt: skip
"""A row a document. ``source`` is its file as the spec names it; ``access`` holds the tags of which an asker must hold one (none:
everyone may see it); ``near`` is the id of another, no older one that it nearly repeats, or null. What is
unknown of the others is empty.
"""

PARTS = pl.Schema({"document_id": _TEXT, "start": _WHOLE, "end": _WHOLE, "kind": _TEXT, "page": _WHOLE, "heading": _TEXT})
"""Where in a text which page, section and table lies: ``kind`` is ``text``, ``table`` or ``heading``; ``page`` counts from 1 and
is null where there is none; ``heading`` is the path of sections, parted by `` > ``. In the order of the text, none overlap."""

JUDGEMENTS = pl.Schema(
    {"question_id": _TEXT, "document_id": _TEXT, "grade": _NUMBER, "start": _WHOLE, "end": _WHOLE, "answer": _TEXT}
)
"""Which document is right for which question: ``grade`` is above 0 where it is; ``start`` and ``end`` are null where the whole
document is meant; ``answer`` is the answer that stretch holds, null where none is said."""

QUESTIONS = pl.Schema(
    {"question_id": _TEXT, "question": _TEXT, "group": _TEXT, "answers": _TEXTS, PASSAGES: _TRUTH, ANSWER: _TRUTH}
)
"""A row a question, the items of the data set. Questions of one ``group`` stay in one fold. ``answers`` is null where none is
known, and empty where the documents are known to hold none. ``passages`` and ``answer`` are true where it is known what is right,
and null where it is not: such a row is open."""


def table(rows: Sequence[Mapping[str, Any]], schema: pl.Schema) -> pl.DataFrame:
    """Rows as a frame of a schema; a column a row lacks is null."""
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema, orient="row")
