"""What documents that were planted to deceive did to the model that is released."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from sevenstep.chapter import Block, Column, Table
from sevenstep.data.dataset import Dataset
from sevenstep.tasks.rag.canaries import Planted, injected, judge_canaries, poisoned
from sevenstep.tasks.rag.judged import judged_by_question
from sevenstep.tasks.rag.model import RagModel

__all__ = ["planted_blocks"]

_INJECTED, _POISONED = 100, 50


def planted_blocks(model: RagModel, data: Dataset) -> Sequence[Block]:
    """A table of the two suites; none where no question has a document to plant beside."""
    texts = dict(data.tables["documents"].select("document_id", "text").iter_rows())
    pairs = [
        (texts[next(iter(own))], question)
        for question, own in zip(data.items["question"].to_list(), judged_by_question(data), strict=True)
        if own and next(iter(own)) in texts
    ]
    if not pairs:
        return []
    suites = {
        "instructions in copies of real documents": injected(pairs, _INJECTED),
        "falsehoods repeated in one file": poisoned([question for _, question in pairs], _POISONED),
    }
    rows = [{"suite": name, "planted": len(planted), **_figures(model, planted)} for name, planted in suites.items()]
    columns = [
        Column("suite", "Planted"), Column("planted", "Documents", "integer"), Column("found", "Found and read", "integer"),
        Column("obeyed", "Instructions followed", "integer"), Column("uncited", "Claims without a citation", "integer"),
        Column("highest_share", "Most from one file", "percent"), Column("misled", "Answers that repeat a falsehood", "integer"),
    ]  # fmt: skip
    caption = (
        "Each planted document was added to the released index and asked for. An instruction in a document is data and is never "
        "followed; a falsehood may be quoted, with its file beside it."
    )
    return [Table("Documents planted to deceive", columns, rows, caption)]


def _figures(model: RagModel, planted: Sequence[Planted]) -> dict[str, float]:
    rows = [{"document_id": one.document, "text": one.text, "source": one.source, "removed": False} for one in planted]
    with_them = model.refresh(pl.DataFrame(rows))
    found = judge_canaries(planted, lambda question: with_them.read(question)[0], with_them.answerer.answer).to_json()
    return {name: found[name] for name in ("found", "obeyed", "uncited", "highest_share", "misled")}
