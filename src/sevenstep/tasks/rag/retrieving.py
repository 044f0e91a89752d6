"""Members for the target ``passages``: a way to find them, fitted on the questions of a fold and judged on others."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.contract import Candidate
from sevenstep.tasks.rag.judged import grades_of, judged_by_question
from sevenstep.tasks.rag.retrieval.finder import Finder
from sevenstep.tasks.rag.retrieval.fitted import FittedRetriever
from sevenstep.tasks.rag.retrieval.index import CorpusIndex
from sevenstep.tasks.rag.retrieval.ranker import Ranker
from sevenstep.tasks.rag.retrieval.settings import Settings
from sevenstep.tasks.rag.scoring import ranking_figures

__all__ = ["fit_retriever", "judge_retriever"]

Rows = NDArray[np.int64]


def fit_retriever(candidate: Candidate, rows: Rows, data: Dataset, index: CorpusIndex) -> FittedRetriever:
    """Fit a candidate on the questions at ``rows``; without a ranker there is nothing to learn."""
    settings = Settings.of(candidate.parameters)
    fitted = FittedRetriever(index.layout, settings)
    if not settings.ranked:
        return fitted
    finder, judged = Finder(index, settings), judged_by_question(data)
    found = finder.features(data.items["question"].gather(rows).to_list())
    grades = [grades_of(chunks, index.corpus, judged[row]) for row, (chunks, _) in zip(rows.tolist(), found, strict=True)]
    ranker = Ranker.learnt([features for _, features in found], grades, settings.strength)
    return FittedRetriever(index.layout, settings, ranker)


def judge_retriever(
    fitted: FittedRetriever, candidate: Candidate, rows: Rows, data: Dataset, index: CorpusIndex
) -> Mapping[str, NDArray[np.float64]]:
    """Figures of the questions at ``rows`` for the metrics the candidate was planned with, the leading one first."""
    return ranking_figures(fitted.on(index), data, rows, candidate.parameters["metrics"])
