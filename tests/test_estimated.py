"""Performance told without labels is what labels show where inputs change; where their meaning changes, the check says so."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sevenstep.stats.estimated import Reference, check_estimate, classified_rows, estimate_performance
from sevenstep.stats.metrics import METRICS

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def chances(shift: float, n: int, seed: int) -> Floats:
    """True probabilities of rows whose one input has been moved by ``shift``."""
    heat = np.random.default_rng(seed).normal(shift, 1.0, n)
    return 1.0 / (1.0 + np.exp(-(1.5 * heat - 1.0)))


def outcomes(probability: Floats, seed: int) -> Codes:
    return (np.random.default_rng(1_000 + seed).random(len(probability)) < probability).astype(np.int64)


def many_classes(n: int, seed: int) -> tuple[Floats, Codes]:
    chance = np.random.default_rng(seed)
    probability = chance.dirichlet([0.6, 0.4, 0.3], n)
    truth = (chance.random(n)[:, None] >= np.cumsum(probability, axis=1)).sum(axis=1)
    return probability, np.minimum(truth, 2).astype(np.int64)


def test_the_estimate_is_the_figure_of_the_expected_counts() -> None:
    p = chances(0.0, 1_000, seed=1)
    said = p >= 0.4
    true_positives, false_positives, misses = p[said].sum(), (1 - p[said]).sum(), p[~said].sum()
    right = true_positives + (1 - p[~said]).sum()
    assert estimate_performance(p, 0.4, METRICS["accuracy"]).value == pytest.approx(right / len(p), abs=0.002)
    f1 = 2 * true_positives / (2 * true_positives + false_positives + misses)
    assert estimate_performance(p, 0.4, METRICS["f1"]).value == pytest.approx(f1, abs=0.003)
    cost = estimate_performance(p, 0.4, METRICS["cost_per_item"], costs=np.array([1.0, 10.0])).value
    assert cost == pytest.approx((false_positives + 10 * misses) / len(p), abs=0.01)
    ahead = (p[:, None] > p[None, :]) + 0.5 * (p[:, None] == p[None, :])
    pairs = p[:, None] * (1 - p[None, :])
    area = (pairs * ahead).sum() / pairs.sum()
    assert estimate_performance(p, 0.4, METRICS["roc_auc"]).value == pytest.approx(area, abs=0.003)


@pytest.mark.parametrize("metric", ["accuracy", "f1", "roc_auc", "average_precision", "log_loss", "cost_per_item"])
@pytest.mark.parametrize("shift", [0.0, 1.2])
def test_the_interval_covers_what_comes_of_it_also_where_inputs_have_moved(metric: str, shift: float) -> None:
    inside = 0
    for seed in range(20):
        p = chances(shift, 250, seed)
        found = check_estimate(p, outcomes(p, seed), 0.5, METRICS[metric], costs=np.array([1.0, 5.0]), seed=seed, draws=100)
        inside += bool(found.inside)
    assert inside >= 16  # of 20 at 95 %: fewer come about once in 400 times


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "roc_auc"])
def test_several_classes_are_estimated_too(metric: str) -> None:
    inside = 0
    for seed in range(12):
        p, truth = many_classes(150, seed)
        inside += bool(check_estimate(p, truth, np.ones(3), METRICS[metric], seed=seed, draws=100).inside)
    assert inside >= 9


def test_a_changed_meaning_is_not_seen_by_the_estimate_and_told_by_the_check() -> None:
    """Concept drift: the probabilities are those of last year, the outcomes are not."""
    p = chances(0.0, 1_000, seed=3)
    truth = outcomes(1.0 - p, seed=3)
    blind = estimate_performance(p, 0.5, METRICS["accuracy"])
    assert blind.value is not None and blind.value > 0.75
    found = check_estimate(p, truth, 0.5, METRICS["accuracy"])
    assert found.inside is False
    assert found.realised is not None and found.realised < 0.3


def test_only_labels_that_have_arrived_are_compared() -> None:
    p = chances(0.0, 500, seed=4)
    truth = np.where(np.arange(500) < 120, outcomes(p, 4), -1)
    found = check_estimate(p, truth, 0.5, METRICS["accuracy"])
    assert found.n == found.estimate.n == 120
    nothing = check_estimate(p, np.full(500, -1), 0.5, METRICS["accuracy"])
    assert (nothing.inside, nothing.realised, nothing.n) == (None, None, 0)


def test_few_rows_behind_the_calibration_widen_the_interval() -> None:
    p = chances(0.0, 3_000, seed=5)

    def width(rows: int) -> float:
        judged = chances(0.0, rows, seed=6)
        reference = Reference(np.column_stack([1 - judged, judged]), outcomes(judged, 6))
        found = estimate_performance(p, 0.5, METRICS["f1"], reference=reference, draws=150)
        assert found.low is not None and found.high is not None
        return found.high - found.low

    alone = estimate_performance(p, 0.5, METRICS["f1"])
    assert alone.low is not None and alone.high is not None
    assert width(100) > 2 * width(20_000) > 0
    assert width(20_000) == pytest.approx(alone.high - alone.low, rel=0.5)


def test_the_interval_covers_with_a_calibration_fitted_on_few_rows() -> None:
    """The model's own probabilities are off by what a fit on 60 rows leaves; the reference makes up for it."""
    covered = {True: 0, False: 0}
    for seed in range(30):
        chance = np.random.default_rng(seed)
        offset = chance.normal(0.0, 1 / np.sqrt(0.14 * 60))  # error of the constant of a logistic fit on 60 such rows
        true = chances(0.0, 1_000, seed)
        said = 1.0 / (1.0 + np.exp(-(np.log(true / (1 - true)) + offset)))
        judged = chances(0.0, 60, 500 + seed)
        reference = Reference(np.column_stack([1 - judged, judged]), outcomes(judged, 500 + seed))
        for with_reference in (True, False):
            found = check_estimate(
                said,
                outcomes(true, seed),
                0.5,
                METRICS["recall"],
                reference=reference if with_reference else None,
                seed=seed,
                draws=100,
            )
            covered[with_reference] += bool(found.inside)
    assert covered[True] >= 26
    assert covered[False] <= 23


def test_rows_for_metrics_have_the_shape_of_score_tables() -> None:
    p, truth = many_classes(50, seed=8)
    cuts = np.array([1.0, 0.5, 2.0])
    expected = (np.argmax(p / cuts, axis=1) == truth).mean()
    assert METRICS["accuracy"].value(classified_rows(p, truth, cuts)) == pytest.approx(expected)


def test_no_rows_give_no_figure_and_a_probability_above_one_is_refused() -> None:
    assert estimate_performance(np.zeros(0), 0.5, METRICS["accuracy"]).value is None
    with pytest.raises(ValueError, match="between 0 and 1"):
        estimate_performance(np.array([0.2, 1.4]), 0.5, METRICS["accuracy"])
