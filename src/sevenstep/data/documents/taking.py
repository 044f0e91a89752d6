"""From the ``data`` section of a spec to the tables of a corpus: documents, parts, questions and judgements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from sevenstep.data.documents.corpus import Corpus, as_corpus, read_corpus
from sevenstep.data.documents.golden import find_again, golden_path, read_golden
from sevenstep.data.documents.judgements import read_judgements
from sevenstep.data.documents.observed import add_told, with_observed
from sevenstep.data.documents.parsing import Kept
from sevenstep.data.documents.questions import connected, missing_questions, read_questions
from sevenstep.data.documents.squad import read_squad
from sevenstep.data.documents.tables import ANSWER, JUDGEMENTS, PASSAGES, QUESTIONS, table
from sevenstep.data.locations import locate
from sevenstep.data.quarantine import ROW, Quarantine
from sevenstep.data.record import Record
from sevenstep.spec.sources import Data
from sevenstep.wording import counted

__all__ = ["TakenCorpus", "holds_documents", "read_documents", "take_corpus"]


@dataclass(frozen=True)
class TakenCorpus:
    """What came in: ``items`` are the questions with the column `ROW`, ``tables`` what stands beside them."""

    items: pl.DataFrame
    tables: dict[str, pl.DataFrame]


@dataclass
class _Asked:
    """Questions and judgements as they are collected."""

    questions: list[dict[str, Any]]
    judgements: list[dict[str, Any]]


def holds_documents(data: Data) -> bool:
    """Whether a ``data`` section names documents rather than rows."""
    return data.documents is not None or data.format == "squad"


def take_corpus(
    data: Data, base: Path, record: Record, quarantine: Quarantine, *, targets: Sequence[str] = (), kept: Kept | None = None
) -> TakenCorpus:
    """Take in documents, questions and judgements.

    Args:
        data: the section.
        base: folder of the spec.
        record: what was done is added here.
        quarantine: what was set aside is added here.
        targets: what is to be measured; the questions say of each whether it is known. All there are when empty.
        kept: what files said when they were read earlier; see `Kept`.

    Raises:
        InputError: something is not there, cannot be read, or there is no question.
    """
    corpus, asked = (
        _from_squad(data, base, record) if data.documents is None else _from_parts(data, base, record, quarantine, kept)
    )
    if data.observed is not None:
        folder = base / data.observed
        corpus = with_observed(corpus, asked.judgements, folder, data.language, record)
        texts = dict(corpus.documents.select("document_id", "text").iter_rows())
        add_told(asked.questions, asked.judgements, folder, texts, record)
    _add_golden(data, base, corpus, asked, record, quarantine)
    if not asked.questions:
        raise missing_questions("there are documents and no question")
    judgements = table(asked.judgements, JUDGEMENTS).sort("question_id", "document_id", "start", maintain_order=True)
    items = _items(asked, judgements, data, corpus)
    items = items.drop(name for name in (PASSAGES, ANSWER) if targets and name not in targets)
    return TakenCorpus(items, {"documents": corpus.documents, "parts": corpus.parts, "judgements": judgements})


def read_documents(data: Data, base: Path, record: Record, quarantine: Quarantine, kept: Kept | None = None) -> Corpus:
    """The documents alone, whatever is asked of them; arguments and faults as those of `take_corpus`."""
    if data.documents is None:
        return _from_squad(data, base, record)[0]
    return read_corpus(data.documents, base, record, quarantine, language=data.language, kept=kept)


def _from_squad(data: Data, base: Path, record: Record) -> tuple[Corpus, _Asked]:
    paths = data.source if isinstance(data.source, tuple) else ()
    found = read_squad(locate(list(paths), base))
    size = f"{counted(len(found.documents), 'paragraph')} and {counted(len(found.questions), 'question')}"
    record.add("read", size, source="source", rows=len(found.questions))
    if found.lost:
        text = f"{counted(found.lost, 'answer')} not found in the paragraph; only the paragraph counts as right for them"
        record.add("lost", text, source="source", rows=found.lost)
    questions = [{**one, ROW: number} for number, one in enumerate(found.questions, start=1)]
    return as_corpus(found.documents, record, language=data.language), _Asked(questions, found.judgements)


def _from_parts(data: Data, base: Path, record: Record, quarantine: Quarantine, kept: Kept | None) -> tuple[Corpus, _Asked]:
    corpus = read_documents(data, base, record, quarantine, kept)
    asked = _Asked([], [])
    if data.questions is not None:
        keep = tuple(dict.fromkeys((*data.segments, *data.groups)))
        asked.questions = read_questions(data.questions, base, record, quarantine, keep=keep)
        record.add("read", counted(len(asked.questions), "question"), source="questions", rows=len(asked.questions))
    if data.judgements is not None:
        texts = dict(corpus.documents.select("document_id", "text").iter_rows())
        ids = {row["question_id"] for row in asked.questions}
        asked.judgements = read_judgements(data.judgements, base, texts, ids, record, quarantine)
        record.add("read", counted(len(asked.judgements), "judgement"), source="judgements", rows=len(asked.judgements))
    return corpus, asked


def _add_golden(data: Data, base: Path, corpus: Corpus, asked: _Asked, record: Record, quarantine: Quarantine) -> None:
    """The accepted proposals as questions; those whose words are no longer there are set aside."""
    accepted = [one for one in read_golden(golden_path(data.golden, base)) if one.state == "accepted"]
    if not accepted:
        return
    texts = dict(corpus.documents.select("document_id", "text").iter_rows())
    moved, before = 0, len(asked.questions)
    for number, one in enumerate(accepted, start=1):
        place = find_again(one, texts)
        if place is None:
            lost = pl.DataFrame([{ROW: number, "id": one.id, "question": one.question, "document": one.document}])
            reason = "the words it was proposed from are no longer in the documents"
            quarantine.set_aside("golden", lost, code="GOLDEN-LOST", column="quote", reason=reason)
            continue
        moved += place != (one.start, one.end)
        asked.questions.append({"question_id": one.id, "question": one.question, "answers": [one.answer], ROW: before + number})
        row = {"question_id": one.id, "document_id": one.document, "grade": 1.0, "answer": one.answer}
        asked.judgements.append({**row, "start": place[0], "end": place[1]})
    said = f"{counted(len(asked.questions) - before, 'accepted proposal')}, {moved} of them found at another place than before"
    record.add("read", said, source="golden", rows=len(asked.questions) - before)


def _items(asked: _Asked, judgements: pl.DataFrame, data: Data, corpus: Corpus) -> pl.DataFrame:
    """Questions with their groups and with what is known of each, sorted by id."""
    groups = _groups(asked, judgements, data.groups, corpus)
    judged = set(judgements["question_id"])
    rows = []
    for row in asked.questions:
        known = {PASSAGES: True if row["question_id"] in judged else None, ANSWER: True if row["answers"] is not None else None}
        rows.append({**row, "group": row.get("group") or groups[row["question_id"]], **known})
    items = table(rows, QUESTIONS)
    kept = [name for name in (*data.segments, *data.groups) if name not in items.columns]
    more = [pl.Series(name, [row.get(name) for row in rows], strict=False) for name in dict.fromkeys(kept)]
    return items.with_columns(pl.Series(ROW, [row[ROW] for row in rows], pl.Int64), *more).sort("question_id", ROW)


def _groups(asked: _Asked, judgements: pl.DataFrame, named: Sequence[str], corpus: Corpus) -> dict[str, str]:
    """What the person named; else questions that share a relevant document, or two that are nearly equal, stay together."""
    if named:
        return {row["question_id"]: " ".join(str(row.get(name)) for name in named) for row in asked.questions}
    near = dict(corpus.documents.select("document_id", pl.coalesce("near", "document_id")).iter_rows())
    right = judgements.filter(pl.col("grade") > 0).select("question_id", "document_id").iter_rows()
    return connected(
        [row["question_id"] for row in asked.questions], ((question, near[document]) for question, document in right)
    )
