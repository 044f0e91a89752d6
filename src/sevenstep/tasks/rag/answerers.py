"""The kinds of answerers a model may hold, each read back from its own files; and what a final model is put together from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.contract import Fitted
from sevenstep.tasks.rag.answering.extractive import EXTRACTIVE, ExtractiveAnswerer
from sevenstep.tasks.rag.answering.material import Words
from sevenstep.tasks.rag.answering.sentence import BEST_SENTENCE, BestSentence
from sevenstep.tasks.rag.found import Answerer
from sevenstep.tasks.rag.generating.generator import GENERATED, GeneratingAnswerer
from sevenstep.tasks.rag.grammar import ANSWER, PASSAGES
from sevenstep.tasks.rag.retrieval.fitted import FittedRetriever

__all__ = ["KeptAnswerer", "Parts", "Reads", "load_answerer", "parts_of", "save_answerer"]

USUAL_TOP = 5
"""Passages an answer is made from where nothing was learnt about answers."""

_KIND = "kind.json"


class KeptAnswerer(Answerer, Protocol):
    """An answerer that saves itself to plain files."""

    def save(self, folder: Path) -> None:
        """Write as plain files into the empty ``folder``."""
        ...


@runtime_checkable
class Reads(Protocol):
    """A fitted member for answers: how it finds what it reads, how many passages of it, and how it answers."""

    @property
    def retriever(self) -> FittedRetriever:
        """Finds the passages."""
        ...

    @property
    def answerer(self) -> KeptAnswerer:
        """Answers from them."""
        ...

    @property
    def top(self) -> int:
        """How many it reads."""
        ...

    @property
    def share(self) -> float:
        """How many of them may come from one source, see `capped`."""
        ...


@dataclass(frozen=True)
class Parts:
    """What a model is put together from.

    Args:
        ranks: finds the documents of a ranking.
        reads: finds the passages answers are read from; the same one where nothing speaks for another.
        answerer: answers from them.
        top: how many it reads.
        share: how many of them may come from one source.
    """

    ranks: FittedRetriever
    reads: FittedRetriever
    answerer: KeptAnswerer
    top: int
    share: float


def parts_of(members: Mapping[str, Fitted], data: Dataset, share: float) -> Parts:
    """The parts, from the chosen member of each target: each does what it was judged on.

    Where only passages are measured, the sentence of the first one that says most of the question is quoted; where only answers
    are, their member ranks documents too. ``share`` of one source holds where no member says another.
    """
    reads, finds = members.get(ANSWER), members.get(PASSAGES)
    if isinstance(reads, Reads):
        ranks = finds if isinstance(finds, FittedRetriever) else reads.retriever
        same = _alike(ranks, reads.retriever)
        return Parts(ranks, ranks if same else reads.retriever, reads.answerer, reads.top, reads.share)
    assert isinstance(finds, FittedRetriever)
    language = str(data.facts["language"]["value"])
    words = Words.of(data.tables["documents"]["text"].to_list(), language == "ko")
    return Parts(finds, finds, BestSentence(words, language), USUAL_TOP, share)


def _alike(one: FittedRetriever, other: FittedRetriever) -> bool:
    """Whether two retrievers find the same."""
    weights = [None if each.ranker is None else each.ranker.weights.tolist() for each in (one, other)]
    return (one.layout, one.settings, weights[0]) == (other.layout, other.settings, weights[1])


_LOADERS: Mapping[str, tuple[type, Callable[[Path], KeptAnswerer]]] = {
    EXTRACTIVE: (ExtractiveAnswerer, ExtractiveAnswerer.load),
    BEST_SENTENCE: (BestSentence, BestSentence.load),
    GENERATED: (GeneratingAnswerer, GeneratingAnswerer.load),
}


def save_answerer(answerer: KeptAnswerer, folder: Path) -> None:
    """Write an answerer and which kind it is."""
    kind = next(name for name, (known, _) in _LOADERS.items() if isinstance(answerer, known))
    (folder / _KIND).write_text(json.dumps(kind), encoding="utf-8")
    answerer.save(folder)


def load_answerer(folder: Path) -> KeptAnswerer:
    """Read back what `save_answerer` wrote."""
    return _LOADERS[json.loads((folder / _KIND).read_text(encoding="utf-8"))][1](folder)
