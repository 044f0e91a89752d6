"""The past in units of each series: by hand, the same in any unit of measurement, and the loss of MASE."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from forecast_worlds import SMALL, ask, panel_of, plain_data, plain_recipe, table_of
from sevenstep.tasks.forecast.families.boosting import fit_boosting
from sevenstep.tasks.forecast.features.history import Asked
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.features.units import HELD, best_base, moved, unit_grid

Floats = NDArray[np.float64]
UNITS = {**SMALL, "scale": "units", "loss": "l1"}


def world(series: int = 6, days: int = 120, seed: int = 3) -> Floats:
    generator = np.random.default_rng(seed)
    step = np.arange(days)
    return 50 + np.cumsum(generator.standard_normal((series, days)), axis=1) + 5 * np.sin(2 * np.pi * step / 7)


def forecasts(grid: Floats, recipe: FeatureRecipe, origin: int) -> Floats:
    panel, settings = panel_of(plain_data(grid.tolist()))
    table = table_of(panel, recipe)
    fitted = fit_boosting(table, np.flatnonzero(table.step <= origin), UNITS, 1)
    cells = [(one, origin + lead, origin) for one in range(len(grid)) for lead in range(1, 15)]
    return fitted.predict(ask(panel, settings, cells)).reshape(len(grid), 14)


def test_the_unit_is_the_mean_seasonal_change_known_so_far() -> None:
    grid = np.array([[1.0, 4.0, 2.0, np.nan, 8.0, 3.0]])
    found = unit_grid(grid, 2)[0]
    # changes over two steps: |2-1| at 2, unknown at 3, |8-2| at 4, unknown at 5 (against the gap)
    np.testing.assert_allclose(found, [1.0, 1.0, 1.0, 1.0, 3.5, 3.5])


def test_the_seasonal_guess_is_moved_by_the_change_of_the_level() -> None:
    grid = np.arange(28.0)[None] + np.tile([3.0, 0.0, -1.0, 0.0, 0.0, 0.0, -2.0], 4)
    asked = Asked(*(np.array([value], dtype=np.int32) for value in (0, 23, 20)))
    # the value a week before step 23, and the week up to 20 against the week up to 13
    assert moved(grid, (7,), asked)[0] == pytest.approx(grid[0, 16] + grid[0, 14:21].mean() - grid[0, 7:14].mean())
    assert moved(grid, (7,), asked)[0] == pytest.approx(grid[0, 23])


def test_the_better_guess_is_the_seasonal_one_of_a_steady_season_and_the_newest_value_of_a_random_walk() -> None:
    season = np.tile(10 * np.sin(2 * np.pi * np.arange(7) / 7), 20) + np.random.default_rng(1).standard_normal((5, 140))
    walk = np.cumsum(np.random.default_rng(1).standard_normal((5, 140)), axis=1)
    weekly = plain_recipe(transform="units")
    assert best_base(season, weekly, 120) == "moved"
    assert best_base(walk, weekly, 120) == "newest"
    poisoned = np.where(np.arange(140) > 120, 1e9, walk)
    assert best_base(poisoned, weekly, 120) == "newest"
    assert best_base(season, plain_recipe(transform="units", seasons=()), 120) == "newest"


def test_the_better_guess_is_smoothed_where_noise_hides_level_and_season() -> None:
    season = np.tile(10 * np.sin(2 * np.pi * np.arange(7) / 7), 20) + 8 * np.random.default_rng(1).standard_normal((5, 140))
    assert best_base(season, plain_recipe(transform="units", smoothed=1), 120) == "smoothed"
    assert best_base(season, plain_recipe(transform="units"), 120) != "smoothed"  # the recipe does not know it


@pytest.mark.parametrize("base", ["newest", "moved", "smoothed"])
def test_forecasts_are_the_same_in_any_unit_of_measurement(base: str) -> None:
    grid = world()
    recipe = plain_recipe(transform="units", base=base, samples=3, smoothed=5 if base == "smoothed" else 0)
    factor = 2.0 ** np.arange(-2, 4)[:, None]  # powers of two, so that single precision rounds alike
    np.testing.assert_allclose(forecasts(grid * factor, recipe, 105) / factor, forecasts(grid, recipe, 105), rtol=1e-6)


def test_trees_learn_what_the_base_does_not_know() -> None:
    grid = world(series=9, days=200)
    recipe = plain_recipe(transform="units", base="newest", samples=3)
    found = forecasts(grid, recipe, 180)
    naive = np.repeat(grid[:, 180:181], 14, axis=1)
    truth = grid[:, 181:195]
    assert np.abs(found - truth).mean() < 0.7 * np.abs(naive - truth).mean()


def test_trees_never_split_on_what_names_the_series() -> None:
    panel, _ = panel_of(plain_data((world() * 10.0 ** np.arange(6)[:, None]).tolist()))
    table = table_of(panel, plain_recipe(transform="units", base="newest", samples=3))
    fitted = fit_boosting(table, np.arange(len(table.truth)), UNITS, 1)
    places = {list(table.names).index(name) for name in HELD}
    split = {int(one) for line in fitted.text.splitlines() if line.startswith("split_feature=") for one in line[14:].split()}
    assert not places & split
    assert len(split) > 3
