"""Bounds are as wide as the same weeks were hard last year, and nothing after the origin tells it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from forecast_worlds import brief_of, score_table
from sevenstep.tasks.forecast.calibrate import apply, calibrate
from sevenstep.tasks.forecast.features.history import Asked
from sevenstep.tasks.forecast.hardness import Hardness, hardness_of
from sevenstep.tasks.forecast.settings import Settings
from sevenstep.tasks.scoretable import HARDNESS, ScoreTable

WEEKLY = Settings("1w", 52, 52, "missing", True)


def asked(*cells: tuple[int, int, int]) -> Asked:
    return Asked(*(np.array(values, dtype=np.int32) for values in zip(*cells, strict=True)))


def test_hardness_is_the_mean_departure_of_last_years_value_from_the_four_weeks_up_to_last_years_origin() -> None:
    grid = np.full((2, 70), 10.0)
    grid[0, 8:12] = (8.0, 12.0, 10.0, 10.0)
    grid[0, 14], grid[1, 14] = 15.0, 12.0
    found = hardness_of(grid, asked((0, 66, 63), (1, 66, 63), (0, 65, 63)), WEEKLY)
    # a year before: from column 11 to 14 and to 13; the mean of columns 8 to 11 is 10 in both series
    assert found is not None
    size = np.minimum([0.5, 0.2], np.quantile([0.5, 0.2], 0.99)).mean()
    np.testing.assert_allclose(found, [size, size, 0.0])


def test_nothing_after_the_origin_changes_it() -> None:
    grid = 10 + np.random.default_rng(1).random((3, 120))
    later = np.where(np.arange(120) > 100, 1e9, grid)
    cells = asked(*((one, 100 + lead, 100) for one in range(3) for lead in range(1, 20)))
    found = [hardness_of(values, cells, WEEKLY) for values in (grid, later)]
    assert np.isfinite(found[0]).all()  # type: ignore[arg-type]
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("settings", [Settings("1d", 7, 364, "missing", True), Settings(1, 52, 0, "missing", False)])
def test_where_the_season_is_not_the_year_nothing_is_told(settings: Settings) -> None:
    assert hardness_of(np.ones((1, 800)), asked((0, 700, 699)), settings) is None


def test_a_step_whose_last_year_was_not_seen_is_not_told() -> None:
    found = hardness_of(np.ones((1, 120)), asked((0, 54, 53), (0, 56, 55)), WEEKLY)
    assert found is not None
    assert np.isnan(found).tolist() == [True, False]


def world(seed: int, hard: NDArray[np.float64]) -> ScoreTable:
    """Errors that go with the root of what was told of each origin and lead."""
    generator = np.random.default_rng(seed)
    folds, leads = hard.shape
    fold, cluster, lead = (axis.ravel() for axis in np.meshgrid(range(folds), range(80), range(leads), indexing="ij"))
    told = hard[fold, lead]
    prediction = np.full(len(fold), 100.0)
    truth = prediction + 5.0 * np.sqrt(told) * generator.standard_normal(len(fold))
    table = score_table(truth, prediction, fold=fold, lead=lead + 1, cluster=cluster)
    return ScoreTable(table.frame.with_columns(pl.Series(HARDNESS, told)))


def test_bounds_learnt_in_hard_weeks_are_narrower_in_easy_ones_and_cover_as_promised() -> None:
    hard = np.random.default_rng(3).uniform(0.5, 4.0, (3, 13))
    table, easy = world(1, hard), world(2, np.full((1, 13), 0.5))
    found = calibrate(table, brief_of())
    assert found["hardness"]["power"] == pytest.approx(0.5, abs=0.1)
    inside = apply(easy, found).frame.select(pl.col("truth").is_between("lower_80", "upper_80").mean()).item()
    untold = apply(ScoreTable(easy.frame.drop(HARDNESS)), found).frame
    assert inside == pytest.approx(0.80, abs=0.05)
    assert untold.select(pl.col("truth").is_between("lower_80", "upper_80").mean()).item() > 0.9


def test_what_tells_nothing_of_the_errors_changes_next_to_nothing_and_few_cells_nothing() -> None:
    hard = np.random.default_rng(3).uniform(0.5, 4.0, (3, 13))
    table = world(1, np.ones((3, 13))).frame
    told = table.with_columns(pl.Series(HARDNESS, hard[table["fold"].to_numpy(), table["lead"].to_numpy() - 1]))
    size = (table["truth"] - table["prediction"]).abs().to_numpy()
    assert Hardness.learnt(told, size).power < 0.03
    few = told.filter((pl.col("lead") <= 2) & (pl.col("fold") == 0))
    assert Hardness.learnt(few, size[: len(few)]) == Hardness()
    assert Hardness.learnt(table.drop(HARDNESS), size) == Hardness()


def test_the_mark_is_no_segment_of_a_score_table() -> None:
    assert HARDNESS not in world(1, np.ones((2, 3))).segments
