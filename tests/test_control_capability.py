"""Capability indices are those of their formulas, and their intervals cover."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from sevenstep.stats.control.capability import Capability, capability
from sevenstep.stats.control.constants import d2
from sevenstep.stats.control.skewed import transformed
from sevenstep.stats.control.specification import Specification
from sevenstep.stats.control.worth import Worth

INDICES = ("cp", "cpk", "pp", "ppk", "cpm")
LIMITS = Specification(-4.0, 4.5)


def test_indices_are_those_of_their_formulas() -> None:
    values = np.random.default_rng(0).normal(10, 2, 120)
    found = capability(values, Specification(4, 18, target=10.5))
    within, overall = np.abs(np.diff(values)).mean() / d2(2), values.std(ddof=1)
    mean = values.mean()
    assert found.cp.value == pytest.approx(14 / (6 * within))
    assert found.pp.value == pytest.approx(14 / (6 * overall))
    assert found.cpk.value == pytest.approx(min(18 - mean, mean - 4) / (3 * within))
    assert found.ppk.value == pytest.approx(min(18 - mean, mean - 4) / (3 * overall))
    assert found.cpm.value == pytest.approx(14 / (6 * np.sqrt(np.mean((values - 10.5) ** 2))))


def test_intervals_are_those_of_the_published_formulas() -> None:
    """Montgomery, section 8.3: chi-square for Pp; Bissell (1990) for Ppk."""
    values = np.random.default_rng(1).normal(0, 1, 50)
    found = capability(values, LIMITS)
    low, high = np.sqrt(stats.chi2.ppf([0.025, 0.975], 49) / 49)
    assert (found.pp.low, found.pp.high) == pytest.approx((found.pp.value * low, found.pp.value * high))  # type: ignore[operator]
    reach = 1.959964 * np.sqrt(1 / (9 * 50) + found.ppk.value**2 / (2 * 49))  # type: ignore[operator]
    assert (found.ppk.low, found.ppk.high) == pytest.approx((found.ppk.value - reach, found.ppk.value + reach))  # type: ignore[operator]


def test_subgroups_give_the_pooled_spread_within() -> None:
    groups = np.random.default_rng(2).normal(0, 1, (30, 5)) + np.arange(30)[:, None]
    found = capability(groups, Specification(-50, 80))
    assert found.within == pytest.approx(np.sqrt(groups.var(axis=1, ddof=1).mean()))
    assert found.overall > 3 * found.within
    assert found.cp.value > found.pp.value  # type: ignore[operator]


def coverage(found: list[Capability], truth: dict[str, float]) -> dict[str, float]:
    def covers(one: Capability, index: str) -> bool:
        part = getattr(one, index)
        return bool(part.low <= truth[index] <= part.high)

    return {index: float(np.mean([covers(one, index) for one in found])) for index in INDICES}


TRUE = {"cp": 8.5 / 6, "pp": 8.5 / 6, "cpk": 4 / 3, "ppk": 4 / 3, "cpm": 8.5 / 6 / np.sqrt(1 + 0.25**2)}


@pytest.mark.parametrize("shape", [(40,), (20, 5)])
def test_intervals_of_normal_values_cover_in_19_of_20_cases(shape: tuple[int, ...]) -> None:
    generator = np.random.default_rng(7)
    covered = coverage([capability(generator.standard_normal(shape), LIMITS) for _ in range(500)], TRUE)
    assert all(0.92 <= share <= 0.985 for share in covered.values()), covered


def test_skewed_values_are_told_and_their_intervals_still_cover() -> None:
    generator = np.random.default_rng(8)
    found = [capability((generator.gamma(4.0, 0.5, 400) - 2.0), LIMITS) for _ in range(200)]
    covered = coverage(found, TRUE)
    assert np.mean([one.normal for one in found]) < 0.02
    assert "not normal" in found[0].note
    assert all(share >= 0.9 for share in covered.values()), covered


def test_intervals_that_took_skewed_values_for_normal_would_be_too_narrow() -> None:
    """What the other method is for: half an exponential's worth of kurtosis, and Bissell covers too rarely."""
    generator = np.random.default_rng(9)
    drawn = [generator.gamma(1.0, 1.0, 300) - 1.0 for _ in range(200)]
    ours = np.mean([one.ppk.low <= 4 / 3 <= one.ppk.high for one in (capability(v, LIMITS) for v in drawn)])  # type: ignore[operator]
    ppk = np.array([min(4.5 - v.mean(), v.mean() + 4) / (3 * v.std(ddof=1)) for v in drawn])
    bissell = np.mean(np.abs(ppk - 4 / 3) <= 1.96 * np.sqrt(1 / 2700 + ppk**2 / 598))
    assert bissell < 0.85 < 0.88 <= ours


def test_the_share_outside_is_counted_with_its_exact_interval() -> None:
    values = np.concatenate([np.random.default_rng(3).uniform(-1, 1, 97), [5.0, 6.0, -5.0]])
    found = capability(values, LIMITS)
    exact = stats.binomtest(3, 100).proportion_ci(0.95, method="exact")
    assert (found.outside.value, found.outside.low, found.outside.high) == pytest.approx((0.03, exact.low, exact.high))


def test_one_limit_gives_the_one_sided_indices_alone() -> None:
    found = capability(np.random.default_rng(4).normal(0, 1, 60), Specification(upper=3.0))
    assert found.cp.value is None and found.cpm.value is None
    assert found.ppk.value == pytest.approx((3.0 - found.mean) / (3 * found.overall))


@pytest.mark.parametrize(
    ("values", "specification", "text"),
    [
        (np.arange(50.0), Specification(), "lower or an upper"),
        (np.arange(50.0), Specification(3, 3), "below the upper"),
        (np.arange(5.0), LIMITS, "5 values"),
        (np.ones(50), LIMITS, "differ"),
    ],
)
def test_what_cannot_be_judged_is_told(values: np.ndarray, specification: Specification, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        capability(values, specification)


def test_the_expected_share_of_normal_values_is_that_of_the_tails() -> None:
    values = np.random.default_rng(10).normal(10, 2, 400)
    found = capability(values, Specification(6, 13)).expected
    fit = stats.norm(values.mean(), values.std(ddof=1))
    assert found.value == pytest.approx(fit.cdf(6) + fit.sf(13))
    assert found.method == "normal"


def test_the_interval_of_a_one_sided_share_is_the_exact_one() -> None:
    """With one limit the share's interval follows from the noncentral t distribution (Owen 1963)."""
    values = np.random.default_rng(11).normal(0, 1, 60)
    found = capability(values, Specification(upper=2.0)).expected
    k = (2.0 - values.mean()) / values.std(ddof=1)
    ends = [
        optimize.brentq(lambda z, tail=tail: stats.nct.cdf(k * np.sqrt(60), 59, z * np.sqrt(60)) - tail, 0, 5)
        for tail in (0.975, 0.025)
    ]
    assert (found.low, found.high) == pytest.approx(tuple(stats.norm.sf(end) for end in reversed(ends)), rel=0.08)


def test_skewed_values_get_their_expected_share_after_a_transformation_and_its_interval_covers() -> None:
    generator, true = np.random.default_rng(12), 0.005
    upper = float(np.exp(0.4 * stats.norm.isf(true)))
    found = [capability(np.exp(generator.normal(0, 0.4, 300)), Specification(upper=upper)).expected for _ in range(150)]
    told = [one for one in found if one.value is not None]
    assert len(told) > 110 and "Yeo-Johnson" in told[0].method
    assert np.mean([one.low <= true <= one.high for one in told]) >= 0.88  # type: ignore[operator]
    assert np.median([one.value for one in told]) == pytest.approx(true, rel=0.2)  # type: ignore[type-var]


def test_the_power_transformation_of_a_limit_is_that_of_scipy() -> None:
    for limit in (-2.5, -0.1, 0.0, 0.7, 3.0):
        for power in (-1.0, 0.0, 0.5, 1.0, 2.0, 3.0):
            assert transformed(limit, np.array([power]))[0] == pytest.approx(stats.yeojohnson(np.array([limit]), power)[0])


def test_where_no_distribution_fits_nothing_is_expected() -> None:
    generator = np.random.default_rng(13)
    two = np.concatenate([generator.normal(-5, 0.5, 300), generator.normal(5, 0.5, 300)])
    found = capability(two, Specification(-8, 8))
    assert found.expected.value is None and "no distribution fits" in found.note
    assert found.outside.value == 0


def test_lots_that_differ_widen_the_intervals_until_they_cover() -> None:
    """Deviation 1 in all, 0.8 of it between lots: taken as independent, 300 values would claim far too much."""
    generator = np.random.default_rng(14)
    lots = [generator.normal(0, 0.8, (30, 1)) + generator.normal(0, 0.6, (30, 10)) for _ in range(150)]
    covers = [[one.ppk.low <= 1 <= one.ppk.high for one in found] for found in (  # type: ignore[operator]
        [capability(values, Specification(upper=3.0)) for values in lots],
        [capability(values.ravel(), Specification(upper=3.0)) for values in lots],
    )]  # fmt: skip
    assert np.mean(covers[0]) >= 0.91
    assert np.mean(covers[1]) < 0.75


def test_independent_values_are_worth_their_number() -> None:
    values = np.random.default_rng(15).normal(0, 1, (40, 5))
    assert Worth.of(values.ravel()) == Worth(200, 199)
    assert Worth.of(values).mean > 120
    alike = np.repeat(values[:, :1], 5, axis=1)
    assert Worth.of(alike).mean == pytest.approx(40, rel=0.02), "five copies of a value are one value"
    assert Worth.of(alike).spread == pytest.approx(39, rel=0.02)
