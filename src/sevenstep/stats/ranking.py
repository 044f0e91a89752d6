"""How good a ranking is: one figure per question, so that intervals are taken over whole clusters of questions.

All functions read ``gains``, ``[question, rank]``: the grade of what stands at each rank, 0 where it is not relevant, NaN behind
the end of a shorter ranking. They read ``judged`` beside it: the grades of everything relevant to each question. A question
for which nothing is judged relevant has no figure (NaN, "not measured"); it is never counted as wrong. Figures equal those of
trec_eval as ``ir_measures`` gives them, and with one relevant passage nDCG and MRR never fall as ``k`` grows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["RANKING", "hit", "map_cut", "mrr", "ndcg", "precision", "ranking_figure", "recall"]

Gains = npt.NDArray[np.float64]
Judged = Sequence[Sequence[float]]
Figures = npt.NDArray[np.float64]


def ndcg(gains: Gains, judged: Judged, k: int) -> Figures:
    """Discounted gain of the first ``k`` over that of the best order there is.

    ``sum g / log2(rank + 1)``, over the same sum for the judged grades sorted; Järvelin and Kekäläinen (2002), with the linear
    gain of trec_eval's ``ndcg_cut``.
    """
    top = _top(gains, k)
    best = np.zeros((len(judged), k))
    for row, grades in enumerate(judged):
        ordered = sorted((grade for grade in grades if grade > 0), reverse=True)[:k]
        best[row, : len(ordered)] = ordered
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    return _over(top @ discount[: top.shape[1]], best @ discount)


def recall(gains: Gains, judged: Judged, k: int) -> Figures:
    """Share of what is relevant that stands among the first ``k``."""
    return _over((_top(gains, k) > 0).sum(axis=1), _relevant(judged))


def precision(gains: Gains, judged: Judged, k: int) -> Figures:
    """Share of the first ``k`` ranks that hold something relevant; ranks a shorter ranking lacks count as not relevant."""
    return _measured((_top(gains, k) > 0).sum(axis=1) / k, judged)


def hit(gains: Gains, judged: Judged, k: int) -> Figures:
    """1 where anything relevant stands among the first ``k``, else 0."""
    return _measured((_top(gains, k) > 0).any(axis=1), judged)


def mrr(gains: Gains, judged: Judged, k: int) -> Figures:
    """One over the rank of the first relevant among the first ``k``, 0 where there is none; its mean is the MRR."""
    relevant = _top(gains, k) > 0
    first = relevant.argmax(axis=1) if relevant.shape[1] else np.zeros(len(relevant))
    return _measured(np.where(relevant.any(axis=1), 1.0 / (first + 1.0), 0.0), judged)


def map_cut(gains: Gains, judged: Judged, k: int) -> Figures:
    """Precision at each rank of the first ``k`` that holds something relevant, summed, over how much is relevant in all."""
    relevant = _top(gains, k) > 0
    ranks = np.arange(1, relevant.shape[1] + 1)
    return _over((np.cumsum(relevant, axis=1) / ranks * relevant).sum(axis=1), _relevant(judged))


RANKING: Mapping[str, Callable[[Gains, Judged, int], Figures]] = {
    "ndcg": ndcg, "recall": recall, "precision": precision, "hit": hit, "mrr": mrr, "map": map_cut,
}  # fmt: skip
"""The figures by the name a KPI gives them, without ``@k``."""


def ranking_figure(metric: str, gains: Gains, judged: Judged) -> Figures:
    """The figure of each question for a metric such as ``ndcg@10``.

    Raises:
        ValueError: for a name that is no ranking metric.
    """
    name, _, cut = metric.partition("@")
    if name not in RANKING or not cut.isdigit() or int(cut) < 1:
        raise ValueError(f"'{metric}' is no ranking metric; they are {', '.join(RANKING)}, each with @k")
    return RANKING[name](gains, judged, int(cut))


def _top(gains: Gains, k: int) -> Gains:
    return np.nan_to_num(gains[:, :k], nan=0.0)


def _relevant(judged: Judged) -> Figures:
    return np.array([sum(grade > 0 for grade in grades) for grades in judged], dtype=np.float64)


def _over(above: npt.ArrayLike, below: Figures) -> Figures:
    figures = np.full(len(below), np.nan)
    np.divide(np.asarray(above, np.float64), below, out=figures, where=below > 0)
    return figures


def _measured(figures: npt.ArrayLike, judged: Judged) -> Figures:
    return np.where(_relevant(judged) > 0, np.asarray(figures, np.float64), np.nan)
