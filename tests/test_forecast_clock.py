"""Time as whole steps: there and back, anchored anywhere, over leap years and ends of months; frequencies told from data."""

from __future__ import annotations

import calendar
import json
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sevenstep.errors import InputError
from sevenstep.tasks.forecast.clock import Clock, infer_frequency, season_of, year_of

DAYS = st.dates(date(1950, 1, 1), date(2080, 12, 31))
FREQUENCIES = ["1s", "30s", "1min", "15min", "1h", "6h", "1d", "3d", "1w", "2w", "1mo", "1q", "1y"]


def clock_of(anchor: Any, frequency: str | int) -> Clock:
    return Clock.of(pl.Series([anchor]), frequency)


def steps_of(clock: Clock, times: list[Any]) -> list[int]:
    return pl.DataFrame({"t": times}).select(clock.steps(pl.col("t")))["t"].to_list()


def off_grid(clock: Clock, times: list[Any]) -> list[bool]:
    return pl.DataFrame({"t": times}).select(clock.off_grid(pl.col("t")).alias("off"))["off"].to_list()


@settings(max_examples=150, deadline=None)
@given(day=DAYS, hour=st.integers(0, 23), frequency=st.sampled_from(FREQUENCIES), step=st.integers(-200, 200))
def test_a_step_turned_into_a_time_is_the_same_step_again(day: date, hour: int, frequency: str, step: int) -> None:
    clock = clock_of(datetime(day.year, day.month, day.day, hour), frequency)
    time = clock.time_at(step)
    assert steps_of(clock, [time]) == [step]
    assert off_grid(clock, [time]) == [False]
    assert Clock.from_json(json.loads(json.dumps(clock.to_json()))) == clock


@settings(max_examples=50, deadline=None)
@given(anchor=DAYS, step=st.integers(-100, 100))
def test_weeks_begin_on_the_weekday_of_the_anchor(anchor: date, step: int) -> None:
    clock = clock_of(anchor, "1w")
    time = clock.time_at(step)
    assert isinstance(time, date)
    assert time == anchor + timedelta(weeks=step)
    assert off_grid(clock, [time, time + timedelta(days=3)]) == [False, True]
    assert steps_of(clock, [time + timedelta(days=6), time - timedelta(days=1)]) == [step, step - 1]


@pytest.mark.parametrize("months", [1, 3, 12])
@pytest.mark.parametrize("first", [date(2019, 1, 1), date(2019, 1, 15), date(2019, 1, 31), date(2020, 2, 29)])
def test_months_follow_the_calendar_as_sql_counts_them(months: int, first: date) -> None:
    clock = clock_of(first, {1: "1mo", 3: "1q", 12: "1y"}[months])
    with duckdb.connect() as connection:
        query = f"select (date '{first}' + to_months(n * {months}))::date from range(60) t(n)"
        expected = [row[0] for row in connection.execute(query).fetchall()]
    if first.day < 29:  # SQL moves to the last day only where a month is too short
        assert [clock.time_at(step) for step in range(60)] == expected
    assert steps_of(clock, expected) == list(range(60))


@pytest.mark.parametrize("first", [(2023, 1), (2023, 2), (2023, 4), (2024, 2)])
@pytest.mark.parametrize("months", [1, 3])
def test_ends_of_months_are_on_the_grid_wherever_it_begins(first: tuple[int, int], months: int) -> None:
    places = [(first[0] + (first[1] - 1 + at * months) // 12, (first[1] - 1 + at * months) % 12 + 1) for at in range(24)]
    ends = [date(year, month, calendar.monthrange(year, month)[1]) for year, month in places]
    clock = Clock.of(pl.Series(ends), "1mo" if months == 1 else "1q")
    assert not any(off_grid(clock, ends))
    assert [clock.time_at(step) for step in range(24)] == ends
    assert Clock.from_json(json.loads(json.dumps(clock.to_json()))).time_at(5) == ends[5]


def test_whole_numbers_count_from_their_smallest() -> None:
    clock = Clock.of(pl.Series([10, 3, 5]), 2)
    assert (clock.time_at(0), clock.time_at(4)) == (3, 11)
    assert steps_of(clock, [3, 5, 6, 1]) == [0, 1, 1, -1]
    assert off_grid(clock, [5, 6]) == [False, True]


def test_quarters_of_an_hour_and_times_between_them() -> None:
    clock = clock_of(datetime(2024, 2, 28, 23, 45), "15min")
    assert clock.time_at(5) == datetime(2024, 2, 29, 1, 0)
    assert off_grid(clock, [datetime(2024, 2, 29, 1, 0), datetime(2024, 2, 29, 1, 1)]) == [False, True]


def test_days_given_as_datetimes_keep_their_type_and_their_hour() -> None:
    clock = clock_of(datetime(2024, 2, 28, 6), "1d")
    assert clock.time_at(2) == datetime(2024, 3, 1, 6)


@pytest.mark.parametrize(("anchor", "frequency"), [(date(2024, 1, 1), "fortnight"), (5, "1d"), (5, 0), (5, -1)])
def test_a_frequency_that_does_not_suit_the_times_is_one_sentence(anchor: Any, frequency: Any) -> None:
    with pytest.raises(InputError, match="FORECAST-FREQUENCY"):
        clock_of(anchor, frequency)


def items(times: list[Any], key: str = "a") -> pl.DataFrame:
    return pl.DataFrame({"t": times, "k": [key] * len(times)})


def every(first: Any, step: Any, count: int) -> list[Any]:
    return [first + at * step for at in range(count)]


@pytest.mark.parametrize(
    ("times", "frequency"),
    [
        (every(date(2024, 1, 1), timedelta(1), 9), "1d"),
        (every(date(2024, 1, 5), timedelta(7), 9), "1w"),
        (every(date(2024, 1, 5), timedelta(14), 9), "2w"),
        (every(date(2024, 1, 5), timedelta(28), 9), "4w"),
        (every(date(2024, 1, 5), timedelta(91), 9), "13w"),
        (every(datetime(2024, 1, 1), timedelta(minutes=15), 9), "15min"),
        (every(datetime(2024, 1, 1), timedelta(hours=1), 9), "1h"),
        (every(datetime(2024, 1, 1), timedelta(seconds=90), 9), "90s"),
        ([date(2024, month, 1) for month in range(1, 13)], "1mo"),
        ([date(2023, month, calendar.monthrange(2023, month)[1]) for month in range(1, 13)], "1mo"),
        ([date(2023, month, 1) for month in (1, 2)], "1mo"),
        ([date(year, month, 1) for year in (2022, 2023) for month in (1, 4, 7, 10)], "1q"),
        ([date(year, 1, 1) for year in range(2021, 2025)], "1y"),
        ([4, 6, 8, 14], 2),
    ],
)
def test_the_frequency_is_told_from_the_distances(times: list[Any], frequency: Any) -> None:
    assert infer_frequency(items(times), "t", ["k"]) == frequency
    assert infer_frequency(items(times), "t", []) == frequency


def test_the_most_common_distance_within_a_series_counts() -> None:
    # side by side the two series make half days; each alone has days, with a gap and a repeated time
    mornings = [datetime(2024, 1, day, 6) for day in (1, 2, 3, 3, 6, 7)]
    evenings = [datetime(2024, 1, day, 18) for day in (1, 2, 3, 4)]
    assert infer_frequency(pl.concat([items(mornings), items(evenings, "b")]), "t", ["k"]) == "1d"


def test_one_time_is_too_few_to_tell_a_frequency() -> None:
    with pytest.raises(InputError, match="FORECAST-FREQUENCY"):
        infer_frequency(items([date(2024, 1, 1)] * 3), "t", ["k"])


@pytest.mark.parametrize(
    ("frequency", "season", "year"),
    [
        ("1d", 7, 364), ("7d", 1, 52), ("1h", 24, 8736), ("15min", 96, 34944), ("12h", 2, 728), ("1w", 52, 52), ("2w", 26, 26),
        ("4w", 13, 13), ("1mo", 12, 12), ("3mo", 4, 4), ("1q", 4, 4), ("1y", 1, 1), (1, 1, 0), ("1s", 1, 0),
    ],
)  # fmt: skip
def test_seasons_and_years_in_steps(frequency: Any, season: int, year: int) -> None:
    assert (season_of(frequency), year_of(frequency)) == (season, year)
