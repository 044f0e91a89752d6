"""Step 2 for a forecast: every planted fault is found with its count, and clean series raise nothing."""

from __future__ import annotations

import polars as pl
import pytest

from helpers_explore import AHEAD, brief_of, dataset_of, facts_of, query, shops
from sevenstep.data.dataset import Finding
from sevenstep.tasks.forecast.checks import check


def _found(items: pl.DataFrame, *, gaps: str = "missing", **roles: object) -> dict[str, Finding]:
    data = dataset_of(items, facts_of(gaps=gaps), known_ahead=AHEAD, **roles)
    return {finding.code: finding for finding in check(data, brief_of(("sales",)))}


@pytest.fixture(scope="module")
def clean() -> pl.DataFrame:
    return shops(0, series=6, days=200)


def _day(items: pl.DataFrame, number: int) -> pl.Expr:
    return pl.col("day") == items["day"].min() + pl.duration(days=number)


def test_clean_series_raise_nothing(clean: pl.DataFrame) -> None:
    assert _found(clean) == {}


def test_gaps_are_counted_like_sql_counts_them_and_told_by_their_meaning(clean: pl.DataFrame) -> None:
    holes = clean.filter(~((pl.col("shop") < 3) & (pl.col("day").dt.day() == 10)))
    lacking = query(
        """
        SELECT sum(span - n)::INT
        FROM (SELECT date_diff('day', min(day), max(day)) + 1 AS span, count(*) AS n FROM holes GROUP BY shop)
        """,
        holes=holes,
    )
    finding = _found(holes)["FORECAST-GAPS"]
    assert (finding.rows, finding.severity) == (lacking, "warning")
    assert "inside 3 of 6 series" in finding.text and "not recorded" in finding.text
    closed = _found(holes, gaps="closed")["FORECAST-GAPS"]
    assert closed.severity == "info" and "planned closures" in closed.text


def test_two_rows_of_a_series_at_one_time_are_an_error_that_names_the_series(clean: pl.DataFrame) -> None:
    finding = _found(pl.concat([clean, clean.filter((pl.col("shop") == 2) & _day(clean, 5))]))["FORECAST-DUPLICATES"]
    assert (finding.rows, finding.severity, finding.part) == (1, "error", "unique")
    assert finding.text.endswith("shop 2")


def test_times_between_two_steps_are_counted(clean: pl.DataFrame) -> None:
    moved = clean.with_columns(
        pl.col("day").cast(pl.Datetime("us")) + pl.when(_day(clean, 7)).then(pl.duration(hours=5)).otherwise(pl.duration())
    )
    finding = _found(moved)["FORECAST-OFF-GRID"]
    assert finding.rows == 6 and "05:00" in finding.text


def test_late_starts_early_ends_and_short_series_are_told_apart(clean: pl.DataFrame) -> None:
    first = clean["day"].min()
    kept = (
        pl.when(pl.col("shop") == 0).then(pl.col("day") >= first + pl.duration(days=50))
        .when(pl.col("shop") == 1).then(pl.col("day") < first + pl.duration(days=150))
        .when(pl.col("shop") == 2).then(pl.col("day") >= first + pl.duration(days=190))
        .otherwise(True)
    )  # fmt: skip
    found = _found(clean.filter(kept))
    assert found["FORECAST-LATE-START"].rows == 150 + 10
    assert found["FORECAST-ENDED"].text.endswith("shop 1")
    assert found["FORECAST-SHORT"].rows == 10
    assert set(found) == {"FORECAST-LATE-START", "FORECAST-ENDED", "FORECAST-SHORT"}


def test_a_run_of_zeros_in_a_busy_series_is_a_suspected_stockout(clean: pl.DataFrame) -> None:
    days = pl.col("day").is_between(clean["day"].min() + pl.duration(days=90), clean["day"].min() + pl.duration(days=94))
    empty = clean.with_columns(sales=pl.when((pl.col("shop") == 4) & days).then(0.0).otherwise("sales"))
    finding = _found(empty)["FORECAST-STOCKOUT"]
    assert finding.rows == 5 and finding.text.endswith("shop 4")


def test_zeros_of_a_series_that_often_has_none_are_no_stockout(clean: pl.DataFrame) -> None:
    weekends = clean.with_columns(sales=pl.when(pl.col("day").dt.weekday() >= 5).then(0.0).otherwise("sales"))
    assert "FORECAST-STOCKOUT" not in _found(weekends)


def test_a_value_far_above_both_neighbours_is_a_jump_with_its_usual_value(clean: pl.DataFrame) -> None:
    spiked = clean.with_columns(
        sales=pl.when((pl.col("shop") == 3) & _day(clean, 100)).then(pl.col("sales") * 100).otherwise("sales")
    )
    finding = _found(spiked)["FORECAST-JUMPS"]
    assert finding.rows == 1 and "2023-04-12" in finding.text and finding.text.endswith("shop 3")


def test_series_of_zeros_and_series_that_never_change_are_named(clean: pl.DataFrame) -> None:
    flat = clean.with_columns(sales=pl.when(pl.col("shop") == 0).then(0.0).when(pl.col("shop") == 5).then(7.0).otherwise("sales"))
    found = _found(flat)
    assert found["FORECAST-ALL-ZERO"].text.endswith("shop 0") and found["FORECAST-ALL-ZERO"].rows == 200
    assert found["FORECAST-CONSTANT"].text.endswith("shop 5")


def _with_future(clean: pl.DataFrame, first: int = 200) -> pl.DataFrame:
    ahead = clean.filter(pl.col("day") >= clean["day"].max() - pl.duration(days=6))
    later = ahead.with_columns(pl.col("day") + pl.duration(days=7 + first - 200), sales=pl.lit(None, dtype=pl.Float64))
    return pl.concat([clean, later])


def test_open_rows_right_after_the_history_with_all_inputs_raise_nothing(clean: pl.DataFrame) -> None:
    assert _found(_with_future(clean)) == {}


def test_an_input_said_to_be_known_ahead_but_empty_in_open_rows_is_named_with_the_count(clean: pl.DataFrame) -> None:
    items = _with_future(clean).with_columns(degrees=pl.when(pl.col("sales").is_not_null()).then("degrees"))
    finding = _found(items)["FORECAST-FUTURE-INPUT"]
    assert (finding.column, finding.rows, finding.severity) == ("degrees", 42, "warning")
    assert "42 of 42 open rows have no value" in finding.text


def _offer(items: pl.DataFrame, on: pl.Expr) -> pl.DataFrame:
    return items.with_columns(offer=pl.when(on).then(pl.lit("bread")))


def _warned(items: pl.DataFrame) -> bool:
    data = dataset_of(items, facts_of(), known_ahead=(*AHEAD, "offer"))
    return "FORECAST-FUTURE-INPUT" in {finding.code for finding in check(data, brief_of(("sales",)))}


def test_an_input_filled_at_events_only_may_be_empty_as_long_as_it_has_been_before(clean: pl.DataFrame) -> None:
    items = _with_future(clean)
    age = (pl.col("day") - items["day"].min()).dt.total_days()
    past = pl.col("sales").is_not_null()
    # an offer in one week of four, none in the coming one; then one that was there on three days of every week
    assert not _warned(_offer(items, past & (age // 7 % 4 == 0)))
    assert _warned(_offer(items, past & (age % 7 < 3)))


def test_a_past_in_which_an_input_was_not_recorded_yet_is_no_excuse(clean: pl.DataFrame) -> None:
    items = _with_future(clean)
    age = (pl.col("day") - items["day"].min()).dt.total_days()
    assert _warned(_offer(items, pl.col("sales").is_not_null() & (age > 60)))
    assert not _warned(_offer(items, age > 60))


def test_open_rows_after_a_hole_and_rows_without_target_inside_are_found(clean: pl.DataFrame) -> None:
    found = _found(_with_future(clean, first=205).with_columns(sales=pl.when(~_day(clean, 20)).then("sales")))
    assert found["FORECAST-OPEN-APART"].rows == 42 + 6
    assert found["FORECAST-INNER-OPEN"].rows == 6


def test_open_rows_of_a_series_never_seen_are_found(clean: pl.DataFrame) -> None:
    items = _with_future(clean).with_columns(
        shop=pl.when(pl.col("sales").is_null() & (pl.col("shop") == 5)).then(99).otherwise("shop")
    )
    finding = _found(items)["FORECAST-NEW-SERIES"]
    assert finding.rows == 7 and finding.text.endswith("shop 99")


def test_a_level_that_first_occurs_in_open_rows_is_named(clean: pl.DataFrame) -> None:
    kind = pl.when(pl.col("sales").is_null()).then(pl.lit("mega")).otherwise(pl.lit("normal"))
    items = _with_future(clean).with_columns(promo=kind)
    finding = _found(items)["FORECAST-NEW-LEVEL"]
    assert finding.column == "promo" and finding.text.endswith("mega")
