"""A small model over a small corpus, put together by hand from its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from sevenstep.data.documents.tables import DOCUMENTS, table
from sevenstep.tasks.rag.answering.material import Words
from sevenstep.tasks.rag.answering.sentence import BestSentence
from sevenstep.tasks.rag.model import RagModel
from sevenstep.tasks.rag.retrieval.fitted import FittedRetriever
from sevenstep.tasks.rag.retrieval.index import CorpusIndex
from sevenstep.tasks.rag.retrieval.layout import Layout
from sevenstep.tasks.rag.retrieval.settings import Settings
from sevenstep.tasks.rag.seeing import Views
from sevenstep.tasks.rag.told import whole_parts

MEASURES = {"passages": ["ndcg@10", "recall@5"], "answer": ["answer_f1", "exact_match"]}
TEXTS: Mapping[str, str] = {
    "filter": "The filter holds back sand. It is changed every 500 hours. A new one costs 30 euros.",
    "pump": "The pump delivers 40 litres a minute. It must never run dry.",
    "heron": "The grey heron eats fish and frogs. It stands still for hours.",
    "wages": "The wages of the night shift rise by 3 percent in May.",
}
TAGS: Mapping[str, Sequence[str]] = {"wages": ["payroll", "board"]}


def documents(texts: Mapping[str, str] = TEXTS, tags: Mapping[str, Sequence[str]] = TAGS) -> pl.DataFrame:
    """A corpus, as step 2 leaves it."""
    rows: list[dict[str, Any]] = [
        {**dict.fromkeys(DOCUMENTS, ""), "document_id": name, "title": name.title(), "text": text, "source": f"{name}.txt",
         "access": list(tags.get(name, [])), "near": None}
        for name, text in texts.items()
    ]  # fmt: skip
    return table(rows, DOCUMENTS)


def model(**layout: Any) -> RagModel:
    """A model of BM25 that quotes the best sentence."""
    own = documents()
    laid = Layout(**{"tokenizer": "english", **layout})
    index = CorpusIndex.build(own, whole_parts(own), laid)
    answerer = BestSentence(Words.of(list(TEXTS.values()), korean=False), "en")
    waiting = pl.DataFrame({"question_id": ["w1"], "question": ["What does a heron eat?"]})
    views = Views(FittedRetriever(laid, Settings()), index)
    return RagModel(views, views, answerer, 3, 0.5, MEASURES, "en", waiting)
