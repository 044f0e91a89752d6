"""Where nothing changes a check of twenty columns alarms no more often than stated, whether rows are independent or in blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal, special, stats

from sevenstep.stats.drift import (
    ALPHA,
    Categories,
    Drifted,
    Values,
    check_all,
    reference_from_plain,
    reference_of,
    reference_to_plain,
)

Columns = dict[str, Values]
Labels = NDArray[np.int64]

RESAMPLES = 200


def independent(chance: np.random.Generator, rows: int) -> Columns:
    made: Columns = {f"normal {number}": chance.normal(size=rows) for number in range(4)}
    made |= {f"skewed {number}": np.exp(chance.normal(0, 1.5, rows)) for number in range(3)}
    made |= {f"zeros {number}": chance.poisson(0.4, rows) * chance.exponential(1, rows) for number in range(3)}
    made |= {"count": chance.poisson(3, rows), "constant": np.full(rows, 3.0)}
    made |= {f"missing {share}": np.where(chance.random(rows) < share, np.nan, chance.random(rows)) for share in (0.02, 0.1, 0.5)}
    for levels in (2, 5, 20, 100, 1_000):
        shares = np.random.default_rng(levels).dirichlet(np.full(levels, 0.7))
        made[f"category {levels}"] = Categories(chance.choice(levels, rows, p=shares), tuple(map(str, range(levels))))
    return made


def blocked(chance: np.random.Generator, blocks: int, size: int) -> tuple[Columns, Labels]:
    """Waves shorter and longer than a block, and blocks with means and shares of their own."""
    of, rows = np.repeat(np.arange(blocks), size), blocks * size
    made: Columns = {
        f"wave {memory}": signal.lfilter([1.0], [1.0, -memory], chance.normal(size=rows + 800))[800:]
        for memory in (0.5, 0.8, 0.9, 0.95, 0.98, 0.99)
    }
    made |= {f"lots {spread}": chance.normal(0, spread, blocks)[of] + chance.normal(size=rows) for spread in (0.2, 0.5, 1.0, 3.0)}
    made |= {f"wild lots {free}": chance.standard_t(free, blocks)[of] + chance.normal(size=rows) for free in (2, 3, 5)}
    made["zeros"] = np.where(chance.random(rows) < chance.beta(2, 2, blocks)[of], 0.0, chance.exponential(1, rows))
    made["missing"] = np.where(chance.random(rows) < chance.beta(2, 8, blocks)[of], np.nan, chance.normal(size=rows))
    made["constant"] = np.ones(rows)
    for levels in (2, 3, 5, 20):
        shares = chance.dirichlet(np.ones(levels), blocks).cumsum(axis=1)
        codes = (chance.random(rows)[:, None] > shares[of]).sum(axis=1).clip(0, levels - 1)
        made[f"category {levels}"] = Categories(codes, tuple(map(str, range(levels))))
    return made, of


def at(values: Values, rows: slice) -> Values:
    return Categories(values.codes[rows], values.names) if isinstance(values, Categories) else values[rows]


def significant(found: dict[str, Drifted]) -> bool:
    """Whether any p value would alarm whatever the size: a harder question than whether there is an alarm."""
    return any((one.p_holm or 0.0) <= ALPHA for drifted in found.values() for one in drifted.evidence)


def not_more_often_than_stated(times: int) -> bool:
    """Whether the exact 95 % interval of the share reaches down to what is stated."""
    return times == 0 or float(special.betaincinv(times, RESAMPLES - times + 1, 0.025)) <= ALPHA


def test_the_bound_of_these_tests_can_be_passed() -> None:
    assert not_more_often_than_stated(5) and not not_more_often_than_stated(7)


def test_independent_rows_alarm_no_more_often_than_stated() -> None:
    times = 0
    for seed in range(RESAMPLES):
        chance = np.random.default_rng([1, seed])
        references = {name: reference_of(values) for name, values in independent(chance, 1_500).items()}
        found = check_all(references, independent(chance, 300))
        assert len(found) == 20
        times += significant(found)
    assert not_more_often_than_stated(times)


@pytest.mark.parametrize(("known", "new"), [(60, 6), pytest.param(60, 1, marks=pytest.mark.slow)])
def test_rows_alike_in_blocks_alarm_no_more_often_than_stated(known: int, new: int) -> None:
    times, by_rows = 0, 0
    for seed in range(RESAMPLES):
        made, of = blocked(np.random.default_rng([2, seed]), known + new, 40)
        cut = known * 40
        before, after = ({name: at(values, rows) for name, values in made.items()} for rows in (slice(cut), slice(cut, None)))
        found = check_all({name: reference_of(values, of[:cut]) for name, values in before.items()}, after, of[cut:])
        assert len(found) == 20
        times += significant(found)
        if seed < 10:
            by_rows += any(one.alarm for one in check_all({n: reference_of(v) for n, v in before.items()}, after).values())
    assert not_more_often_than_stated(times)
    assert by_rows == 10  # taken as independent, the same rows alarm every time


def test_drift_beyond_what_blocks_differ_by_alarms() -> None:
    made, of = blocked(np.random.default_rng(3), 60, 100)
    references = {name: reference_of(values, of) for name, values in made.items()}
    drawn, labels = blocked(np.random.default_rng(4), 6, 100)
    window: dict[str, Any] = dict(drawn)
    assert not any(one.alarm for one in check_all(references, window, labels).values())
    moved = window | {"lots 0.5": window["lots 0.5"] + 4.0, "zeros": np.exp(window["zeros"])}
    moved["category 3"] = Categories(window["category 3"].codes, ("0", "1", "new"))
    moved["wave 0.5"] = np.where(np.random.default_rng(5).random(600) < 0.3, np.nan, window["wave 0.5"])
    found = check_all(references, moved, labels)
    assert {name for name, one in found.items() if one.alarm} == {"lots 0.5", "zeros", "category 3", "wave 0.5"}
    assert {one.about for one in found["category 3"].evidence if one.alarm} >= {"unseen"}
    assert {one.about for one in found["wave 0.5"].evidence if one.alarm} == {"missing"}


def test_a_single_property_of_equal_blocks_is_judged_by_students_t() -> None:
    """With one property and equal blocks the F distribution is the square of a predictive t."""
    chance = np.random.default_rng(6)
    shares, window = chance.uniform(0.2, 0.4, 30), 0.48
    missing = np.concatenate([np.arange(200) < round(200 * share) for share in (*shares, window)])
    values = np.where(missing, np.nan, 1.0)
    found = check_all({"x": reference_of(values[:6_000], np.repeat(np.arange(30), 200))}, {"x": values[6_000:]})["x"]
    exact = np.array([round(200 * share) for share in shares]) / 200
    t = (0.48 - exact.mean()) / (exact.std(ddof=1) * np.sqrt(1 + 1 / 30))
    told = next(one for one in found.evidence if one.about == "missing")
    assert told.p == pytest.approx(2 * stats.t.sf(t, 29))
    assert (told.groups, told.as_far) == (30, 0)


def test_many_blocks_are_joined_with_their_neighbours() -> None:
    chance = np.random.default_rng(7)
    of = np.repeat(np.arange(5_000), 4)
    values = chance.normal(size=5_000)[of] + chance.normal(size=20_000)
    reference = reference_of(values, of)
    assert reference.blocks is not None and len(reference.blocks.rows) <= 2_000
    assert reference.blocks.rows.sum() == 20_000 and reference.blocks.span == 3
    window = chance.normal(size=500)[of[:2_000]] + chance.normal(size=2_000)
    assert not check_all({"x": reference}, {"x": window}, of[:2_000])["x"].alarm
    assert check_all({"x": reference}, {"x": window + 1.0}, of[:2_000])["x"].alarm


def test_columns_in_which_nothing_can_be_followed_from_block_to_block_are_judged_by_what_is_missing() -> None:
    of = np.repeat(np.arange(30), 700)
    names = Categories(np.arange(21_000) % 10_500, tuple(map(str, range(10_500))))
    references = {"empty": reference_of(np.full(21_000, np.nan), of), "names": reference_of(names, of)}
    again = {name: reference_from_plain(reference_to_plain(reference)) for name, reference in references.items()}
    window: Columns = {"empty": np.ones(700), "names": Categories(np.arange(700), names.names)}
    found = check_all(again, window)
    assert {name for name, one in found.items() if one.alarm} == {"empty"}
    assert [one.p for one in found["names"].evidence] == [1.0, 1.0]
