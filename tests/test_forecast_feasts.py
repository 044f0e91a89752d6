"""Days around the big events of the year have bounds of their own width, and ordinary days do not pay for them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from forecast_worlds import brief_of, score_table
from sevenstep.tasks.forecast.calibrate import apply, calibrate
from sevenstep.tasks.forecast.feasts import Feasts
from sevenstep.tasks.forecast.section import Forecast
from sevenstep.tasks.scoretable import ScoreTable

LEADS, SERIES = 42, 60
STARTS = (date(2014, 3, 20), date(2014, 7, 1), date(2015, 3, 20))  # Easter is in the first and the last, on April 20 and April 5


def section(country: str | None) -> Forecast:
    return Forecast.model_validate({"horizon": LEADS, "calendar": {"country": country}})


def errors(seed: int, starts: tuple[date, ...] = STARTS, wild: float = 2.5) -> ScoreTable:
    """Daily forecasts that are off by 5 % on ordinary days and ``wild`` times as much while Easter is felt."""
    generator = np.random.default_rng(seed)
    fold, cluster, step = (axis.ravel() for axis in np.meshgrid(range(len(starts)), range(SERIES), range(LEADS), indexing="ij"))
    times = [starts[at] + timedelta(int(day)) for at, day in zip(fold, step, strict=True)]
    around = np.array([any(-7 <= (day - easter).days <= 3 for easter in (date(2014, 4, 20), date(2015, 4, 5))) for day in times])
    prediction = np.full(len(fold), 100.0)
    truth = prediction + 5.0 * np.where(around, wild, 1.0) * generator.standard_normal(len(fold))
    table = score_table(truth, prediction, fold=fold, lead=step + 1, cluster=cluster)
    time = pl.Series("time", times)
    origin = (time - pl.Series(step + 1).cast(pl.Int64) * timedelta(1)).alias("origin")
    return ScoreTable(table.frame.with_columns(time, origin, pl.Series("around", around)))


def covered(calibration: dict[str, Any], seen: ScoreTable) -> dict[bool, float]:
    frame = apply(seen, calibration).frame
    inside = frame.group_by("around").agg(pl.col("truth").is_between("lower_80", "upper_80").mean().alias("share"))
    return dict(inside.select("around", "share").rows())


def test_with_a_calendar_ordinary_days_and_those_of_a_feast_are_both_covered_as_promised() -> None:
    found = covered(dict(calibrate(errors(1), brief_of(LEADS, country="DE"))), errors(2))
    assert found[False] == pytest.approx(0.80, abs=0.03)
    assert found[True] == pytest.approx(0.80, abs=0.06)  # two feasts tell of the third: part of the difference is believed


def test_without_a_calendar_ordinary_days_pay_for_the_feasts() -> None:
    found = covered(dict(calibrate(errors(1), brief_of(LEADS))), errors(2))
    assert found[False] > 0.83
    assert found[True] < 0.65


def test_a_single_day_has_the_bounds_it_has_among_others() -> None:
    calibration = calibrate(errors(1), brief_of(LEADS, country="DE"))
    table = errors(2)
    whole = apply(table, calibration).frame
    for day in (date(2015, 4, 4), date(2015, 4, 20)):
        alone = apply(ScoreTable(table.frame.filter(pl.col("time") == day)), calibration).frame
        assert len(alone) == SERIES
        assert alone.equals(whole.filter(pl.col("time") == day))


def test_a_calendar_whose_feasts_no_fold_has_seen_changes_nothing() -> None:
    calm = errors(1, (date(2014, 7, 1), date(2014, 8, 20)))
    with_one, without = (dict(calibrate(calm, brief_of(LEADS, country=country))) for country in ("DE", None))
    assert with_one.pop("feasts")["wider"] == without.pop("feasts")["wider"] == 1.0
    assert with_one == without


def test_a_calibration_of_before_there_were_feasts_is_read_as_one_without() -> None:
    calibration = dict(calibrate(errors(1), brief_of(LEADS)))
    before = {name: value for name, value in calibration.items() if name != "feasts"}
    assert apply(errors(2), before).frame.equals(apply(errors(2), calibration).frame)


def items(days: list[date], step: timedelta) -> pl.DataFrame:
    times = pl.Series("time", days)
    return pl.DataFrame([times, (times - step).alias("origin"), pl.Series("lead", [1] * len(days))])


def felt(feasts: Feasts, days: list[date], step: timedelta) -> list[bool]:
    return (replace(feasts, wider=2.0).factors(items(days, step)) == 2.0).tolist()


def weeks_from(first: date, count: int) -> list[date]:
    return [first + timedelta(7 * week) for week in range(count)]


@pytest.mark.parametrize(
    ("first", "label", "expected"),
    [
        (date(2011, 11, 4), "end", [False, False, True, True, False]),  # Fridays end weeks; Thanksgiving is on November 24
        (date(2011, 10, 31), "start", [False, False, True, True, False]),  # Mondays begin them
    ],
)
def test_weeks_feel_the_event_in_them_and_the_one_of_the_next_week(first: date, label: str, expected: list[bool]) -> None:
    days = weeks_from(first, 5)
    feasts = Feasts.learnt(section("US"), items(days, timedelta(7)), np.ones(5))
    assert feasts.calendar is not None
    assert feasts.calendar["label"] == label
    assert felt(feasts, days, timedelta(7)) == expected


def test_weeks_named_by_another_day_are_read_the_way_in_which_feasts_matter_more() -> None:
    sundays = weeks_from(date(2024, 12, 1), 12)
    end_with = [day in (date(2024, 12, 22), date(2024, 12, 29), date(2025, 1, 5)) for day in sundays]  # weeks that end on them
    feasts = Feasts.learnt(section("DE"), items(sundays, timedelta(7)), np.where(end_with, 5.0, 1.0))
    assert feasts.calendar is not None
    assert feasts.calendar["label"] == "end"
    assert feasts.wider > 1.5


def test_hours_feel_what_their_day_feels_and_tell_as_much_as_their_days() -> None:
    hours = [datetime(2015, 3, 1) + timedelta(hours=hour) for hour in range(24 * 40)]
    days = [date(2015, 3, 1) + timedelta(day) for day in range(40)]
    found = []
    for times, step in ((hours, timedelta(hours=1)), (days, timedelta(1))):
        at = np.array([(2015, 3, 29) <= time.timetuple()[:3] <= (2015, 4, 8) for time in times])
        feasts = Feasts.learnt(section("DE"), items(list(times), step), np.where(at, 2.0, 1.0))
        assert felt(feasts, list(times), step) == at.tolist()
        found.append(feasts.wider)
    assert found[0] == pytest.approx(found[1])
    assert found[1] == pytest.approx(2.0 ** (11 / 15))  # eleven days against the weight of four


@pytest.mark.parametrize(("days", "step"), [([1, 2, 3], 1), ([date(2015, month, 1) for month in (3, 4, 5)], timedelta(30))])
def test_counted_times_and_months_feel_nothing(days: list[Any], step: Any) -> None:
    assert Feasts.learnt(section("DE"), items(days, step), np.ones(3)) == Feasts()
    assert Feasts().factors(items(days, step)).tolist() == [1.0] * 3


def test_calmer_feasts_make_no_bound_narrower() -> None:
    days = [date(2015, 3, 20) + timedelta(day) for day in range(30)]
    size = np.where([date(2015, 3, 29) <= day <= date(2015, 4, 8) for day in days], 0.2, 1.0)
    assert Feasts.learnt(section("DE"), items(days, timedelta(1)), size).wider == 1.0
