"""Why an answer came out as it did: which words of the question found the first passage, which passages carried the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from sevenstep.errors import InputError
from sevenstep.tasks.contract import Explanation
from sevenstep.tasks.rag.found import Answerer, Passage
from sevenstep.tasks.rag.grammar import ANSWER, PASSAGES
from sevenstep.tasks.rag.retrieval.bm25 import Bm25, Weighted
from sevenstep.tasks.rag.retrieval.finder import Finder

__all__ = ["explained"]

_WORDS = 20  # of a question that are told apart


def explained(
    item: Mapping[str, Any], waiting: pl.DataFrame, read: Callable[[str], tuple[Sequence[Passage], Finder]], answerer: Answerer
) -> Sequence[Explanation]:
    """Two explanations at most: of the passage found first, and of how sure the answer is.

    Args:
        item: ``question``, or ``row``: the number of a question that waits, from 1.
        waiting: questions that wait.
        read: gives the passages a question is answered from, and what found them.
        answerer: answers from them.

    Raises:
        InputError: ``EXPLAIN-QUESTION``, there is no such question.
    """
    question = _question(item, waiting)
    passages, finder = read(question)
    found = [_words(finder, question, passages[0])] if passages else []
    return [*found, *_passages(answerer, question, passages)]


def _question(item: Mapping[str, Any], waiting: pl.DataFrame) -> str:
    told, row = item.get("question"), item.get("row")
    if isinstance(told, str) and told.strip():
        return told
    if isinstance(row, int) and 1 <= row <= len(waiting):
        return str(waiting["question"][row - 1])
    rule = "an answer is explained for a question, or for the number of a question that waits"
    raise InputError("EXPLAIN-QUESTION", f"the item is {dict(item)!r:.80}", rule, 'give {"question": "..."}')


def _words(finder: Finder, question: str, passage: Passage) -> Explanation:
    """What each word adds to the BM25 score of the passage, which is a sum over words."""
    index, settings = finder.index, finder.settings
    at = _chunk(finder, passage)
    weigher = Bm25(index.main.postings, settings.k1, settings.b)
    parts = []
    for term in dict.fromkeys(index.main.tokenizer.tokens([question])[0]):
        codes = index.main.vocabulary.known([term])
        amount = float(weigher.scores(Weighted.of(codes))[at]) if len(codes) else 0.0
        parts.append((term, "" if amount else "not in it", amount))
    parts.sort(key=lambda part: -part[2])
    told, rest = parts[:_WORDS], parts[_WORDS:]
    if rest:
        told.append(("other words", "", sum(part[2] for part in rest)))
    item = {"question": question, "passage": _place(passage)}
    return Explanation(item, PASSAGES, "BM25", 0.0, "no word in common", told, sum(part[2] for part in told))


def _chunk(finder: Finder, passage: Passage) -> int:
    """Number of the chunk a passage is."""
    corpus = finder.index.corpus
    own = np.flatnonzero(corpus.owners == corpus.ids.index(passage.document))
    starts = corpus.chunks["start"].gather(own.tolist()).to_numpy()
    return int(own[np.flatnonzero(starts == passage.start)[0]])


def _passages(answerer: Answerer, question: str, passages: Sequence[Passage]) -> Iterator[Explanation]:
    """How sure the answer became as passages were added, the best first; nothing where the answerer does not say it."""
    sure, parts = 0.0, []
    for count in range(1, len(passages) + 1):
        answer = answerer.answer(question, passages[:count])
        if answer.confidence is None:
            return
        said = f"“{answer.text}”" if answer.text else "no answer"
        parts.append((_place(passages[count - 1]), said, answer.confidence - sure))
        sure = answer.confidence
    if parts:
        yield Explanation({"question": question}, ANSWER, "probability", 0.0, "nothing read", parts, sure)


def _place(passage: Passage) -> str:
    return ", ".join(part for part in (passage.title or passage.document, passage.place) if part)
