"""Explanations add up, agree with coefficients and TreeSHAP where those are exact, and name rows in plain ways."""

from __future__ import annotations

from functools import cache
from typing import Any

import lightgbm
import numpy as np
import polars as pl
import pytest

from sevenstep.data.dataset import Dataset
from sevenstep.errors import InputError
from sevenstep.tasks.contract import Candidate, Explanation, Fold
from sevenstep.tasks.tabular.attribution import exchanged, member_parts
from sevenstep.tasks.tabular.bag import Bag
from sevenstep.tasks.tabular.calibrate import calibrate
from sevenstep.tasks.tabular.families.members import TabularMember, fit_member
from sevenstep.tasks.tabular.model import TabularModel
from sevenstep.tasks.tabular.problem import Problem
from sevenstep.tasks.tabular.scoring import score_rows
from tabular_studies import brief_of, dataset_of, plates, strips

PARAMETERS: dict[str, dict[str, Any]] = {
    "boosting": {"rounds": 40, "learning_rate": 0.1, "leaves": 8, "least_in_leaf": 10},
    "linear": {"strengths": [1.0], "bins": 0},
    "forest": {"trees": 20},
    "rules": {"rule": "single_rule"},
}


def world(kind: str) -> tuple[Dataset, Any]:
    """Two classes, three, or a number, with the brief."""
    if kind == "number":
        brief = brief_of("thickness", classes=False)
        return dataset_of(strips(400), brief, classes=False), brief
    items = plates(400)
    if kind == "three":
        items = items.with_columns(pl.when(pl.col("heat") > 215).then(pl.lit("melted")).otherwise(pl.col("fail")).alias("fail"))
    brief = brief_of("fail")
    return dataset_of(items, brief), brief


def member_of(data: Dataset, family: str, **parameters: Any) -> TabularMember:
    candidate = Candidate(family, family, data.roles.targets[0], "", {**PARAMETERS[family], **parameters})
    if family == "rules" and not Problem.of(data).classes:
        candidate = Candidate(family, family, data.roles.targets[0], "", {"rule": "median"})
    return fit_member(candidate, data.items, Problem.of(data), None, 0)


@cache
def model_of(kind: str, waiting: int = 0) -> TabularModel:
    """A blend of four families, calibrated on its own rows."""
    data, brief = world(kind)
    target, problem = data.roles.targets[0], Problem.of(data)
    members = [
        (Bag(family, [member_of(data, family)]), weight) for family, weight in zip(PARAMETERS, (0.4, 0.3, 0.2, 0.1), strict=True)
    ]
    rows = np.arange(len(data.items))
    predicted = np.sum([weight * bag.predict(data.items) for bag, weight in members], axis=0)
    scores = score_rows(predicted, rows, Candidate("blend", "boosting", target, ""), Fold("all", 0), data, problem)
    known = pl.int_range(pl.len()) < len(data.items) - waiting
    items = data.items.with_columns(pl.when(known).then(pl.col(target)).alias(target))
    return TabularModel.of(members, calibrate(scores, brief), Dataset({"items": items}, data.roles, data.facts), 0)


def total(found: Explanation) -> float:
    return found.start + sum(value for *_, value in found.parts)


@pytest.mark.parametrize("kind", ["two", "three", "number"])
def test_the_parts_of_a_blend_add_up_to_what_the_model_predicts(kind: str) -> None:
    model = model_of(kind)
    for row in (1, 7, 30):
        found = model.explain({"row": row})[0]
        assert total(found) == pytest.approx(found.prediction, abs=1e-9)
        predicted = model.predict(model.background[row - 1 : row])
        if kind == "number":
            assert found.prediction == pytest.approx(predicted["prediction"][0])
            assert found.unit == "thickness"
        else:
            name = found.target.removeprefix("fail = ")
            assert found.prediction == pytest.approx(predicted[f"probability_{name}"][0])
            assert kind == "two" or name == predicted["prediction"][0], "of several classes the decided one is explained"


@pytest.mark.parametrize("family", list(PARAMETERS))
@pytest.mark.parametrize("kind", ["two", "three", "number"])
def test_the_parts_of_every_family_add_up(family: str, kind: str) -> None:
    data, _ = world(kind)
    problem, member = Problem.of(data), member_of(data, family)
    parts = member_parts(member, data.items[5:6], data.items.head(100), problem.inputs, 0)
    assert parts.start + sum(parts.by_column.values()) == pytest.approx(float(member.predict(data.items[5:6])[0, 0]), abs=1e-6)
    assert set(parts.by_column) <= {*problem.inputs, "other inputs"}


def test_a_linear_model_is_explained_by_its_coefficients() -> None:
    data, _ = world("number")
    member = member_of(data, "linear")
    background, item = data.items.head(150), data.items[200:201]
    assert member.encoder is not None
    encoded, usual = (member.encoder.transform(rows) for rows in (item, background))
    by_hand = dict.fromkeys(("gap", "speed", "shift"), 0.0)
    for place, name in enumerate(encoded.names):
        column = next(column for column in by_hand if name.startswith(column))
        by_hand[column] += float(
            (encoded.values[0, place] - usual.values[:, place].mean()) * member.predictor.coefficients[place, 0]  # type: ignore[union-attr]
        )
    parts = member_parts(member, item, background, ["gap", "speed", "shift"], 0)
    assert parts.by_column == pytest.approx(by_hand, rel=1e-4, abs=1e-6)


def test_a_booster_of_a_number_is_explained_by_treeshap() -> None:
    data, _ = world("number")
    member = member_of(data, "boosting")
    item = data.items[200:201]
    assert member.encoder is not None
    encoded = member.encoder.transform(item)
    booster = lightgbm.Booster(model_str=member.predictor.texts[0])  # type: ignore[union-attr]
    shap = np.asarray(booster.predict(encoded.values, pred_contrib=True))[0]
    parts = member_parts(member, item, data.items.head(150), ["gap", "speed", "shift"], 0)
    assert parts.start == pytest.approx(shap[-1])
    for name in ("gap", "speed"):
        own = sum(value for feature, value in zip(encoded.names, shap[:-1], strict=True) if feature == name)
        assert parts.by_column[name] == pytest.approx(own, abs=abs(own) * 0.2 + 0.3), "combinations are shared between both"


def test_exchanging_inputs_gives_the_exact_parts_of_what_adds_up() -> None:
    random = np.random.default_rng(0)
    rows = pl.DataFrame({name: random.normal(size=300) for name in "abc"})
    item = pl.DataFrame({"a": [2.0], "b": [-1.0], "c": [0.5]})
    parts = exchanged(lambda frame: 3 * frame["a"].to_numpy() + frame["b"].to_numpy() ** 2, item, rows, ["a", "b", "c"])
    assert parts.start + sum(parts.by_column.values()) == pytest.approx(7.0)
    assert parts.by_column["c"] == 0.0
    many = [exchanged(lambda frame: 3 * frame["a"].to_numpy(), item, rows, ["a", "b", "c"], seed) for seed in range(30)]
    assert np.mean([one.by_column["a"] for one in many]) == pytest.approx(6.0 - 3 * rows["a"].mean(), abs=0.2)  # type: ignore[operator]


def test_what_was_planted_leads_the_explanation() -> None:
    model = model_of("number")
    gap = model.background["gap"].to_numpy()
    row = int(np.argsort(gap)[int(0.9 * len(gap))])
    found = model.explain({"row": row + 1})[0]
    part = {name: value for name, _, value in found.parts}
    # 8 for each unit, as planted; one tenth of the blend is a rule that reads no input
    assert part["gap"] == pytest.approx(0.9 * 8 * (gap[row] - gap.mean()), rel=0.2)
    assert next(text for name, text, _ in found.parts if name == "gap") == f"{gap[row]:,.6g}"


def test_rows_that_wait_are_named_by_number_or_by_their_columns() -> None:
    model = model_of("two", 12)
    assert len(model.waiting) == 12
    by_number = model.explain({"row": 12})[0]
    heat = model.waiting["heat"][11]
    by_column = model.explain({"heat": heat})[0]
    given = model.explain({name: model.waiting[name][11] for name in model.problem.inputs})[0]
    assert by_number.prediction == by_column.prediction == given.prediction
    assert by_number.parts == by_column.parts == given.parts
    assert by_number.item == {"row": 12}


def test_a_row_the_model_has_never_seen_is_explained_from_its_values() -> None:
    model = model_of("two")
    row = {name: model.background[name][0] for name in model.problem.inputs} | {"heat": 260.0, "furnace": "C"}
    found = model.explain(row)[0]
    predicted = model.predict(pl.DataFrame({name: [value] for name, value in row.items()}))
    assert found.prediction == pytest.approx(predicted["probability_yes"][0])


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ({"row": 0}, "rows are counted from 1"),
        ({"row": "x"}, "rows are counted from 1"),
        ({}, "no row is named"),
        ({"haet": 3.0}, "did you mean 'heat'"),
        ({"furnace": "C"}, "name more columns"),
        ({"heat": -5.0}, "given by all its inputs"),
        ({"heat": "hot"}, "cannot be read"),
    ],
)
def test_a_row_that_cannot_be_told_is_an_error_in_one_sentence(item: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says) as raised:
        model_of("two", 12).explain(item)
    assert raised.value.code == "EXPLAIN-ITEM"
