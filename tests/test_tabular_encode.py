"""From columns to a matrix: learnt inside the fold, read the same way ever after."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from sevenstep.tasks.tabular.encode.categories import Statistics
from sevenstep.tasks.tabular.encode.combinations import find_combinations
from sevenstep.tasks.tabular.encode.encoder import Encoder
from sevenstep.tasks.tabular.encode.numbers import Normal, Pieces
from sevenstep.tasks.tabular.encode.parts import deal
from sevenstep.tasks.tabular.encode.places import Distances, Neighbourhood, find_places
from sevenstep.tasks.tabular.encode.reading import Columns
from sevenstep.tasks.tabular.encode.texts import Topics
from sevenstep.tasks.tabular.encode.times import Times
from sevenstep.tasks.tabular.problem import Problem
from tabular_worlds import world

STYLES = ("trees", "linear", "distance")


@pytest.mark.parametrize("style", STYLES)
def test_a_saved_encoder_gives_the_same_matrix(style: Any, tmp_path: Path) -> None:
    items, problem, codes = world()
    encoder = Encoder.fit(items, problem, style, codes, {"combinations": 4})
    encoder.save(tmp_path)
    first, again = encoder.transform(items[:50]), Encoder.load(tmp_path).transform(items[:50])
    np.testing.assert_array_equal(first.values, again.values)
    assert first.names == again.names
    assert first.categorical == again.categorical
    assert first.values.shape == (50, len(first.names))


@pytest.mark.parametrize("style", STYLES)
def test_order_of_columns_and_rows_taken_alone_change_nothing(style: Any) -> None:
    items, problem, codes = world()
    encoder = Encoder.fit(items, problem, style, codes, {})
    whole = encoder.transform(items).values
    turned = encoder.transform(items.select(reversed(items.columns))).values
    alone = np.vstack([encoder.transform(items[row : row + 1]).values for row in range(20)])
    np.testing.assert_array_equal(whole, turned)
    np.testing.assert_array_equal(whole[:20], alone)


@pytest.mark.parametrize("style", STYLES)
def test_a_column_that_is_not_there_is_missing_in_every_row(style: Any) -> None:
    items, problem, codes = world()
    encoder = Encoder.fit(items, problem, style, codes, {"combinations": 4})
    for column in items.columns:
        gone = encoder.transform(items.drop(column)).values
        empty = encoder.transform(items.with_columns(pl.lit(None, dtype=items.schema[column]).alias(column))).values
        np.testing.assert_array_equal(gone, empty)


@pytest.mark.parametrize("style", STYLES)
def test_a_new_category_is_taken(style: Any) -> None:
    items, problem, codes = world()
    encoder = Encoder.fit(items, problem, style, codes, {})
    made = encoder.transform(items[:5].with_columns(pl.lit("D").alias("line"), pl.lit("s999").alias("shop")))
    line = [place for place, name in enumerate(made.names) if name.startswith("line")]
    if style == "trees":
        assert np.isnan(made.values[:, line]).all()
    else:
        assert np.isfinite(made.values).all()


def test_values_of_another_type_are_read_as_what_they_mean() -> None:
    items, problem, codes = world()
    coded = items.with_columns(pl.Series("line", np.arange(400) % 3).cast(pl.String))
    encoder = Encoder.fit(coded, problem, "trees", codes, {})
    numbers = coded.with_columns(pl.col("line").cast(pl.Int64), pl.col("heat").cast(pl.String), pl.col("made").cast(pl.String))
    np.testing.assert_allclose(encoder.transform(numbers).values, encoder.transform(coded).values, rtol=1e-6)


def test_categories_for_trees_are_codes_and_the_many_are_statistics() -> None:
    items, problem, codes = world()
    encoded = Encoder.fit_transform(items, problem, "trees", codes, {})[1]
    assert [encoded.names[place] for place in encoded.categorical] == ["line"]
    assert {"shop mean", "shop share"} <= set(encoded.names)


def test_linear_features_are_on_one_scale_without_gaps() -> None:
    items, problem, codes = world()
    encoded = Encoder.fit_transform(items, problem, "linear", codes, {})[1]
    assert np.isfinite(encoded.values).all()
    np.testing.assert_allclose(encoded.values.mean(axis=0), 0, atol=1e-4)
    assert "press is missing" in encoded.names


def test_statistics_equal_a_mean_computed_by_the_frame_library() -> None:
    items, _, codes = world()
    parts = deal(codes, 5, 0)
    learnt, features = Statistics.learn(Columns(items, {}), ["shop"], codes[:, None].astype(float), parts, 10.0)
    table = items.with_columns(pl.Series("y", codes), pl.Series("part", parts))
    overall = codes.mean()
    means = table.group_by("shop").agg(((pl.col("y").sum() + 10 * overall) / (pl.len() + 10)).alias("mean"), pl.len())
    expected = items.join(means, on="shop", how="left", maintain_order="left")
    made = learnt.transform(Columns(items, {}))
    np.testing.assert_allclose(made[:, 0], expected["mean"].to_numpy(), rtol=1e-5)
    np.testing.assert_allclose(made[:, 1], expected["len"].to_numpy() / len(items), rtol=1e-5)
    for row in (0, 17, 200):
        others = table.filter(pl.col("part") != int(parts[row]))
        same = others.filter(pl.col("shop") == items["shop"][row])["y"]
        assert features[row, 0] == pytest.approx((same.sum() + 10 * others["y"].mean()) / (len(same) + 10), rel=1e-5)


def test_no_training_row_sees_its_own_target() -> None:
    """Another target of one row (of the same rank, so that inner parts stay as they are) leaves the row's own features alone."""
    items, problem, _ = world(200)
    items = items.with_columns(pl.Series("lat", np.linspace(40, 41, 200)), pl.Series("lon", np.linspace(5, 6, 200)))
    problem = replace(problem, classes=(), kinds={**problem.kinds, "lat": "number", "lon": "number"})
    goal = np.random.default_rng(0).permutation(200).astype(float)
    before = Encoder.fit_transform(items, problem, "trees", goal, {"statistics": True})[1].values
    for row in (3, 77, 150):
        turned = goal.copy()
        turned[row] += 0.4
        after = Encoder.fit_transform(items, problem, "trees", turned, {"statistics": True})[1].values
        np.testing.assert_array_equal(before[row], after[row])
        assert not np.array_equal(before, after, equal_nan=True)


def test_pure_noise_of_many_levels_stays_noise_in_training() -> None:
    """A naive target mean of 1,000 levels would tell the target of most training rows; the features here must not."""
    random = np.random.default_rng(0)
    goal = random.integers(0, 2, 2000).astype(float)
    items = pl.DataFrame({"shop": [f"s{number}" for number in random.integers(0, 1000, 2000)]})
    _, features = Statistics.learn(Columns(items, {}), ["shop"], goal[:, None], deal(goal, 5, 0), 1.0)
    assert abs(stats.spearmanr(features[:, 0], goal).statistic) < 0.06


def test_neighbourhoods_leave_a_training_row_out_of_its_own() -> None:
    random = np.random.default_rng(0)
    items = pl.DataFrame({"lat": random.uniform(40, 41, 300), "lon": random.uniform(5, 6, 300)})
    goal = random.normal(size=(300, 1))
    learnt, features = Neighbourhood.learn(Columns(items, {}), ("lat", "lon"), goal)
    flat = learnt.points
    place = learnt.names.index("mean 0 of 3 neighbours")
    for row in (0, 100, 299):
        distances = np.hypot(*(flat - flat[row]).T)
        distances[row] = np.inf
        nearest = np.argsort(distances)[:3]
        assert features[row, place] == pytest.approx(goal[nearest, 0].mean(), rel=1e-4)


def test_rows_at_one_place_do_not_see_themselves_either() -> None:
    items = pl.DataFrame({"lat": [40.0] * 60, "lon": [5.0] * 60})
    goal = np.zeros((60, 1))
    goal[7] = 60.0
    _, features = Neighbourhood.learn(Columns(items, {}), ("lat", "lon"), goal)
    assert features[7, 10:13].tolist() == [0.0, 0.0, 0.0]


def test_coordinates_are_found_by_name_and_distances_follow_the_sphere() -> None:
    names = ["pickup_latitude", "pickup_longitude", "drop_lat", "drop_lng", "plate", "long_name"]
    places = find_places(names)
    assert places == [("pickup_latitude", "pickup_longitude"), ("drop_lat", "drop_lng")]
    berlin_to_seoul = pl.DataFrame(
        {"pickup_latitude": [52.52], "pickup_longitude": [13.405], "drop_lat": [37.5665], "drop_lng": [126.978]}
    )
    assert Distances.learn(places).transform(Columns(berlin_to_seoul, {}))[0, 0] == pytest.approx(8133, abs=15)


def test_normal_scores_equal_scipy_on_distinct_values() -> None:
    values = np.random.default_rng(0).exponential(size=257)
    columns = Columns(pl.DataFrame({"x": values}), {})
    made = Normal.learn(columns, ("x",)).transform(columns)[:, 0]
    expected = stats.norm.ppf((stats.rankdata(values) - 1) / 256)
    inner = np.isfinite(expected)
    np.testing.assert_allclose(made[inner], expected[inner], atol=1e-4)
    assert np.abs(made).max() < 5.3


def test_a_linear_sum_of_pieces_follows_any_curve_through_its_edges() -> None:
    values = np.random.default_rng(0).uniform(-3, 3, 1000)
    columns = Columns(pl.DataFrame({"x": values}), {})
    pieces = Pieces.learn(columns, ("x",), 8)
    edges = pieces.edges
    made = pieces.transform(columns) @ np.diff(np.sin(edges)) + np.sin(edges[0])
    np.testing.assert_allclose(made, np.interp(values, edges, np.sin(edges)), atol=1e-5)


def test_the_product_that_tells_the_class_is_found() -> None:
    random = np.random.default_rng(0)
    torque, speed, wear = random.normal(40, 10, 3000), random.normal(1500, 180, 3000), random.uniform(0, 250, 3000)
    columns = Columns(pl.DataFrame({"torque": torque, "speed": speed, "wear": wear}), {})
    codes = ((torque * speed > 80_000) | (torque * speed < 35_000)).astype(float)
    found = find_combinations(columns, ["torque", "speed", "wear"], codes, True, 3, 0)
    assert next(iter(found.values())) == ("torque", "*", "speed")


def test_a_ratio_by_zero_is_missing() -> None:
    columns = Columns(pl.DataFrame({"a": [1.0, 2.0], "b": [0.0, 4.0]}), {}, {"a / b": ("a", "/", "b")})
    made = columns.numbers("a / b")
    assert np.isnan(made[0])
    assert made[1] == 0.5


def test_numbers_beyond_single_precision_stay_finite() -> None:
    items = pl.DataFrame({"a": [1e300, -1e200, 3.0, None] * 25, "b": [1e-300, 2.0, 3.0, 4.0] * 25})
    problem = Problem("y", ("no", "yes"), {"a": "number", "b": "number"}, "stratified")
    for style in STYLES:
        made = Encoder.fit_transform(items, problem, style, np.arange(100) % 2, {"combinations": 4})[1].values
        assert not np.isinf(made).any()


def test_cycles_seen_less_than_twice_are_no_feature() -> None:
    start = datetime(2024, 1, 1)
    weeks = pl.DataFrame({"at": [start + timedelta(hours=7 * hour) for hour in range(100)]})
    days = pl.DataFrame({"at": [(start + timedelta(days=day)).date() for day in range(1000)]})
    assert Times.learn(Columns(weeks, {}), ["at"], True).names == ["at days", "at hour", "at weekday"]
    assert Times.learn(Columns(days, {}), ["at"], False).names == ["at weekday", "at day of year"]


def test_phases_equal_the_calendar() -> None:
    times = [datetime(2024, 1, 1) + timedelta(hours=7 * hour) for hour in range(100)]
    columns = Columns(pl.DataFrame({"at": times, "end": [time + timedelta(days=3) for time in times]}), {})
    made = Times.learn(columns, ["at", "end"], False)
    features = dict(zip(made.names, made.transform(columns).T, strict=True))
    np.testing.assert_allclose(features["at hour"], [time.hour for time in times], atol=0.01)
    np.testing.assert_allclose(features["at weekday"], [time.weekday() for time in times])
    np.testing.assert_allclose(features["days from at to end"], 3.0, atol=0.01)


def test_topics_tell_texts_of_different_words_apart() -> None:
    texts = ["pump leaks oil"] * 30 + ["belt torn at side"] * 30
    columns = Columns(pl.DataFrame({"note": texts}), {})
    topics = Topics.learn(columns, "note", 2, 0)
    made = topics.transform(columns)
    assert np.linalg.norm(made[0, :2] - made[40, :2]) > 0.9
    np.testing.assert_allclose(made[0], made[20], atol=1e-6)
    assert topics.transform(Columns(pl.DataFrame({"note": [None]}, schema={"note": pl.String}), {}))[0].tolist() == [0, 0, 0]


def test_text_without_common_words_gives_its_length_alone() -> None:
    columns = Columns(pl.DataFrame({"note": ["abc", "de"]}), {})
    assert Topics.learn(columns, "note", 4, 0).transform(columns).tolist() == [[3.0], [2.0]]


def test_parts_share_out_classes_evenly_and_keep_groups_and_stretches_whole() -> None:
    codes = np.repeat([0, 1], [90, 10])
    parts = deal(codes, 5, 0)
    assert all(((parts == part) & (codes == 1)).sum() == 2 for part in range(5))
    groups = np.random.default_rng(0).integers(0, 20, 100)
    whole = deal(codes, 5, 0, groups=groups)
    assert all(len(np.unique(whole[groups == group])) == 1 for group in np.unique(groups))
    assert np.array_equal(deal(codes, 5, 0, in_time=True), np.repeat(np.arange(5), 20))
