"""From what was found for a fold's questions to a score table: one row a question, its figure being that of its own.

``prediction`` is the value of the metric candidates are compared on, ``truth`` is 1; other metrics asked for stand in columns
named as they are. A question of which nothing is known has null, which is "not measured" and never 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset
from sevenstep.stats.ranking import ranking_figure
from sevenstep.tasks.contract import Candidate, Fold
from sevenstep.tasks.rag.folds import group_codes
from sevenstep.tasks.rag.judged import gains_of, judged_by_question
from sevenstep.tasks.rag.retrieval.corpus import Corpus
from sevenstep.tasks.rag.retrieval.finder import Found
from sevenstep.tasks.scoretable import BOUNDS, ScoreTable

__all__ = ["DEPTH", "depth_of", "ranking_figures", "score_table"]

DEPTH = 100
"""Ranks looked at, unless a metric asks for more."""

RANK = f"mrr@{DEPTH}"
"""A figure every table of rankings has, since it tells at which rank the first right document stood."""

Figures = NDArray[np.float64]


def depth_of(metrics: Sequence[str]) -> int:
    """Ranks to look at for some ranking metrics."""
    return max([DEPTH, *(int(metric.partition("@")[2]) for metric in metrics if "@" in metric)])


def ranking_figures(
    found: Sequence[Found], data: Dataset, rows: NDArray[np.int64], corpus: Corpus, metrics: Sequence[str]
) -> dict[str, Figures]:
    """The figure of each question at ``rows`` for each ranking metric, by what was ``found`` for it in the corpus."""
    judged, depth = judged_by_question(data), depth_of(metrics)
    own = [judged[row] for row in rows.tolist()]
    gains = np.array([gains_of(chunks, corpus, one, depth) for (chunks, _), one in zip(found, own, strict=True)])
    grades = [[relevant.grade for relevant in one.values()] for one in own]
    return {metric: ranking_figure(metric, gains.reshape(len(own), depth), grades) for metric in metrics}


def score_table(
    figures: Mapping[str, Figures], rows: NDArray[np.int64], candidate: Candidate, fold: Fold, data: Dataset
) -> ScoreTable:
    """One row a question.

    Args:
        figures: of each metric the figure of each question; the first is what candidates are compared on.
        rows: positions of the questions in the data.
        candidate: whose figures they are.
        fold: the questions are judged in.
        data: the data set.
    """
    (_, leading), *others = figures.items()
    ones, none = np.ones(len(rows)), pl.lit(None, dtype=pl.Float64)
    frame = pl.DataFrame(
        {
            "fold": np.full(len(rows), fold.number, dtype=np.int32), "lead": np.zeros(len(rows), dtype=np.int32), "item": rows,
            "cluster": group_codes(data)[rows], "weight": ones, "scale": ones, "root_scale": ones, "truth": ones,
            "prediction": leading, **dict(others),
        }
    )  # fmt: skip
    nothing = pl.lit(None, dtype=pl.Datetime("us"))
    return ScoreTable(
        frame.with_columns(
            pl.lit(candidate.name).alias("candidate"), pl.lit(candidate.target).alias("target"), nothing.alias("origin"),
            nothing.alias("time"), *(none.alias(bound) for bound in BOUNDS),
            *(pl.col(name).fill_nan(None) for name in figures if name in frame.columns), pl.col("prediction").fill_nan(None),
        )
    )  # fmt: skip
