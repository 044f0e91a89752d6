"""Questions with their answers, from files of records, and the groups that must stay in one fold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from sevenstep.data.documents.files import format_of
from sevenstep.data.documents.records import as_text, column_of, read_records
from sevenstep.data.documents.tagging import texts_of
from sevenstep.data.locations import locate
from sevenstep.data.quarantine import ROW, Quarantine
from sevenstep.data.record import Record
from sevenstep.errors import InputError
from sevenstep.spec.documents import Questions

__all__ = ["connected", "missing_questions", "read_questions"]


def read_questions(
    section: Questions, base: Path, record: Record, quarantine: Quarantine, *, keep: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Questions as rows: ``question_id``, ``question``, ``answers`` (None where none is known), and the columns to keep.

    Each has the number of its row, `ROW`, counted through all files. Rows without an id or a question, and later ones with an id
    that was there before, are set aside.

    Raises:
        InputError: no file is there, one is broken or lacks a column.
    """
    rows: list[dict[str, Any]] = []
    for place in locate(list(section.path), base):
        kind = section.format or format_of(place.label) or None
        frame = read_records(place, "questions", kind, section.encoding, record, quarantine)
        rows += _rows(frame, section, keep, len(rows))
    return list(_distinct(rows, quarantine))


def _rows(frame: pl.DataFrame, section: Questions, keep: Sequence[str], before: int) -> list[dict[str, Any]]:
    text = column_of(frame, section.text, ("question", "text", "query"), "questions.text", needed=True)
    ident = column_of(frame, section.id, ("id", "_id", "question_id", "query_id"), "questions.id", needed=False)
    answers = column_of(frame, section.answers, ("answers", "answer"), "questions.answers", needed=False)
    for name in keep:
        column_of(frame, name, (), "segments", needed=True)
    idents = as_text(frame, ident) if ident else [str(before + number) for number in range(1, len(frame) + 1)]
    held = frame[answers].to_list() if answers else [None] * len(frame)
    kept = frame.select(keep).to_dicts() if keep else [{}] * len(frame)
    return [
        {"question_id": named, "question": asked, "answers": texts_of(given), **more, ROW: before + number}
        for number, (named, asked, given, more) in enumerate(
            zip(idents, as_text(frame, str(text)), held, kept, strict=True), start=1
        )
    ]


def _distinct(rows: Iterable[dict[str, Any]], quarantine: Quarantine) -> Iterable[dict[str, Any]]:
    seen: set[str] = set()
    for row in rows:
        if row["question_id"] is None or row["question"] is None:
            _set_aside(row, "DATA-NO-IDENTITY", "the row has no question or no id", quarantine)
        elif row["question_id"] in seen:
            _set_aside(row, "DATA-DUPLICATE", "an earlier question has the same id", quarantine)
        else:
            seen.add(row["question_id"])
            yield row


def _set_aside(row: dict[str, Any], code: str, reason: str, quarantine: Quarantine) -> None:
    frame = pl.DataFrame([row], infer_schema_length=None, strict=False)
    quarantine.set_aside("questions", frame, code=code, column="question_id", reason=reason)


def connected(questions: Sequence[str], pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """For each question the name of its group: questions that share something stay together, also through others.

    Args:
        questions: ids.
        pairs: a question and what it has to do with (a relevant document).

    Returns:
        The group of each, named by the first of its questions in the order given.
    """
    parent = {question: question for question in questions}

    def root(question: str) -> str:
        while parent[question] != question:
            parent[question] = parent[parent[question]]
            question = parent[question]
        return question

    order = {question: at for at, question in enumerate(questions)}
    first: dict[str, str] = {}
    for question, shared in pairs:
        if question in parent:
            one, other = root(first.setdefault(shared, question)), root(question)
            if one != other:
                late, early = (one, other) if order[one] > order[other] else (other, one)
                parent[late] = early
    return {question: root(question) for question in questions}


def missing_questions(given: str) -> InputError:
    """There is nothing to learn from or to be judged on."""
    rule = "answers are learnt from and judged on questions"
    fix = "name them as data.questions, or let some be proposed: sevenstep questions propose"
    return InputError("DATA-NO-QUESTIONS", given, rule, fix)
