"""From a fold's questions to an answerer that writes: there is nothing to train, but examples are chosen from them alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.rag.answering.extractive import quoted_sentence
from sevenstep.tasks.rag.answering.material import Words
from sevenstep.tasks.rag.data_only import without_instructions
from sevenstep.tasks.rag.found import Passage
from sevenstep.tasks.rag.generating.context import Shot
from sevenstep.tasks.rag.generating.generator import GeneratingAnswerer, Writing

__all__ = ["generating"]

_WRITING = ("model", "prompt", "endpoint", "temperature", "max_tokens", "context_tokens", "order", "examples", "least_said")


def generating(parameters: Mapping[str, Any], rows: NDArray[np.int64], data: Dataset) -> GeneratingAnswerer:
    """The answerer that a candidate's parameters describe, with the questions at ``rows`` as its examples."""
    language = str(data.facts["language"]["value"])
    texts = data.tables["documents"]["text"].to_list()
    writing = Writing(**{name: parameters[name] for name in _WRITING if name in parameters})
    shots = _shots(rows, data) if writing.examples else ()
    return GeneratingAnswerer(writing, Words.of(texts, language == "ko"), language, shots)


def _shots(rows: NDArray[np.int64], data: Dataset) -> tuple[Shot, ...]:
    """Answered questions with the sentence of the judged document that their answer stands in."""
    texts = dict(data.tables["documents"].select("document_id", "text").iter_rows())
    asked = {item["question_id"]: item["question"] for item in data.items.select("question_id", "question")[rows].to_dicts()}
    shots: dict[str, Shot] = {}
    for judged in data.tables["judgements"].select("question_id", "document_id", "start", "end", "answer").to_dicts():
        text, question = texts.get(judged["document_id"], ""), asked.get(judged["question_id"])
        if question is None or judged["answer"] is None or judged["start"] is None:
            continue
        passage = Passage(judged["document_id"], "", without_instructions(text), 0, len(text), 0.0)
        sentence = quoted_sentence(passage, judged["start"], judged["end"]).quote
        shots.setdefault(judged["question_id"], Shot(question, sentence, judged["answer"]))
    return tuple(shots.values())
