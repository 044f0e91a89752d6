"""Pairs of columns whose repeated values name something: found in the training rows, learnt without a row's own target."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from sevenstep.tasks.tabular.encode.encoder import Encoder
from sevenstep.tasks.tabular.encode.joint import find_joint
from sevenstep.tasks.tabular.encode.reading import JOINED, Columns
from sevenstep.tasks.tabular.problem import Problem

NAME = "length & thickness"


def coils(rows: int = 1200, seed: int = 0) -> tuple[pl.DataFrame, Problem, np.ndarray[Any, Any]]:
    """Plates of coils that only length and thickness together name; each coil has a share of faults of its own."""
    random = np.random.default_rng(seed)
    length, thickness = random.integers(0, 12, rows), random.integers(0, 12, rows)
    share = random.permuted(np.tile([0.05, 0.95], 72)).reshape(12, 12)
    codes = (random.random(rows) < share[length, thickness]).astype(np.int64)
    items = pl.DataFrame({"length": 1000 + 10 * length, "thickness": 0.5 * thickness, "area": random.normal(size=rows)})
    return items, Problem("y", ("no", "yes"), dict.fromkeys(items.columns, "number"), "stratified"), codes


def test_the_pair_that_names_a_coil_is_found_and_no_other() -> None:
    items, _, codes = coils()
    found = find_joint(Columns(items, {}), items.columns, codes[:, None].astype(float), 3, 0)
    assert found == {NAME: ("length", JOINED, "thickness")}


def test_pairs_that_tell_no_more_than_one_of_them_are_left() -> None:
    items, _, _ = coils()
    alone = (items["length"].to_numpy() % 20 == 0)[:, None].astype(float)
    noise = np.random.default_rng(1).integers(0, 2, (len(items), 1)).astype(float)
    for goal in (alone, noise):
        assert find_joint(Columns(items, {}), items.columns, goal, 3, 0) == {}


def test_columns_that_say_the_same_make_one_pair() -> None:
    items, _, codes = coils()
    twice = items.with_columns((pl.col("thickness") * 2).alias("doubled"))
    found = find_joint(Columns(twice, {}), twice.columns, codes[:, None].astype(float), 3, 0)
    assert list(found) == [NAME]


@pytest.mark.parametrize("style", ["trees", "linear", "distance"])
def test_statistics_of_a_pair_are_the_shares_of_its_rows_and_are_kept(style: Any, tmp_path: Path) -> None:
    items, problem, codes = coils()
    encoder = Encoder.fit(items, problem, style, codes, {"joint": 2, "smoothing": 3.0})
    made = encoder.transform(items)
    place = made.names.index(f"{NAME} mean")
    expected = items.with_columns(pl.Series("y", codes)).select(
        ((pl.col("y").sum() + 3 * codes.mean()) / (pl.len() + 3)).over("length", "thickness").alias("mean")
    )["mean"]
    assert np.corrcoef(made.values[:, place], expected.to_numpy())[0, 1] == pytest.approx(1.0, abs=1e-6)
    if style == "trees":
        np.testing.assert_allclose(made.values[:, place], expected.to_numpy(), rtol=1e-5)
    encoder.save(tmp_path)
    as_text = items.with_columns(pl.col("length").cast(pl.String), pl.col("thickness").cast(pl.String))
    np.testing.assert_array_equal(Encoder.load(tmp_path).transform(as_text).values, made.values)


def test_no_training_row_sees_its_own_target() -> None:
    items, problem, codes = coils()
    made = Encoder.fit_transform(items, problem, "trees", codes, {"joint": 1, "smoothing": 1.0})[1]
    mean = made.values[:, made.names.index(f"{NAME} mean")].astype(float)
    both = items.with_columns(pl.Series("mean", mean), pl.Series("y", codes))
    within = both.select((pl.col("mean", "y") - pl.col("mean", "y").mean()).over("length", "thickness"))
    assert np.corrcoef(within["mean"], within["y"])[0, 1] < 0, "a share that held the row itself would go with its target"


def test_a_pair_not_seen_before_or_with_a_missing_value_is_the_overall_mean() -> None:
    items, problem, codes = coils()
    encoder = Encoder.fit(items, problem, "trees", codes, {"joint": 1})
    rows = pl.DataFrame({"length": [5.0, None, 1000.0], "thickness": [0.5, 0.5, 99.0], "area": [0.0, 0.0, 0.0]})
    made = encoder.transform(rows)
    told = made.values[:, [made.names.index(f"{NAME} mean"), made.names.index(f"{NAME} share")]]
    np.testing.assert_allclose(told, np.tile([codes.mean(), 0.0], (3, 1)), rtol=1e-6)


def test_names_say_nothing_of_newer_rows_or_other_groups() -> None:
    items, problem, codes = coils()
    for split in ("time", "groups"):
        names = Encoder.fit(items, replace(problem, split=split), "trees", codes, {"joint": 2}).names
        assert not [name for name in names if JOINED in name]
