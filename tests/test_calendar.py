"""The calendar knows holidays, bridge days and moving events, and finds the same event of last year."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import polars as pl
import pytest

from sevenstep.data.calendar_features import calendar_features, week_features
from sevenstep.data.calendars import country_code, holiday_table, weekend_of
from sevenstep.errors import InputError


def on(day: date, country: str, subdivision: str | None = None, **more: dict[date, str]) -> dict[str, object]:
    return calendar_features(pl.Series([day]), country, subdivision, **more).row(0, named=True)


def week(day: date, country: str, **more: object) -> dict[str, object]:
    return week_features(pl.Series([day]), country, **more).row(0, named=True)  # type: ignore[arg-type]


# Korean holidays as published by the Korea Astronomy and Space Science Institute (monthly almanac).
SEOLLAL = [date(2022, 2, 1), date(2023, 1, 22), date(2024, 2, 10), date(2025, 1, 29)]
CHUSEOK = [date(2022, 9, 10), date(2023, 9, 29), date(2024, 9, 17), date(2025, 10, 6)]


@pytest.mark.parametrize(("event", "days"), [("korean_new_year", SEOLLAL), ("chuseok", CHUSEOK)])
def test_the_lunar_holidays_of_korea_lie_where_the_almanac_puts_them(event: str, days: list[date]) -> None:
    table = holiday_table("KR", None, date(2022, 1, 1), date(2025, 12, 31)).filter(pl.col("event") == event)
    assert table.filter(pl.col("event_day") == 0)["date"].to_list() == days
    assert set(table["event_day"]) >= {-1, 0, 1}


def test_substitute_days_belong_to_the_event_they_stand_in_for() -> None:
    table = holiday_table("KR", None, date(2024, 2, 12), date(2024, 5, 6)).filter("substitute")
    assert table.select("date", "event", "event_day").rows() == [
        (date(2024, 2, 12), "korean_new_year", 2),
        (date(2024, 5, 6), "childrens_day", 1),
    ]


def test_the_same_day_of_the_same_event_last_year_is_found_although_the_moon_moved_it() -> None:
    for event in (SEOLLAL, CHUSEOK):
        for before, after in pairwise(event):
            for offset in (-1, 0, 1):
                assert on(after + timedelta(offset), "KR")["last_year"] == before + timedelta(offset)


def test_an_ordinary_day_is_compared_with_the_same_weekday_a_year_ago() -> None:
    before = on(date(2024, 7, 3), "DE")["last_year"]
    assert before == date(2023, 7, 5)


def test_the_week_around_easter_is_compared_with_the_week_around_easter() -> None:
    easters = [date(2013, 3, 31), date(2014, 4, 20), date(2015, 4, 5), date(2016, 3, 27)]  # table of the church
    for before, after in pairwise(easters):
        for away in range(-9, 9):  # from a week before Good Friday to a week after Easter Monday
            assert on(after + timedelta(away), "DE")["last_year"] == before + timedelta(away)


def test_days_beside_a_holiday_that_changes_its_weekday_are_compared_with_the_same_weekday() -> None:
    for day in (date(2025, 12, 18), date(2025, 12, 23), date(2025, 12, 29)):
        assert on(day, "DE")["last_year"] == day - timedelta(364)


def test_days_to_an_event_that_moves_are_told_apart_from_those_to_any_day_off() -> None:
    before_easter, before_may = on(date(2015, 4, 1), "DE"), on(date(2015, 4, 29), "DE")
    assert before_easter["days_until_holiday"] == before_may["days_until_holiday"] == 2
    assert (before_easter["days_until_easter_sunday"], before_may["days_until_easter_sunday"]) == (4, 14)
    assert (before_easter["days_since_easter_sunday"], on(date(2015, 4, 8), "DE")["days_since_easter_sunday"]) == (14, 3)
    assert "days_until_christmas_day" not in before_easter  # always the same day of the year


@pytest.mark.parametrize("country", ["CN", "DE", "US", "KR"])
def test_the_columns_are_those_of_the_country_whatever_days_are_asked_for(country: str) -> None:
    long = calendar_features(pl.Series([date(2022, 1, 1), date(2025, 8, 1)]), country)
    short = calendar_features(pl.Series([date(2025, 8, 2), date(2025, 8, 15)]), country)  # Easter 2026 is Qingming in China
    assert short.columns == long.columns


def test_easter_is_one_also_where_it_falls_on_another_day_off() -> None:
    assert on(date(2026, 4, 1), "CN")["days_until_easter_sunday"] == 4
    row = on(date(2026, 4, 1), "DE", extra={date(2026, 4, 5): "Inventory"})
    assert (row["days_until_easter_sunday"], row["feast"], row["last_year"]) == (4, True, date(2025, 4, 16))


def test_two_holidays_on_one_day_are_both_in_the_table() -> None:
    events = holiday_table("KR", None, date(2025, 5, 5), date(2025, 5, 5))["event"].to_list()
    assert events == ["buddhas_birthday", "childrens_day"]
    assert on(date(2026, 5, 24), "KR")["last_year"] == date(2025, 5, 5)


def test_a_subdivision_has_holidays_of_its_own() -> None:
    assert on(date(2015, 1, 6), "DE", "BY")["holiday_name"] == "Epiphany"
    assert on(date(2015, 1, 6), "DE")["holiday"] is False


def test_a_bridge_day_lies_alone_between_days_off() -> None:
    after_ascension, before_unity = date(2015, 5, 15), date(2017, 10, 2)
    assert on(after_ascension, "DE")["bridge_day"] is True
    assert on(before_unity, "DE")["bridge_day"] is True
    assert on(date(2015, 5, 13), "DE")["bridge_day"] is False


def test_the_length_of_a_run_of_days_off_is_that_of_the_whole_run() -> None:
    assert [on(date(2015, 4, 2) + timedelta(n), "DE")["free_run"] for n in range(6)] == [0, 4, 4, 4, 4, 0]


def test_days_to_the_nearest_holidays_are_capped_at_two_weeks() -> None:
    row = on(date(2015, 12, 22), "DE")
    assert (row["days_until_holiday"], row["days_since_holiday"]) == (3, 14)
    assert on(date(2015, 12, 24), "DE")["before_holiday"] is True
    assert on(date(2015, 12, 27), "DE")["after_holiday"] is True
    assert on(date(2015, 12, 25), "DE")["days_until_holiday"] == 0


def test_the_place_in_week_month_and_year_is_that_of_the_standard_library() -> None:
    days = [date(2019, 12, 20) + timedelta(n) for n in range(420)]
    features = calendar_features(pl.Series(days), "DE")
    assert features["weekday"].to_list() == [day.isoweekday() for day in days]
    assert features["week"].to_list() == [day.isocalendar().week for day in days]
    assert features["day_of_year"].to_list() == [day.timetuple().tm_yday for day in days]
    assert features["quarter"].to_list() == [(day.month - 1) // 3 + 1 for day in days]
    month_ends = [(day.replace(day=28) + timedelta(4)).replace(day=1) - timedelta(1) for day in days]
    assert features["days_to_month_end"].to_list() == [(end - day).days for end, day in zip(month_ends, days, strict=True)]


def test_features_come_in_the_order_of_the_days_given_with_repeats_and_nulls() -> None:
    days = pl.Series([date(2024, 12, 25), date(2024, 1, 2), None, date(2024, 12, 25)])
    assert calendar_features(days, "DE")["holiday"].to_list() == [True, False, None, True]


def test_days_off_of_ones_own_are_added() -> None:
    row = on(date(2024, 7, 3), "DE", extra={date(2024, 7, 3): "Stocktaking"})
    assert (row["holiday"], row["event"]) == (True, "stocktaking")


def test_a_retail_observance_is_an_event_but_no_day_off() -> None:
    black_friday = on(date(2012, 11, 23), "US")
    assert (black_friday["event"], black_friday["holiday"]) == ("black_friday", False)
    assert black_friday["last_year"] == date(2011, 11, 25)


@pytest.mark.parametrize(
    ("year", "day"), [(2010, 7), (2011, 6), (2012, 5), (2013, 3), (2021, 7), (2022, 13), (2023, 12), (2024, 11), (2025, 9)]
)
def test_the_super_bowl_lies_where_it_was_played(year: int, day: int) -> None:
    table = holiday_table("US", None, date(year, 1, 1), date(year, 12, 31)).filter(pl.col("event") == "super_bowl")
    assert table["date"].to_list() == [date(year, 2, day)]


@pytest.mark.parametrize("day", [date(2000, 4, 23), date(2011, 4, 24), date(2024, 3, 31), date(2038, 4, 25)])
def test_easter_lies_where_the_table_of_the_church_puts_it(day: date) -> None:
    table = holiday_table("US", None, date(day.year, 1, 1), date(day.year, 12, 31)).filter(pl.col("event") == "easter_sunday")
    assert table["date"].to_list() == [day]


def test_a_week_named_by_its_last_day_holds_the_event_of_the_days_before() -> None:
    """The four holiday weeks of the Walmart data, named by their Fridays."""
    weeks = {date(2010, 2, 12): "super_bowl", date(2010, 9, 10): "labor_day", date(2010, 11, 26): "thanksgiving_day"}
    weeks |= {date(2010, 12, 31): "christmas_day", date(2012, 2, 10): "super_bowl", date(2011, 12, 30): "christmas_day"}
    features = week_features(pl.Series(list(weeks)), "US", label="end")
    assert features["event"].to_list() == list(weeks.values())


def test_the_weekday_of_christmas_tells_two_christmas_weeks_apart() -> None:
    assert [
        week(date(year, 12, 31) if year == 2010 else date(year, 12, 30), "US", label="end")["christmas_day_weekday"]
        for year in (2010, 2011)
    ] == [1, 2]


def test_weeks_to_the_next_event_are_counted() -> None:
    row = week(date(2011, 11, 7), "US")
    assert (row["weeks_until_thanksgiving_day"], row["weeks_until_christmas_day"], row["weeks_since_labor_day"]) == (2, 6, 8)
    assert week(date(2011, 11, 28), "US")["weeks_since_thanksgiving_day"] == 1


def test_days_off_and_working_days_of_a_week_add_up() -> None:
    row = week(date(2015, 12, 21), "DE")
    assert (row["holidays"], row["working_days"]) == (1, 4)
    assert (week(date(2024, 9, 16), "KR")["holidays"], week(date(2024, 9, 16), "KR")["event"]) == (3, "chuseok")


def test_the_weekend_is_that_of_the_country() -> None:
    assert weekend_of("DE") == {6, 7}
    assert weekend_of("SA") == {5, 6}


def test_a_country_is_known_by_code_or_name() -> None:
    assert [country_code(name) for name in ("de", "Germany", "south korea", "USA")] == ["DE", "DE", "KR", "US"]


@pytest.mark.parametrize(("given", "fix"), [("Germny", "did you mean 'Germany'?"), ("XX", "choose one of")])
def test_an_unknown_country_is_named_with_the_one_probably_meant(given: str, fix: str) -> None:
    with pytest.raises(InputError) as caught:
        holiday_table(given, None, date(2024, 1, 1), date(2024, 12, 31))
    assert caught.value.code == "CALENDAR-COUNTRY"
    assert fix in caught.value.sentence()


def test_an_unknown_subdivision_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        holiday_table("DE", "Bayern", date(2024, 1, 1), date(2024, 12, 31))
    assert "'Bayern' is no part of DE" in caught.value.sentence()
