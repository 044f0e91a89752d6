"""Which documents are right for which question, from files of records."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from sevenstep.data.documents.anchors import anchored
from sevenstep.data.documents.files import format_of
from sevenstep.data.documents.records import as_text, column_of, read_records
from sevenstep.data.locations import locate
from sevenstep.data.quarantine import ROW, Quarantine
from sevenstep.data.record import Record
from sevenstep.errors import InputError
from sevenstep.spec.documents import Judgements

__all__ = ["read_judgements"]


def read_judgements(
    section: Judgements, base: Path, texts: Mapping[str, str], questions: Collection[str], record: Record, quarantine: Quarantine
) -> list[dict[str, Any]]:
    """Judgements as rows of `tables.JUDGEMENTS`; those of a question or a document there is not are set aside.

    Args:
        section: where they are.
        base: folder of the spec.
        texts: the text of each document by its id, in which quotes are found.
        questions: ids of the questions there are.
        record: what was done is added here.
        quarantine: rows set aside are added here.

    Raises:
        InputError: no file is there, one is broken or lacks a column, or no row is about what is there (``DATA-NO-JUDGEMENTS``).
    """
    kept: list[dict[str, Any]] = []
    for place in locate(list(section.path), base):
        kind = section.format or format_of(place.label) or None
        frame = read_records(place, "judgements", kind, section.encoding, record, quarantine)
        rows, wrong = _split(_rows(frame, section), texts, questions)
        for reason, numbers in wrong.items():
            aside = frame.with_row_index(ROW, offset=1)[numbers]
            quarantine.set_aside("judgements", aside, code="DATA-NOWHERE", column=section.document, reason=reason)
        kept += rows
    if not kept:
        given = f"none of the judgements is about a question and a document that are there ({', '.join(section.path)})"
        fix = "check the columns data.judgements names, and the ids of documents and questions"
        raise InputError("DATA-NO-JUDGEMENTS", given, "a judgement names a question and a document by their ids", fix)
    return [_placed(row, texts) for row in kept]


def _rows(frame: pl.DataFrame, section: Judgements) -> list[dict[str, Any]]:
    question = column_of(frame, section.question, (), "judgements.question", needed=True)
    document = column_of(frame, section.document, (), "judgements.document", needed=True)
    grade = column_of(frame, section.grade, (), "judgements.grade", needed=False)
    quote = column_of(frame, section.quote, (), "judgements.quote", needed=False)
    grades = frame[grade].cast(pl.Float64, strict=False).to_list() if grade else [1.0] * len(frame)
    quotes = as_text(frame, quote) if quote else [None] * len(frame)
    columns = (as_text(frame, str(question)), as_text(frame, str(document)), grades, quotes)
    return [dict(zip(("question_id", "document_id", "grade", "quote"), row, strict=True)) for row in zip(*columns, strict=True)]


def _split(
    rows: Sequence[dict[str, Any]], texts: Mapping[str, str], questions: Collection[str]
) -> tuple[list[dict[str, Any]], dict[str, list[int]]]:
    """Rows about what is there, each pair once; of the others the numbers (from 0) by the reason."""
    kept: dict[tuple[Any, ...], dict[str, Any]] = {}
    wrong: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        pair = (row["question_id"], row["document_id"], row["quote"])
        if row["question_id"] not in questions:
            wrong.setdefault("there is no question of that id", []).append(number)
        elif row["document_id"] not in texts:
            wrong.setdefault("there is no document of that id", []).append(number)
        elif row["grade"] is None:
            wrong.setdefault("its grade is no number", []).append(number)
        elif pair in kept and kept[pair]["grade"] != row["grade"]:
            wrong.setdefault("an earlier row grades the same otherwise", []).append(number)
        else:
            kept[pair] = row
    return list(kept.values()), wrong


def _placed(row: dict[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
    quote = row.pop("quote")
    place = anchored(texts[row["document_id"]], quote, None) if quote else None
    return {**row, "start": place[0] if place else None, "end": place[1] if place else None, "answer": None}
