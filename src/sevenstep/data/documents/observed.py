"""What was observed since a corpus was read: documents added, changed and taken out, and what was told of answers given."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from sevenstep.data.documents.anchors import anchored
from sevenstep.data.documents.corpus import Corpus, as_corpus
from sevenstep.data.documents.parsed import Part
from sevenstep.data.documents.tables import DOCUMENTS
from sevenstep.data.quarantine import ROW
from sevenstep.data.record import Record
from sevenstep.errors import InputError
from sevenstep.wording import counted

__all__ = ["DOCUMENTS_FILE", "TOLD", "TOLD_FILE", "add_told", "same_words", "told_documents", "with_observed"]

DOCUMENTS_FILE, TOLD_FILE = "documents.parquet", "told.parquet"
"""Files of a folder that ``data.observed`` names: observations of documents (`told_documents`), and of questions (`TOLD`)."""

TOLD = pl.Schema({"question": pl.String(), "answer": pl.String(), "document": pl.String(), "wrong": pl.String()})
"""A row a question: the right ``answer``, the ``document`` that holds it, one that does not though it was cited; null where
nothing was told."""

_ID = "document_id"
_OWN = tuple(name for name in DOCUMENTS if name != "near")

Row = dict[str, Any]


def told_documents(told: Sequence[Mapping[str, Any]], before: Mapping[str, Mapping[str, Any]]) -> tuple[list[str], list[Row]]:
    """What observations of documents come to: ids of those taken out, and those added or changed in the columns of `DOCUMENTS`.

    What an observation does not say of a document stays as it was, so that tags can be changed without sending the text again.
    One that is not known and has no text is left alone, and so is one of which nothing changed.

    Args:
        told: observations, one a document; ``access`` is a JSON list of tags, ``removed`` true for one that is taken out.
        before: what is known of each by its id.
    """
    gone = [row[_ID] for row in told if row.get("removed")]
    changed = [_document(row, before.get(row[_ID], {})) for row in told if not row.get("removed")]
    return gone, [row for row in changed if row["text"] is not None and row != before.get(row[_ID])]


def _document(told: Mapping[str, Any], before: Mapping[str, Any]) -> Row:
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


def with_observed(corpus: Corpus, judgements: list[Row], folder: Path, language: str | None, record: Record) -> Corpus:
    """The corpus with what was observed of documents, and ``judgements`` in place moved with the texts they point into.

    A judgement of a document that is gone goes with it; where a text changed, its stretch is found again by its words, else the
    whole document counts.

    Raises:
        InputError: ``DATA-OBSERVED``, the folder does not hold what a retraining leaves there.
    """
    if not (folder / DOCUMENTS_FILE).is_file() or not (folder / TOLD_FILE).is_file():
        given, rule = f"{folder} holds no {DOCUMENTS_FILE} and {TOLD_FILE}", "data.observed is what sevenstep retrain writes"
        raise InputError("DATA-OBSERVED", given, rule, "take the key out; sevenstep retrain names the folder itself")
    known = {row[_ID]: row for row in corpus.documents.to_dicts()}
    gone, changed = told_documents(pl.read_parquet(folder / DOCUMENTS_FILE).to_dicts(), known)
    newer = {row[_ID]: row for row in changed}
    if not gone and not newer:
        return corpus
    rows = [newer.get(ident, row) for ident, row in known.items() if ident not in gone]
    rows += [row for ident, row in newer.items() if ident not in known]
    texts = {row[_ID]: row["text"] for row in rows}
    judgements[:] = [_moved(row, known, texts) for row in judgements if row[_ID] in texts]
    record.add(
        "read", f"{counted(len(newer), 'document')} observed since, {len(gone)} taken out", source="observed", rows=len(newer)
    )
    parts: dict[str, list[Part]] = {}
    for ident, start, end, kind, page, heading in corpus.parts.iter_rows():
        if ident in texts and texts[ident] == known[ident]["text"]:
            parts.setdefault(ident, []).append(Part(start, end, kind, page, heading))
    return as_corpus([dict(row) for row in rows], record, parts=parts, language=language)


def _moved(judgement: Row, before: Mapping[str, Row], texts: Mapping[str, str]) -> Row:
    ident, start = judgement[_ID], judgement.get("start")
    if start is None or ident not in before or texts[ident] == before[ident]["text"]:
        return judgement
    place = anchored(texts[ident], before[ident]["text"][start : judgement["end"]], start)
    return {**judgement, "start": place[0] if place else None, "end": place[1] if place else None}


def add_told(questions: list[Row], judgements: list[Row], folder: Path, texts: Mapping[str, str], record: Record) -> None:
    """Add the questions of which something was told; one that is asked already, in the same words, learns what it lacks.

    Args:
        questions: rows with ``question_id``, ``question``, ``answers`` and the number `ROW`; added to.
        judgements: rows of `tables.JUDGEMENTS`; added to.
        folder: that ``data.observed`` names.
        texts: the text of each document by its id.
        record: what was done is added here.
    """
    told = pl.read_parquet(folder / TOLD_FILE).to_dicts()
    asked = {same_words(row["question"]): row for row in questions}
    judged = {(row["question_id"], row[_ID]) for row in judgements}
    for row in told:
        words = same_words(row["question"])
        if words not in asked:
            ident = f"asked-{sha256(words.encode()).hexdigest()[:12]}"
            made = {"question_id": ident, "question": row["question"], "answers": None, ROW: len(questions) + 1}
            questions.append(made)
            asked[words] = made
        own = asked[words]
        if row["answer"] is not None and own["answers"] is None:
            own["answers"] = [row["answer"]]
        for document, grade in ((row["document"], 1.0), (row["wrong"], 0.0)):
            if document in texts and (own["question_id"], document) not in judged:
                judged.add((own["question_id"], document))
                place = anchored(texts[document], row["answer"], None) if grade and row["answer"] else None
                about = {"question_id": own["question_id"], _ID: document, "grade": grade}
                ends = {"start": place[0] if place else None, "end": place[1] if place else None}
                judgements.append({**about, **ends, "answer": row["answer"] if place else None})
    if told:
        record.add(
            "read", f"{counted(len(told), 'question')} asked since, with what was told of them", source="observed", rows=len(told)
        )


def same_words(question: str) -> str:
    """A question as it is compared with others: without regard to case and blanks."""
    return " ".join(question.lower().split())
