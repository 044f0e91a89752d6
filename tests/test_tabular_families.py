"""Families of models: each learns what it can, keeps itself as plain files and predicts the same after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from sevenstep.errors import InputError
from sevenstep.tasks.contract import Candidate
from sevenstep.tasks.tabular.encode.encoder import Encoded
from sevenstep.tasks.tabular.families import extras, forest
from sevenstep.tasks.tabular.families.boosting import fit_boosting
from sevenstep.tasks.tabular.families.forest import ForestPredictor, fit_forest
from sevenstep.tasks.tabular.families.kernel import fit_kernel
from sevenstep.tasks.tabular.families.learning import Lesson
from sevenstep.tasks.tabular.families.linear import fit_linear
from sevenstep.tasks.tabular.families.members import FAMILIES, TabularMember, _learnt_rows, fit_member
from sevenstep.tasks.tabular.families.neighbours import fit_neighbours
from sevenstep.tasks.tabular.families.network import _Training, fit_network
from sevenstep.tasks.tabular.families.portfolio import PORTFOLIO
from sevenstep.tasks.tabular.families.rules import RULES
from sevenstep.tasks.tabular.families.scale import Scale
from sevenstep.tasks.tabular.problem import Problem
from tabular_worlds import with_target

QUICK = {"rounds": 60, "patience": 10, "trees": 20, "epochs": 6, "landmarks": 60, "nets": 1}
LEARNT = [family for family in FAMILIES if extras.installed(family) or family not in ("catboost", "xgboost")]


def candidate(family: str, **parameters: Any) -> Candidate:
    return Candidate(family, family, "y", "", {**QUICK, **parameters})


def lesson_of(values: Any, goal: Any, classes: int, **parameters: Any) -> Lesson:
    values = np.asarray(values, np.float32)
    return Lesson(Encoded(values, [str(place) for place in range(values.shape[1])], ()), goal, classes, parameters, 0)


@pytest.mark.parametrize("kind", ["two", "three", "number"])
@pytest.mark.parametrize("family", LEARNT)
def test_every_family_beats_the_shares_and_predicts_the_same_from_its_files(family: str, kind: str, tmp_path: Path) -> None:
    items, problem = with_target(kind)
    member = fit_member(candidate(family), items[:300], problem, None, 0)
    made = member.predict(items[300:])
    member.save(tmp_path)
    np.testing.assert_array_equal(made, TabularMember.load(tmp_path).predict(items[300:]))
    truth = problem.values(items[300:])
    if kind == "number":
        assert made.shape == (100, 1)
        assert np.corrcoef(made[:, 0], truth)[0, 1] > 0.6
    else:
        assert made.shape == (100, len(problem.classes))
        np.testing.assert_allclose(made.sum(axis=1), 1.0)
        shares = np.bincount(truth.astype(int)) / 100
        own = made[np.arange(100), truth.astype(int)]
        assert -np.log(own + 1e-12).mean() < -(shares * np.log(shares)).sum()
    assert not list(tmp_path.rglob("*.pkl"))


@pytest.mark.parametrize("family", ["boosting", "linear", "network", "forest"])
def test_equal_seeds_give_equal_members(family: str) -> None:
    items, problem = with_target("two")
    first, again = (fit_member(candidate(family), items[:300], problem, None, 5).predict(items[300:]) for _ in range(2))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("family", LEARNT)
def test_a_class_no_training_row_has_gets_hardly_any_probability(family: str) -> None:
    items, problem = with_target("three")
    kept = items.filter(pl.col("y") != "b")
    made = fit_member(candidate(family), kept, problem, None, 0).predict(items)
    assert made.shape == (400, 3)
    assert made[:, 1].max() < 0.1
    np.testing.assert_allclose(made.sum(axis=1), 1.0)


def test_rows_without_a_target_are_not_learnt_from() -> None:
    items, problem = with_target("two")
    waiting = items.with_columns(pl.when(pl.int_range(pl.len()) < 300).then("y").otherwise(None))
    with_them = fit_member(candidate("linear"), waiting, problem, None, 0).predict(items)
    without = fit_member(candidate("linear"), items[:300], problem, None, 0).predict(items)
    np.testing.assert_array_equal(with_them, without)


def test_a_sample_of_the_rows_has_their_make_up() -> None:
    codes = np.repeat([0.0, 1.0, np.nan], [900, 100, 50])
    kept = _learnt_rows(codes, 500, 0)
    assert (len(kept), np.nansum(codes[kept])) == (500, 50)
    assert len(_learnt_rows(codes, None, 0)) == len(_learnt_rows(codes, 5000, 0)) == 1000


def test_prepared_features_of_pictures_are_learnt_from() -> None:
    items, problem = with_target("two")
    told = pl.DataFrame({"edge": (items["y"] == "yes").cast(pl.Float32)})
    member = fit_member(candidate("linear"), items[:300], problem, told[:300], 0)
    made = member.predict(items[300:], told[300:])
    assert ((made[:, 1] > 0.5) == (items["y"][300:] == "yes").to_numpy()).mean() > 0.98


def test_logistic_coefficients_equal_the_library_at_its_own_optimum() -> None:
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(0)
    values = random.normal(size=(500, 4)).astype(np.float32)
    codes = (random.random(500) < expit(values @ [1.0, -2.0, 0.5, 0.0])).astype(float)
    made = fit_linear(lesson_of(values, codes, 2, strengths=(0.3,))).predict(values)
    exact = LogisticRegression(C=0.3, tol=1e-9, max_iter=5000).fit(values.astype(np.float64), codes)
    np.testing.assert_allclose(made, exact.predict_proba(values.astype(np.float64)), atol=2e-3)


@pytest.mark.parametrize(("kind", "classes"), [("extra", 3), ("random", 0)])
def test_a_forest_read_from_arrays_predicts_as_the_library_does_gaps_included(kind: str, classes: int) -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(600, 5)).astype(np.float32)
    values[random.random(values.shape) < 0.1] = np.nan
    goal = random.integers(0, 3, 600).astype(float) if classes else np.nan_to_num(values[:, 0]) * 3.0
    lesson = lesson_of(values, goal, classes, kind=kind, trees=15)
    library = forest._library(lesson)
    library.fit(values, goal.astype(int) if classes else goal)
    expected = library.predict_proba(values) if classes else library.predict(values)[:, None]
    np.testing.assert_allclose(fit_forest(lesson).predict(values), expected, atol=1e-5)


def test_a_forest_whose_nodes_run_in_a_circle_is_refused(tmp_path: Path) -> None:
    grown = fit_forest(lesson_of(np.random.default_rng(0).normal(size=(50, 2)), np.arange(50) % 2, 2, trees=2))
    grown.left[np.flatnonzero(grown.left > 0)[-1]] = 0
    grown.save(tmp_path)
    with pytest.raises(InputError, match="do not lead down"):
        ForestPredictor.load(tmp_path, {})


def test_a_kernel_on_all_rows_equals_kernel_ridge_regression() -> None:
    from sklearn.kernel_ridge import KernelRidge

    random = np.random.default_rng(0)
    values = random.normal(size=(120, 3)).astype(np.float32)
    goal = np.sin(values[:, 0]) + values[:, 1] ** 2
    learnt = fit_kernel(lesson_of(values, goal - goal.mean(), 0, landmarks=120, widths=(1.0,)))
    exact = KernelRidge(alpha=1e-3, kernel="rbf", gamma=learnt.gamma).fit(values, goal - goal.mean())
    assert np.corrcoef(learnt.predict(values)[:, 0], exact.predict(values))[0, 1] > 0.999


def test_gradients_of_the_network_equal_finite_differences() -> None:
    random = np.random.default_rng(0)
    values, goal = random.normal(size=(40, 3)), random.integers(0, 2, (40, 1)).astype(float)
    settings = {"width": 4.0, "dropout": 0.0, "epochs": 1.0, "batch": 40.0, "rate": 0.1, "decay": 0.0}
    training = _Training(values, goal, np.ones(40, np.bool_), 2, settings, random)
    training.net = [weights + random.normal(size=weights.shape) * 0.3 for weights in training._start()]
    found = training._gradients(np.arange(40))
    for place, weights in enumerate(training.net):
        at = tuple(0 for _ in weights.shape)
        losses = []
        for step in (1e-3, -1e-3):
            weights[at] += step
            losses.append(training._loss())
            weights[at] -= step
        assert found[place][at] == pytest.approx((losses[0] - losses[1]) / 2e-3, abs=3e-4)


def test_the_network_follows_a_curve_no_line_can() -> None:
    random = np.random.default_rng(0)
    values = random.uniform(-2, 2, (900, 2))
    goal = np.abs(values[:, 0]) * values[:, 1]
    learnt = fit_network(lesson_of(values[:600], goal[:600], 0, width=32, batch=32))
    assert np.corrcoef(learnt.predict(values[600:].astype(np.float32))[:, 0], goal[600:])[0, 1] > 0.95


def test_neighbours_leave_out_the_row_itself_when_they_choose_how_many() -> None:
    random = np.random.default_rng(0)
    learnt = fit_neighbours(lesson_of(random.normal(size=(400, 2)), random.integers(0, 2, 400).astype(float), 2))
    assert learnt.count == 40, "on pure noise the most neighbours are the best"


def test_boosting_stops_before_it_learns_noise_and_bags_are_averaged() -> None:
    random = np.random.default_rng(0)
    values, goal = random.normal(size=(500, 5)), random.integers(0, 2, 500).astype(float)
    single = fit_boosting(lesson_of(values, goal, 2, rounds=500, patience=10, learning_rate=0.1))
    assert single.boosters()[0].num_trees() < 60
    bagged = fit_boosting(lesson_of(values, goal, 2, rounds=50, patience=10, bags=4))
    each = [booster.predict(values[:10]) for booster in bagged.boosters()]
    assert len(each) == 4
    np.testing.assert_allclose(bagged.predict(values[:10].astype(np.float32))[:, 1], np.mean(each, axis=0), atol=1e-6)


def test_contributions_add_up_to_the_score() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(300, 3)).astype(np.float32)
    learnt = fit_boosting(lesson_of(values, (values[:, 0] > 0).astype(float), 2, rounds=30, patience=0))
    np.testing.assert_allclose(expit(learnt.contributions(values).sum(axis=2)[:, 0]), learnt.predict(values)[:, 1], atol=1e-6)


def test_whole_groups_are_left_out_when_rounds_are_found() -> None:
    """Rows that repeat within a group: rounds found on rows of known groups would run on to the limit."""
    random = np.random.default_rng(0)
    group = np.repeat(np.arange(60), 10)
    columns = {"a": random.normal(size=60), "b": random.normal(size=60), "y": random.integers(0, 2, 60)}
    items = pl.DataFrame({name: values[group] for name, values in columns.items()})
    problem = Problem("y", ("0", "1"), {"a": "number", "b": "number"}, "groups")
    asked = candidate("boosting", rounds=400, patience=20, least_in_leaf=5)
    apart = fit_member(asked, items, problem, None, 0, group).predictor
    mixed = fit_member(asked, items, problem, None, 0, None).predictor
    assert apart.boosters()[0].num_trees() < mixed.boosters()[0].num_trees() / 2  # type: ignore[union-attr]


@pytest.mark.parametrize("values", [[1.0, 10.0, 100.0], [0.0, 2.0, 50.0]])
def test_logarithms_come_back_to_the_target(values: list[float]) -> None:
    scale = Scale.of(np.array(values), log=True)
    np.testing.assert_allclose(scale.told(scale.learnt(np.array(values))), values, atol=1e-9)
    assert scale.told(np.array([-50.0]))[0] >= 0.0


def test_a_logarithm_learnt_lowers_the_relative_error_of_spread_values(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=600)
    items = pl.DataFrame({"x": x, "y": np.exp(2 * x + random.normal(size=600) * 0.1)})
    problem = Problem("y", (), {"x": "number"}, "random")
    errors = {}
    for log in (False, True):
        member = fit_member(candidate("linear", log=log), items[:500], problem, None, 0)
        member.save(tmp_path)
        made = TabularMember.load(tmp_path).predict(items[500:])[:, 0]
        errors[log] = np.mean(np.abs(made / items["y"][500:].to_numpy() - 1))
    assert errors[True] < 0.2 < errors[False]


@pytest.mark.parametrize(
    ("rule", "expected"), [("majority", [1, 0]), ("never", [1, 0]), ("always", [0, 1]), ("prior", [0.75, 0.25])]
)
def test_rules_of_classes(rule: str, expected: list[float], tmp_path: Path) -> None:
    items = pl.DataFrame({"x": range(8), "y": ["ok", "ok", "ok", "bad"] * 2})
    problem = Problem("y", ("ok", "bad"), {"x": "number"}, "stratified")
    member = fit_member(candidate("rules", rule=rule), items, problem, None, 0)
    member.save(tmp_path)
    np.testing.assert_allclose(TabularMember.load(tmp_path).predict(items), [expected] * 8)


def test_rules_of_numbers() -> None:
    items = pl.DataFrame({"x": range(5), "y": [1.0, 2.0, 3.0, 4.0, 100.0]})
    problem = Problem("y", (), {"x": "number"}, "random")
    assert fit_member(candidate("rules", rule="mean"), items, problem, None, 0).predict(items)[0, 0] == 22.0
    assert fit_member(candidate("rules", rule="median"), items, problem, None, 0).predict(items)[0, 0] == 3.0


@pytest.mark.parametrize("told_by", ["heat", "line"])
def test_the_single_rule_is_made_of_the_column_that_tells_the_class(told_by: str, tmp_path: Path) -> None:
    items, problem = with_target("two")
    told = items["heat"] > 200 if told_by == "heat" else items["line"] == "B"
    items = items.with_columns(pl.Series("y", np.where(told, "yes", "no")))
    member = fit_member(candidate("rules", rule="single_rule"), items[:300], problem, None, 0)
    assert member.predictor.column == told_by  # type: ignore[union-attr]
    member.save(tmp_path)
    made = TabularMember.load(tmp_path).predict(items[300:])
    assert ((made[:, 1] > 0.5) == told[300:].to_numpy()).mean() > 0.9
    empty = member.predict(items[300:].drop(told_by))
    np.testing.assert_allclose(empty.sum(axis=1), 1.0)


def test_a_family_whose_library_is_missing_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    items, problem = with_target("two")
    with pytest.raises(InputError, match="pip install catboost") as told:
        fit_member(candidate("catboost"), items, problem, None, 0)
    assert told.value.code == "TABULAR-EXTRA"


def test_the_portfolio_is_plain_data_every_family_of_it_is_known() -> None:
    assert json.loads(json.dumps(PORTFOLIO))
    names = [entry["name"] for entry in PORTFOLIO]
    assert len(set(names)) == len(names)
    assert {entry["family"] for entry in PORTFOLIO} <= {*FAMILIES, "rules"}
    assert "single_rule" in RULES


@pytest.mark.parametrize("entry", PORTFOLIO, ids=[entry["name"] for entry in PORTFOLIO])
def test_every_configuration_of_the_portfolio_fits(entry: Any) -> None:
    items, problem = with_target("two")
    parameters = {**entry["parameters"], "epochs": 3, "trees": 10, "rounds": 40}
    asked = Candidate(entry["name"], entry["family"], "y", "", parameters)
    assert np.isfinite(fit_member(asked, items[:300], problem, None, 0).predict(items)).all()
