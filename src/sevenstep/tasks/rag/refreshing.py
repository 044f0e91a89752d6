"""Documents that are added, changed or taken out while questions are answered."""

from __future__ import annotations

import polars as pl

from sevenstep.data.documents.observed import told_documents
from sevenstep.data.documents.tables import DOCUMENTS, PARTS, table
from sevenstep.tasks.answers import DOCUMENT_ID
from sevenstep.tasks.rag.retrieval.index import CorpusIndex

__all__ = ["refreshed"]


def refreshed(index: CorpusIndex, rows: pl.DataFrame) -> CorpusIndex:
    """The index with what was observed of documents: the newest state of each, in the columns of `DOCUMENT`.

    Rows that name no document are left alone; see `told_documents`.
    """
    if DOCUMENT_ID not in rows.columns:
        return index
    told = rows.filter(pl.col(DOCUMENT_ID).is_not_null()).unique(DOCUMENT_ID, keep="last", maintain_order=True).to_dicts()
    known = index.corpus.documents.filter(pl.col(DOCUMENT_ID).is_in([row[DOCUMENT_ID] for row in told]))
    before = {row[DOCUMENT_ID]: row for row in known.to_dicts()}
    gone, wanted = told_documents(told, before)
    if gone:
        index = index.without(gone)
    if not wanted:
        return index
    same = {row[DOCUMENT_ID] for row in wanted if row["text"] == before.get(row[DOCUMENT_ID], {}).get("text")}
    kept = index.corpus.parts.filter(pl.col(DOCUMENT_ID).is_in(list(same)))
    whole = [{DOCUMENT_ID: row[DOCUMENT_ID], "start": 0, "end": len(row["text"]), "kind": "text"}
             for row in wanted if row[DOCUMENT_ID] not in same]  # fmt: skip
    return index.added(table(wanted, DOCUMENTS), pl.concat([kept, table(whole, PARTS)], how="diagonal_relaxed"))
