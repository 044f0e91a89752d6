"""Members, weights and judgement: the greedy search against brute force, and folds that never see their own truth."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations_with_replacement

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from forecast_worlds import brief_of, score_table
from sevenstep.search.ensemble import MOST_MEMBERS, Selection, select
from sevenstep.search.judge import FINAL, judge
from sevenstep.search.library import Library
from sevenstep.search.thrift import Rule
from sevenstep.stats.metrics import METRICS
from sevenstep.tasks.blending import weighted_mean as blend
from sevenstep.tasks.forecast.task import ForecastTask
from sevenstep.tasks.scoretable import ScoreTable

Floats = NDArray[np.float64]
RULE = Rule(METRICS["wape"])


def world(
    errors: dict[str, float], *, shared: float = 0.0, folds: int = 3, rows: int = 200, seed: int = 1
) -> dict[str, ScoreTable]:
    """Candidates with errors of their own of the given size and an error they share."""
    generator = np.random.default_rng(seed)
    fold = np.repeat(np.arange(folds), rows)
    truth = generator.gamma(4, 25, len(fold))
    common = shared * generator.standard_normal(len(fold))
    own = {name: size * generator.standard_normal(len(fold)) for name, size in errors.items()}
    cluster = np.tile(np.arange(rows) % 10, folds)
    return {
        name: score_table(truth, truth + 20 * (common + noise), fold=fold, cluster=cluster, name=name)
        for name, noise in own.items()
    }


def library_of(tables: dict[str, ScoreTable], **costs: float) -> Library:
    return Library.of(tables, dict.fromkeys(tables, 1.0) | costs)


def loss(library: Library, weights: Floats) -> float:
    """Mean over folds of the sum of absolute errors over the sum of actuals, by hand."""
    truth = library.frame["truth"].to_numpy()
    error = np.abs(library.predictions @ (weights / weights.sum()) - truth)
    folds = library.folds
    return float(np.mean([error[folds == fold].sum() / truth[folds == fold].sum() for fold in np.unique(folds)]))


@pytest.mark.parametrize("seed", range(4))
def test_the_greedy_weights_are_as_good_as_the_best_of_all_blends_of_few_picks(seed: int) -> None:
    library = library_of(world({"a": 1.0, "b": 1.1, "c": 1.4}, seed=seed))
    chosen = select(library, RULE, blend)
    brute = [
        np.bincount(picks, minlength=3) / size for size in range(1, 6) for picks in combinations_with_replacement(range(3), size)
    ]
    best = min(loss(library, weights) for weights in brute)
    assert chosen.trace["taken"] == "blend"
    assert loss(library, chosen.weights) <= best * 1.002
    assert chosen.weights.sum() == pytest.approx(1.0)


def test_a_blend_has_no_more_members_than_are_worth_their_fits() -> None:
    chosen = select(library_of(world(dict.fromkeys("abcdefgh", 1.0))), RULE, blend)
    assert chosen.trace["taken"] == "blend"
    assert np.count_nonzero(chosen.weights) == MOST_MEMBERS


def test_weights_of_a_fold_are_those_chosen_without_it() -> None:
    library = library_of(world({"a": 1.0, "b": 1.0, "c": 1.2}))
    chosen = select(library, RULE, blend)
    for fold in range(3):
        others = select(library.only(library.folds != fold), RULE, blend)
        assert others.trace["taken"] == chosen.trace["taken"] == "blend"
        np.testing.assert_array_equal(chosen.by_fold[fold], others.weights)
        rows = library.folds == fold
        assert chosen.unseen is not None
        np.testing.assert_allclose(chosen.unseen[rows], library.predictions[rows] @ chosen.by_fold[fold])


@pytest.mark.parametrize("fold", range(3))
def test_whether_to_blend_is_decided_for_a_fold_without_its_truth(fold: int) -> None:
    library = library_of(world({"a": 1.0, "b": 1.05, "c": 1.5}, seed=3))
    own = pl.col("fold") == fold
    spoilt = replace(library, frame=library.frame.with_columns(pl.when(own).then(1e6).otherwise(pl.col("truth")).alias("truth")))
    clean, poisoned = select(library, RULE, blend), select(spoilt, RULE, blend)
    np.testing.assert_array_equal(clean.by_fold[fold], poisoned.by_fold[fold])
    assert clean.unseen is not None and poisoned.unseen is not None
    rows = library.folds == fold
    np.testing.assert_array_equal(clean.unseen[rows], poisoned.unseen[rows])


def test_independent_errors_are_blended_and_equal_candidates_are_not() -> None:
    assert select(library_of(world({"a": 1.0, "b": 1.0})), RULE, blend).trace["taken"] == "blend"
    alone = select(library_of(world({"a": 0.0, "b": 0.0}, shared=1.0)), RULE, blend)
    assert alone.trace["taken"] == "single"
    assert sorted(alone.weights.tolist()) == [0.0, 1.0]


def test_a_blend_that_helps_only_the_folds_it_was_fitted_on_is_not_taken() -> None:
    tables = world({"good": 0.3, "bad": 3.0}, folds=3)
    chosen = select(library_of(tables), RULE, blend)
    assert chosen.trace["taken"] == "single"
    assert chosen.weights.tolist() == [1.0, 0.0]
    assert chosen.trace["why"] == "good has the best figure and no cheaper candidate is as good"


def taken(library: Library, rule: Rule = RULE) -> str:
    """Name of the one candidate taken."""
    chosen = select(library, rule, blend)
    assert chosen.trace["taken"] == "single"
    return str(library.names[int(np.argmax(chosen.weights))])


def near(dearer: float, cheaper: float, rows: int = 200, folds: int = 3, clusters: int = 10) -> dict[str, ScoreTable]:
    """Two candidates that share nearly all of their error, so that no blend helps; sizes are of the shared error."""
    generator = np.random.default_rng(5)
    fold = np.repeat(np.arange(folds), rows)
    truth, common = generator.gamma(4, 25, len(fold)), generator.standard_normal(len(fold))
    cluster = np.tile(np.arange(rows) % clusters, folds)
    wobble = {"dear": 0.0, "cheap": 0.02 * generator.standard_normal(len(fold))}
    return {
        name: score_table(truth, truth + 20 * size * (common + wobble[name]), fold=fold, cluster=cluster, name=name)
        for name, size in (("dear", dearer), ("cheap", cheaper))
    }


def test_of_two_that_cannot_be_told_apart_the_cheaper_is_taken_and_the_chapter_says_what_it_saves() -> None:
    library = library_of(near(1.0, 1.0005), dear=12.0, cheap=1.0)
    chosen = select(library, RULE, blend)
    assert taken(library) == "cheap"
    assert chosen.trace["best"] == "dear"
    why = chosen.trace["why"]
    assert why.startswith("cheap and dear cannot be told apart (difference 0.") and "95 % interval" in why
    assert "cheap costs 12 times less" in why
    assert taken(library_of(near(1.0, 1.0005), dear=1.0, cheap=12.0)) == "dear"


def test_a_measurable_gain_is_worth_its_cost_however_small_unless_the_kpi_says_otherwise() -> None:
    library = library_of(near(1.0, 1.006, rows=4000, clusters=40), dear=12.0, cheap=1.0)
    assert taken(library) == "dear"
    assert taken(library, replace(RULE, min_gain=0.01)) == "cheap"


def test_without_power_a_cheaper_rule_that_is_much_worse_is_not_taken() -> None:
    generator = np.random.default_rng(2)
    fold, truth = np.repeat(np.arange(3), 4), np.full(12, 100.0)
    sizes = {"boosting": generator.uniform(5, 15, 12), "naive": generator.uniform(2, 24, 12)}
    tables = {name: score_table(truth, truth + size, fold=fold, name=name) for name, size in sizes.items()}
    assert sizes["naive"].mean() > 1.1 * sizes["boosting"].mean()
    assert taken(library_of(tables, boosting=100.0, naive=0.1)) == "boosting"
    generous = replace(RULE, min_gain=0.2)
    assert taken(library_of(tables, boosting=100.0, naive=0.1), generous) == "naive"


def test_a_blend_is_taken_only_where_it_is_worth_the_fits_of_all_its_members() -> None:
    # errors are nearly the same, so that a blend saves half a percent: with ten series nobody can tell
    tables = world({"a": 0.11, "b": 0.11}, shared=1.0)
    library = library_of(tables)
    chosen = select(library, RULE, blend)
    assert chosen.trace["taken"] == "single"
    single, both = (loss(library, weights) for weights in (chosen.weights, np.array([0.5, 0.5])))
    assert 0.0 < 1 - both / single < 0.01


@pytest.mark.parametrize("fold", range(3))
def test_which_of_two_equals_is_the_cheaper_one_is_found_for_a_fold_without_its_truth(fold: int) -> None:
    library = library_of(near(1.0, 1.0005), dear=12.0, cheap=1.0)
    own = pl.col("fold") == fold
    spoilt = replace(library, frame=library.frame.with_columns(pl.when(own).then(1e6).otherwise(pl.col("truth")).alias("truth")))
    clean, poisoned = select(library, RULE, blend), select(spoilt, RULE, blend)
    np.testing.assert_array_equal(clean.by_fold[fold], poisoned.by_fold[fold])


def test_one_fold_cannot_judge_a_blend() -> None:
    chosen = select(library_of(world({"a": 1.0, "b": 1.1}, folds=1)), RULE, blend)
    assert chosen.unseen is None
    assert sorted(chosen.weights.tolist()) == [0.0, 1.0]
    judged = judge(ForecastTask(), library_of(world({"a": 1.0, "b": 1.1}, folds=1)), chosen, brief_of())
    assert "one fold" in judged.method


def test_members_are_brought_into_one_order_and_only_common_rows_count() -> None:
    tables = world({"a": 1.0, "b": 1.0}, rows=30)
    shuffled = ScoreTable(tables["b"].frame.sample(fraction=1.0, shuffle=True, seed=1))
    fewer = ScoreTable(shuffled.frame.filter(~((pl.col("fold") == 1) & (pl.col("item") < 5))))
    library = library_of({"a": tables["a"], "b": fewer})
    assert len(library.frame) == 85
    expected = (
        tables["a"].frame.join(tables["b"].frame, on=["fold", "item"]).filter(~((pl.col("fold") == 1) & (pl.col("item") < 5)))
    )
    expected = expected.sort("fold", "item")
    np.testing.assert_array_equal(library.predictions, expected.select("prediction", "prediction_right").to_numpy())
    np.testing.assert_array_equal(library.frame["truth"], expected["truth"])


def test_a_member_that_cannot_tell_leaves_its_weight_to_the_others() -> None:
    predictions = np.array([[1.0, 3.0], [np.nan, 3.0], [np.nan, np.nan]])
    np.testing.assert_allclose(blend(predictions, np.array([0.25, 0.75])), [2.5, 3.0, np.nan])


def poisoned(tables: dict[str, ScoreTable], fold: int) -> dict[str, ScoreTable]:
    truth = pl.when(pl.col("fold") == fold).then(pl.col("truth") * 50 + 1e4).otherwise(pl.col("truth")).alias("truth")
    return {name: ScoreTable(table.frame.with_columns(truth)) for name, table in tables.items()}


@pytest.mark.parametrize("fold", range(3))
def test_the_judgement_of_a_fold_does_not_know_its_truth(fold: int) -> None:
    tables = world({"a": 1.0, "b": 1.0, "c": 1.2})
    chosen = select(library_of(tables), RULE, blend)
    again = select(library_of(poisoned(tables, fold)), RULE, blend)
    fixed = Selection(again.weights, {**again.by_fold, fold: chosen.by_fold[fold]}, None, {})
    one, other = (
        judge(ForecastTask(), library_of(rows), selection, brief_of()).scores.of(fold=fold).frame.drop("truth")
        for rows, selection in ((tables, chosen), (poisoned(tables, fold), fixed))
    )
    assert one.equals(other)
    assert one["candidate"].unique().to_list() == [FINAL]
    assert one.null_count().sum_horizontal().item() == 0
    elsewhere = judge(ForecastTask(), library_of(poisoned(tables, (fold + 1) % 3)), chosen, brief_of()).scores.of(fold=fold).frame
    assert not one.equals(elsewhere.drop("truth"))


def test_the_released_calibration_is_made_from_all_folds() -> None:
    tables = world({"a": 1.0, "b": 1.0})
    chosen = select(library_of(tables), RULE, blend)
    judged = judge(ForecastTask(), library_of(tables), chosen, brief_of())
    assert judged.calibration["n"] == len(tables["a"].frame)
    assert "3 folds" in judged.method
