"""What each column of the questions is for, and what the data say of themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from sevenstep.data.dataset import Roles
from sevenstep.data.documents.language import language_of
from sevenstep.data.documents.tables import ANSWER, PASSAGES, QUESTIONS
from sevenstep.errors import InputError
from sevenstep.spec.brief import Brief
from sevenstep.wording import counted

__all__ = ["find_roles"]

Fact = Mapping[str, Any]
_SAMPLE = 400  # questions by which the language is told


def find_roles(items: pl.DataFrame, brief: Brief, sources: Mapping[str, Sequence[str]]) -> tuple[Roles, Mapping[str, Fact]]:
    """Roles of the columns, and the facts ``language``, ``unit``, ``questions``, ``judged``, ``answered`` and ``unanswerable``.

    Raises:
        InputError: ``RAG-COLUMN``, a segment has the name of a column of ours.
    """
    del sources  # all columns come from the questions
    for name in brief.data.segments:
        if name in QUESTIONS:
            given, rule = f"data.segments names '{name}'", "a column of that name is made for every question"
            raise InputError("RAG-COLUMN", given, rule, "give the column of the questions another name")
    roles = Roles(brief.targets, keys=("question_id",), segments=tuple(brief.data.segments), known_ahead=("question",))
    return roles, {**_language(items, brief), **_unit(brief), **_counts(items)}


def _language(items: pl.DataFrame, brief: Brief) -> dict[str, Fact]:
    if brief.data.language is not None:
        return {"language": {"value": brief.data.language, "reason": "the spec says so"}}
    language, reason = language_of(items["question"].head(_SAMPLE).to_list())
    return {"language": {"value": language, "reason": f"of the questions: {reason}"}}


def _unit(brief: Brief) -> dict[str, Fact]:
    if brief.data.format == "squad":
        return {"unit": {"value": "paragraph", "reason": "in the form of SQuAD the paragraphs are the documents"}}
    return {"unit": {"value": "document", "reason": "documents are given as such"}}


def _judged(items: pl.DataFrame) -> dict[str, Fact]:
    if PASSAGES not in items.columns:
        return {}
    return {"judged": {"value": int(items[PASSAGES].sum()), "reason": "questions with judgements of documents"}}


def _counts(items: pl.DataFrame) -> dict[str, Fact]:
    answered = items.filter(pl.col("answers").list.len() > 0).height
    none = items.filter(pl.col("answers").list.len() == 0).height
    groups = counted(items["group"].n_unique(), "group")
    return {
        "questions": {"value": items.height, "reason": f"in {groups} that stay in one fold"},
        **_judged(items),
        "answered": {"value": answered, "reason": f"questions with a known answer ({ANSWER})"},
        "unanswerable": {"value": none, "reason": "questions the documents are known to hold no answer to"},
    }
