"""Intake turns what a spec names into one clean table, sets bad rows aside with the reason, and writes down what it did."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from sevenstep.data.intake import Intake, intake
from sevenstep.errors import InputError
from sevenstep.spec.sources import Data

DAYS = [date(2024, 1, 1) + timedelta(n) for n in range(30)]


def take(
    base: Path, text: str | None = None, targets: tuple[str, ...] = ("y",), *, one_row: bool | None = None, **data: Any
) -> Intake:
    """Take in ``text`` as main.csv, or the sources given."""
    if text is not None:
        (base / "main.csv").write_text(text, encoding="utf-8")
    sources = data.pop("sources", {"main": {"path": "main.csv"}})
    return intake(Data(sources=sources, **data), base, targets, one_row_per_time=one_row)


def refused(base: Path, code: str, *arguments: Any, **data: Any) -> str:
    with pytest.raises(InputError) as caught:
        take(base, *arguments, **data)
    assert caught.value.code == code
    return caught.value.sentence()


def numbered(values: list[str], header: str = "y") -> str:
    """A file of one key, k, and one column of ``values``; semicolons, so that values may hold commas."""
    return f"k;{header}\n" + "".join(f"{n};{value}\n" for n, value in enumerate(values))


def said(taken: Intake, what: str) -> str:
    return " | ".join(entry["text"] for entry in taken.record if entry["what"] == what)


# Names


def test_a_target_that_is_no_column_is_named_with_the_one_probably_meant(tmp_path: Path) -> None:
    assert "'Sale' is not a column of the data" in refused(tmp_path, "DATA-NO-TARGET", "day,Sales\n1,2\n", ("Sale",))
    assert "did you mean 'Sales'?" in refused(tmp_path, "DATA-NO-TARGET", "day,Sales\n1,2\n", ("Sale",))


def test_time_series_segments_and_dropped_columns_must_be_there(tmp_path: Path) -> None:
    text = "day,shop,y\n2024-01-01,a,1\n"
    assert "did you mean 'day'?" in refused(tmp_path, "DATA-NO-TIME", text, time="days")
    assert "did you mean 'shop'?" in refused(tmp_path, "DATA-NO-SERIES", text, series=["shp"])
    assert "data.segments" in refused(tmp_path, "DATA-NO-COLUMN", text, segments=["region"])
    assert "data.drop" in refused(tmp_path, "DATA-NO-COLUMN", text, drop=["region"])


def test_a_column_in_use_cannot_be_dropped(tmp_path: Path) -> None:
    assert "take 'y' out of data.drop" in refused(tmp_path, "DATA-DROP", "a,y\n1,2\n", drop=["y"])


# Numbers


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["1.234,5", "12,25", "7"], [1234.5, 12.25, 7.0]),
        (["1,234", "12,345,678", "7"], [1234, 12345678, 7]),
        (["1,234.5", "12.25", "7"], [1234.5, 12.25, 7.0]),
        ([" 12 ", "7", "+3"], [12, 7, 3]),
        (["€ 5", "7 €", "3"], [5, 7, 3]),
        (["(12)", "7-", "-3"], [-12, -7, -3]),
        (["1 234,5", "2\u00a0000,0", "3,0"], [1234.5, 2000.0, 3.0]),
        (["1e3", ".5", "2."], [1000.0, 0.5, 2.0]),
    ],
)
def test_numbers_written_as_text_are_read(tmp_path: Path, texts: list[str], numbers: list[float]) -> None:
    taken = take(tmp_path, numbered(texts))
    assert taken.items["y"].to_list() == numbers
    assert taken.quarantine.is_empty()


def test_decimal_commas_are_recorded(tmp_path: Path) -> None:
    assert "decimal commas" in said(take(tmp_path, numbered(["1,5", "2,25"])), "converted")


def test_a_comma_that_could_mean_either_is_told(tmp_path: Path) -> None:
    taken = take(tmp_path, numbered(["1,234", "2,345"]))
    assert taken.items["y"].to_list() == [1234, 2345]
    assert "both 1,234 = 1234 and 1,234 = 1.234 fit" in said(taken, "converted")


def test_text_among_the_numbers_of_the_target_costs_its_row(tmp_path: Path) -> None:
    taken = take(tmp_path, numbered(["1", "2", "oops", "4"]))
    assert taken.items["y"].to_list() == [1, 2, 4]
    aside = taken.quarantine.row(0, named=True)
    assert (aside["source"], aside["row"], aside["column"], aside["code"]) == ("main", 3, "y", "DATA-UNREADABLE")
    assert aside["reason"] == "the value of 'y' cannot be read as integer"
    assert aside["values"] == '{"k":"2","y":"oops"}'


def test_text_among_the_numbers_of_an_input_becomes_null_with_a_record(tmp_path: Path) -> None:
    text = "x,y\n" + "".join(f"{n},1\n" for n in range(40)) + "oops,1\n"
    taken = take(tmp_path, text)
    assert taken.items["x"].null_count() == 1
    assert taken.items["x"].dtype == pl.Int64
    assert "1 could not be read, such as 'oops'" in said(taken, "converted")
    assert taken.quarantine.is_empty()


def test_the_usual_marks_for_missing_are_null_among_numbers_and_stay_among_words(tmp_path: Path) -> None:
    taken = take(tmp_path, "x,w,y\n1,none,1\nN/A,some,2\n-,none,3\n4,some,4\n")
    assert taken.items["x"].to_list() == [1, None, None, 4]
    assert taken.items["w"].to_list() == ["none", "some", "none", "some"]


def test_missing_codes_of_the_spec_are_null_in_any_column(tmp_path: Path) -> None:
    taken = take(tmp_path, "x,w,y\n-999,?,1\n5,b,2\n", missing=["?", -999])
    assert taken.items.rows() == [(None, None, 1), (5, "b", 2)]


def test_codes_with_leading_zeros_stay_text(tmp_path: Path) -> None:
    assert take(tmp_path, "zip,y\n01067,1\n10115,2\n").items["zip"].to_list() == ["01067", "10115"]


def test_a_column_of_one_number_and_many_letters_stays_text(tmp_path: Path) -> None:
    text = "holiday,y\n" + "0,1\n" * 97 + "a,1\nb,1\nc,1\n"
    assert take(tmp_path, text).items["holiday"].dtype == pl.String


def test_a_target_of_words_stays_words(tmp_path: Path) -> None:
    assert take(tmp_path, "x,y\n1,true\n2,false\n3,true\n").items["y"].to_list() == ["true", "false", "true"]


def test_true_and_false_become_booleans_and_yes_and_no_where_the_spec_says_so(tmp_path: Path) -> None:
    text = "a,b,c,y\nTrue,yes,no,1\nfalse,no,yes,2\n"
    items = take(tmp_path, text, types={"b": "boolean"}).items
    assert items.rows() == [(True, True, "no", 1), (False, False, "yes", 2)]


def test_a_usual_mark_for_no_value_is_missing_where_the_spec_says_boolean(tmp_path: Path) -> None:
    taken = take(tmp_path, "b,y\nyes,1\nn/a,2\nno,3\n", types={"b": "boolean"})
    assert taken.items["b"].to_list() == [True, None, False]
    assert "could not be read" not in said(taken, "converted")
    told = said(take(tmp_path, "b,y\nyes,1\nperhaps,2\nno,3\n", types={"b": "boolean"}), "converted")
    assert "1 could not be read, such as 'perhaps'" in told


def test_the_spec_decides_the_type(tmp_path: Path) -> None:
    text = "a,b,c,y\n1,2.0,x,1\n2,3.0,5,2\n"
    items = take(tmp_path, text, types={"a": "text", "b": "integer", "c": "number"}).items
    assert items.rows() == [("1", 2, None, 1), ("2", 3, 5.0, 2)]


def test_infinities_cost_the_row_in_the_target_and_become_null_elsewhere(tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": [1.0, float("inf"), 3.0], "y": [1.0, 2.0, float("-inf")], "z": [float("nan"), 1.0, 2.0]})
    frame.write_parquet(tmp_path / "main.parquet")
    taken = take(tmp_path, sources={"main": {"path": "main.parquet"}})
    assert taken.items.rows() == [(1.0, 1.0, None), (None, 2.0, 1.0)]
    assert taken.quarantine["column"].to_list() == ["y"]
    assert "'x' from number to number: 1 infinite values" in said(taken, "converted")


def test_types_of_files_become_the_canonical_ones(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [1], "b": [1.5], "c": ["x"], "d": [datetime(2024, 1, 1)], "e": [timedelta(seconds=90)], "y": [1]})
    frame = frame.cast({"a": pl.UInt8, "b": pl.Float32, "c": pl.Categorical, "d": pl.Datetime("ns"), "y": pl.Decimal(10, 2)})
    frame.write_parquet(tmp_path / "main.parquet")
    items = take(tmp_path, sources={"main": {"path": "main.parquet"}}).items
    assert items.dtypes == [pl.Int64, pl.Float64, pl.String, pl.Datetime("us"), pl.Float64, pl.Float64]
    assert items["e"].to_list() == [90.0]


def test_a_column_without_any_value_is_dropped_with_a_record(tmp_path: Path) -> None:
    taken = take(tmp_path, "x,empty,y\n1,,1\n2,,2\n")
    assert taken.items.columns == ["x", "y"]
    assert "column 'empty' has no value in any row" in said(taken, "dropped")


def test_a_target_without_any_value_is_refused(tmp_path: Path) -> None:
    assert "'y' has no value in any row" in refused(tmp_path, "DATA-TARGET-EMPTY", "x,y\n1,\n2,\n")


def test_negative_values_come_in_as_they_are(tmp_path: Path) -> None:
    assert take(tmp_path, numbered(["5", "-3"])).items["y"].to_list() == [5, -3]


# Times


@pytest.mark.parametrize(
    "texts",
    [
        ["2024-01-31", "2024-02-01"], ["31.01.2024", "01.02.2024"], ["2024/1/31", "2024/2/1"], ["20240131", "20240201"],
        ["31/01/2024", "01/02/2024"], ["01/31/2024", "02/01/2024"], ["31 Jan 2024", "1 February 2024"],
        ["2024년 1월 31일", "2024.2.1"], ["Jan 31, 2024", "2024-02-01"],
    ],
)  # fmt: skip
def test_dates_are_read_in_the_usual_forms(tmp_path: Path, texts: list[str]) -> None:
    text = f"t;y\n{texts[0]};1\n{texts[1]};2\n"
    assert take(tmp_path, text, time="t").items["t"].to_list() == [date(2024, 1, 31), date(2024, 2, 1)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-W05", date(2024, 1, 29)),
        ("2020-W53-7", date(2021, 1, 3)),
        ("2024Q2", date(2024, 4, 1)),
        ("2024-02", date(2024, 2, 1)),
    ],
)
def test_weeks_quarters_and_months_stand_for_their_first_day(tmp_path: Path, text: str, expected: date) -> None:
    assert take(tmp_path, f"t,y\n{text},1\n", time="t").items["t"].to_list() == [expected]


def test_a_week_agrees_with_the_iso_calendar_of_the_standard_library(tmp_path: Path) -> None:
    weeks = [f"{year}-W{week:02d}" for year in (2019, 2020, 2021) for week in range(1, 53)]
    items = take(tmp_path, "t,y\n" + "".join(f"{week},1\n" for week in weeks), time="t").items
    assert [f"{day.isocalendar().year}-W{day.isocalendar().week:02d}" for day in items["t"]] == weeks
    assert {day.isoweekday() for day in items["t"]} == {1}


def test_day_and_month_that_could_be_either_are_told(tmp_path: Path) -> None:
    taken = take(tmp_path, "t,y\n01/02/2024,1\n03/04/2024,2\n", time="t")
    assert taken.items["t"].to_list() == [date(2024, 2, 1), date(2024, 4, 3)]
    assert "day/month and month/day both fit" in said(taken, "converted")


def test_integers_that_spell_dates_are_dates_and_plain_steps_stay_steps(tmp_path: Path) -> None:
    pl.DataFrame({"t": [20240131, 20240201], "y": [1, 2]}).write_parquet(tmp_path / "main.parquet")
    assert take(tmp_path, sources={"main": {"path": "main.parquet"}}, time="t").items["t"].dtype == pl.Date
    assert take(tmp_path, "t,y\n2,1\n1,2\n", time="t").items["t"].to_list() == [1, 2]


def test_a_time_that_cannot_be_read_costs_its_row(tmp_path: Path) -> None:
    taken = take(tmp_path, "t,y\n2024-01-01,1\nsoon,2\n2024-02-30,3\n,4\n", time="t")
    assert taken.items["y"].to_list() == [1]
    assert taken.quarantine["code"].to_list() == ["DATA-UNREADABLE", "DATA-UNREADABLE", "DATA-NO-IDENTITY"]


def test_nothing_but_unreadable_times_is_refused(tmp_path: Path) -> None:
    assert "all 2 rows were set aside" in refused(tmp_path, "DATA-NOTHING-LEFT", "t,y\nsoon,1\nlater,2\n", time="t")


def test_times_of_several_zones_become_utc_with_a_record(tmp_path: Path) -> None:
    taken = take(tmp_path, "t,y\n2024-01-01T09:00:00+09:00,1\n2024-01-01T01:00:00Z,2\n", time="t")
    assert taken.items["t"].to_list() == [datetime(2024, 1, 1, 0), datetime(2024, 1, 1, 1)]
    assert "times of 2 offsets are converted to UTC" in said(taken, "converted")


def test_times_of_several_zones_are_converted_to_the_zone_of_the_spec(tmp_path: Path) -> None:
    text = "t,y\n2024-01-01T09:00:00+09:00,1\n2024-07-01T00:00:00Z,2\n2024-07-01 12:00,3\n"
    items = take(tmp_path, text, time="t", timezone="Europe/Berlin").items
    assert items["t"].to_list() == [datetime(2024, 1, 1, 1), datetime(2024, 7, 1, 2), datetime(2024, 7, 1, 12)]


def test_times_with_and_without_a_zone_are_refused_where_none_is_given(tmp_path: Path) -> None:
    text = "t,y\n2024-01-01T09:00:00+09:00,1\n2024-01-01T09:00:00,2\n"
    assert "set data.timezone" in refused(tmp_path, "DATA-TIME-ZONES", text, time="t")


def test_a_typed_time_with_a_zone_is_converted(tmp_path: Path) -> None:
    frame = pl.DataFrame({"t": [datetime(2024, 1, 1, 12)], "y": [1]}).with_columns(pl.col("t").dt.replace_time_zone("UTC"))
    frame.write_parquet(tmp_path / "main.parquet")
    taken = take(tmp_path, sources={"main": {"path": "main.parquet"}}, time="t", timezone="Asia/Seoul")
    assert taken.items["t"].to_list() == [datetime(2024, 1, 1, 21)]


def test_time_is_composed_from_a_date_and_an_hour(tmp_path: Path) -> None:
    taken = take(
        tmp_path, "d,h,y\n2024-01-01,0,1\n2024-01-01,23,2\n2024-01-01,24,3\n2024-01-01,25,4\n", time={"date": "d", "hour": "h"}
    )
    assert taken.items["time"].to_list() == [datetime(2024, 1, 1), datetime(2024, 1, 1, 23), datetime(2024, 1, 2)]
    assert taken.time == "time"
    assert taken.time_parts == {"date": "d", "hour": "h"}
    assert taken.quarantine["reason"].to_list() == ["its d and h make no time"]


@pytest.mark.parametrize(
    ("parts", "row", "expected"),
    [
        ({"year": "a", "month": "b", "day": "c"}, "2024,2,29", date(2024, 2, 29)),
        ({"year": "a", "week": "b"}, "2024,5,0", date(2024, 1, 29)),
        ({"year": "a", "quarter": "b"}, "2024,4,0", date(2024, 10, 1)),
        ({"date": "a", "time": "b"}, "2024-01-01,13:45:30,0", datetime(2024, 1, 1, 13, 45, 30)),
    ],
)
def test_time_is_composed_from_other_parts(tmp_path: Path, parts: dict[str, str], row: str, expected: date) -> None:
    assert take(tmp_path, f"a,b,c,y\n{row},1\n", time=parts).items["time"].to_list() == [expected]


def test_parts_without_a_date_and_a_second_time_column_are_refused(tmp_path: Path) -> None:
    assert "needs a date or a year" in refused(tmp_path, "DATA-TIME-PARTS", "h,y\n1,1\n", time={"hour": "h"})
    assert "rename the column" in refused(tmp_path, "DATA-TIME-PARTS", "time,d,y\n1,2024-01-01,1\n", time={"date": "d"})


# Identity


def test_copies_are_dropped_and_contradictions_set_aside(tmp_path: Path) -> None:
    text = "s,t,y\na,2024-01-01,1\na,2024-01-01,1\na,2024-01-02,2\na,2024-01-02,3\nb,2024-01-01,4\n"
    taken = take(tmp_path, text, time="t", series=["s"])
    assert taken.items["y"].to_list() == [1, 2, 4]
    assert "1 copy of other rows" in said(taken, "dropped")
    assert taken.quarantine.select("row", "code").rows() == [(4, "DATA-DUPLICATE")]
    assert taken.quarantine["reason"][0] == "an earlier row has the same s and t with other values"


def test_a_row_to_predict_gives_way_to_one_with_the_target(tmp_path: Path) -> None:
    taken = take(tmp_path, "t,y\n2024-01-01,\n2024-01-01,5\n", time="t", one_row=True)
    assert taken.items["y"].to_list() == [5]


def test_rows_at_the_same_time_are_kept_where_time_is_only_a_property(tmp_path: Path) -> None:
    assert take(tmp_path, "t,y\n2024-01-01,1\n2024-01-01,2\n", time="t").items.height == 2


def test_rows_without_a_key_are_set_aside(tmp_path: Path) -> None:
    taken = take(tmp_path, "s,t,y\na,2024-01-01,1\n,2024-01-01,2\n", time="t", series=["s"])
    assert taken.quarantine["reason"].to_list() == ["the row has no 's'"]


def test_rows_come_in_the_order_of_keys_and_time(tmp_path: Path) -> None:
    text = "s,t,y\nb,2024-01-02,4\na,2024-01-02,2\nb,2024-01-01,3\na,2024-01-01,1\n"
    assert take(tmp_path, text, time="t", series=["s"]).items["y"].to_list() == [1, 2, 3, 4]


def test_taking_in_twice_gives_the_same(tmp_path: Path) -> None:
    text = "s,t,y\n" + "".join(f"{n % 7},{DAYS[n % 30]},{n}\n" for n in range(300))
    first, second = (take(tmp_path, text, time="t", series=["s"]) for _ in range(2))
    assert_frame_equal(first.items, second.items)
    assert_frame_equal(first.quarantine, second.quarantine)
    assert first.record == second.record


# Joins


def shop(base: Path) -> None:
    rows = [{"Shop": n % 3, "Day": day, "y": n} for n, day in enumerate(DAYS)]
    pl.DataFrame(rows).cast({"Shop": pl.Int32}).write_parquet(base / "sales.parquet")
    pl.DataFrame({"Id": [0, 1], "size": [10.0, 20.0]}).write_parquet(base / "shops.parquet")
    pl.DataFrame({"Day": DAYS, "rain": [float(n) for n in range(30)]}).write_parquet(base / "weather.parquet")


def test_sources_are_joined_as_sql_would(tmp_path: Path) -> None:
    shop(tmp_path)
    sources = {"sales": {"path": "sales.parquet"}, "shops": {"path": "shops.parquet", "on": {"Shop": "Id"}}}
    sources["weather"] = {"path": "weather.parquet", "on": ["Day"], "columns": ["rain"]}
    taken = take(tmp_path, sources=sources, time="Day", series=["Shop"])
    query = """SELECT s.Shop::BIGINT AS Shop, s.Day, s.y, p.size, w.rain FROM '{0}/sales.parquet' s
        LEFT JOIN '{0}/shops.parquet' p ON s.Shop = p.Id LEFT JOIN '{0}/weather.parquet' w ON s.Day = w.Day ORDER BY 1, 2"""
    assert taken.items.rows() == duckdb.connect().execute(query.format(tmp_path)).fetchall()
    assert taken.source_columns == {"sales": ["Shop", "Day", "y"], "shops": ["size"], "weather": ["rain"]}
    assert "33.3 % of the rows find no match" in said(taken, "joined")


def joining(right: pl.DataFrame, base: Path, **source: Any) -> dict[str, Any]:
    shop(base)
    right.write_parquet(base / "right.parquet")
    return {"sales": {"path": "sales.parquet"}, "right": {"path": "right.parquet", **source}}


def test_a_key_that_occurs_twice_is_refused_by_name(tmp_path: Path) -> None:
    sources = joining(pl.DataFrame({"Shop": [0, 1, 1], "size": [1, 2, 3]}), tmp_path, on=["Shop"])
    assert "source 'right' has 2 unlike rows for Shop = 1" in refused(tmp_path, "JOIN-NOT-UNIQUE", sources=sources)


def test_a_key_whose_rows_are_copies_counts_once(tmp_path: Path) -> None:
    taken = take(tmp_path, sources=joining(pl.DataFrame({"Shop": [0, 1, 1], "size": [1, 2, 2]}), tmp_path, on=["Shop"]))
    assert taken.items.height == 30
    assert "1 copy of other rows of 'right'" in said(taken, "dropped")


def test_keys_that_are_not_there_are_named_on_either_side(tmp_path: Path) -> None:
    right = pl.DataFrame({"Shop": [0, 1], "size": [1, 2]})
    assert "which the main source does not have" in refused(
        tmp_path, "JOIN-NO-KEY", sources=joining(right, tmp_path, on=["size"])
    )
    sources = joining(right, tmp_path, on={"Shop": "Shopp"})
    assert "did you mean 'Shop'?" in refused(tmp_path, "JOIN-NO-KEY", sources=sources)


def test_a_source_without_on_is_refused_with_the_shared_columns(tmp_path: Path) -> None:
    sources = joining(pl.DataFrame({"Shop": [0], "size": [1]}), tmp_path)
    assert "add on: [Shop]" in refused(tmp_path, "JOIN-NO-ON", sources=sources)


def test_a_join_without_any_match_is_refused_with_examples(tmp_path: Path) -> None:
    sources = joining(pl.DataFrame({"Shop": ["S0", "S1"], "size": [1, 2]}), tmp_path, on=["Shop"])
    assert "keys here like 0, there like S0" in refused(tmp_path, "JOIN-NO-MATCH", sources=sources)


def test_keys_of_text_and_number_match_where_they_read_the_same(tmp_path: Path) -> None:
    taken = take(tmp_path, sources=joining(pl.DataFrame({"Shop": ["0", "1", "2a"], "size": [1, 2, 3]}), tmp_path, on=["Shop"]))
    assert taken.items["size"].null_count() == 10
    assert taken.items["Shop"].dtype == pl.Int64


def test_keys_that_cannot_be_compared_are_refused(tmp_path: Path) -> None:
    sources = joining(pl.DataFrame({"Day": [1, 2], "size": [1, 2]}), tmp_path, on=["Day"])
    assert "keys must be of one type" in refused(tmp_path, "JOIN-TYPE", sources=sources, time="Day")


def test_hourly_rows_join_a_daily_source_by_their_day(tmp_path: Path) -> None:
    hours = [datetime(2024, 1, 1) + timedelta(hours=12 * n) for n in range(4)]
    pl.DataFrame({"t": hours, "y": range(4)}).write_parquet(tmp_path / "main.parquet")
    pl.DataFrame({"t": DAYS[:2], "rain": [1.0, 2.0]}).write_parquet(tmp_path / "rain.parquet")
    taken = take(tmp_path, sources={"m": {"path": "main.parquet"}, "rain": {"path": "rain.parquet", "on": ["t"]}}, time="t")
    assert taken.items["rain"].to_list() == [1.0, 1.0, 2.0, 2.0]
    assert taken.items.columns == ["t", "y", "rain"]


def test_a_clashing_column_is_renamed_and_one_that_says_the_same_left_out(tmp_path: Path) -> None:
    right = pl.DataFrame({"Day": DAYS, "y": [9] * 30, "Shop": [n % 3 for n in range(30)]})
    taken = take(tmp_path, sources=joining(right, tmp_path, on=["Day"]))
    assert taken.items.columns == ["Shop", "Day", "y", "y_right"]
    assert "'y' of 'right' becomes 'y_right'" in said(taken, "renamed")
    assert "'Shop_right' says the same as 'Shop'" in said(taken, "dropped")


def test_a_clash_that_cannot_be_renamed_is_refused(tmp_path: Path) -> None:
    right = pl.DataFrame({"Day": DAYS, "y": [9] * 30, "y_right": [1] * 30})
    assert "choose with 'columns'" in refused(tmp_path, "JOIN-CLASH", sources=joining(right, tmp_path, on=["Day"]))


# As of


def vintages(base: Path) -> dict[str, Any]:
    main = pl.DataFrame({"shop": ["a"] * 4 + ["b"] * 4, "t": DAYS[:4] * 2, "y": range(8)})
    main.write_parquet(base / "main.parquet")
    known = pl.DataFrame(
        {
            "shop": ["a", "a", "a", "b"],
            "published": [DAYS[1], DAYS[2], DAYS[9], DAYS[3]],
            "price": [1.0, 2.0, 9.0, 5.0],
        }
    )
    known.sample(fraction=1, shuffle=True, seed=3).write_parquet(base / "prices.parquet")
    return {"main": {"path": "main.parquet"}, "prices": {"path": "prices.parquet", "on": ["shop"], "published": "published"}}


def test_an_as_of_join_gives_what_had_been_published_at_the_time(tmp_path: Path) -> None:
    taken = take(tmp_path, sources=vintages(tmp_path), time="t", series=["shop"])
    assert taken.items["price"].to_list() == [None, 1.0, 2.0, 2.0, None, None, None, 5.0]
    query = """SELECT m.y, p.price FROM '{0}/main.parquet' m ASOF LEFT JOIN '{0}/prices.parquet' p
        ON m.shop = p.shop AND m.t >= p.published ORDER BY m.shop, m.t"""
    assert taken.items.select("y", "price").rows() == duckdb.connect().execute(query.format(tmp_path)).fetchall()


def forecasts(base: Path, suffix: str) -> dict[str, Any]:
    """Weather forecasts for two regions and three days, published one and two days ahead and again on the day after."""
    main = pl.DataFrame({"region": ["n"] * 3 + ["s"] * 3, "day": DAYS[2:5] * 2, "y": range(6)})
    told = [
        {
            "place": place,
            "target_day": DAYS[at],
            "issued": DAYS[at + after],
            "degrees": 100.0 * (place == "s") + 10.0 * at + after,
        }
        for place in "ns"
        for at in (2, 3, 4)
        for after in (-2, -1, 1)
    ]
    weather = pl.DataFrame(told).sample(fraction=1, shuffle=True, seed=3)
    write = {"csv": pl.DataFrame.write_csv, "parquet": pl.DataFrame.write_parquet}[suffix]
    write(main, base / f"main.{suffix}")
    write(weather, base / f"weather.{suffix}")
    on = {"region": "place", "day": "target_day"}
    return {"main": {"path": f"main.{suffix}"}, "weather": {"path": f"weather.{suffix}", "on": on, "published": "issued"}}


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_of_several_forecasts_for_a_day_the_newest_published_by_then_is_joined(tmp_path: Path, suffix: str) -> None:
    taken = take(tmp_path, sources=forecasts(tmp_path, suffix), time="day", series=["region"])
    assert taken.items["degrees"].to_list() == [19.0, 29.0, 39.0, 119.0, 129.0, 139.0]
    query = """SELECT m.y, w.degrees FROM '{0}/main.{1}' m ASOF LEFT JOIN '{0}/weather.{1}' w
        ON m.region = w.place AND m.day = w.target_day AND m.day >= w.issued ORDER BY m.region, m.day"""
    assert taken.items.select("y", "degrees").rows() == duckdb.connect().execute(query.format(tmp_path, suffix)).fetchall()
    assert taken.items.columns == ["region", "day", "y", "degrees"]
    assert len(taken.tables["weather"]) == 18


def test_hourly_rows_take_the_forecasts_for_their_day(tmp_path: Path) -> None:
    hours = [datetime(2024, 1, 3, hour) for hour in (6, 12, 18)]
    pl.DataFrame({"t": hours, "y": [1, 2, 3]}).write_parquet(tmp_path / "main.parquet")
    issued = [datetime(2024, 1, 2, 12), datetime(2024, 1, 3, 10), datetime(2024, 1, 3, 20)]
    told = {"for_day": [date(2024, 1, 3)] * 3, "issued": issued, "degrees": [1.0, 2.0, 3.0]}
    pl.DataFrame(told).write_parquet(tmp_path / "weather.parquet")
    source = {"path": "weather.parquet", "on": {"t": "for_day"}, "published": "issued"}
    taken = take(tmp_path, sources={"main": {"path": "main.parquet"}, "weather": source}, time="t")
    assert taken.items["degrees"].to_list() == [1.0, 2.0, 2.0]


def test_all_vintages_are_kept_for_backtests(tmp_path: Path) -> None:
    taken = take(tmp_path, sources=vintages(tmp_path), time="t", series=["shop"])
    assert taken.tables["prices"]["price"].to_list() == [1.0, 2.0, 9.0, 5.0]


def test_a_row_published_later_on_the_same_day_is_not_known_at_its_start(tmp_path: Path) -> None:
    pl.DataFrame({"t": DAYS[:2], "y": [1, 2]}).write_parquet(tmp_path / "main.parquet")
    pl.DataFrame({"p": [datetime(2024, 1, 1, 8)], "x": [7.0]}).write_parquet(tmp_path / "x.parquet")
    sources = {"main": {"path": "main.parquet"}, "x": {"path": "x.parquet", "published": "p"}}
    assert take(tmp_path, sources=sources, time="t").items["x"].to_list() == [None, 7.0]


def test_an_as_of_join_needs_a_time_and_one_row_per_publication(tmp_path: Path) -> None:
    assert "set data.time" in refused(tmp_path, "JOIN-NO-TIME", sources=vintages(tmp_path))
    twice = pl.DataFrame({"shop": ["a", "a"], "published": [DAYS[0]] * 2, "price": [1.0, 2.0]})
    sources = vintages(tmp_path)
    twice.write_parquet(tmp_path / "prices.parquet")
    assert "2 unlike rows for shop = a" in refused(tmp_path, "JOIN-NOT-UNIQUE", sources=sources, time="t")


# Real data


@pytest.mark.shared
def test_rossmann_comes_in_whole_with_its_joins() -> None:
    folder = Path(__file__).parents[2] / "shared" / "data" / "rossmann"
    if not folder.is_dir():
        pytest.skip("the shared data sets are not beside the checkout")
    sources = {
        "sales": {"path": ["train.parquet", "test_features.parquet"]},
        "stores": {"path": "store.parquet", "on": ["Store"]},
        "states": {"path": "store_states.parquet", "on": ["Store"]},
        "weather": {"path": "weather.parquet", "on": {"State": "StateCode", "Date": "Date"}, "columns": ["Mean_TemperatureC"]},
    }
    taken = intake(Data.model_validate({"sources": sources, "time": "Date", "series": ["Store"]}), folder, ["Sales", "Customers"])
    assert taken.items.height == 804_056 + 40_282
    assert taken.quarantine.is_empty()
    query = f"""SELECT sum(Sales), avg(Mean_TemperatureC) FROM '{folder}/train.parquet'
        JOIN '{folder}/store_states.parquet' USING (Store)
        LEFT JOIN '{folder}/weather.parquet' w ON w.StateCode = State AND w.Date = train.Date"""
    ((total, warmth),) = duckdb.connect().execute(query).fetchall()
    known = taken.items.filter(pl.col("Sales").is_not_null())
    assert known["Sales"].sum() == total
    assert known["Mean_TemperatureC"].mean() == pytest.approx(warmth, rel=1e-9)
