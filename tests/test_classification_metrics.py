"""Metrics of classified items equal scikit-learn's; ranking pseudo-values equal slow twins and the spread of resamples."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from sklearn import metrics as known

from sevenstep.stats.classification import decided
from sevenstep.stats.intervals import cluster_estimate
from sevenstep.stats.metrics import METRICS
from sevenstep.stats.scored import Scored

Floats = npt.NDArray[np.float64]


def two_classes(n: int = 500, seed: int = 0, cut: float = 0.3) -> tuple[Floats, Floats, Scored]:
    generator = np.random.default_rng(seed)
    truth = (generator.random(n) < 0.25).astype(float)
    score = np.round(np.clip(0.25 * truth + 0.6 * generator.random(n), 0, 1), 2)  # with ties
    return truth, score, Scored.of(truth, score, cut=np.full(n, cut))


def three_classes(n: int = 300, seed: int = 1) -> tuple[npt.NDArray[np.int64], Floats, Scored]:
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 3, n)
    strength = generator.random((n, 3)) + 0.8 * np.eye(3)[truth]
    shares = strength / strength.sum(axis=1, keepdims=True)
    rows = {
        "unit": np.repeat(np.arange(n), 3).astype(float),
        "label": np.tile(np.arange(3), n).astype(float),
        "cut": np.ones(3 * n),
    }
    return truth, shares, Scored.of(np.eye(3)[truth].ravel(), shares.ravel(), **rows)


def test_two_classes_are_decided_at_the_cut_and_counted_as_scikit_learn_counts() -> None:
    truth, score, rows = two_classes()
    chosen = (score >= 0.3).astype(int)
    expected = {
        "accuracy": known.accuracy_score(truth, chosen),
        "balanced_accuracy": known.balanced_accuracy_score(truth, chosen),
        "f1": known.f1_score(truth, chosen),
        "macro_f1": known.f1_score(truth, chosen, average="macro"),
        "precision": known.precision_score(truth, chosen),
        "recall": known.recall_score(truth, chosen),
        "mcc": known.matthews_corrcoef(truth, chosen),
        "roc_auc": known.roc_auc_score(truth, score),
        "average_precision": known.average_precision_score(truth, score),
        "log_loss": known.log_loss(truth, np.clip(score, 1e-15, 1 - 1e-15)),
        "brier": known.brier_score_loss(truth, score),
    }
    assert {name: METRICS[name].value(rows) for name in expected} == pytest.approx(expected)


def test_more_classes_are_decided_by_the_largest_share_and_averaged_over_classes() -> None:
    truth, shares, rows = three_classes()
    chosen = shares.argmax(axis=1)
    expected = {
        "accuracy": known.accuracy_score(truth, chosen),
        "balanced_accuracy": known.balanced_accuracy_score(truth, chosen),
        "macro_f1": known.f1_score(truth, chosen, average="macro"),
        "precision": known.precision_score(truth, chosen, average="macro"),
        "recall": known.recall_score(truth, chosen, average="macro"),
        "mcc": known.matthews_corrcoef(truth, chosen),
        "roc_auc": known.roc_auc_score(truth, shares, multi_class="ovr"),
        "average_precision": known.average_precision_score(np.eye(3)[truth], shares, average="macro"),
        "log_loss": known.log_loss(truth, shares),
        "brier": np.mean(((shares - np.eye(3)[truth]) ** 2).sum(axis=1)),
    }
    assert {name: METRICS[name].value(rows) for name in expected} == pytest.approx(expected)


def test_a_class_with_a_small_cut_is_decided_for_sooner() -> None:
    rows = Scored.of([1, 0], [0.2, 0.8], unit=[0, 0], label=[0, 1], cut=[0.1, 1.0])
    assert METRICS["accuracy"].value(rows) == 1.0


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision"])
def test_the_interval_of_a_ranking_metric_is_as_wide_as_resampling_makes_it(metric: str) -> None:
    truth, score, rows = two_classes(n=600)
    generator = np.random.default_rng(3)
    exact = known.roc_auc_score if metric == "roc_auc" else known.average_precision_score
    drawn = [generator.integers(0, 600, 600) for _ in range(800)]
    spread = np.std([exact(truth[at], score[at]) for at in drawn])
    found = cluster_estimate(METRICS[metric], rows, np.arange(600), seed=0)
    assert found.low is not None and found.high is not None
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(spread, rel=0.12)


def test_pseudo_values_are_the_slope_of_the_figure_in_the_weight_of_a_row() -> None:
    truth, score, rows = two_classes(n=120)
    terms = METRICS["average_precision"].terms(rows)
    pseudo = terms[:, 0] / terms[:, 1]
    exact, step = known.average_precision_score(truth, score), 1e-6
    for row in (3, 17, 58):
        weight = np.ones(120)
        weight[row] += step
        slope = (known.average_precision_score(truth, score, sample_weight=weight) - exact) / step
        assert pseudo[row] - exact == pytest.approx(120 * slope, abs=1e-3)


def test_calibration_error_is_the_gap_between_probability_and_share_in_each_bin() -> None:
    truth, score, rows = two_classes()
    place = np.minimum((score * 15).astype(int), 14)
    gaps = [abs(score[place == at].sum() - truth[place == at].sum()) for at in range(15)]
    assert METRICS["calibration_error"].value(rows) == pytest.approx(sum(gaps) / len(truth))


def test_cost_counts_each_wrong_decision_at_its_own_price() -> None:
    rows = Scored.of([1, 1, 0, 0], [0.9, 0.1, 0.9, 0.1], weight=[20, 20, 1, 1])
    assert METRICS["cost_per_item"].value(rows) == (20 + 1) / 4


def test_a_set_covers_where_the_true_class_reaches_its_least_probability() -> None:
    rows = Scored.of([1, 0, 1], [0.7, 0.7, 0.2], lower_80=[0.25, 0.25, 0.25])
    assert METRICS["set_coverage_80"].value(rows) == pytest.approx(2 / 3)


def test_regression_metrics_equal_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    truth = generator.gamma(2.0, 50.0, 400)
    guess = truth * generator.lognormal(0, 0.2, 400)
    rows = Scored.of(truth, guess)
    assert METRICS["r2"].value(rows) == pytest.approx(known.r2_score(truth, guess))
    assert METRICS["rmsle"].value(rows) == pytest.approx(known.root_mean_squared_log_error(truth, guess))


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision"])
@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("digits", [1, 6])
def test_a_ranking_figure_at_once_is_the_mean_of_its_terms(metric: str, classes: int, digits: int) -> None:
    random = np.random.default_rng(4)
    label = np.tile(np.arange(classes), 300)
    truth, score = (random.random(len(label)) < 0.3).astype(float), np.round(random.random(len(label)), digits)
    rows = Scored.of(truth=truth, prediction=score, label=label, unit=np.repeat(np.arange(300), classes))
    measure = METRICS[metric]
    assert measure.direct is not None
    assert measure.value(rows) == pytest.approx(float(measure.finish(measure.terms(rows).sum(axis=0))))


def test_decisions_do_not_depend_on_the_order_of_the_rows() -> None:
    random = np.random.default_rng(4)
    label, unit = np.tile(np.arange(4), 100), np.repeat(np.arange(100), 4)
    probability = np.round(random.random(400), 1)
    rows = Scored.of(truth=label == unit % 4, prediction=probability, label=label, unit=unit, cut=np.ones(400))
    mixed = random.permutation(400)
    np.testing.assert_array_equal(decided(rows.at(mixed)), decided(rows)[mixed])
