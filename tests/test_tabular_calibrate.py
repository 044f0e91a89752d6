"""Calibrated probabilities, decisions by cost or by metric, and sets and bounds that cover what they promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.optimize import minimize, minimize_scalar
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, log_loss

from sevenstep.stats.metrics import METRICS
from sevenstep.tasks.scoretable import ScoreTable
from sevenstep.tasks.tabular.calibrate import apply, calibrate
from sevenstep.tasks.tabular.decide import Aim, _figures, _tuned_several, aim_of, cuts_by_cost, decided_codes, tuned_cuts
from sevenstep.tasks.tabular.judged import Judged
from sevenstep.tasks.tabular.mapping import NOTHING, calibrated, choose_map
from tabular_data import brief_of, classified, figure, numbers

Floats = np.ndarray[Any, Any]


def drawn(items: int, classes: int = 2, too_sure: float = 1.0, seed: int = 0) -> tuple[Floats, Floats, Floats]:
    """Stated probabilities, the true classes and the true probabilities; ``too_sure`` above 1 overstates."""
    random = np.random.default_rng(seed)
    score = random.normal(size=(items, classes)) * 1.3
    score[:, 0] += 1.0
    chance = np.exp(score)
    chance /= chance.sum(axis=1, keepdims=True)
    truth = (random.random((items, 1)) < chance.cumsum(axis=1)).argmax(axis=1)
    stated = chance**too_sure
    return stated / stated.sum(axis=1, keepdims=True), truth, chance


def table(items: int, classes: int = 2, too_sure: float = 1.0, folds: int = 5, costs: tuple[float, float] = (1, 1)) -> ScoreTable:
    stated, truth, _ = drawn(items, classes, too_sure)
    weight: Any = np.where(truth == 1, costs[1], costs[0]) if classes == 2 else 1.0
    return classified(stated, truth, np.arange(items) % folds, weight)


def left_out(scores: ScoreTable, *metrics: str, classes: int = 2) -> ScoreTable:
    """Every fold calibrated on the others alone, as the judge does."""
    brief = brief_of(*metrics, classes=classes)
    folds = scores.frame["fold"].unique().sort()
    done = [
        apply(scores.of(fold=fold), calibrate(ScoreTable(scores.frame.filter(pl.col("fold") != fold)), brief)).frame
        for fold in folds
    ]
    return ScoreTable(pl.concat(done))


@pytest.mark.parametrize("classes", [2, 5])
def test_overstated_probabilities_become_honest_on_folds_left_out(classes: int) -> None:
    before = table(8000, classes, too_sure=2.0)
    after = left_out(before, "roc_auc")
    assert figure(before, "calibration_error") > 0.04
    assert figure(after, "calibration_error") < 0.02
    assert figure(after, "log_loss") < figure(before, "log_loss") - 0.02
    sums = after.frame.group_by("unit").agg(pl.col("prediction").sum())["prediction"].to_numpy()
    assert classes == 2 or np.allclose(sums, 1.0)


@pytest.mark.parametrize("classes", [2, 4])
def test_honest_probabilities_are_left_as_they_are(classes: int) -> None:
    scores = table(3000, classes)
    found = calibrate(scores, brief_of("log_loss"))
    assert found["map"] == NOTHING
    assert apply(scores, found).frame["prediction"].to_list() == pytest.approx(scores.frame["prediction"].to_list())


@pytest.mark.parametrize(("rare", "shape"), [(4, "none"), (15, "slope")])
def test_a_handful_of_items_of_a_class_carry_a_slope_and_a_level_and_fewer_carry_nothing(rare: int, shape: str) -> None:
    stated, truth, _ = drawn(400, too_sure=3.0)
    truth[np.flatnonzero(truth == 1)[rare:]] = 0
    found = calibrate(classified(stated, truth, np.arange(400) % 2), brief_of("log_loss"))["map"]
    assert shape == "none" if found == NOTHING else found["beta"][0] == found["beta"][1] < 1.0


def _bent(items: int) -> tuple[Floats, Floats]:
    """Stated probabilities, and classes drawn by a beta map of them with two different slopes."""
    random = np.random.default_rng(5)
    given = random.beta(0.6, 0.6, items)
    score = 0.4 * np.log(given) - 2.0 * np.log1p(-given) - 0.5
    return np.column_stack([1 - given, given]), (random.random(items) < 1 / (1 + np.exp(-score))).astype(int)


def test_the_beta_map_is_the_logistic_regression_of_both_logarithms() -> None:
    stated, truth = _bent(1500)
    scores = classified(stated, truth, np.arange(1500) % 5)
    found = calibrate(scores, brief_of("log_loss"))["map"]
    assert found["kind"] == "beta"
    terms = np.column_stack([np.log(stated[:, 1]), -np.log1p(-stated[:, 1])]).clip(np.log(1e-6), -np.log(1e-6))
    twin = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(terms, truth)
    assert found["beta"] == pytest.approx([*twin.coef_[0], twin.intercept_[0]], abs=5e-3)
    assert calibrated(stated, found)[:, 1] == pytest.approx(twin.predict_proba(terms)[:, 1], abs=2e-3)


def test_a_slope_is_held_near_one_as_a_normal_prior_of_half_holds_it() -> None:
    stated, truth, _ = drawn(120, too_sure=4.0, seed=3)
    given = calibrate(classified(stated, truth, np.arange(120) % 2), brief_of("log_loss"))["map"]["beta"]
    held = stated[:, 1].clip(1e-6, 1 - 1e-6)
    score = np.log(held / (1 - held))

    def loss(weights: Floats) -> float:
        own = weights[0] * score + weights[1]
        return float(np.sum(np.logaddexp(0, own) - truth * own) + (weights[0] - 1) ** 2 / (2 * 0.5**2))

    twin = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9}).x
    assert given == pytest.approx([twin[0], twin[0], twin[1]], abs=3e-3)


def test_a_fit_far_from_where_it_starts_does_not_run_away() -> None:
    random = np.random.default_rng(0)
    score = random.normal(size=3000) * 9 - 14
    truth = (random.random(3000) < 1 / (1 + np.exp(-(score / 9 * 2 - 1)))).astype(int)
    stated = 1 / (1 + np.exp(-score))
    items = Judged.of(classified(np.column_stack([1 - stated, stated]), truth, np.arange(3000) % 5).frame)
    made = items.with_probability(calibrated(items.probability, choose_map(items).way))
    assert made.probability[:, 1].mean() == pytest.approx(truth.mean(), abs=0.01)
    assert -np.log(made.own()).mean() < 0.9 * -np.log(np.clip(items.own(), 1e-6, 1)).mean()


def test_probabilities_that_rank_the_wrong_way_round_keep_their_order_under_the_map() -> None:
    stated, truth, _ = drawn(2000, too_sure=2.0)
    found = calibrate(classified(stated, 1 - truth, np.arange(2000) % 5), brief_of("roc_auc"))["map"]
    rising = calibrated(np.column_stack([1 - np.linspace(0.01, 0.99, 50), np.linspace(0.01, 0.99, 50)]), found)[:, 1]
    assert found["kind"] == "beta"
    assert (np.diff(rising) > 0).all()
    assert rising.mean() == pytest.approx((1 - truth).mean(), abs=0.03)


def test_where_folds_follow_in_time_the_newest_items_say_how_frequent_a_class_is() -> None:
    random = np.random.default_rng(1)
    share = np.repeat([0.30, 0.20, 0.10, 0.05, 0.05], 400)
    truth = (random.random(2000) < share).astype(int)
    stated = np.clip(0.2 + random.normal(0, 0.02, 2000), 0.01, 0.99)
    scores = classified(np.column_stack([1 - stated, stated]), truth, np.arange(2000) // 400)
    dated = scores.frame.with_columns(pl.from_epoch(pl.col("unit") * 3600, "s").alias("time"))
    middle = np.array([[0.8, 0.2]])
    in_order = float(calibrated(middle, calibrate(ScoreTable(dated), brief_of("log_loss"))["map"])[0, 1])
    assert in_order < 0.09
    assert float(np.average(truth, weights=0.5 ** ((1999 - np.arange(2000)) / 500))) == pytest.approx(in_order, abs=0.01)
    mixed = ScoreTable(dated.with_columns((pl.col("unit") % 5).cast(pl.Int32).alias("fold")))
    assert float(calibrated(middle, calibrate(mixed, brief_of("log_loss"))["map"])[0, 1]) > 0.12


def test_the_temperature_has_the_least_log_loss() -> None:
    stated, truth, _ = drawn(2000, 4, too_sure=2.0)
    found = calibrate(classified(stated, truth, np.arange(2000) % 5), brief_of("log_loss"))["map"]

    def loss(temperature: float) -> float:
        raised = stated ** (1 / temperature)
        return float(log_loss(truth, raised / raised.sum(axis=1, keepdims=True)))

    assert found["temperature"] == pytest.approx(minimize_scalar(loss, bounds=(0.3, 4.0), method="bounded").x, rel=1e-2)


def test_a_bent_curve_with_many_items_takes_the_isotonic_map_and_keeps_the_order() -> None:
    random = np.random.default_rng(1)
    given = random.random(20_000)
    truth = (random.random(20_000) < np.where(given < 0.5, 0.1 + 0.1 * given, 0.6 + 0.3 * given)).astype(int)
    scores = classified(np.column_stack([1 - given, given]), truth, np.arange(20_000) % 5)
    found = calibrate(scores, brief_of("log_loss"))["map"]
    assert found["kind"] == "isotonic"
    rising = calibrated(np.column_stack([1 - np.linspace(0, 1, 500), np.linspace(0, 1, 500)]), found)[:, 1]
    assert (np.diff(rising) > 0).all()
    twin = IsotonicRegression(out_of_bounds="clip").fit(given, truth)
    assert np.abs(rising - twin.predict(np.linspace(0, 1, 500)))[20:-20].mean() < 0.02


def test_a_map_is_chosen_on_items_it_was_not_fitted_on() -> None:
    random = np.random.default_rng(0)
    given = random.random(60)
    truth = (random.random(60) < given).astype(int)
    items = Judged.of(classified(np.column_stack([1 - given, given]), truth, np.arange(60) % 3).frame)
    assert choose_map(items).way == NOTHING
    assert choose_map(items).unseen.tolist() == items.probability.tolist()


def test_the_threshold_follows_the_costs() -> None:
    assert cuts_by_cost(np.array([1.0, 19.0])) == pytest.approx([0.05])
    scores = table(6000, too_sure=1.7, costs=(1, 20))
    found = calibrate(scores, brief_of("average_precision", "cost_per_item"))
    assert found["cuts"] == pytest.approx([1 / 21])
    half = ScoreTable(apply(scores, found).frame.with_columns(pl.lit(0.5).alias("cut")))
    by_cost, by_half = figure(left_out(scores, "average_precision"), "cost_per_item"), figure(half, "cost_per_item")
    assert by_cost < 0.8 * by_half
    every = [float(METRICS["cost_per_item"].value(_with_cut(scores, cut))) for cut in np.linspace(0.01, 0.99, 99)]
    assert by_cost <= 1.05 * min(every)


def _with_cut(scores: ScoreTable, cut: float) -> Any:
    from sevenstep.stats.scored import Scored

    frame = scores.frame.with_columns(pl.lit(cut).alias("cut"))
    return Scored.of(**{name: frame[name].to_numpy() for name in METRICS["cost_per_item"].reads})


def test_with_more_classes_the_dearer_miss_is_decided_for_sooner() -> None:
    cuts = cuts_by_cost(np.array([1.0, 1.0, 4.0]))
    assert cuts == pytest.approx([1.0, 1.0, 0.25])
    assert decided_codes(np.array([[0.5, 0.3, 0.2], [0.6, 0.35, 0.05]]), cuts).tolist() == [2, 0]


def test_f1_gets_the_threshold_that_is_best_for_it_and_folds_left_out_gain_by_it() -> None:
    scores = table(6000)
    found = calibrate(scores, brief_of("f1"))
    prediction, truth = scores.frame["prediction"].to_numpy(), scores.frame["truth"].to_numpy()
    best = max(np.linspace(0.05, 0.95, 91), key=lambda cut: f1_score(truth, prediction >= cut))
    assert found["cuts"][0] == pytest.approx(best, abs=0.05)
    assert figure(left_out(scores, "f1"), "f1") > figure(scores, "f1") + 0.01


def test_a_threshold_that_helps_no_fold_left_out_is_not_taken() -> None:
    assert calibrate(table(500), brief_of("accuracy"))["cuts"] == [0.5]
    scores = table(80, folds=4)
    kept = figure(left_out(scores, "accuracy"), "accuracy")
    assert kept >= figure(scores, "accuracy") - 0.05


def test_rare_classes_get_lower_cuts_for_macro_f1() -> None:
    stated, truth, _ = drawn(4000, 3)
    stated[:, 2] *= 0.3  # a class stated too low
    stated /= stated.sum(axis=1, keepdims=True)
    truth = np.where((truth == 2) & (np.arange(4000) % 2 == 0), 0, truth)
    scores = classified(stated, truth, np.arange(4000) % 5)
    found = calibrate(scores, brief_of("macro_f1"))
    assert found["cuts"][2] < min(found["cuts"][0], found["cuts"][1])
    assert figure(left_out(scores, "macro_f1"), "macro_f1") > figure(scores, "macro_f1") + 0.02


def test_a_class_stated_too_low_is_lifted() -> None:
    chance, truth, _ = drawn(4000, 3)
    stated = chance * np.array([1.0, 1.0, 0.3])
    scores = classified(stated / stated.sum(axis=1, keepdims=True), truth, np.arange(4000) % 5)
    lift = np.array(calibrate(scores, brief_of("log_loss"))["map"]["lift"])
    assert lift[2] - lift[:2].mean() == pytest.approx(np.log(1 / 0.3), abs=0.15)
    assert figure(left_out(scores, "log_loss", classes=3), "log_loss") == pytest.approx(log_loss(truth, chance), abs=0.01)


def _dirichlet(random: np.random.Generator, items: int, shares: Floats) -> tuple[Floats, Floats]:
    """True probabilities of classes of unequal shares, and classes drawn by them."""
    chance = random.dirichlet(shares, items)
    return chance, (random.random((items, 1)) < chance.cumsum(axis=1)).argmax(axis=1)


def test_cuts_of_several_classes_raise_macro_f1_on_new_items_even_where_few_were_scored() -> None:
    random, gained = np.random.default_rng(4), []
    shares = np.array([1.0, 0.6, 0.1, 0.08])
    for _ in range(10):
        chance, truth = _dirichlet(random, 300, shares)
        found = calibrate(classified(chance, truth, np.arange(300) % 5), brief_of("macro_f1"))
        chance, truth = _dirichlet(random, 5000, shares)
        codes = [chance.argmax(axis=1), decided_codes(calibrated(chance, found["map"]), np.array(found["cuts"]))]
        usual, chosen = (f1_score(truth, own, average="macro") for own in codes)
        gained.append(chosen - usual)
    assert np.mean(gained) > 2 * np.std(gained, ddof=1) / np.sqrt(10)


def test_cuts_that_scored_items_speak_against_are_not_taken() -> None:
    random = np.random.default_rng(4)
    chance, truth = _dirichlet(random, 4000, np.array([1.0, 0.6, 0.1]))
    items = Judged.of(classified(chance, truth, np.arange(4000) % 5).frame)
    aim = aim_of(brief_of("macro_f1").kpis)
    assert aim is not None
    assert (tuned_cuts(items, aim, np.ones(3)) != 1.0).any()
    feared = np.column_stack([chance[:, :2], np.maximum(chance[:, :2].max(axis=1) - 0.4, 0.01)])  # high where it is never so
    wrong = items.with_probability(feared / feared.sum(axis=1, keepdims=True))
    assert (_tuned_several(wrong, aim, np.ones(3)) != 1.0).any()
    assert tuned_cuts(wrong, aim, np.ones(3)).tolist() == [1.0, 1.0, 1.0]


def test_precision_alone_leaves_the_threshold_to_the_costs_and_both_goals_are_met_together() -> None:
    assert aim_of(brief_of("precision").kpis) is None
    assert aim_of(brief_of("roc_auc").kpis) is None
    assert aim_of(brief_of("cost_per_item", "f1").kpis) is None
    scores = table(20_000)
    after = left_out(scores, "recall", "precision")
    assert figure(after, "recall") > 0.5
    both = brief_of("recall", "precision", goal=">= 0.7").kpis
    strict = apply(scores, calibrate(scores, brief_of("recall", kpis=both)))
    assert figure(strict, "recall") >= 0.69 or figure(strict, "precision") >= 0.69


@pytest.mark.parametrize("metric", ["accuracy", "f1", "macro_f1", "balanced_accuracy", "mcc", "precision", "recall"])
@pytest.mark.parametrize("classes", [2, 4])
def test_metrics_from_counts_of_decisions_equal_those_from_rows(metric: str, classes: int) -> None:
    scores = table(700, classes)
    items = Judged.of(scores.frame)
    decided = decided_codes(items.probability, np.array([0.5]) if classes == 2 else np.ones(classes))
    counts = np.zeros((classes, classes))
    np.add.at(counts, (items.truth, decided), 1.0)
    assert float(_figures(METRICS[metric], counts, items.cost)) == pytest.approx(figure(scores, metric))
    assert Aim(METRICS[metric]).losses(counts, items.cost) == pytest.approx(-figure(scores, metric))


@pytest.mark.parametrize(("classes", "items"), [(2, 3000), (6, 1500), (2, 120)])
def test_conformal_sets_cover_what_they_promise_on_folds_left_out(classes: int, items: int) -> None:
    after = left_out(table(items, classes, too_sure=1.5), "log_loss")
    room = 0.02 + 1.5 / np.sqrt(items)
    assert figure(after, "set_coverage_80") == pytest.approx(0.80, abs=room)
    assert figure(after, "set_coverage_95") == pytest.approx(0.95, abs=room)


def made(rows: int = 3000, seed: int = 0) -> ScoreTable:
    """Numbers whose errors grow with what is predicted."""
    random = np.random.default_rng(seed)
    prediction = random.uniform(10, 200, rows)
    return numbers(prediction + random.normal(0, 0.15 * prediction), prediction, np.arange(rows) % 5)


def test_bounds_of_numbers_cover_at_every_size_of_the_prediction() -> None:
    after = left_out(made(), "rmse", classes=0).frame
    inside = (after["truth"] >= after["lower_80"]) & (after["truth"] <= after["upper_80"])
    by_size = after.with_columns(inside.alias("inside"), (pl.col("prediction") // 50).alias("size")).group_by("size")
    assert float(inside.mean()) == pytest.approx(0.80, abs=0.02)  # type: ignore[arg-type]
    assert by_size.agg(pl.col("inside").mean())["inside"].to_list() == pytest.approx([0.8] * 4, abs=0.07)
    wide = after.filter(pl.col("prediction") > 150)["upper_80"] - after.filter(pl.col("prediction") > 150)["lower_80"]
    narrow = after.filter(pl.col("prediction") < 50)["upper_80"] - after.filter(pl.col("prediction") < 50)["lower_80"]
    assert float(wide.mean()) > 3 * float(narrow.mean())  # type: ignore[arg-type]


def test_bounds_of_few_numbers_are_the_corrected_order_statistics() -> None:
    random = np.random.default_rng(2)
    error = random.normal(0, 1, 39)
    scores = numbers(100 + error, np.full(39, 100.0), np.zeros(39, dtype=int))
    found = apply(scores, calibrate(scores, brief_of("mae", classes=0))).frame
    assert found["lower_95"][0] == pytest.approx(100 + np.sort(error)[0])
    assert found["upper_80"][0] == pytest.approx(100 + np.sort(error)[35])


def test_what_was_never_below_0_is_not_predicted_below_0() -> None:
    scores = made()
    clipped = numbers(
        np.maximum(scores.frame["truth"].to_numpy(), 0.0), scores.frame["prediction"].to_numpy() - 30, np.arange(3000) % 5
    )
    found = apply(clipped, calibrate(clipped, brief_of("mae", classes=0))).frame
    assert found.select(pl.min_horizontal("prediction", "lower_95").min()).item() >= 0.0


def test_a_metric_of_relative_errors_shifts_predictions_of_the_mean() -> None:
    random = np.random.default_rng(0)
    prediction = random.uniform(50, 60, 4000)
    scores = numbers(prediction * np.exp(random.normal(-0.08, 0.4, 4000)), prediction, np.arange(4000) % 5)
    found = calibrate(scores, brief_of("rmspe", classes=0, goal="<= 0.5"))
    assert found["shift"] == 0.9
    assert figure(left_out(scores, "rmspe", classes=0), "rmspe") < figure(scores, "rmspe")


def test_an_empty_table_calibrates_to_nothing() -> None:
    empty = ScoreTable(made().frame.head(0))
    assert calibrate(empty, brief_of("rmse", classes=0))["n"] == 0
