"""The released model of a table: rows in their order, one sentence for what it has no experience of, plain files."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

from sevenstep.data.dataset import Dataset, Roles
from sevenstep.errors import InputError, InputWarning
from sevenstep.tasks.blending import weighted_mean
from sevenstep.tasks.contract import Fold
from sevenstep.tasks.registry import load_task
from sevenstep.tasks.scoretable import join_score_tables
from sevenstep.tasks.tabular.bag import Bag
from sevenstep.tasks.tabular.folds import plan_folds
from sevenstep.tasks.tabular.model import TabularModel
from sevenstep.tasks.tabular.problem import Problem
from sevenstep.tasks.tabular.task import ClassificationTask, RegressionTask
from tabular_data import CLASSES, brief_of, candidate, data_of, parts

FAMILIES = ("linear", "boosting")


def model_of(data: Dataset, classes: int, families: Sequence[str] = FAMILIES, seeds: int = 1) -> TabularModel:
    """Fitted, scored, calibrated and combined by the task, as step 6 does."""
    task = ClassificationTask() if classes else RegressionTask()
    problem = Problem.of(data)
    folds, _, _ = plan_folds(data, problem, "", 3, 0)
    metric = "log_loss" if classes else "rmse"
    everything = Fold("everything", -1, {"dealt": "everything", "seeds": seeds})
    members = [
        (task.fit(candidate(family), everything, data, None, 0), weight)
        for family, weight in zip(families, (3.0, 1.0), strict=False)
    ]
    own = candidate(families[0])
    scores = join_score_tables([task.score(task.fit(own, fold, data, None, 0), own, fold, data, None) for fold in folds])
    calibration = {"y": task.calibrate(scores, brief_of(metric, classes=classes))}
    made = task.combine({"y": members}, calibration, data, brief_of(metric, classes=classes))
    assert isinstance(made, TabularModel)
    return made


@cache
def model(classes: int = 2) -> TabularModel:
    return model_of(data_of(parts(400, classes, waiting=5), classes), classes)


def predict(rows: pl.DataFrame, classes: int = 2) -> tuple[pl.DataFrame, list[str]]:
    """Predictions and what was warned of."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        made = model(classes).predict(rows)
    return made, [str(warning.message) for warning in told if issubclass(warning.category, InputWarning)]


@pytest.mark.parametrize("classes", [2, 3])
def test_rows_come_back_in_their_order_with_their_columns_and_a_probability_for_each_class(classes: int) -> None:
    rows = parts(40, classes, seed=7).drop("y").with_columns(pl.int_range(40, 0, -1).alias("id"))
    made, told = predict(rows, classes)
    names = [f"probability_{name}" for name in CLASSES[classes]]
    assert made.columns == [*rows.columns, "prediction", *names, "set_80", "set_95"]
    assert made.select(rows.columns).equals(rows)
    assert made.select(pl.sum_horizontal(names)).to_series().to_list() == pytest.approx([1.0] * 40)
    assert set(made["prediction"]) <= set(CLASSES[classes])
    assert not told


def test_the_larger_set_holds_the_smaller_and_the_likeliest_class_is_the_first_in_a_set() -> None:
    made, _ = predict(parts(200, 3, seed=8), 3)
    chances = [name for name in made.columns if name.startswith("probability_")]
    for small, large, *chance in made.select("set_80", "set_95", *chances).iter_rows():
        likeliest = chances[int(np.argmax(chance))].removeprefix("probability_")
        held = [{name for name in told.split(" | ") if name} for told in (small, large)]
        assert held[0] <= held[1]
        assert all(likeliest in names for names in held if names)
    assert 0.72 <= np.mean([truth in told.split(" | ") for truth, told in zip(made["y"], made["set_80"], strict=True)]) <= 0.88


def test_a_number_comes_with_bounds_that_cover() -> None:
    made, _ = predict(parts(300, 0, seed=9), 0)
    assert made.columns[-5:] == ["prediction", "lower_80", "upper_80", "lower_95", "upper_95"]
    assert (made["lower_95"] <= made["lower_80"]).all()
    assert (made["lower_80"] <= made["prediction"]).all()
    inside = ((made["y"] >= made["lower_80"]) & (made["y"] <= made["upper_80"])).mean()
    assert float(inside) == pytest.approx(0.8, abs=0.09)  # type: ignore[arg-type]


def test_without_rows_those_that_waited_are_predicted_and_without_any_it_is_said() -> None:
    assert len(model().predict()) == 5
    full = model_of(data_of(parts(200)), 2, ("linear",))
    with pytest.raises(InputError) as caught:
        full.predict()
    assert caught.value.code == "PREDICT-NO-ROWS"
    assert len(full.refresh(parts(30, waiting=4)).predict()) == 4
    assert full.refresh(parts(30, waiting=4)).noted == 26
    assert len(full.refresh(parts(30).drop("y")).predict()) == 30


def test_reordered_columns_and_further_ones_change_nothing() -> None:
    rows = parts(50, seed=3)
    mixed = rows.select("line", "y", "weight", "size").with_columns(pl.lit(3).alias("more"))
    assert predict(rows)[0]["probability_yes"].to_list() == predict(mixed)[0]["probability_yes"].to_list()


def test_a_new_category_is_told_with_its_count() -> None:
    made, told = predict(
        parts(50, seed=3).with_columns(pl.when(pl.int_range(50) < 3).then(pl.lit("Z")).otherwise("line").alias("line"))
    )
    assert len(made) == 50
    assert told == ["3 of 50 rows have a value of 'line' that was not there in training ('Z'): treated as unknown"]


def test_a_missing_column_is_told_and_treated_as_missing() -> None:
    made, told = predict(parts(50, seed=3).drop("weight"))
    assert told == ["the rows lack 'weight': treated as missing in every row"]
    assert made["probability_yes"].is_finite().all()
    with pytest.raises(InputError, match="PREDICT-INPUT"):
        predict(pl.DataFrame({"other": [1.0]}))


@pytest.mark.parametrize(("factor", "word"), [(1000.0, "about a thousand times"), (0.001, "about a thousandth of")])
@pytest.mark.parametrize("rows", [1, 40])
def test_a_unit_that_is_off_by_a_thousand_is_told(factor: float, word: str, rows: int) -> None:
    _, told = predict(parts(rows, seed=3).with_columns(pl.col("weight") * factor))
    assert len(told) == 1
    assert f"a 'weight' {word} what it was in training" in told[0]
    assert told[0].endswith("this looks like another unit")


def test_values_that_are_only_a_little_larger_are_not_taken_for_another_unit() -> None:
    assert predict(parts(40, seed=3).with_columns(pl.col("weight") * 3.0, pl.col("size") * 0.2))[1] == []


def test_plain_files_give_the_same_predictions(tmp_path: Path) -> None:
    for classes in (2, 3, 0):
        folder = tmp_path / str(classes)
        folder.mkdir()
        model(classes).save(folder)
        rows = parts(60, classes, seed=4)
        again = load_task("classification" if classes else "regression").load_model(folder)
        assert again.predict(rows).equals(model(classes).predict(rows))
        assert {path.suffix for path in folder.rglob("*") if path.is_file()} <= {".json", ".npz", ".txt", ".parquet"}


def test_the_schema_names_every_input_with_its_type() -> None:
    assert dict(model().input_schema()) == {"size": "Float64", "weight": "Float64", "line": "String"}


@pytest.mark.parametrize(
    ("kind", "values"),
    [(pl.Int64, {"no": 0, "yes": 1}), (pl.Boolean, {"no": False, "yes": True}), (pl.Float64, {"no": 0.0, "yes": 1.0})],
)
def test_the_prediction_has_the_type_of_the_target(kind: Any, values: dict[str, Any]) -> None:
    items = parts(200).with_columns(pl.col("y").replace_strict(values, return_dtype=kind))
    data = data_of(items)
    classes = ["false", "true"] if kind == pl.Boolean else ["0", "1"]
    told = Dataset(data.tables, data.roles, {**data.facts, "classes": {"value": classes, "reason": ""}}, "")
    made = model_of(told, 2, ("linear",)).predict(items)
    assert made["prediction"].dtype == (pl.Boolean if kind == pl.Boolean else pl.Int64)
    assert (made["prediction"].cast(pl.Float64) == items["y"].cast(pl.Float64)).mean() > 0.7  # type: ignore[operator]


def test_a_bag_of_seeds_predicts_the_mean_of_its_members(tmp_path: Path) -> None:
    data = data_of(parts(200))
    task, everything = ClassificationTask(), Fold("everything", -1, {"dealt": "everything", "seeds": 3})
    bag = task.fit(candidate("network", nets=1, epochs=3), everything, data, None, 5)
    assert isinstance(bag, Bag)
    each = [member.predict(data.items) for member in bag.members]
    assert len(each) == 3
    assert not np.allclose(each[0], each[1])
    np.testing.assert_allclose(bag.predict(data.items), np.mean(each, axis=0))
    bag.save(tmp_path)
    np.testing.assert_array_equal(Bag.load(tmp_path).predict(data.items), bag.predict(data.items))


def test_a_candidate_with_fewer_rows_learns_from_a_sample() -> None:
    data = data_of(parts(400))
    task, everything = ClassificationTask(), Fold("everything", -1, {"dealt": "everything"})
    fitted = task.fit(candidate("neighbours", most_rows=150), everything, data, None, 0)
    assert isinstance(fitted, Bag)
    assert len(fitted.members[0].predictor.points) == 150  # type: ignore[union-attr]


def test_a_blend_is_the_weighted_mean_of_those_who_can_tell() -> None:
    made = weighted_mean(np.array([[0.2, 0.8], [0.4, np.nan], [np.nan, np.nan]]), np.array([3.0, 1.0]))
    np.testing.assert_allclose(made, [0.35, 0.4, np.nan])


def shots(rows: int = 20) -> Dataset:
    """Pictures of bright or dark noise."""
    random = np.random.default_rng(0)
    codes = random.integers(0, 2, rows)

    def shot(bright: int) -> bytes:
        file = io.BytesIO()
        Image.fromarray((random.random((24, 24)) * 90 + 120 * bright).astype(np.uint8)).save(file, "PNG")
        return file.getvalue()

    items = pl.DataFrame({"shot": [shot(int(code)) for code in codes], "y": [CLASSES[2][code] for code in codes]})
    facts = {"kinds": {"shot": "picture"}, "split": "stratified", "classes": list(CLASSES[2]), "miss": [1.0, 1.0]}
    return Dataset({"items": items}, Roles(("y",)), {name: {"value": value, "reason": ""} for name, value in facts.items()}, "")


def test_pictures_are_measured_for_the_model_and_a_corrupt_one_is_told() -> None:
    data, task = shots(), ClassificationTask()
    stage = task.stage({"kind": "pictures"}, data)
    everything = Fold("everything", -1, {"dealt": "everything"})
    fitted = task.fit(candidate("linear", bins=0), everything, data, stage, 0)
    calibration = {"map": {"kind": "none"}, "cuts": [0.5], "least": {"lower_80": 0.5, "lower_95": 0.1}}
    made = task.combine({"y": [(fitted, 1.0)]}, {"y": calibration}, data, brief_of("accuracy"))
    rows = data.items.with_columns(pl.when(pl.int_range(20) == 7).then(pl.lit(b"no picture")).otherwise("shot").alias("shot"))
    with pytest.warns(InputWarning, match="1 of 20 rows has a picture in 'shot' that cannot be read"):
        told = made.predict(rows)
    assert "shot" not in told.columns
    assert (told["prediction"] == data.items["y"]).sum() >= 18
