"""Ranking metrics equal those of ir_measures, and know what is not measured."""

from __future__ import annotations

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sevenstep.search.leaderboard import metric_named
from sevenstep.stats.metrics import METRICS
from sevenstep.stats.ranking import RANKING, ranking_figure
from sevenstep.stats.scored import Scored

_OTHER = {"ndcg": "nDCG", "recall": "R", "precision": "P", "hit": "Success", "mrr": "RR", "map": "AP"}


def _drawn(seed: int) -> tuple[list[list[str]], list[dict[str, int]]]:
    """Rankings of 25 of 40 documents, and judged grades of 0 to 3 for some of the 40."""
    rng = np.random.default_rng(seed)
    names = [f"d{number}" for number in range(40)]
    rankings = [list(rng.permutation(names)[:25]) for _ in range(30)]
    judged = [{str(name): int(rng.integers(0, 4)) for name in rng.permutation(names)[: rng.integers(1, 12)]} for _ in range(30)]
    return rankings, judged


def _gains(rankings: list[list[str]], judged: list[dict[str, int]]) -> np.ndarray:
    return np.array([[grades.get(name, 0) for name in names] for names, grades in zip(rankings, judged, strict=True)], float)


@pytest.mark.parametrize("name", list(RANKING))
@pytest.mark.parametrize("k", [1, 3, 10, 30])
def test_every_ranking_metric_equals_ir_measures(name: str, k: int) -> None:
    rankings, judged = _drawn(k)
    own = ranking_figure(f"{name}@{k}", _gains(rankings, judged), [list(grades.values()) for grades in judged])
    qrels = [ir_measures.Qrel(str(q), name, grade) for q, grades in enumerate(judged) for name, grade in grades.items()]
    run = [ir_measures.ScoredDoc(str(q), d, -float(rank)) for q, names in enumerate(rankings) for rank, d in enumerate(names)]
    measure = ir_measures.parse_measure(f"{_OTHER[name]}@{k}")
    theirs = {int(found.query_id): found.value for found in measure.iter_calc(qrels, run)}
    for question, grades in enumerate(judged):
        if any(grades.values()):
            assert own[question] == pytest.approx(theirs[question], abs=1e-12)
        else:
            assert np.isnan(own[question])


@given(st.integers(0, 29), st.integers(1, 29))
def test_with_one_relevant_passage_ndcg_and_mrr_never_fall_as_k_grows(rank: int, k: int) -> None:
    gains = np.zeros((1, 30))
    gains[0, rank] = 1.0
    for name in ("ndcg", "mrr", "recall", "hit", "map"):
        smaller, larger = (ranking_figure(f"{name}@{cut}", gains, [[1.0]])[0] for cut in (k, k + 1))
        assert larger >= smaller


@given(st.lists(st.integers(0, 1), min_size=1, max_size=12), st.integers(0, 3))
def test_every_figure_lies_between_0_and_1(found: list[int], missed: int) -> None:
    judged = [[1.0] * (sum(found) + missed)]
    for name in RANKING:
        figure = ranking_figure(f"{name}@5", np.array([found], float), judged)[0]
        assert np.isnan(figure) == (not judged[0])
        assert np.isnan(figure) or 0.0 <= figure <= 1.0


def test_a_question_without_judgements_is_not_measured_rather_than_wrong() -> None:
    figures = ranking_figure("recall@5", np.array([[1.0, 0.0], [0.0, 0.0]]), [[1.0], []])
    assert figures[0] == 1.0 and np.isnan(figures[1])
    metric = metric_named("recall@5")
    assert metric.value(Scored.of(np.ones(2), figures)) == 1.0


def test_a_shorter_ranking_counts_what_it_lacks_as_not_found() -> None:
    gains = np.array([[0.0, 1.0, np.nan, np.nan]])
    assert ranking_figure("precision@4", gains, [[1.0, 1.0]])[0] == 0.25
    assert ranking_figure("recall@4", gains, [[1.0, 1.0]])[0] == 0.5


def test_a_metric_at_k_is_known_under_every_number_and_listed_once() -> None:
    assert metric_named("ndcg@7").name == "ndcg@7" and "ndcg@0" not in METRICS and "speed@3" not in METRICS
    assert [name for name in METRICS if name.startswith("ndcg")] == ["ndcg@k"]
