"""Smoothing equals a slow twin and statsforecast; own and shared seasons are found where they were planted."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from statsforecast import StatsForecast
from statsforecast.models import SimpleExponentialSmoothing

from forecast_worlds import ask, panel_of, plain_data, plain_recipe
from sevenstep.data.dataset import Dataset, Roles
from sevenstep.tasks.forecast.families.smoothed import SmoothedMember
from sevenstep.tasks.forecast.features import filters
from sevenstep.tasks.forecast.features.filters import ALPHAS, BETAS, PHIS, SLOPES, smoothed
from sevenstep.tasks.forecast.features.history import Asked
from sevenstep.tasks.forecast.features.indices import own_indices, shared_indices
from sevenstep.tasks.forecast.features.shared import shared_guess
from sevenstep.tasks.forecast.features.smoothing import TOLD
from sevenstep.tasks.forecast.features.table import build_table

Floats = NDArray[np.float64]
WEEKS = 52


def slow_forms(trend: str) -> list[tuple[float, float, float, float | None]]:
    if trend == "damped":
        return [(alpha, beta, phi, None) for alpha, beta, phi in product(ALPHAS, BETAS, PHIS)]
    return [(alpha, 0.0, 1.0, share) for alpha, share in product(ALPHAS, SLOPES if trend == "drift" else (0.0,))]


def slow(values: Floats, horizon: int, trend: str) -> Floats:
    """One series and one form after the other, by the book."""
    line = float(np.polyfit(np.arange(len(values)), values, 1)[0])
    leads = sorted({1, max(1, horizon // 2), horizon})
    made, losses = [], []
    for alpha, beta, phi, share in slow_forms(trend):
        level, slope, loss = values[0], 0.0 if share is None else share * line, 0.0
        path: list[Floats] = []
        for at, value in enumerate(values):
            if at:
                error = value - (level + phi * slope)
                level = level + phi * slope + alpha * error
                slope = phi * slope + alpha * beta * error if share is None else slope
            path.append(level + slope * np.cumsum(phi ** np.arange(1, horizon + 1)))
            loss += sum(abs(value - path[at - lead][lead - 1]) for lead in leads if at - lead >= filters.WARM_UP)
        made.append(path[-1])
        losses.append(loss)
    weights = np.array(losses) ** -filters.POWER
    found: Floats = (weights[:, None] * np.array(made)).sum(axis=0) / weights.sum()
    return found


@pytest.mark.parametrize("trend", filters.TRENDS)
def test_smoothing_equals_a_slow_twin_on_series_of_different_lengths(trend: str) -> None:
    generator = np.random.default_rng(4)
    grid = 50 + np.cumsum(generator.standard_normal((3, 40)), axis=1)
    grid[1, :17] = np.nan
    found = smoothed(grid, 6, trend)
    for row, own in zip(found, grid, strict=True):
        np.testing.assert_allclose(row, slow(own[np.isfinite(own)], 6, trend), rtol=1e-9)


def test_a_single_form_is_simple_exponential_smoothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "ALPHAS", (0.35,))
    values = np.random.default_rng(2).gamma(3, 20, 60)
    frame = pl.DataFrame({"unique_id": 0, "ds": range(60), "y": values})
    made = StatsForecast(models=[SimpleExponentialSmoothing(alpha=0.35)], freq=1, n_jobs=1).forecast(df=frame, h=4)
    np.testing.assert_allclose(smoothed(values[None], 4, "none")[0], made["SES"].to_numpy(), rtol=1e-6)


def test_many_series_are_smoothed_as_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = np.random.default_rng(3).normal(100, 10, (7, 30))
    whole = smoothed(grid, 5, "damped")
    monkeypatch.setattr(filters, "CELLS", 130)
    np.testing.assert_allclose(smoothed(grid, 5, "damped"), whole, rtol=1e-12)


def test_a_line_and_a_constant_go_on_as_they_are() -> None:
    constant = np.full((1, 20), 7.0)
    for trend in filters.TRENDS:
        np.testing.assert_allclose(smoothed(constant, 4, trend), 7.0)
    line = 10.0 + 2.0 * np.arange(40.0)[None]
    np.testing.assert_allclose(smoothed(line, 4, "drift"), line[:, -1:] + 2.0 * np.arange(1, 5), rtol=1e-9)


def test_a_season_without_noise_is_found_exactly_and_noise_alone_is_nearly_none() -> None:
    season = np.array([4.0, -1.0, 0.5, -3.5])
    clean = 100.0 + 0.0 * np.arange(40) + np.tile(season, 10)
    noise = np.random.default_rng(5).standard_normal((200, 200))
    np.testing.assert_allclose(own_indices(clean[None], 4)[0], season, atol=1e-9)
    plain = np.abs(own_indices(noise, 12)).mean()
    means = np.abs(noise[:, -192:].reshape(200, 16, 12).mean(axis=1)).mean()
    assert plain < 0.5 * means
    assert not own_indices(clean[None, :6], 4).any()


def retail(series: int = 40, years: float = 2.3, seed: int = 6) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Weekly series of two kinds whose year differs, with noise; their true indices relative to their level, and their kinds."""
    generator = np.random.default_rng(seed)
    weeks = np.arange(int(years * WEEKS))
    kind = np.arange(series) % 2
    shapes = np.cumsum(generator.normal(0, 0.05, (2, WEEKS)), axis=1)
    shapes -= shapes.mean(axis=1, keepdims=True)
    level = generator.lognormal(6, 1, series)
    noise = 0.1 * generator.standard_normal((series, len(weeks)))
    return level[:, None] * (1 + shapes[kind][:, weeks % WEEKS] + noise), shapes[kind] * level[:, None], kind.astype(np.int64)


def test_a_season_shared_within_groups_is_nearer_the_truth_than_one_shared_by_all_or_none() -> None:
    grid, truth, kind = retail()
    size = grid.mean(axis=1, keepdims=True)
    found, together = (shared_indices(grid, np.isfinite(grid), WEEKS, [group]) for group in (kind, np.zeros_like(kind)))
    phase = np.arange(grid.shape[1]) % WEEKS
    alone = np.column_stack([grid[:, phase == at].mean(axis=1) for at in range(WEEKS)])
    errors = [np.abs((own - own.mean(axis=1, keepdims=True) - truth) / size).mean() for own in (found, together, alone)]
    assert errors[0] < 0.96 * errors[1]
    assert errors[0] < 0.8 * errors[2]


def test_the_grouping_that_tells_series_apart_is_the_one_taken() -> None:
    grid, _, kind = retail()
    other = np.random.default_rng(1).integers(0, 4, len(grid))
    both = shared_indices(grid, np.isfinite(grid), WEEKS, [other, kind])
    np.testing.assert_array_equal(both, shared_indices(grid, np.isfinite(grid), WEEKS, [kind]))


def test_values_that_are_not_known_play_no_part_in_shared_seasons() -> None:
    grid, _, kind = retail()
    known = np.random.default_rng(2).random(grid.shape) < 0.8
    poisoned = np.where(known, grid, 1e9)
    found = shared_indices(poisoned, known, WEEKS, [kind])
    np.testing.assert_array_equal(found, shared_indices(np.where(known, grid, np.nan), known, WEEKS, [kind]))


def weekly(grid: Floats, kind: NDArray[np.int64]) -> Dataset:
    plain = plain_data(grid.tolist(), frequency="1d", season=WEEKS)
    kinds = pl.DataFrame({"id": [f"a{at}" for at in range(len(grid))], "kind": [f"k{one}" for one in kind]})
    return Dataset(
        {"items": plain.items.join(kinds, on="id")}, Roles(("y",), "day", keys=("id",), segments=("kind",)), plain.facts
    )


def member(form: str, trend: str = "drift", season: int = WEEKS, **parameters: Any) -> SmoothedMember:
    return SmoothedMember({"form": form, "trend": trend, "seasons": [season], "longest": 1_000, "groups": ["kind"], **parameters})


def test_shared_seasons_forecast_short_weekly_series_better_than_their_own() -> None:
    grid, _, kind = retail()
    panel, settings = panel_of(weekly(grid, kind))
    origin = grid.shape[1] - 14
    cells = [(one, origin + lead, origin) for one in range(len(grid)) for lead in range(1, 14)]
    known = panel.exact_grid("y")
    truth = np.array([known[one, step] for one, step, _ in cells])
    errors = {form: np.abs(member(form).predict(ask(panel, settings, cells)) - truth).sum() for form in ("shared", "adds")}
    assert errors["shared"] < 0.9 * errors["adds"]


@pytest.mark.parametrize("form", ["adds", "multiplies", "shared"])
def test_a_forecast_sees_nothing_after_its_origin_and_no_gap_before_it_stops_it(form: str) -> None:
    grid, _, kind = retail(series=8)
    grid[2, 40:44] = np.nan
    grid[3, :60] = np.nan
    origin, cells = 100, [(one, 100 + lead, 100) for one in range(8) for lead in (1, 5)]
    later = grid.copy()
    later[:, origin + 1 :] = 1e6
    found = []
    for values in (grid, later):
        panel, settings = panel_of(weekly(values, kind))
        found.append(member(form).predict(ask(panel, settings, cells)))
    assert np.isfinite(found[0]).all()
    np.testing.assert_array_equal(*found)


def test_a_season_that_multiplies_grows_with_the_level_and_zeros_turn_it_into_one_that_adds() -> None:
    step = np.arange(60)
    growing = np.exp(0.03 * step) * np.tile([1.5, 0.5, 1.2, 0.8], 15)
    zeros = np.where(step % 4 == 1, 0.0, growing)
    panel, settings = panel_of(plain_data([growing.tolist(), zeros.tolist()], season=4))
    cells = [(one, 59 + lead, 59) for one in (0, 1) for lead in range(1, 5)]
    wanted = ask(panel, settings, cells)
    found = member("multiplies", season=4, groups=[]).predict(wanted)
    added = member("adds", season=4, groups=[]).predict(wanted)
    truth = np.exp(0.03 * np.arange(60, 64)) * np.array([1.5, 0.5, 1.2, 0.8])
    np.testing.assert_allclose(found[:4], truth, rtol=0.12)
    np.testing.assert_allclose(found[4:], added[4:], rtol=1e-9)
    assert (found >= 0).all()


def test_a_series_without_a_history_is_not_forecast() -> None:
    panel, settings = panel_of(plain_data([[1.0, 2.0, 3.0, 4.0], [None, None, None, 5.0]], season=1))
    found = member("adds", season=1, seasons=[], groups=[]).predict(ask(panel, settings, [(0, 3, 2), (1, 3, 2)]))
    assert np.isfinite(found).tolist() == [True, False]


def test_the_guess_that_trees_start_from_is_the_level_with_the_shared_index_made_before_the_origin() -> None:
    grid, _, kind = retail(series=10)
    panel, _ = panel_of(weekly(grid, kind))
    recipe = plain_recipe(seasons=(WEEKS,), groups=("kind",), shares=True, transform="asinh")
    origin, step = 82, 90  # indices are made anew every 6 columns: those of column 78 hold
    asked = Asked(*(np.array([value] * 10, dtype=np.int32) for value in (0, step, origin)))
    found = shared_guess(panel, recipe, replace(asked, series=np.arange(10, dtype=np.int32)))
    indices = shared_indices(grid[:, :79], np.isfinite(grid[:, :79]), WEEKS, [kind])
    weights = 0.5 ** ((origin - np.arange(origin + 1)) / (WEEKS / 16))
    left = grid[:, : origin + 1] - indices[:, np.arange(origin + 1) % WEEKS]
    expected = left @ weights / weights.sum() + indices[:, step % WEEKS]
    np.testing.assert_allclose(np.sinh(found), expected, rtol=1e-4)


def test_what_trees_are_told_is_what_the_candidate_of_that_name_forecasts_from_the_same_origin() -> None:
    grid, _, kind = retail(series=6)
    panel, settings = panel_of(weekly(grid, kind))
    recipe = plain_recipe(horizon=6, seasons=(13,), transform="units", base="smoothed", smoothed=1)
    cells = [(one, origin + lead, origin) for origin in (40, 71) for one in range(6) for lead in range(1, 7)]
    wanted = ask(panel, settings, cells)
    names, values, base = wanted.features(recipe)
    unit = values[:, names.index("unit")]
    told = {name: values[:, names.index(name)] * unit + base for name in TOLD}
    for name, (multiplies, trend) in TOLD.items():
        form = "multiplies" if multiplies else "adds"
        alone = member(form, season=13, groups=[], trend=trend).predict(wanted)
        np.testing.assert_allclose(told[name], alone, rtol=1e-4)
    np.testing.assert_allclose(base, np.median(list(told.values()), axis=0), rtol=1e-4)


@pytest.mark.parametrize("every", [3, 5])
def test_training_rows_are_seen_from_every_so_many_steps_before_the_end_and_from_every_lead(every: int) -> None:
    grid, _, kind = retail(series=6)
    panel, _ = panel_of(weekly(grid, kind))
    recipe = plain_recipe(horizon=6, seasons=(13,), transform="units", base="newest", smoothed=every, samples=4)
    table = build_table(panel, recipe, [])
    lead = table.step - table.origin
    assert set((panel.end - table.origin) % every) == {0}
    assert set(lead.tolist()) == set(range(1, 7))
    assert len(np.unique(np.column_stack([table.row, table.origin]), axis=0)) == len(table.row)
    # a step that is r before or after an origin has the leads r, r + every, ... up to the horizon, and draws each alike
    for step in range(80, 80 + every):
        own = lead[table.step == step]
        assert len(set(own.tolist())) == len(range(1 + (step - panel.end - 1) % every, 7, every))
