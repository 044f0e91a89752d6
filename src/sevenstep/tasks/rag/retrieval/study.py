"""Questions looked up once for all folds: what is found and its features depend on no judgement, so every fold may share them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sevenstep.tasks.rag.retrieval.finder import Finder, Looked
from sevenstep.tasks.rag.retrieval.index import CorpusIndex
from sevenstep.tasks.rag.retrieval.settings import Settings

__all__ = ["Study", "study_of"]


class Study:
    """What was found for the questions asked so far, in one index with one way to look.

    Args:
        index: what is searched.
        settings: how; what only a ranker reads is left aside.
        count: chunks kept for a question at least.
    """

    def __init__(self, index: CorpusIndex, settings: Settings, count: int) -> None:
        self.index, self.settings, self.count = index, settings, count
        self._finder = Finder(index, settings)
        self._known: dict[str, Looked] = {}

    def of(self, questions: Sequence[str]) -> list[Looked]:
        """What is found for questions; each is looked up the first time only."""
        new = [question for question in dict.fromkeys(questions) if question not in self._known]
        self._known.update(zip(new, self._finder.looked(new, self.count), strict=True))
        return [self._known[question] for question in questions]


_NEWEST: list[Study] = []


def study_of(index: CorpusIndex, settings: Settings, count: int) -> Study:
    """The study of an index with these settings; a process keeps the newest, as folds and trials come one after the other."""
    look = replace(settings, strength=0.0)
    if not _NEWEST or _NEWEST[0].index is not index or (_NEWEST[0].settings, _NEWEST[0].count) != (look, count):
        _NEWEST[:] = [Study(index, look, count)]
    return _NEWEST[0]
