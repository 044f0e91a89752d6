"""Answers as rows of a frame, for files and for what predictions are in every other task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import polars as pl

from sevenstep.data.documents.tables import PARTS, table
from sevenstep.tasks.answers import Answer, Citation, Passage

__all__ = ["answers_frame", "whole_parts"]

_TYPES: dict[str, Any] = {"int": pl.Int64, "float": pl.Float64, "str": pl.String}


def _struct(kind: type[Citation] | type[Passage]) -> pl.Struct:
    return pl.Struct({one.name: _TYPES[str(one.type)] for one in fields(kind)})


_SCHEMA = {
    "question_id": pl.String(), "question": pl.String(), "prediction": pl.String(), "confidence": pl.Float64(),
    "refused": pl.String(), "ranking": pl.List(pl.String), "citations": pl.List(_struct(Citation)),
    "evidence": pl.List(_struct(Passage)),
}  # fmt: skip


def answers_frame(names: Sequence[str], questions: Sequence[str], answers: Sequence[Answer]) -> pl.DataFrame:
    """A row a question: its id and text, ``prediction`` (the answer), and what it rests on."""
    rows = []
    for name, question, answer in zip(names, questions, answers, strict=True):
        told = answer.to_json()
        rows.append({"question_id": name, "question": question, "prediction": told["answer"],
                     **{column: told[column] for column in list(_SCHEMA)[3:]}})  # fmt: skip
    return pl.DataFrame(rows, schema=_SCHEMA)


def whole_parts(documents: pl.DataFrame) -> pl.DataFrame:
    """Parts of documents of which nothing is known but their text."""
    rows = documents.select("document_id", "text").iter_rows()
    return table([{"document_id": name, "start": 0, "end": len(text), "kind": "text"} for name, text in rows], PARTS)
