"""Least squares within cells against a slow twin, and season strength against what was planted."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from sevenstep.tasks.forecast.explore.strength import centred_mean, season_strength, trend_strength, year_strength
from sevenstep.tasks.forecast.explore.within import (
    Clusters,
    codes_of,
    degrees_used,
    group_means,
    least_squares,
    leftover,
    mean_ratios,
    within,
)


def _rows(seed: int = 0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    series, time = np.repeat(np.arange(9), 40), np.tile(np.arange(40), 9)
    x = rng.normal(size=(2, 360)) + rng.normal(size=40)[time]
    y = 1.5 * x[0] - 0.5 * x[1] + rng.normal(size=9)[series] + rng.normal(size=40)[time] + rng.normal(size=360)
    return series, time, x, y


def test_coefficients_within_cells_equal_those_of_dummies_for_every_cell() -> None:
    series, time, x, y = _rows()
    cells = codes_of(series, time % 4)
    dummies = (cells[:, None] == np.arange(cells.max() + 1)).astype(float)
    expected = np.linalg.lstsq(np.column_stack([*x, dummies]), y, rcond=None)[0][:2]
    fit = least_squares(y, list(x), [cells], Clusters(series, time))
    assert fit.value == pytest.approx(expected, rel=1e-9)


def test_two_groupings_at_once_equal_dummies_of_both() -> None:
    series, time, x, y = _rows(1)
    groups = [codes_of(series, time // 10), codes_of(series, time % 4)]
    dummies = [(codes[:, None] == np.arange(codes.max() + 1)).astype(float) for codes in groups]
    expected = np.linalg.lstsq(np.column_stack([*x, *dummies]), y, rcond=None)[0][:2]
    fit = least_squares(y, list(x), groups, Clusters(series, time))
    assert fit.value == pytest.approx(expected, abs=1e-4)


def test_the_variance_is_the_largest_of_one_way_and_two_way_clustering() -> None:
    series, time, x, y = _rows(2)
    fit = least_squares(y, [x[0]], [np.zeros(360, dtype=np.intp)], Clusters(series, time))
    z, v = x[0] - x[0].mean(), y - y.mean()
    beta = (z @ v) / (z @ z)
    score = z * (v - beta * z) / (z @ z)

    def clustered(codes: np.ndarray) -> float:
        labels = np.unique(codes)
        return sum(score[codes == label].sum() ** 2 for label in labels) * len(labels) / (len(labels) - 1)

    one, two, both = clustered(series), clustered(time), clustered(series * 40 + time)
    error = np.sqrt(max(one, two, one + two - both) * 360 / 359)
    reach = stats.t.ppf(0.975, 8) * error
    assert (fit.low[0], fit.high[0]) == pytest.approx((beta - reach, beta + reach), rel=1e-9)


def test_ratios_of_means_equal_poisson_regression_with_dummies_for_every_cell() -> None:
    rng = np.random.default_rng(4)
    cell, when = np.repeat(np.arange(12), 25), np.tile(np.arange(25), 12)
    x = np.column_stack([(rng.random(300) < 0.4).astype(float), rng.normal(3, 1, 300)])
    y = rng.poisson(np.exp(0.2 * (cell % 4) + x @ [0.7, -0.2])).astype(float)
    clusters = Clusters(cell, np.zeros_like(cell))
    for cells, dummies in (([cell], [cell]), ([cell, when], [cell, when])):
        design = np.column_stack([x, *[(code[:, None] == np.unique(code)[1 if k else 0 :]) for k, code in enumerate(dummies)]])
        own = sm.GLM(y, design.astype(float), family=sm.families.Poisson()).fit()
        found = mean_ratios(y, list(x.T), cells, clusters)
        np.testing.assert_allclose(found.value, own.params[:2], rtol=1e-4)


def test_the_interval_of_a_ratio_of_means_is_that_of_clustered_scores() -> None:
    rng = np.random.default_rng(5)
    series, x = np.repeat(np.arange(40), 30), (rng.random(1200) < 0.3).astype(float)
    y = rng.poisson(np.exp(rng.normal(0, 0.4, 40)[series] + 0.5 * x)).astype(float)
    found = mean_ratios(y, [x], [series], Clusters(series, np.zeros_like(series)))
    dummies = np.column_stack([x, series[:, None] == np.arange(40)]).astype(float)
    own = sm.GLM(y, dummies, family=sm.families.Poisson()).fit(
        cov_type="cluster", cov_kwds={"groups": series, "use_correction": False}
    )
    error = own.bse[0] * np.sqrt(40 / 39 * 1200 / (1200 - 40))
    assert (found.high[0] - found.low[0]) / 2 == pytest.approx(stats.t.ppf(0.975, 39) * error, rel=1e-3)


def test_one_state_in_one_cell_is_the_ratio_of_its_means_however_many_zeros_there_are() -> None:
    y, on = np.array([0.0, 30, 0, 0, 60, 30, 0, 30]), np.array([0, 0, 0, 0, 1, 1, 1, 1.0])
    one = np.zeros(8, dtype=np.intp)
    found = mean_ratios(y, [on], [one], Clusters(np.arange(8), one))
    assert np.exp(found.value[0]) == pytest.approx(120 / 30)
    nothing = mean_ratios(np.zeros(8), [on], [one], Clusters(np.arange(8), one))
    assert np.isnan(nothing.value).all()


def test_a_column_that_does_not_vary_within_cells_has_no_effect_to_tell() -> None:
    series, time, x, y = _rows(3)
    fit = least_squares(y, [x[0], series.astype(float)], [codes_of(series)], Clusters(series, time))
    assert np.isfinite(fit.value[0])
    assert np.isnan(fit.value[1])


def test_group_means_have_the_interval_of_the_mean_when_every_row_is_its_own_cluster() -> None:
    values = np.random.default_rng(0).normal(size=200)
    rows = np.arange(200)
    mean, low, high = group_means(values, np.zeros(200, dtype=np.intp), Clusters(rows, np.zeros(200, dtype=np.intp)))
    expected = stats.t.interval(0.95, 199, loc=values.mean(), scale=stats.sem(values))
    assert (low[0], mean[0], high[0]) == pytest.approx((expected[0], values.mean(), expected[1]))


def test_leftover_variance_of_noise_is_its_variance_however_small_the_cells() -> None:
    rng = np.random.default_rng(0)
    values, cells = rng.normal(0, 2, 30_000), np.repeat(np.arange(10_000), 3)
    assert leftover(values, [cells]) == pytest.approx(4.0, rel=0.05)
    assert degrees_used([cells]) == 10_000
    assert within(values, [cells])[:3].sum() == pytest.approx(0)


def test_codes_are_the_same_by_counting_and_by_sorting() -> None:
    rng = np.random.default_rng(0)
    near, far = rng.integers(0, 50, 500), rng.integers(0, 50, 500)
    counted, sorted_ = codes_of(near, far), codes_of(near * 10_000_000, far * 10_000_000)
    assert (counted == sorted_).all()
    assert set(counted) == set(range(counted.max() + 1))


def test_the_centred_mean_of_an_even_season_halves_the_ends() -> None:
    grid = np.arange(10.0)[None, :] ** 2
    expected = np.convolve(grid[0], [0.125, 0.25, 0.25, 0.25, 0.125], "valid")
    assert centred_mean(grid, 4)[0, 2:-2] == pytest.approx(expected)


def test_season_strength_is_the_share_of_variance_the_season_has() -> None:
    rng = np.random.default_rng(0)
    t = np.arange(7 * 60)
    season = np.array([2.0, 0, 0, 0, -1, -1, 0])[t % 7]
    for noise in (0.5, 1.0, 2.0):
        grid = season + np.cumsum(rng.normal(0, 0.02, (40, len(t))), axis=1) + rng.normal(0, noise, (40, len(t)))
        truth = season.var() / (season.var() + noise**2 * 6 / 7)  # the moving average takes a seventh of the noise
        assert np.median(season_strength(grid, 7)) == pytest.approx(truth, abs=0.04)


@pytest.mark.parametrize("cycles", [3, 10, 40])
def test_noise_has_no_season_however_short_the_series(cycles: int) -> None:
    grid = np.random.default_rng(cycles).normal(size=(300, 12 * cycles))
    assert np.median(season_strength(grid, 12)) < 0.15
    assert np.median(trend_strength(grid, 12)) < 0.35


def test_the_time_of_the_year_is_told_from_noise_with_gaps_in_the_series() -> None:
    rng = np.random.default_rng(0)
    t = np.arange(900)
    noise = rng.normal(0, 1, (20, 900))
    wave = noise + np.sin(2 * np.pi * t / 364)
    for grid in (noise, wave):
        grid[:, t % 7 == 6] = np.nan
    assert np.median(year_strength(wave, 7, 364)) > 0.6
    assert np.median(year_strength(noise, 7, 364)) < 0.15
    assert np.isnan(year_strength(wave[:, :500], 7, 364)).all()
