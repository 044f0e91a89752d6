"""How a table's rows are dealt out to folds, and what a score table says of each."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from sevenstep.data.dataset import Dataset
from sevenstep.errors import InputError
from sevenstep.tasks.tabular.folds import EVERYTHING, plan_folds, rows_of
from sevenstep.tasks.tabular.problem import Problem
from sevenstep.tasks.tabular.scoring import score_rows, segment_scores
from tabular_data import candidate, data_of, figure, parts

RANDOM = np.random.default_rng(5)


def folds_of(
    data: Dataset, wanted: int | None = None, seed: int = 0
) -> list[tuple[Any, np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    problem = Problem.of(data)
    folds, _, _ = plan_folds(data, problem, "why", wanted, seed)
    return [(fold, *rows_of(fold, data, problem)) for fold in folds]


def in_time(rows: int, points: int) -> Dataset:
    items = parts(rows)
    days = np.sort(np.random.default_rng(0).integers(0, points, rows))[::-1]
    times = [datetime(2024, 1, 1) + timedelta(days=int(day)) for day in days]
    return data_of(items.with_columns(pl.Series("day", times)), split="time", roles={"time": "day"})


@pytest.mark.parametrize(("rows", "wanted", "count"), [(2500, None, 5), (900, None, 10), (900, 3, 3)])
@pytest.mark.parametrize("split", ["stratified", "random"])
def test_every_known_row_is_judged_once_by_a_model_that_has_not_seen_it(
    split: str, rows: int, wanted: int | None, count: int
) -> None:
    data = data_of(parts(rows, waiting=50), split=split)
    found = folds_of(data, wanted)
    assert len(found) == count
    assert sorted(np.concatenate([test for _, _, test in found])) == list(range(rows - 50))
    for _, train, test in found:
        assert not set(train) & set(test)
        assert len(train) + len(test) == rows - 50


def test_classes_keep_their_shares_in_every_stratified_fold() -> None:
    data = data_of(parts(1000), split="stratified")
    codes = Problem.of(data).codes(data.items)
    shares = [codes[test].mean() for _, _, test in folds_of(data)]
    assert max(shares) - min(shares) <= 0.02


def test_the_rows_of_a_group_stay_together() -> None:
    lot, tool = RANDOM.integers(0, 40, 600), [None if even else "x" for even in RANDOM.integers(0, 2, 600)]
    items = parts(600).with_columns(pl.Series("lot", lot), pl.Series("tool", tool, dtype=pl.String))
    data = data_of(items, split="groups", roles={"keys": ("lot", "tool")})
    groups = [set(items[test.tolist()].select("lot", "tool").iter_rows()) for _, _, test in folds_of(data)]
    assert len(groups) == 10
    assert not any(one & other for at, one in enumerate(groups) for other in groups[at + 1 :])


def test_newer_rows_are_judged_by_models_of_all_older_ones() -> None:
    data = in_time(1000, 300)
    day = data.items["day"].to_numpy()
    found = folds_of(data)
    assert len(found) == 5
    for _, train, test in found:
        assert day[train].max() < day[test].min()
        assert (np.diff(day[train].astype(np.int64)) >= 0).all()
    assert sum(len(test) for _, _, test in found) == pytest.approx(600, abs=10)


def test_few_points_in_time_give_fewer_folds_and_one_is_an_error() -> None:
    assert len(folds_of(in_time(400, 4))) == 2
    with pytest.raises(InputError, match="TABULAR-FOLDS"):
        folds_of(in_time(50, 1))


def test_one_group_is_told_in_one_sentence() -> None:
    data = data_of(parts(60).with_columns(pl.lit("only").alias("lot")), split="groups", roles={"keys": ("lot",)})
    with pytest.raises(InputError, match="there are 1 groups to deal out"):
        folds_of(data)


def test_the_fewer_rows_the_more_of_them_each_model_learns_from() -> None:
    assert [len(folds_of(data_of(parts(rows)))) for rows in (200, 1000, 2500)] == [20, 10, 5]
    assert len(folds_of(data_of(parts(12)))) == 12


def test_the_same_words_give_the_same_rows_and_another_seed_others() -> None:
    data = data_of(parts(500))
    first, again, other = folds_of(data), folds_of(data), folds_of(data, seed=9)
    assert all((one[2] == two[2]).all() for one, two in zip(first, again, strict=True))
    assert any(set(one[2]) != set(two[2]) for one, two in zip(first, other, strict=True))


def test_the_fold_of_everything_learns_from_all_known_rows() -> None:
    data = data_of(parts(300, waiting=20))
    _, everything, _ = plan_folds(data, Problem.of(data), "why", None, 0)
    train, test = rows_of(everything, data, Problem.of(data))
    assert everything.name == EVERYTHING
    assert (len(train), len(test)) == (280, 0)


def scored(classes: int, miss: tuple[float, ...] = ()) -> tuple[Any, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    data = data_of(parts(200, classes), classes, miss=miss)
    raw = RANDOM.random((40, max(classes, 1)))
    made = raw / raw.sum(axis=1, keepdims=True) if classes else raw
    rows = np.arange(10, 50)
    fold = folds_of(data)[0][0]
    truth = Problem.of(data).values(data.items)[rows]
    return score_rows(made, rows, candidate(), fold, data, Problem.of(data)), made, truth


def test_two_classes_have_one_row_an_item_whose_weight_is_what_a_mistake_costs() -> None:
    table, made, truth = scored(2, (1.0, 20.0))
    frame = table.frame
    assert len(frame) == 40
    assert frame["weight"].to_list() == [20.0 if code else 1.0 for code in truth]
    assert figure(table, "roc_auc") == pytest.approx(roc_auc_score(truth, made[:, 1]))
    assert set(frame["label"]) == {0}
    assert set(frame["cut"]) == {1 / 21}
    assert set(scored(2)[0].frame["cut"]) == {0.5}


def test_more_classes_have_a_row_for_each_class_of_an_item() -> None:
    table, made, truth = scored(3, (1.0, 2.0, 5.0))
    frame = table.frame
    assert len(frame) == 120
    assert frame.filter(pl.col("label") == 2)["weight"].unique().to_list() == [5.0]
    assert frame.filter(pl.col("label") == 2)["cut"].unique().to_list() == pytest.approx([0.2])
    assert frame.group_by("unit").agg(pl.col("truth").sum())["truth"].unique().to_list() == [1.0]
    assert frame["item"].n_unique() == 120
    assert figure(table, "log_loss") == pytest.approx(log_loss(truth, made, labels=[0, 1, 2]))
    assert figure(table, "accuracy") == pytest.approx(((made * [1.0, 2.0, 5.0]).argmax(axis=1) == truth).mean())


def test_a_number_has_one_row_an_item() -> None:
    table, made, truth = scored(0)
    assert "unit" not in table.frame.columns
    assert figure(table, "rmse") == pytest.approx(float(np.sqrt(((made[:, 0] - truth) ** 2).mean())))


def test_rows_of_one_group_are_one_cluster() -> None:
    items = parts(200).with_columns(pl.Series("lot", np.arange(200) // 10))
    data = data_of(items, split="groups", roles={"keys": ("lot",)})
    problem = Problem.of(data)
    fold, _, test = folds_of(data)[0]
    table = score_rows(np.full((len(test), 2), 0.5), test, candidate(), fold, data, problem)
    assert table.frame["cluster"].n_unique() == len(test) // 10


def test_results_are_sliced_by_the_persons_segments_or_else_by_the_inputs_that_tell_most() -> None:
    items = parts(500).with_columns(pl.Series("noise", RANDOM.choice(["p", "q"], 500)))
    plain = data_of(items)
    kinds = {**plain.facts["kinds"]["value"], "noise": "category"}
    told = replace(plain, facts={**plain.facts, "kinds": {"value": kinds, "reason": ""}})
    fold, _, test = folds_of(told)[0]
    table = score_rows(np.full((len(test), 2), 0.5), test, candidate(), fold, told, Problem.of(told))
    assert list(segment_scores(table, told)[1]) == ["line", "noise"]
    own = replace(told, roles=replace(told.roles, segments=("noise",)))
    found, labels = segment_scores(table, own)
    assert list(labels) == ["noise"]
    assert found.frame["noise"].to_list() == items["noise"].gather(found.frame["item"]).to_list()
