"""Reconciliation against dense linear algebra: the sparse projection is the textbook's minimum trace, bottom-up and top-down."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import lsq_linear
from scipy.sparse import csr_matrix

from sevenstep.tasks.forecast.hierarchy.reconcile import Errors, minimum_trace, shrunk, structural, top_down

Floats = NDArray[np.float64]
ADDS = csr_matrix(np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 1, 1, 1]], dtype=float))


def base(seed: int = 0, times: int = 4) -> tuple[Floats, Floats]:
    """Forecasts of three sums and five series that do not add up."""
    generator = np.random.default_rng(seed)
    series = generator.uniform(5, 20, (5, times))
    return ADDS @ series + generator.normal(0, 4, (3, times)), series


def dense(errors: Errors) -> Floats:
    """The covariance written out."""
    common = np.vstack([errors.nodes_common, errors.series_common])
    return np.diag(np.concatenate([errors.nodes, errors.series])) + common @ common.T


def textbook(covariance: Floats, nodes: Floats, series: Floats) -> Floats:
    """Series of (S' W^-1 S)^-1 S' W^-1 y: Wickramasuriya, Athanasopoulos and Hyndman (2019), equation 6."""
    summing = np.vstack([ADDS.toarray(), np.eye(5)])
    weight = np.linalg.inv(covariance)
    made: Floats = np.linalg.solve(summing.T @ weight @ summing, summing.T @ weight @ np.vstack([nodes, series]))
    return made


def errors_of(seed: int = 1) -> Errors:
    """Errors with something in common, as folds give them."""
    generator = np.random.default_rng(seed)
    of_series = generator.normal(0, [[1.0], [2.0], [3.0], [1.0], [0.5]], (5, 30)) + generator.normal(0, 1, 30)
    return shrunk(ADDS @ of_series + generator.normal(0, 1, (3, 30)), of_series)


@pytest.mark.parametrize("errors", [structural(ADDS), errors_of()], ids=["structural", "shrunk"])
def test_minimum_trace_is_that_of_dense_linear_algebra(errors: Errors) -> None:
    nodes, series = base()
    made = minimum_trace(ADDS, errors, nodes, series)
    np.testing.assert_allclose(made, textbook(dense(errors), nodes, series), rtol=1e-9)


def test_the_shrunk_covariance_is_that_of_the_formula_written_out() -> None:
    generator = np.random.default_rng(3)
    of_series = generator.normal(0, 1, (5, 12)) * np.arange(1, 6)[:, None]
    of_nodes = ADDS @ of_series
    both = np.vstack([of_nodes, of_series])
    times = both.shape[1]
    variance = (both**2).mean(axis=1)
    standard = both / np.sqrt(variance)[:, None]
    products = standard[:, None, :] * standard[None, :, :]
    correlation = products.mean(axis=2)
    aside = ~np.eye(len(both), dtype=bool)
    spread = ((products - correlation[:, :, None]) ** 2).sum(axis=2) / (times * (times - 1))
    weight = min(1.0, spread[aside].sum() / (correlation[aside] ** 2).sum())
    wanted = np.where(aside, (1 - weight) * correlation, 1.0) * np.sqrt(np.outer(variance, variance))
    np.testing.assert_allclose(dense(shrunk(of_nodes, of_series)), wanted, rtol=1e-9)


def test_a_series_without_a_row_takes_no_part() -> None:
    nodes, series = base(times=2)
    there = np.ones((5, 2), dtype=bool)
    there[3, 1] = False
    series[3, 1] = 0.0
    made = minimum_trace(ADDS, structural(ADDS), nodes, series, there=there)
    assert made[3, 1] == 0.0
    kept = [0, 1, 2, 4]
    smaller = csr_matrix(ADDS.toarray()[:, kept])
    counts = structural(ADDS)
    errors = Errors(counts.nodes, counts.series[kept], counts.nodes_common, counts.series_common[kept])
    np.testing.assert_allclose(made[kept, 1], minimum_trace(smaller, errors, nodes[:, [1]], series[kept][:, [1]])[:, 0])


def test_a_sum_without_a_forecast_of_its_own_says_nothing() -> None:
    nodes, series = base(times=1)
    nodes[0] = np.nan
    errors = structural(ADDS)
    made = minimum_trace(ADDS, errors, nodes, series)
    part = Errors(errors.nodes[1:], errors.series, errors.nodes_common[1:], errors.series_common)
    np.testing.assert_allclose(made, minimum_trace(ADDS[1:], part, nodes[1:], series))
    nodes[:] = np.nan
    np.testing.assert_array_equal(minimum_trace(ADDS, errors, nodes, series), series)


def test_nothing_falls_below_zero_and_the_rest_is_near_the_best_that_can_be_done() -> None:
    nodes, series = base(times=1)
    series[0], nodes[0], nodes[1] = 0.2, nodes[0] - 12.0, 0.5
    errors = structural(ADDS)
    assert minimum_trace(ADDS, errors, nodes, series).min() < 0
    made = minimum_trace(ADDS, errors, nodes, series, floor=True)
    assert made.min() >= 0
    summing, root = np.vstack([ADDS.toarray(), np.eye(5)]), 1 / np.sqrt(np.concatenate([errors.nodes, errors.series]))
    given = np.concatenate([nodes[:, 0], series[:, 0]])
    best = lsq_linear(summing * root[:, None], given * root, bounds=(0, np.inf)).x
    np.testing.assert_allclose(made[:, 0], best, atol=1e-6)


def test_series_that_never_erred_and_are_always_zero_end_at_once() -> None:
    nodes, series = np.zeros((3, 3)), np.zeros((5, 3))
    errors = shrunk(np.zeros((3, 20)), np.zeros((5, 20)))
    np.testing.assert_array_equal(minimum_trace(ADDS, errors, nodes, series, floor=True), series)
    half = np.random.default_rng(0).normal(0, 1, (5, 20)) * np.array([0, 0, 1, 1, 1])[:, None]
    nodes, series = base(times=2)
    series[:2] = 0.0
    made = minimum_trace(ADDS, shrunk(ADDS @ half, half), nodes, series, floor=True)
    assert np.isfinite(made).all()


def test_top_down_keeps_the_shares_and_meets_the_level() -> None:
    nodes, series = base()
    middle = np.array([False, True, True])
    made = top_down(ADDS, middle, nodes, series)
    np.testing.assert_allclose((ADDS @ made)[1:], nodes[1:])
    np.testing.assert_allclose(made[0] / made[1], series[0] / series[1])
    nodes[1], series[2:] = np.nan, 0.0
    np.testing.assert_array_equal(top_down(ADDS, middle, nodes, series), series)
