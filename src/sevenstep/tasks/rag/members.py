"""What fits and judges the candidates of each target, behind one interface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.contract import Candidate, Fitted
from sevenstep.tasks.rag.grammar import ANSWER, PASSAGES
from sevenstep.tasks.rag.retrieval.fitted import FittedRetriever
from sevenstep.tasks.rag.retrieval.index import CorpusIndex
from sevenstep.tasks.rag.retrieving import fit_retriever, judge_retriever

__all__ = ["MEMBERS", "Family", "load_member"]

Rows = NDArray[np.int64]
Figures = Mapping[str, NDArray[np.float64]]


class Family(Protocol):
    """Fits and judges candidates of one target."""

    def fit(self, candidate: Candidate, rows: Rows, data: Dataset, index: CorpusIndex, seed: int) -> Fitted:
        """Learn from the questions at ``rows``."""
        ...

    def judge(self, fitted: Any, candidate: Candidate, rows: Rows, data: Dataset, index: CorpusIndex) -> Figures:
        """Figures of the questions at ``rows``, by metric, the leading one first; NaN where one is not measured."""
        ...

    def load(self, folder: Path) -> Fitted:
        """Read back what a fitted candidate saved."""
        ...


class _Passages:
    """Ways to find passages."""

    def fit(self, candidate: Candidate, rows: Rows, data: Dataset, index: CorpusIndex, seed: int) -> Fitted:
        return fit_retriever(candidate, rows, data, index)

    def judge(self, fitted: Any, candidate: Candidate, rows: Rows, data: Dataset, index: CorpusIndex) -> Figures:
        return judge_retriever(fitted, candidate, rows, data, index)

    def load(self, folder: Path) -> Fitted:
        return FittedRetriever.load(folder)


@dataclass(frozen=True)
class _Late:
    """A family of a room that is loaded when it is used."""

    module: str

    def _family(self) -> Family:
        found: Family = import_module(self.module).FAMILY
        return found

    def fit(self, candidate: Candidate, rows: Rows, data: Dataset, index: CorpusIndex, seed: int) -> Fitted:
        return self._family().fit(candidate, rows, data, index, seed)

    def judge(self, fitted: Any, candidate: Candidate, rows: Rows, data: Dataset, index: CorpusIndex) -> Figures:
        return self._family().judge(fitted, candidate, rows, data, index)

    def load(self, folder: Path) -> Fitted:
        return self._family().load(folder)


MEMBERS: Mapping[str, Family] = {PASSAGES: _Passages(), ANSWER: _Late("sevenstep.tasks.rag.answering.family")}


def load_member(folder: Path) -> Fitted:
    """Read back a member of either target, by the file that only an answerer writes (``answerer.json``)."""
    target = ANSWER if (folder / "answerer.json").exists() else PASSAGES
    return MEMBERS[target].load(folder)
