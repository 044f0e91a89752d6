"""Documents that are added, changed or taken out while questions are answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from sevenstep.data.documents.tables import DOCUMENTS, PARTS, table
from sevenstep.tasks.answers import DOCUMENT, DOCUMENT_ID
from sevenstep.tasks.rag.retrieval.index import CorpusIndex

__all__ = ["refreshed"]

_OWN = tuple(name for name in DOCUMENT if name != "removed")


def refreshed(index: CorpusIndex, rows: pl.DataFrame) -> CorpusIndex:
    """The index with what was observed of documents: the newest state of each, in the columns of `DOCUMENT`.

    What an observation does not say of a document stays as it was, so that tags can be changed without sending the text again.
    Rows that name no document are left alone, and so is one that is not known and has no text.
    """
    if DOCUMENT_ID not in rows.columns:
        return index
    told = rows.filter(pl.col(DOCUMENT_ID).is_not_null()).unique(DOCUMENT_ID, keep="last", maintain_order=True).to_dicts()
    known = index.corpus.documents.filter(pl.col(DOCUMENT_ID).is_in([row[DOCUMENT_ID] for row in told]))
    before = {row[DOCUMENT_ID]: row for row in known.to_dicts()}
    gone = [row[DOCUMENT_ID] for row in told if row.get("removed")]
    changed = [_document(row, before.get(row[DOCUMENT_ID], {})) for row in told if not row.get("removed")]
    wanted = [row for row in changed if row["text"] is not None and row != before.get(row[DOCUMENT_ID])]
    if gone:
        index = index.without(gone)
    if not wanted:
        return index
    same = {row[DOCUMENT_ID] for row in wanted if row["text"] == before.get(row[DOCUMENT_ID], {}).get("text")}
    kept = index.corpus.parts.filter(pl.col(DOCUMENT_ID).is_in(list(same)))
    whole = [{DOCUMENT_ID: row[DOCUMENT_ID], "start": 0, "end": len(row["text"]), "kind": "text"}
             for row in wanted if row[DOCUMENT_ID] not in same]  # fmt: skip
    return index.added(table(wanted, DOCUMENTS), pl.concat([kept, table(whole, PARTS)], how="diagonal_relaxed"))


def _document(told: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """A document as it is known now."""
    row = {name: told[name] if told.get(name) is not None else before.get(name) for name in _OWN}
    row["near"] = None
    tags = told.get("access")
    row["access"] = before.get("access") or [] if tags is None else _tags(tags)
    return {name: ("" if row[name] is None and name not in ("text", "near") else row[name]) for name in DOCUMENTS}


def _tags(text: str) -> list[str]:
    """The tags of a JSON list; a plain text is one tag, so that a slip never opens a document to everybody."""
    try:
        told = json.loads(text)
    except json.JSONDecodeError:
        return [text]
    return [str(one) for one in told] if isinstance(told, list) else [str(told)]
