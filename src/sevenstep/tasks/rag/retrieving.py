"""Members for the target ``passages``: a way to find them, fitted on the questions of a fold and judged on others."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.contract import Candidate
from sevenstep.tasks.rag.judged import grades_of, judged_by_question
from sevenstep.tasks.rag.retrieval.fitted import FittedRetriever
from sevenstep.tasks.rag.retrieval.index import CorpusIndex
from sevenstep.tasks.rag.retrieval.ranker import Ranker
from sevenstep.tasks.rag.retrieval.settings import Settings
from sevenstep.tasks.rag.retrieval.study import study_of
from sevenstep.tasks.rag.scoring import RANK, depth_of, ranking_figures

__all__ = ["fit_retriever", "judge_retriever"]

Rows = NDArray[np.int64]


def fit_retriever(candidate: Candidate, rows: Rows, data: Dataset, index: CorpusIndex) -> FittedRetriever:
    """Fit a candidate on the questions at ``rows``; without a ranker there is nothing to learn."""
    settings = Settings.of(candidate.parameters)
    fitted = FittedRetriever(index.layout, settings)
    if not settings.ranked:
        return fitted
    judged = judged_by_question(data)
    found = study_of(index, settings, depth_of(candidate.parameters["metrics"])).of(data.items["question"].gather(rows).to_list())
    grades = [grades_of(looked.order, index.corpus, judged[row]) for row, looked in zip(rows.tolist(), found, strict=True)]
    ranker = Ranker.learnt([looked.features for looked in found], grades, settings.strength)
    return FittedRetriever(index.layout, settings, ranker)


def judge_retriever(
    fitted: FittedRetriever, candidate: Candidate, rows: Rows, data: Dataset, index: CorpusIndex
) -> Mapping[str, NDArray[np.float64]]:
    """Figures of the questions at ``rows`` for the metrics the candidate was planned with, the leading one first."""
    metrics = list(dict.fromkeys([*candidate.parameters["metrics"], RANK]))
    questions, depth = data.items["question"].gather(rows).to_list(), depth_of(metrics)
    if fitted.ranker is None or fitted.settings.grader:
        return ranking_figures(fitted.on(index).ranked(questions, count=depth), data, rows, index.corpus, metrics)
    found = [looked.ranked(fitted.ranker) for looked in study_of(index, fitted.settings, depth).of(questions)]
    return ranking_figures(found, data, rows, index.corpus, metrics)
