"""What exponential smoothing would say at each origin equals a slow twin that goes series by series."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sevenstep.tasks.forecast.features.history import Asked
from sevenstep.tasks.forecast.features.winters import FORMS, Form, winters

SEASON = 4


def slow_twin(values: NDArray[np.float64], form: Form, lead: int) -> float:
    """Holt-Winters over one series up to its last value, the first season setting level and indices; missing values skipped."""
    start = int(np.flatnonzero(np.isfinite(values))[0])
    opening = values[start : start + SEASON]
    level, trend = float(np.nanmean(opening)), 0.0
    index = {(start + at) % SEASON: 0.0 if np.isnan(value) else value - level for at, value in enumerate(opening)}
    for step in range(start + SEASON, len(values)):
        phase = step % SEASON
        made = level + form.damping * trend + index[phase]
        error = 0.0 if np.isnan(values[step]) else values[step] - made
        level, trend = level + form.damping * trend + form.level * error, form.damping * trend + form.level * form.trend * error
        index[phase] += form.season * (1 - form.level) * error
    reach = sum(form.damping**ahead for ahead in range(1, lead + 1))
    return level + reach * trend + index[(len(values) - 1 + lead) % SEASON]


def series() -> NDArray[np.float64]:
    generator = np.random.default_rng(2)
    grid = 50 + np.cumsum(generator.normal(0.3, 1, (3, 40)), axis=1) + 5 * np.sin(np.arange(40) * np.pi / 2)
    grid[1, :7] = np.nan
    grid[2, [15, 16, 30]] = np.nan
    return grid


def asked(*cells: tuple[int, int, int]) -> Asked:
    return Asked(*(np.array(part, dtype=np.int32) for part in zip(*cells, strict=True)))


@pytest.mark.parametrize("number", range(len(FORMS)))
def test_each_form_equals_a_slow_twin(number: int) -> None:
    grid = series()
    cells = [(one, origin + lead, origin) for one in range(3) for origin in (12, 25, 38) for lead in (1, 4, 6)]
    found = dict(winters(grid, SEASON, asked(*cells)))[f"winters_{number + 1}"]
    expected = [slow_twin(grid[one, : origin + 1], FORMS[number], step - origin) for one, step, origin in cells]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_half_of_the_least_squares_slope_is_that_of_numpy() -> None:
    grid = series()
    near, far = (float(dict(winters(grid, 1, asked((0, 30 + lead, 30))))["theta_like"][0]) for lead in (1, 9))
    slope = np.polyfit(np.arange(31), grid[0, :31], 1)[0]
    assert far - near == pytest.approx(8 * slope / 2, rel=1e-4)


def test_what_comes_after_the_origin_changes_nothing() -> None:
    grid, other = series(), series()
    other[:, 21:] = 1e6
    cells = asked(*((one, 24, 20) for one in range(3)))
    for (name, own), (_, changed) in zip(winters(grid, SEASON, cells), winters(other, SEASON, cells), strict=True):
        np.testing.assert_array_equal(own, changed, err_msg=name)


def test_a_series_that_has_not_been_seen_for_a_season_has_none() -> None:
    grid = series()
    assert np.isnan(dict(winters(grid, SEASON, asked((1, 9, 8))))["winters_1"][0])
