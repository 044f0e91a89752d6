"""Drift is found where it was planted; distances and p values are those of scipy; references survive being stored."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from sevenstep.stats.drift import (
    ALPHA,
    Categories,
    Drifted,
    Limits,
    Reference,
    Values,
    check,
    check_all,
    reference_from_plain,
    reference_of,
    reference_to_plain,
)

Floats = NDArray[np.float64]


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def evidence(found: Drifted, about: str) -> Any:
    return next(one for one in found.evidence if one.about == about)


def letters(chance: np.random.Generator, shares: list[float], n: int) -> Categories:
    return Categories(chance.choice(len(shares), n, p=shares), tuple("abcdefgh"[: len(shares)]))


def ks_by_hand(first: Floats, second: Floats) -> float:
    """Slow twin: both distribution functions at every value."""
    points = np.concatenate([first, second])
    return float(max(abs((first <= point).mean() - (second <= point).mean()) for point in points))


# Figures ------------------------------------------------------------------------------------------------------------------------

DRAWS: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "normal": lambda chance, n: chance.normal(size=n),
    "skewed": lambda chance, n: np.exp(chance.normal(0, 2, n)),
    "mostly zero": lambda chance, n: chance.poisson(0.3, n) * chance.exponential(1, n),
    "counts": lambda chance, n: chance.poisson(2, n).astype(np.float64),
    "constant": lambda _, n: np.full(n, 7.0),
    "with infinities": lambda chance, n: np.where(chance.random(n) < 0.1, np.inf, chance.normal(size=n)),
}


@pytest.mark.parametrize("kind", DRAWS)
@pytest.mark.parametrize("sizes", [(40, 25), (700, 300), (9_000, 5_000)])
def test_distance_and_p_value_are_those_of_scipy(kind: str, sizes: tuple[int, int]) -> None:
    learnt, window = DRAWS[kind](random(1), sizes[0]), DRAWS[kind](random(2), sizes[1]) + 0.05
    found = check(reference_of(learnt), window)
    expected = stats.ks_2samp(learnt, window, method="auto" if sizes[0] < 1_000 else "asymp")
    assert found.distance == pytest.approx(expected.statistic, abs=1e-12)
    assert evidence(found, "distribution").p == pytest.approx(max(expected.pvalue, 1e-300), rel=1e-6, abs=1e-300)
    assert found.unsure == 0.0


def test_distance_is_that_of_both_distribution_functions_at_every_value() -> None:
    learnt, window = random(1).normal(size=400).round(1), random(2).normal(0.3, 1.2, 150).round(1)
    assert check(reference_of(learnt), window).distance == pytest.approx(ks_by_hand(learnt, window), abs=1e-12)


@pytest.mark.parametrize("shift", [0.0, 0.01, 0.5])
def test_order_statistics_miss_no_more_of_the_distance_than_stated_and_never_add_to_it(shift: float) -> None:
    learnt, window = random(1).normal(size=120_000), random(2).normal(shift, 1, 30_000)
    reference = reference_of(learnt)
    found, exact = check(reference, window), stats.ks_2samp(learnt, window).statistic
    assert found.distance is not None
    assert exact - found.distance + 1e-12 >= 0 and exact - found.distance <= found.unsure <= 1.1e-4


def test_the_stability_index_is_that_over_deciles() -> None:
    learnt, window = random(1).normal(size=5_000), random(2).normal(0.4, 1.1, 3_000)
    edges = [-np.inf, *np.sort(learnt)[np.arange(500, 5_000, 500) - 1], np.inf]
    p, q = (np.histogram(-values, -np.array(edges[::-1]))[0] / len(values) for values in (learnt, window))
    assert check(reference_of(learnt), window).psi == pytest.approx(((q - p) * np.log(q / p)).sum())


def test_the_stability_index_of_categories_is_that_over_their_shares() -> None:
    learnt, window = letters(random(1), [0.5, 0.3, 0.2], 4_000), letters(random(2), [0.4, 0.3, 0.3], 3_000)
    p, q = (np.bincount(one.codes) / len(one) for one in (learnt, window))
    found = check(reference_of(learnt), window)
    assert found.psi == pytest.approx(((q - p) * np.log(q / p)).sum())
    assert found.distance == pytest.approx(np.abs(p - q).sum() / 2)
    table = [np.bincount(one.codes) for one in (learnt, window)]
    assert evidence(found, "distribution").p == pytest.approx(stats.chi2_contingency(table).pvalue)


def test_missing_shares_are_compared_by_fishers_exact_test() -> None:
    learnt, window = random(1).normal(size=2_000), random(2).normal(size=300)
    learnt[:40], window[:15] = np.nan, np.nan
    found = check(reference_of(learnt), window)
    assert (found.missing, found.missing_reference, found.n) == (0.05, 0.02, 285)
    assert evidence(found, "missing").p == pytest.approx(stats.fisher_exact([[15, 285], [40, 1_960]]).pvalue)


def test_values_beyond_the_range_are_judged_by_the_chance_that_the_largest_all_lie_in_the_window() -> None:
    window = np.append(np.linspace(0, 1, 97), [2.0, 3.0, 4.0])
    found = check(reference_of(np.linspace(0, 1, 300)), window)
    assert found.outside == 0.03
    chance = 100 / 400 * 99 / 399 * 98 / 398
    assert evidence(found, "outside").p == pytest.approx(2 * chance)


def test_a_million_rows_that_are_all_different_have_a_p_value_above_zero() -> None:
    found = check(reference_of(np.arange(50_000.0)), np.arange(50_000.0) + 1e6)
    assert found.distance == 1.0
    assert all(one.p > 0 for one in found.evidence)


def test_single_precision_is_compared_in_single_precision_on_either_side() -> None:
    values = random(1).choice([0.1, 0.2, 0.3, 0.7], 3_000)
    for learnt, window in ((values, values.astype(np.float32)), (values.astype(np.float32), values)):
        found = check(reference_of(learnt), window)
        assert (found.distance, found.psi, found.outside) == (0.0, 0.0, 0.0)


# What is planted is found -------------------------------------------------------------------------------------------------------


def planted() -> dict[str, tuple[Values, Values, str]]:
    """Learnt from, window, and the evidence that must alarm."""
    chance = random(5)
    normal, window = chance.normal(size=20_000), chance.normal(size=2_000)
    gone = np.where(chance.random(2_000) < 0.06, np.nan, window)
    few, rare = [0.6, 0.3, 0.1], [0.55, 0.3, 0.1, 0.05]
    zeros = np.where(chance.random(20_000) < 0.8, 0.0, chance.exponential(1, 20_000))
    fewer = np.where(chance.random(2_000) < 0.6, 0.0, chance.exponential(1, 2_000))
    learnt = letters(chance, few, 20_000)
    mixed = np.where(np.arange(2_000) % 50 == 0, 1_000 * window, window)
    return {
        "mean": (normal, window + 0.4, "distribution"),
        "variance": (normal, window * 1.6, "distribution"),
        "zeros": (zeros, fewer, "distribution"),
        "categories": (learnt, letters(chance, [0.4, 0.5, 0.1], 2_000), "distribution"),
        "missing": (normal, gone, "missing"),
        "new category": (learnt, letters(chance, rare, 2_000), "unseen"),
        "unit": (np.exp(normal), 1_000 * np.exp(window), "distribution"),
        "unit of some": (normal, mixed, "outside"),
        "constant": (np.full(20_000, 3.0), np.full(2_000, 4.0), "distribution"),
    }


@pytest.mark.parametrize("what", planted())
def test_planted_drift_alarms_for_its_own_reason_and_alone(what: str) -> None:
    learnt, window, about = planted()[what]
    columns: dict[str, Values] = {f"steady {seed}": random(seed).normal(size=2_000) for seed in range(19)}
    references = {name: reference_of(random(100 + place).normal(size=20_000)) for place, name in enumerate(columns)}
    found = check_all(references | {what: reference_of(learnt)}, columns | {what: window})
    assert [name for name, one in found.items() if one.alarm] == [what]
    assert evidence(found[what], about).alarm


@pytest.mark.parametrize("factor", [1_000.0, 100.0, 10.0, 0.1, 0.001])
def test_another_unit_is_named_by_its_factor(factor: float) -> None:
    learnt, window = np.exp(random(1).normal(2, 0.5, 20_000)).round(1), np.exp(random(2).normal(2, 0.5, 2_000)).round(1)
    assert check(reference_of(learnt), factor * window).scale == factor
    assert check(reference_of(learnt), window).scale is None
    assert check(reference_of(learnt), window + 30).scale is None


def test_new_categories_are_named_the_most_frequent_first() -> None:
    window = Categories.of(["a"] * 70 + ["new"] * 20 + ["newer"] * 10)
    found = check(reference_of(Categories.of(["a", "b"] * 500)), window)
    assert found.unseen == pytest.approx(0.3) and found.unseen_names == ("new", "newer")


def test_names_that_never_repeat_are_no_drift_when_new_ones_come() -> None:
    learnt, window = (Categories.of([f"{start + row}" for row in range(2_000)]) for start in (0, 5_000))
    found = check_all({"order": reference_of(learnt)}, {"order": window})["order"]
    assert found.unseen == 1.0 and evidence(found, "unseen").p == 1.0


def test_what_is_certain_and_small_does_not_alarm_unless_the_limits_say_so() -> None:
    learnt, window = random(1).normal(size=400_000), random(2).normal(0.05, 1, 400_000)
    references, columns = {"x": reference_of(learnt)}, {"x": window}
    found = check_all(references, columns)["x"]
    assert evidence(found, "distribution").p_holm < 1e-6 and found.size == "none" and not found.alarm
    assert found.shift == pytest.approx(0.05, abs=0.01)
    strict = Limits(psi=(0.001, 0.25), distance=(0.01, 0.25))
    assert check_all(references, columns, limits=strict)["x"].alarm


def test_what_is_large_and_may_be_chance_does_not_alarm() -> None:
    found = check_all({"x": reference_of(random(1).normal(size=1_000))}, {"x": random(2).normal(size=8)})["x"]
    assert found.size == "large" and evidence(found, "distribution").p > ALPHA and not found.alarm


# Empty, stored, refused ---------------------------------------------------------------------------------------------------------


def test_columns_without_values_are_judged_by_what_is_missing() -> None:
    empty, full = np.full(500, np.nan), random(1).normal(size=500)
    gone = check_all({"x": reference_of(full)}, {"x": empty})["x"]
    assert (gone.psi, gone.distance, gone.missing) == (None, None, 1.0) and gone.alarm
    come = check_all({"x": reference_of(empty)}, {"x": full})["x"]
    assert come.distance is None and evidence(come, "missing").alarm
    nothing = check(reference_of(full), np.empty(0))
    assert nothing.evidence == () and nothing.missing is None


def stored(reference: Reference, form: str) -> Reference:
    plain = reference_to_plain(reference)
    if form == "json":
        return reference_from_plain(json.loads(json.dumps({name: array.tolist() for name, array in plain.items()})))
    file = io.BytesIO()
    np.savez(file, **plain)  # type: ignore[arg-type]
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        return reference_from_plain(arrays)


@pytest.mark.parametrize("form", ["json", "npz"])
@pytest.mark.parametrize("blocks", [None, np.repeat(np.arange(40), 50)])
def test_a_stored_reference_finds_the_same(form: str, blocks: NDArray[np.int64] | None) -> None:
    numbers = np.where(random(3).random(2_000) < 0.1, np.nan, random(1).normal(size=2_000)).astype(np.float32)
    learnt: dict[str, Values] = {"numbers": numbers, "letters": letters(random(1), [0.5, 0.5], 2_000)}
    window: dict[str, Values] = {"numbers": random(2).normal(size=90), "letters": Categories.of(["a", "c", None] * 30)}
    references = {name: reference_of(values, blocks) for name, values in learnt.items()}
    again = {name: stored(reference, form) for name, reference in references.items()}
    assert check_all(again, window) == check_all(references, window)


def test_more_categories_than_are_kept_are_counted_together_and_new_ones_not_judged() -> None:
    learnt = Categories(np.repeat(np.arange(10_050), 2), tuple(map(str, range(10_050))))
    reference = reference_of(learnt)
    found = check_all({"x": reference}, {"x": Categories.of(["10049", "3"] * 100)})["x"]
    assert found.unseen is None and {one.about for one in found.evidence} == {"missing", "distribution"}


def test_categories_of_values_take_none_and_nan_as_missing() -> None:
    values = ["b", None, float("nan"), "a", "b"]
    assert Categories.of(np.array(values, object)).names == ("b", "a")
    found = Categories.of(values)
    assert found.codes.tolist() == [0, -1, -1, 1, 0] and found.names == ("b", "a")


def test_what_cannot_be_compared_is_refused() -> None:
    numbers, words = reference_of(np.arange(9.0)), reference_of(Categories.of(["a", "b"]))
    with pytest.raises(TypeError, match="holds numbers"):
        check(numbers, Categories.of(["a"]))
    with pytest.raises(TypeError, match="holds categories"):
        check(words, np.arange(3.0))
    with pytest.raises(TypeError, match=r"Categories\.of"):
        reference_of(np.array(["a", "b"]))
    with pytest.raises(ValueError, match="one block"):
        reference_of(np.arange(3.0), np.zeros(3))
    with pytest.raises(ValueError, match="2 block labels for 3 rows"):
        check(numbers, np.arange(3.0), np.zeros(2))
    with pytest.raises(ValueError, match="codes lie between"):
        Categories(np.array([0, 2]), ("a", "b"))
