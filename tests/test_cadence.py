"""From the error of forecasts by their age to the cheapest calendar."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats

from sevenstep.errors import InputError
from sevenstep.live.cadence.calendar import AHEAD, HOUR, calendar, days_that_count, longest_period, price_of
from sevenstep.live.cadence.choose import Cadence, Price, best_leads, best_period, loss_of_leads, loss_of_period
from sevenstep.live.cadence.curve import Curve, age_curve, on_common_times
from sevenstep.live.losstest import loss_test
from sevenstep.project import Project
from sevenstep.tasks.scoretable import BOUNDS, ScoreTable
from small_projects import SPEC, project

HORIZON = 10
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def curve_of(loss: list[float], churn: float = 0.01) -> Curve:
    leads = list(range(1, len(loss) + 1))
    return Curve("wape", leads, loss, loss, loss, [100] * len(loss), [churn] * (len(loss) - 1))


STEEP = curve_of([0.05, 0.06, 0.075, 0.08, 0.1, 0.12, 0.13, 0.15, 0.16, 0.2])
FLAT = curve_of([0.10] * HORIZON)


def slow_loss(curve: Curve, made_at: list[int]) -> float:
    """Walk towards the day one lead at a time, keeping the forecast of the last refresh."""
    total, held = 0.0, HORIZON
    for lead in range(HORIZON, 0, -1):
        held = lead if lead in made_at else held
        total += curve.loss[held - 1]
    return total / HORIZON


@pytest.mark.parametrize("leads", [(), (1,), (5, 2), (9, 8, 7, 6, 5, 4, 3, 2, 1)])
def test_the_loss_in_force_is_that_of_the_last_refresh_before(leads: tuple[int, ...]) -> None:
    assert loss_of_leads(STEEP, HORIZON, leads) == pytest.approx(slow_loss(STEEP, list(leads)))


@pytest.mark.parametrize("period", [1, 2, 3, 7])
def test_the_loss_of_a_period_is_the_mean_over_all_days_it_may_fall_on(period: int) -> None:
    found = [STEEP.loss[min(lead + age, HORIZON) - 1] for lead in range(1, HORIZON + 1) for age in range(period)]
    assert loss_of_period(STEEP, HORIZON, period) == pytest.approx(np.mean(found))


@pytest.mark.parametrize(
    "price", [Price(refresh=1.0, point=50.0), Price(refresh=0.2, point=50.0), Price(refresh=5.0, point=50.0)]
)
def test_no_other_choice_of_leads_costs_less(price: Price) -> None:
    found = best_leads(STEEP, HORIZON, price)
    assert found.cost is not None
    every = [
        price.refresh * (1 + len(chosen)) + price.point * loss_of_leads(STEEP, HORIZON, chosen)
        for count in range(HORIZON)
        for chosen in combinations(range(1, HORIZON), count)
    ]
    assert found.cost == pytest.approx(min(every))


def test_without_prices_the_fewest_refreshes_within_the_tolerance_are_chosen() -> None:
    found = best_leads(STEEP, HORIZON, Price(tolerance=0.10))
    assert found.loss <= 1.10 * found.every
    fewer = [
        loss_of_leads(STEEP, HORIZON, chosen)
        for count in range(len(found.leads))
        for chosen in combinations(range(1, HORIZON), count)
    ]
    assert min(fewer) > 1.10 * found.every


def test_what_does_not_grow_old_is_refreshed_as_seldom_as_may_be() -> None:
    assert best_period(FLAT, HORIZON, Price(), 100).period == HORIZON // 2
    assert best_period(FLAT, HORIZON, Price(), 3).period == 3
    assert best_leads(FLAT, HORIZON, Price()).leads == ()


def test_the_dearer_a_refresh_the_fewer_there_are() -> None:
    counts = [len(best_leads(STEEP, HORIZON, Price(refresh=cost, point=50.0)).leads) for cost in (0.001, 0.05, 0.5, 5.0)]
    assert counts == sorted(counts, reverse=True) and counts[0] > counts[-1]


def test_a_price_of_churn_makes_for_fewer_versions() -> None:
    restless = replace(STEEP, churn=[0.3] * (HORIZON - 1))
    calm, dear = (best_leads(restless, HORIZON, Price(refresh=0.01, point=50.0, churn=churn)) for churn in (0.0, 1.0))
    assert len(dear.leads) < len(calm.leads)


def test_an_older_forecast_never_counts_as_better_than_a_newer_one() -> None:
    noisy = curve_of([0.10, 0.09, 0.095, 0.12])
    assert np.all(np.diff(noisy.at(np.arange(1, 5))) >= 0)


def scores(leads: list[int], items: int = 40) -> pl.DataFrame:
    """Each item forecast at each lead, off by the lead in percent."""
    rows = [(lead, item, 100.0, 100.0 + lead) for item in range(items) for lead in leads]
    empty = dict.fromkeys(BOUNDS)
    return pl.DataFrame(
        [
            {"candidate": "final", "target": "y", "fold": 0, "origin": None, "time": None, "lead": lead, "item": item,
             "cluster": item, "weight": 1.0, "scale": 1.0, "root_scale": 1.0, "truth": truth, "prediction": said, **empty}
            for lead, item, truth, said in rows
        ],
        schema_overrides={**dict.fromkeys(BOUNDS, pl.Float64), "lead": pl.Int32},
    )  # fmt: skip


def test_a_curve_is_measured_on_the_same_items_at_every_lead() -> None:
    frame = scores([1, 2, 4])
    holed = frame.filter(~((pl.col("item") == 3) & (pl.col("lead") == 2)))
    common = on_common_times(ScoreTable(holed), [1, 2, 4])
    assert common.frame["item"].n_unique() == 39
    found = age_curve(ScoreTable(holed), "wape", [1, 2, 4], 0)
    assert found.loss == pytest.approx([0.01, 0.02, 0.04])
    assert found.n == [39, 39, 39]
    assert found.churn == pytest.approx([1 / 102.333, 2 / 102.333], rel=1e-4)


def test_weeks_like_those_before_call_for_nothing() -> None:
    chance = np.random.default_rng(0)
    fired = sum(loss_test(0.1 + 0.005 * chance.standard_normal(12)).due for _ in range(400))
    assert fired <= 12  # one in a hundred, and worse by a few percent besides


def test_worse_weeks_call_for_learning_anew_and_better_ones_do_not() -> None:
    steady = [0.10, 0.101, 0.099, 0.10, 0.102, 0.098]
    assert loss_test([*steady, 0.13, 0.14]).due
    assert not loss_test([*steady, 0.07, 0.06]).due
    assert not loss_test([*steady, 0.101, 0.1015]).due
    assert not loss_test([0.1, 0.2]).due


def test_one_odd_week_calls_for_nothing() -> None:
    steady = [0.10, 0.101, 0.099, 0.10, 0.102, 0.098]
    assert not loss_test([*steady, 0.30, 0.101]).due and not loss_test([*steady, 0.101, 0.30]).due


@pytest.mark.parametrize("weeks", [3, 8])
def test_the_chance_of_the_newest_weeks_is_what_sound_weeks_show(weeks: int) -> None:
    """Against weeks drawn alike, of which the chance has to be uniform near 0."""
    chance = np.random.default_rng(weeks)
    found = np.array([loss_test(1.0 + 0.1 * chance.standard_normal(weeks + 2)).p for _ in range(400)])
    for level in (0.05, 0.2):
        low, high = stats.binom.ppf([0.001, 0.999], len(found), level)
        assert low <= (found <= level).sum() <= high


@pytest.mark.parametrize(
    ("step", "most"), [(timedelta(hours=1), 24), (timedelta(days=1), 7), (timedelta(weeks=1), 4), (timedelta(days=30), 4)]
)
def test_a_refresh_comes_before_what_repeats_in_the_data_has_gone_by(step: timedelta, most: int) -> None:
    assert longest_period(step) == most


def small(tmp_path: Path, more: str = "") -> Project:
    return Project(project(tmp_path / "small", spec=SPEC + more))


def test_without_a_computed_cadence_refreshes_are_daily(tmp_path: Path) -> None:
    with small(tmp_path).operating() as operation:
        dues = calendar(operation, NOON)
    assert all(newer - older == timedelta(days=1) for older, newer in pairwise(dues))
    assert dues[0] > NOON and dues[-1] <= NOON + AHEAD and {due.hour for due in dues} == {HOUR}


def test_days_that_count_come_from_a_list_or_a_file(tmp_path: Path) -> None:
    listed = small(tmp_path, "operate: {refresh: {days: [2026-05-05, 2026-06-01]}}\n").spec
    assert [str(day) for day in days_that_count(listed)] == ["2026-05-05", "2026-06-01"]
    (tmp_path / "small" / "events.csv").write_text("date,name\n2026-07-01,fair\n2026-07-01,fair again\n", encoding="utf-8")
    filed = listed.model_copy(update={"operate": small(tmp_path / "b", FILED).spec.operate})
    assert [str(day) for day in days_that_count(filed)] == ["2026-07-01"]


FILED = "operate: {refresh: {days: {file: events.csv, column: date}}}\n"


def test_a_file_of_days_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"events\.csv") as caught:
        days_that_count(small(tmp_path, FILED).spec)
    assert caught.value.code == "CADENCE-DAYS"


def test_a_worth_by_the_year_is_shared_out_over_the_steps(tmp_path: Path) -> None:
    told = SPEC.replace('goal: "<= 0.25"', 'goal: "<= 0.25", worth: {per_point: 3652.5, unit: EUR/year}')
    spec = Project(project(tmp_path / "small", spec=told + "operate: {refresh: {cost: 40}}\n")).spec
    price = price_of(spec, spec.kpis[0], timedelta(days=1))
    assert price.point == pytest.approx(1000.0)  # 3652.5 a point a year are 10 a point a day, and a point is a hundredth
    assert price.refresh == 40 and price.known


def test_a_cadence_says_what_daily_refresh_and_none_would_cost() -> None:
    found = best_leads(STEEP, HORIZON, Price(refresh=0.5, point=50.0))
    assert isinstance(found, Cadence)
    assert found.cost is not None and found.every_cost is not None and found.never_cost is not None
    assert found.cost <= min(found.every_cost, found.never_cost)
