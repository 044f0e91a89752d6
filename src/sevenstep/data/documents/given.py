"""Questions and documents a person gives after release: in any form a spec may name, or both in one file of SQuAD's form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from sevenstep.data.documents.corpus import Corpus, read_corpus
from sevenstep.data.documents.files import format_of
from sevenstep.data.documents.questions import read_questions
from sevenstep.data.documents.squad import is_squad, read_squad
from sevenstep.data.locations import Place
from sevenstep.data.payload import read_bytes
from sevenstep.data.quarantine import Quarantine
from sevenstep.data.record import Record
from sevenstep.errors import InputError
from sevenstep.spec.documents import Documents, Questions
from sevenstep.spec.sources import Data
from sevenstep.wording import counted

__all__ = ["given_documents", "given_questions"]

_FIX = "mend the file, or take it out"


def given_questions(data: Data, path: Path) -> pl.DataFrame:
    """The questions of a file in their order: ``question_id`` and ``question``.

    A file of records has the columns the spec names, or the usual ones (``id`` and ``text`` or ``question``); one in the form of
    SQuAD is read for its questions alone.

    Raises:
        InputError: ``PREDICT-NO-FILE``; ``PREDICT-ROW``, a question cannot be used; or what `read_questions` raises.
    """
    if not path.is_file():
        rule = "--input names a file of questions"
        raise InputError("PREDICT-NO-FILE", f"{path} is not there", rule, "check the path")
    rows = _squad_questions(path)
    if rows is None:
        quarantine = Quarantine()
        section = Questions(path=(path.name,)) if data.questions is None else data.questions.model_copy(update=_here(path))
        rows = _as_named(lambda one: read_questions(one, path.resolve().parent, Record(), quarantine), section)
        _all_usable(quarantine, path)
    return pl.DataFrame(
        {name: [row[name] for row in rows] for name in ("question_id", "question")},
        schema={"question_id": pl.String, "question": pl.String},
    )


def given_documents(data: Data, path: Path) -> Corpus:
    """Another corpus: any form ``data.documents`` may have, or a file in the form of SQuAD, whose paragraphs are its documents.

    Raises:
        InputError: ``PREDICT-ROW``, a document cannot be used; or what `read_corpus` raises.
    """
    base, quarantine = path.resolve().parent, Quarantine()
    section = Documents(path=(path.name,)) if data.documents is None else data.documents.model_copy(update=_here(path))
    corpus: Corpus = _as_named(lambda one: read_corpus(one, base, Record(), quarantine), section)
    _all_usable(quarantine, path)
    return corpus


def _here(path: Path) -> dict[str, Any]:
    """What of a section is another file's own: where it lies and how it is written."""
    return {"path": (path.name,), "format": None, "encoding": None}


def _as_named(read: Any, section: Documents | Questions) -> Any:
    """What is read by the names the spec gives its columns; by the usual names, where the file has none of that name."""
    try:
        return read(section)
    except InputError as error:
        if error.code != "DATA-NO-COLUMN":
            raise
        return read(type(section)(path=section.path))


def _squad_questions(path: Path) -> list[dict[str, Any]] | None:
    """The questions of a file in the form of SQuAD; None where it has another."""
    if format_of(path.name) != "json":
        return None
    place = Place(path.name, path)
    try:
        value = json.loads(read_bytes(place).decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError):
        return None
    return read_squad([place]).questions if is_squad(value) else None


def _all_usable(quarantine: Quarantine, path: Path) -> None:
    """A run sets what it cannot use aside and goes on; whoever asks for answers must not get fewer without a word."""
    aside = quarantine.frame()
    if aside.is_empty():
        return
    first = aside.row(0, named=True)
    at = f"row {first['row']} of " if first.get("row") is not None else ""
    more = f" ({counted(len(aside) - 1, 'more')})" if len(aside) > 1 else ""
    raise InputError(
        "PREDICT-ROW", f"{at}'{path.name}' cannot be used, {first['reason']}{more}", "everything given is used", _FIX
    )
