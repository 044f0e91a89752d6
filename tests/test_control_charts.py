"""Control charts give the limits of worked examples, and the same as slow twins."""

from __future__ import annotations

import numpy as np
import pytest

from sevenstep.stats.control.charts import (
    c_chart,
    individuals_chart,
    moving_range_chart,
    np_chart,
    p_chart,
    r_chart,
    s_chart,
    u_chart,
    xbar_chart,
)
from sevenstep.stats.control.constants import constants
from sevenstep.stats.control.memory import cusum_chart, ewma_chart
from sevenstep.stats.control.process import (
    Process,
    estimate_by_deviations,
    estimate_by_ranges,
    estimate_individuals,
    estimate_rate,
    estimate_share,
)

# NIST/SEMATECH e-Handbook, section 6.3.2.2: flow rates, ten batches.
FLOW = np.array([49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1])
# The same, section 6.3.3.2: defective chips in 30 wafers of 50.
CHIPS = np.array([12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6.0])
# The same, section 6.3.2.4: EWMA with weight 0.3 about 50.
PARTS = np.array(
    [52.0, 47.0, 53.0, 49.3, 50.1, 47.0, 51.0, 50.1, 51.2, 50.5, 49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
)
PARTS_EWMA = [
    50.60, 49.52, 50.56, 50.18, 50.16, 49.21, 49.75, 49.85, 50.26, 50.33, 50.11, 49.36, 49.52, 50.05, 49.38, 49.92, 50.73, 51.23,
    51.94, 51.99,
]  # fmt: skip
# Montgomery, Introduction to Statistical Quality Control, table 9.1: mean 10 for 20 points, 11 afterwards.
SHIFTED = np.array(
    [9.45, 7.99, 9.29, 11.66, 12.16, 10.18, 8.04, 11.46, 9.20, 10.34, 9.03, 11.47, 10.51, 9.40, 10.08, 9.37, 10.62, 10.31, 8.52,
     10.84, 10.90, 9.33, 12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31, 10.52]
)  # fmt: skip
TEN = Process(10.0, 1.0, 30)


@pytest.fixture(scope="module")
def groups() -> np.ndarray:
    return np.random.default_rng(5).normal(74, 0.01, (25, 5))


def test_individuals_and_moving_ranges_have_the_limits_of_the_nist_example() -> None:
    process = estimate_individuals(FLOW)
    single, steps = individuals_chart(FLOW, process), moving_range_chart(FLOW, process)
    assert single.centre[0] == pytest.approx(50.81)
    assert (single.upper[0], single.lower[0]) == pytest.approx((55.8041, 45.8159), abs=0.003)
    assert steps.centre[1] == pytest.approx(1.8778, abs=1e-4)
    assert steps.upper[1] == pytest.approx(3.267 * 1.8778, abs=0.003)
    assert steps.lower[1] == 0
    assert not single.outside.any()


def test_a_p_chart_has_the_limits_of_the_nist_example() -> None:
    sizes = np.full(30, 50.0)
    chart = p_chart(CHIPS, sizes, estimate_share(CHIPS, sizes))
    assert (chart.centre[0], chart.lower[0], chart.upper[0]) == pytest.approx((0.2313, 0.0524, 0.4102), abs=1e-4)
    assert np.flatnonzero(chart.outside).tolist() == [14, 22]
    counts = np_chart(CHIPS, sizes, estimate_share(CHIPS, sizes))
    assert counts.upper == pytest.approx(50 * chart.upper)
    assert counts.outside.tolist() == chart.outside.tolist()


def test_a_c_chart_has_the_limits_of_the_nist_example() -> None:
    """Section 6.3.3.1: 400 defects on 25 wafers give 16, 4 and 28."""
    counts = np.array([16.0] * 24 + [16.0])
    chart = c_chart(counts, estimate_rate(counts, np.ones(25)))
    assert (chart.centre[0], chart.lower[0], chart.upper[0]) == pytest.approx((16, 4, 28))


def test_limits_of_means_ranges_and_deviations_are_those_of_the_factors(groups: np.ndarray) -> None:
    factors = constants(5)
    mean, ranges, deviations = groups.mean(), np.ptp(groups, axis=1).mean(), groups.std(axis=1, ddof=1).mean()
    by_ranges, by_deviations = estimate_by_ranges(groups), estimate_by_deviations(groups)
    assert xbar_chart(groups, by_ranges).upper[0] == pytest.approx(mean + factors.A2 * ranges, rel=1e-12)
    assert xbar_chart(groups, by_deviations).lower[0] == pytest.approx(mean - factors.A3 * deviations, rel=1e-12)
    spread = r_chart(groups, by_ranges)
    assert (spread.lower[0], spread.upper[0]) == pytest.approx((factors.D3 * ranges, factors.D4 * ranges))
    of_deviations = s_chart(groups, by_deviations)
    assert (of_deviations.lower[0], of_deviations.upper[0]) == pytest.approx((factors.B3 * deviations, factors.B4 * deviations))


def test_unequal_subgroups_have_limits_of_their_own_and_a_missing_value_counts_for_nothing(groups: np.ndarray) -> None:
    holed = groups.copy()
    holed[3, 2:] = np.nan
    holed[7] = np.nan
    chart = xbar_chart(holed, TEN)
    assert chart.sigma[3] == pytest.approx(1 / np.sqrt(2))
    assert chart.points[3] == pytest.approx(groups[3, :2].mean())
    assert np.isnan(chart.points[7]) and not chart.outside[7]
    assert r_chart(holed, TEN).centre[3] == pytest.approx(constants(2).d2)
    assert estimate_by_deviations(holed).sigma == pytest.approx(0.01, rel=0.2)


def test_a_u_chart_narrows_where_more_is_inspected() -> None:
    counts, sizes = np.array([10.0, 40.0]), np.array([5.0, 20.0])
    chart = u_chart(counts, sizes, Process(2.0, 1.0, 2))
    assert chart.upper == pytest.approx([2 + 3 * np.sqrt(2 / 5), 2 + 3 * np.sqrt(2 / 20)])


def test_large_overdispersed_subgroups_signal_on_a_p_chart_and_not_on_laneys() -> None:
    generator = np.random.default_rng(0)
    sizes = np.full(60, 5000.0)
    counts = generator.binomial(5000, np.clip(generator.normal(0.1, 0.02, 60), 0, 1)).astype(float)
    plain = p_chart(counts, sizes, estimate_share(counts, sizes))
    laney = p_chart(counts, sizes, estimate_share(counts, sizes, overdispersed=True))
    assert plain.outside.mean() > 0.3
    assert laney.outside.mean() < 0.05
    even = generator.binomial(5000, 0.1, 60).astype(float)
    assert estimate_share(even, sizes, overdispersed=True).sigma == pytest.approx(1, abs=0.3)


def test_an_ewma_gives_the_values_of_the_nist_example() -> None:
    chart = ewma_chart(PARTS, Process(50.0, 2.0539, 20), weight=0.3, width=3)
    assert chart.points == pytest.approx(np.array(PARTS_EWMA), abs=0.011)
    assert (chart.upper[-1], chart.lower[-1]) == pytest.approx((52.5884, 47.4115), abs=2e-3)
    assert not chart.outside.any()


def test_an_ewma_has_exact_limits_from_the_start_and_the_values_of_the_book() -> None:
    """Montgomery, table 9.10: weight 0.1, width 2.7; limits 9.73 and 10.27 at first, 9.38 and 10.62 at last."""
    chart = ewma_chart(SHIFTED, TEN, weight=0.1, width=2.7)
    steps = np.arange(1, 31)
    assert chart.points[:2] == pytest.approx([9.945, 9.7495])
    assert chart.upper - 10 == pytest.approx(2.7 * np.sqrt(0.1 / 1.9 * (1 - 0.9 ** (2 * steps))))
    assert (chart.lower[0], chart.upper[0]) == pytest.approx((9.73, 10.27))
    assert (chart.lower[-1], chart.upper[-1]) == pytest.approx((9.38, 10.62), abs=0.005)
    assert chart.points[-3:] == pytest.approx([10.5731, 10.6468, 10.6341], abs=1e-4)
    assert np.flatnonzero(chart.outside).tolist() == [28, 29]


def test_a_cusum_gives_the_table_of_the_book() -> None:
    """Montgomery, table 9.2: above is 5.28 at the 29th point and beyond 5 for the first time, since the 23rd."""
    chart = cusum_chart(SHIFTED, TEN)
    assert chart.above[[4, 28, 29]] == pytest.approx([2.82, 5.28, 5.30], abs=0.005)
    assert chart.below[[0, 1, 2]] == pytest.approx([0.05, 1.56, 1.77], abs=0.005)
    assert np.flatnonzero(chart.outside).tolist() == [28, 29]
    assert chart.since_above[28] == 22


def test_a_missing_value_leaves_sums_and_averages_as_they_are() -> None:
    gap = np.array([11.0, np.nan, 11.0])
    assert cusum_chart(gap, TEN).above[2] == pytest.approx(1.0)
    assert ewma_chart(gap, TEN, weight=0.5).points[2] == pytest.approx(10.75)
    assert np.isnan(ewma_chart(gap, TEN).points[1])


def test_a_head_start_signals_sooner() -> None:
    off = np.full(12, 11.0)
    slow, quick = cusum_chart(off, TEN, interval=4), cusum_chart(off, TEN, interval=4, head_start=2)
    assert np.argmax(quick.outside) < np.argmax(slow.outside)


def test_faults_are_told_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="weight"):
        ewma_chart(SHIFTED, TEN, weight=0.0)
    with pytest.raises(ValueError, match="neighbouring"):
        estimate_individuals(np.array([1.0, np.nan, 2.0]))
    with pytest.raises(ValueError, match="two values"):
        estimate_by_ranges(np.ones((3, 1)))
    with pytest.raises(ValueError, match="inspected"):
        estimate_share(np.array([0.0]), np.array([0.0]))
