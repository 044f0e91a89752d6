"""Boosters predict a piece of their trees at a time what they predict with all of them at once."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
import pytest

from sevenstep.tasks import boosters
from sevenstep.tasks.boosters import predicted


def fitted(**parameters: Any) -> tuple[Any, Any]:
    """A booster, as read back from its text, and many rows."""
    generator = np.random.default_rng(0)
    values = generator.normal(size=(3_000, 6)).astype(np.float32)
    values[generator.random(values.shape) < 0.1] = np.nan
    goal = np.exp(np.nan_to_num(values[:, 0]) + 0.3 * np.nan_to_num(values[:, 1]))
    goal = (goal > 1).astype(float) if parameters["objective"] == "binary" else goal
    named = {"num_leaves": 15, "verbose": -1, "num_threads": 1, "deterministic": True, **parameters}
    booster = lightgbm.train(named, lightgbm.Dataset(values, goal, params={"verbose": -1}), 60)
    return lightgbm.Booster(model_str=booster.model_to_string()), values


@pytest.mark.parametrize("objective", ["l2", "l1", "huber", "tweedie", "poisson", "binary"])
@pytest.mark.parametrize(
    "special", [{}, {"reg_sqrt": True}, {"boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1}, {"boosting": "dart"}]
)
def test_the_sum_of_pieces_is_the_prediction(objective: str, special: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    booster, values = fitted(objective=objective, **special)
    monkeypatch.setattr(boosters, "LEAVES", 15 * 7)  # the last piece is smaller than the others
    np.testing.assert_allclose(predicted(booster, values, threads=1), booster.predict(values, num_threads=1), rtol=1e-12)


@pytest.mark.parametrize("parameters", [{"objective": "binary", "sigmoid": 2.0}, {"objective": "cross_entropy"}])
def test_a_booster_whose_answer_is_not_known_from_its_sum_predicts_with_all_trees(
    parameters: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    booster, values = fitted(**parameters) if parameters["objective"] == "binary" else fitted_shares()
    monkeypatch.setattr(boosters, "LEAVES", 15)
    np.testing.assert_array_equal(predicted(booster, values, threads=1), booster.predict(values, num_threads=1))


def fitted_shares() -> tuple[Any, Any]:
    values = np.random.default_rng(1).random((3_000, 3))
    named = {"objective": "cross_entropy", "num_leaves": 15, "verbose": -1, "num_threads": 1}
    booster = lightgbm.train(named, lightgbm.Dataset(values, values[:, 0], params={"verbose": -1}), 20)
    return lightgbm.Booster(model_str=booster.model_to_string()), values
