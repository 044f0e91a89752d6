"""The ranker learns what judgements teach, and only from the questions it is given."""

from __future__ import annotations

import numpy as np
from scipy.optimize import check_grad

from sevenstep.tasks.rag.retrieval.looks import scaled
from sevenstep.tasks.rag.retrieval.ranker import Ranker, _loss, _padded


def _taught(count: int, seed: int = 0) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Questions whose best chunk is where the second feature is largest; the first and third are noise."""
    rng = np.random.default_rng(seed)
    features = [scaled(rng.normal(size=(rng.integers(5, 20), 3))) for _ in range(count)]
    return features, [np.eye(len(own))[own[:, 1].argmax()] for own in features]


def test_the_feature_that_tells_gets_the_weight() -> None:
    ranker = Ranker.learnt(*_taught(80), strength=0.3)
    assert ranker is not None and ranker.weights[1] > 10 * np.abs(ranker.weights[[0, 2]]).max()


def test_it_ranks_questions_it_has_not_seen() -> None:
    ranker = Ranker.learnt(*_taught(80), strength=0.3)
    assert ranker is not None
    features, grades = _taught(40, seed=1)
    assert np.mean([grade[ranker.scores(own).argmax()] for own, grade in zip(features, grades, strict=True)]) > 0.9


def test_a_stronger_penalty_draws_weights_to_0() -> None:
    weak, strong = (Ranker.learnt(*_taught(80), strength=strength) for strength in (0.1, 1000.0))
    assert weak is not None and strong is not None and np.abs(strong.weights).max() < 0.2 * np.abs(weak.weights).max()


def test_the_slope_of_the_loss_is_that_of_its_values() -> None:
    table, wanted, inside = _padded(*_taught(12))
    point = np.array([0.3, -0.7, 1.1])
    found = check_grad(
        lambda w: _loss(w, table, wanted, inside, 0.5)[0], lambda w: _loss(w, table, wanted, inside, 0.5)[1], point
    )
    assert found < 1e-5


def test_nothing_is_learnt_from_a_handful_of_questions_or_from_none_that_found_anything() -> None:
    features, grades = _taught(80)
    assert Ranker.learnt(features[:5], grades[:5], 0.3) is None
    assert Ranker.learnt(features, [np.zeros_like(grade) for grade in grades], 0.3) is None


def test_a_feature_that_does_not_vary_counts_nothing() -> None:
    table = scaled(np.column_stack([np.full(6, 3.0), np.arange(6.0)]))
    assert (table[:, 0] == 0).all() and abs(table[:, 1].mean()) < 1e-12 and abs(table[:, 1].std() - 1) < 1e-12
