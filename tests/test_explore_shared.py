"""The profile on real sets: known figures come out, clean sets are not called leaky, and it does not take long."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from helpers_explore import brief_of, facts_of, query
from sevenstep.data.dataset import Dataset, Roles
from sevenstep.tasks.forecast.checks import check
from sevenstep.tasks.forecast.explore import explore

DATA = Path(__file__).parents[2] / "shared" / "data"
pytestmark = [pytest.mark.shared, pytest.mark.skipif(not DATA.is_dir(), reason="the real data sets are not beside the checkout")]


@pytest.fixture(scope="module")
def rossmann() -> Dataset:
    folder = DATA / "rossmann"
    rows = pl.concat(
        [pl.read_parquet(folder / "train.parquet"), pl.read_parquet(folder / "test_features.parquet")], how="diagonal"
    )
    rows = rows.join(pl.read_parquet(folder / "store.parquet").cast({"Store": pl.Int32}), on="Store", how="left")
    ahead = ("DayOfWeek", "Open", "Promo", "StateHoliday", "SchoolHoliday")
    static = ("StoreType", "Assortment", "CompetitionDistance")
    kept = rows.select("Store", "Date", "Sales", "Customers", *ahead, *static).sort("Store", "Date")
    roles = Roles(("Sales", "Customers"), "Date", {}, ("Store",), ("StoreType", "Assortment"), ahead, static, ())
    return Dataset({"items": kept}, roles, facts_of(gaps="closed"))


def _bike(drop: bool) -> Dataset:
    rows = pl.read_parquet(DATA / "bike_sharing" / "hour_train.parquet")
    hour = pl.col("dteday").cast(pl.Datetime("us")) + pl.duration(hours=pl.col("hr"))
    rows = rows.with_columns(hour.alias("time")).drop("instant", "dteday", "hr", *(("casual", "registered") if drop else ()))
    ahead = ("holiday", "workingday", "weathersit", "temp", "atemp", "hum", "windspeed")
    observed = tuple(name for name in rows.columns if name not in (*ahead, "time", "cnt"))
    return Dataset(
        {"items": rows.sort("time")}, Roles(("cnt",), "time", {}, (), (), ahead, (), observed), facts_of("1h", 24, 8736)
    )


def _leaks(found: Any) -> list[Any]:
    return [leak for facts in found.facts["targets"].values() for leak in facts["leaks"]]


def test_rossmann_promotions_sell_more_and_nothing_leaks(rossmann: Dataset) -> None:
    start = time.process_time()
    found = explore(rossmann, brief_of(("Sales", "Customers"), calendar={"country": "DE"}))
    assert time.process_time() - start < 16  # seconds of all cores; well under 8 by the clock on a free machine
    promotion = found.facts["targets"]["Sales"]["events"][0]
    rows = rossmann.items.filter(pl.col("Sales").is_not_null())
    by_sql = query(
        """
        SELECT sum(d * w) / sum(w) FROM (
            SELECT avg(ln(Sales)) FILTER (Promo = 1) - avg(ln(Sales)) FILTER (Promo = 0) AS d,
                   count(*) FILTER (Promo = 1) * count(*) FILTER (Promo = 0) / count(*) AS w
            FROM rows GROUP BY Store, dayofweek(Date), year(Date), quarter(Date)) WHERE w > 0
        """,
        rows=rows,
    )
    assert promotion["column"] == "Promo"
    assert promotion["effect"] == pytest.approx(by_sql, abs=0.02)
    assert _leaks(found) == []
    assert found.recipe["targets"]["Sales"]["events"][0] == "Promo"
    assert found.recipe["targets"]["Sales"]["closures"] and found.recipe["targets"]["Sales"]["year"] == 364


def test_rossmann_is_checked_in_a_few_seconds(rossmann: Dataset) -> None:
    start = time.process_time()
    findings = {finding.code: finding for finding in check(rossmann, brief_of(("Sales", "Customers")))}
    assert time.process_time() - start < 8
    assert set(findings) == {"FORECAST-GAPS", "FORECAST-LATE-START"}
    assert findings["FORECAST-GAPS"].severity == "info"


def test_bike_has_two_seasons_and_a_working_day_that_reshapes_them() -> None:
    found = explore(_bike(drop=True), brief_of(("cnt",)))
    assert found.recipe["targets"]["cnt"]["seasons"] == [24, 168]
    assert found.recipe["targets"]["cnt"]["events"] == ["workingday"]
    assert _leaks(found) == []


def test_bike_riders_by_kind_add_up_to_the_target_and_are_called_leaks() -> None:
    leaks = {(leak["column"], leak["kind"]) for leak in _leaks(explore(_bike(drop=False), brief_of(("cnt",))))}
    assert {("casual", "sum"), ("registered", "sum")} <= leaks


def test_m4_hourly_has_a_season_of_a_day_and_one_of_a_week() -> None:
    rows = pl.read_parquet(DATA / "m4" / "hourly_train.parquet").sort("unique_id", "t")
    data = Dataset({"items": rows}, Roles(("y",), "t", {}, ("unique_id",)), facts_of(1, 24, 0, clock="each"))
    found = explore(data, brief_of(("y",)))
    assert found.recipe["targets"]["y"]["seasons"] == [24, 168]
    assert found.recipe["targets"]["y"]["year"] == 0 and _leaks(found) == []


def test_walmart_weeks_around_christmas_and_thanksgiving_stand_out_and_nothing_leaks() -> None:
    folder = DATA / "walmart_weekly"
    rows = pl.read_parquet(folder / "train.parquet").join(pl.read_parquet(folder / "stores.parquet"), on="Store", how="left")
    features = pl.read_parquet(folder / "features.parquet").drop("IsHoliday")
    rows = rows.join(features, on=["Store", "Date"], how="left").sort("Store", "Dept", "Date")
    ahead = ("IsHoliday", *(name for name in features.columns if name not in ("Store", "Date")))
    roles = Roles(("Weekly_Sales",), "Date", {}, ("Store", "Dept"), ("Type",), ahead, ("Type", "Size"), ())
    found = explore(
        Dataset({"items": rows}, roles, facts_of("1w", 52, 52)), brief_of(("Weekly_Sales",), calendar={"country": "US"})
    )
    facts = found.facts["targets"]["Weekly_Sales"]
    high = {effect["name"] for effect in facts["holiday_effects"] if effect["low"] > 0.15}
    assert {"the week before Christmas Day", "the week of Thanksgiving Day"} <= high
    assert found.recipe["targets"]["Weekly_Sales"]["seasons"] == [52] and _leaks(found) == []
