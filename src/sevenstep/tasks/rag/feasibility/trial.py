"""BM25 and the best sentence on the sample: a figure for each question, by which every KPI is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sevenstep.stats.answers import answer_f1, exact_match
from sevenstep.stats.ranking import ranking_figure
from sevenstep.tasks.rag.feasibility.sample import Sample
from sevenstep.tasks.rag.known import Question
from sevenstep.tasks.rag.retrieval.bm25 import Bm25, Weighted
from sevenstep.tasks.rag.retrieval.postings import Codes, Postings, Vocabulary
from sevenstep.tasks.rag.text.sentences import sentences
from sevenstep.tasks.rag.text.tokens import tokenizer_for, tokenizer_named

__all__ = ["DEPTH", "READ", "Terms", "Trial", "best_sentence"]

Figures = NDArray[np.float64]
DEPTH, READ = 100, 5
"""Documents ranked for a question, and those an answer is looked for in."""

_K1, _B = 1.2, 0.75


@dataclass(frozen=True)
class Trial:
    """What BM25 found.

    Args:
        questions: those asked.
        rankings: ids of documents for each, best first.
        language: of the questions.
        texts: of the documents ranked, by id.
    """

    questions: Sequence[Question]
    rankings: Sequence[Sequence[str]]
    language: str
    texts: dict[str, str]

    def ranking(self, metric: str) -> Figures:
        """The figure of each question for a metric such as ``ndcg@10``; NaN where no document is judged right."""
        depth = max(DEPTH, int(metric.partition("@")[2]))
        gains = np.full((len(self.questions), depth), np.nan)
        for row, (question, found) in enumerate(zip(self.questions, self.rankings, strict=True)):
            gains[row, : len(found)] = [question.grades.get(document, 0.0) for document in found]
        return ranking_figure(metric, gains, [list(question.grades.values()) for question in self.questions])

    def answer(self, metric: str) -> Figures:
        """``answer_f1`` or ``exact_match`` of the best sentence; NaN where no answer is known."""
        figure = answer_f1 if metric == "answer_f1" else exact_match
        figures = np.full(len(self.questions), np.nan)
        for row, (question, found) in enumerate(zip(self.questions, self.rankings, strict=True)):
            if question.answers:
                read = [self.texts[document] for document in found[:READ]]
                figures[row] = figure(best_sentence(question.text, read, self.language), question.answers, self.language)
        return figures

    def holding(self, count: int) -> Figures:
        """1 where a known answer stands word for word in the first ``count`` documents, else 0; NaN where none is known."""
        return np.array([
            float(any(answer in self.texts[document] for answer in question.answers for document in found[:count]))
            if question.answers else np.nan
            for question, found in zip(self.questions, self.rankings, strict=True)
        ])  # fmt: skip


class Terms:
    """The terms of the documents and questions of a sample, counted once for all trials on it."""

    def __init__(self, sample: Sample) -> None:
        self.sample, self.language = sample, str(sample.known.data.facts["language"]["value"])
        tokenizer, self._vocabulary = tokenizer_named(tokenizer_for(self.language)), Vocabulary()
        tokens = tokenizer.tokens([sample.known.texts[ident] for ident in sample.documents])
        self._documents = dict(zip(sample.documents, self._vocabulary.learn(tokens), strict=True))
        asked = tokenizer.tokens([question.text for question in sample.questions])
        self._asked = [self._vocabulary.known(tokens) for tokens in asked]

    def tried(self, documents: Sequence[str]) -> Trial:
        """BM25 (k1 1.2, b 0.75) over some of the documents, for the questions of the sample."""
        codes = [self._documents[ident] for ident in documents]
        bm25 = Bm25(Postings.of(codes, len(self._vocabulary)), _K1, _B)
        rankings = [_ranked(bm25, codes, documents) for codes in self._asked]
        texts = {ident: self.sample.known.texts[ident] for ident in documents}
        return Trial(self.sample.questions, rankings, self.language, texts)


def _ranked(bm25: Bm25, codes: Codes, ids: Sequence[str]) -> list[str]:
    scores = bm25.scores(Weighted.of(codes))
    order = np.argsort(-scores, kind="stable")[:DEPTH]
    return [ids[at] for at in order if scores[at] > 0]


def best_sentence(question: str, texts: Sequence[str], language: str) -> str:
    """The sentence that shares most with the question by BM25 over the sentences of these texts; empty where none does."""
    pieces = [text[start:end] for text in texts for start, end in sentences(text)]
    if not pieces:
        return ""
    tokenizer, vocabulary = tokenizer_named(tokenizer_for(language)), Vocabulary()
    codes = vocabulary.learn(tokenizer.tokens(pieces))
    scores = Bm25(Postings.of(codes, len(vocabulary)), _K1, _B).scores(
        Weighted.of(vocabulary.known(tokenizer.tokens([question])[0]))
    )
    best = int(np.argmax(scores))
    return pieces[best] if scores[best] > 0 else ""
