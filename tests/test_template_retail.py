"""What is true of the generated retail world, checked from the outside: from its tables, and against the effects it claims."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from sevenstep.templates.retail import tables
from sevenstep.templates.retail.effects import TrueEffects
from sevenstep.templates.retail.reach import reach_of_orders, reach_of_revenue
from sevenstep.templates.retail.world import World, make_world

DOCS = Path(__file__).parent.parent / "docs" / "generated-retail.md"
FEASTS = ("2024-02-10", "2024-09-17", "2025-01-29", "2025-10-06", "2026-02-17")  # Seollal and Chuseok


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(seed=3, size="small")


@pytest.fixture(scope="module")
def effects(world: World) -> TrueEffects:
    return world.effects


@pytest.fixture(scope="module")
def orders(world: World) -> pl.DataFrame:
    """Orders with what is known of their day, as an analyst would join it."""
    table = tables.orders_table(world).join(tables.products_table(world), on="product")
    joined = table.join(tables.weather_table(world), on=["region", "date"])
    return joined.join(tables.events_table(world), on=["region", "date"], how="left").sort(
        "region", "delivery", "product", "date"
    )


def test_the_two_great_feasts_are_where_an_almanac_has_them(world: World) -> None:
    eves = np.flatnonzero(world.setting.holidays.rush == 1) + 1
    assert [str(world.setting.days.dates[day]) for day in eves] == list(FEASTS)


def test_revenue_is_quantity_times_price_and_every_order_holds_an_item(orders: pl.DataFrame) -> None:
    assert (orders["revenue"] == orders["quantity"] * orders["price"]).all()
    assert (orders["quantity"] >= orders["orders"]).all()
    assert ((orders["quantity"] == 0) == (orders["orders"] == 0)).all()


def test_the_mean_basket_is_the_true_one(world: World, orders: pl.DataFrame, effects: TrueEffects) -> None:
    usual = orders.filter(promotion=0).group_by("product", "delivery").agg(pl.col("quantity").sum() / pl.col("orders").sum())
    for product, delivery, basket in usual.iter_rows():
        assert basket == pytest.approx(effects.products[product].basket * effects.basket[delivery], rel=0.03)


def test_noise_is_overdispersed_as_stated(world: World, effects: TrueEffects) -> None:
    """Method of moments over series and days: the variance of orders wanted around the expectation."""
    level = np.where(world.open, world.expected, np.nan)
    residual = np.nanmean((world.demand - level) ** 2 - level, axis=1) / np.nanmean(level**2, axis=1)
    small = np.nanmean(level, axis=1) < 10
    shared = effects.drift**2 + effects.shock**2
    assert np.median(residual[~small]) == pytest.approx(effects.dispersion + shared, abs=0.012)
    assert np.median(residual[small]) > 3 * np.median(residual[~small])
    assert spearmanr(residual, np.nanmean(level, axis=1)).statistic < -0.6


def test_slow_movers_have_many_days_without_an_order_and_newcomers_start_late(orders: pl.DataFrame, world: World) -> None:
    zeros = orders.group_by("product").agg((pl.col("orders") == 0).mean().alias("share"), pl.col("date").min().alias("first"))
    slow = [product.name for product in world.setting.network.products if product.slow]
    late = [product.name for product in world.setting.network.products if product.launch]
    assert slow and late
    assert zeros.filter(pl.col("product").is_in(slow))["share"].min() > 0.1
    assert zeros.filter(~pl.col("product").is_in(slow))["share"].max() < 0.01
    assert (zeros.filter(pl.col("product").is_in(late))["first"] > pl.date(2024, 6, 1)).all() if False else True
    assert {row["product"] for row in zeros.iter_rows(named=True) if row["first"].isoformat() > "2024-06-01"} == set(late)


def test_stock_runs_out_on_a_few_days_and_only_then_are_sales_below_demand(world: World, orders: pl.DataFrame) -> None:
    recorded = orders.filter(pl.col("stock_end").is_not_null())
    assert 0.01 < (recorded["stock_end"] == 0).mean() < 0.05
    assert (recorded["stock_end"] >= 0).all()
    lost = world.demand - world.orders
    assert (lost >= 0).all()
    assert ((world.supply.stock - world.orders)[lost > 0] == 0).all()
    hidden = orders.group_by("region", "delivery", "product").agg(pl.col("stock_end").is_null().all())["stock_end"]
    assert hidden.mean() == pytest.approx(1 / world.effects.hidden_stock)


def test_stock_runs_out_more_often_in_a_promotion(orders: pl.DataFrame) -> None:
    empty = orders.group_by("promotion").agg((pl.col("stock_end") == 0).mean()).sort("promotion")["stock_end"]
    assert empty[1] > 1.5 * empty[0]


def test_closed_days_have_no_row(orders: pl.DataFrame) -> None:
    assert orders.filter((pl.col("delivery") == "parcel") & (pl.col("date").dt.weekday() == 7)).is_empty()
    days = orders.select(pl.col("date").dt.to_string("iso")).to_series()
    assert not set(days) & {"2024-02-10", "2024-09-17", "2025-01-29", "2025-10-06"}
    assert orders.select("region", "delivery", "product", "date").is_duplicated().sum() == 0


def test_rain_and_a_full_depot_make_deliveries_late(orders: pl.DataFrame, effects: TrueEffects) -> None:
    home = orders.filter(pl.col("delivery") == "home").with_columns(load=pl.col("orders").sum().over("region", "date"))
    usual = home.unique(["region", "date"]).group_by("region").agg(usual=pl.col("load").median())
    home = home.join(usual, on="region")
    regions = [(home["region"] == name).to_numpy().astype(float) for name in home["region"].unique()]
    load = np.log((home["load"].to_numpy() + 1) / (home["usual"].to_numpy() + 1))
    inputs = np.column_stack([np.log1p(home["rain"].to_numpy()), load, *regions])
    rain, by_load = np.linalg.lstsq(inputs, np.log(home["lead_time_hours"].to_numpy()), rcond=None)[0][:2]
    assert (rain, by_load) == pytest.approx((effects.lead_rain["home"], effects.lead_load), abs=0.02)


def test_a_published_temperature_errs_more_the_longer_its_lead(world: World, effects: TrueEffects) -> None:
    forecast = tables.weather_forecast_table(world).with_columns(lead=(pl.col("date") - pl.col("published")).dt.total_days())
    judged = forecast.join(tables.weather_table(world), on=["region", "date"], suffix="_actual")
    miss = pl.col("temperature") - pl.col("temperature_actual")
    rain_miss = (pl.col("rain") - pl.col("rain_actual")).abs()
    by_lead = judged.group_by("lead").agg(miss.pow(2).mean().sqrt().alias("rmse"), rain_miss.mean().alias("rain")).sort("lead")
    assert by_lead["lead"].to_list() == list(range(1, 15))
    assert by_lead["rmse"].to_numpy() == pytest.approx(effects.forecast_error * np.sqrt(np.arange(1, 15)), rel=0.08)
    assert by_lead["rain"].is_sorted()


def test_nothing_is_published_after_the_last_day_of_the_history(world: World, orders: pl.DataFrame) -> None:
    for table in (tables.weather_forecast_table(world), tables.bookings_table(world)):
        assert table["published"].max() == orders["date"].max()
        assert (table["published"] < table["date"]).all()


def test_the_books_fill_as_the_date_comes_near_along_the_pickup_curve(
    world: World, effects: TrueEffects, orders: pl.DataFrame
) -> None:
    books = tables.bookings_table(world).sort("region", "delivery", "product", "date", "published")
    growth = books.select(pl.col("booked").diff().over("region", "delivery", "product", "date")).to_series().drop_nulls()
    assert (growth >= 0).all()
    keys = ["region", "delivery", "product", "date"]
    past = books.join(orders, on=keys).with_columns(lead=(pl.col("date") - pl.col("published")).dt.total_days())
    assert (past["booked"] <= past["orders"]).all()
    share = past.group_by("delivery", "lead").agg(pl.col("booked").sum() / pl.col("orders").sum())
    for delivery, lead, booked in share.iter_rows():
        assert booked == pytest.approx(np.exp(-lead / effects.pickup_days[delivery]), abs=0.01)


def test_the_plan_covers_the_two_weeks_after_the_history_without_outcomes(world: World, orders: pl.DataFrame) -> None:
    plan = tables.plan_table(world)
    assert plan.columns == ["date", "region", "delivery", "product", "price", "promotion"]
    assert (plan["date"].min() - orders["date"].max()).days == 1
    assert (plan["date"].max() - orders["date"].max()).days == 14
    future = tables.future_table(world)
    assert future.select(plan.columns).equals(plan)
    assert future.drop("event", "booked").null_count().sum_horizontal().item() == 0


def test_goals_lie_between_the_true_expectation_and_the_naive_rule(world: World) -> None:
    for reach in (reach_of_orders(world), reach_of_revenue(world)):
        assert reach.oracle < reach.goal < reach.naive
        assert reach.goal * 200 == pytest.approx(round(reach.goal * 200))


def test_the_naive_rule_agrees_with_a_join_on_dates(world: World, orders: pl.DataFrame) -> None:
    """The slow twin: for each scored row, look up the newest earlier row of the same series and weekday before its window."""
    last = orders["date"].max()
    age = (pl.lit(last) - pl.col("date")).dt.total_days()
    eve = pl.lit(last) - pl.duration(days=14 * (age // 14 + 1))
    scored = (
        orders.filter(age < 70).with_columns(eve.alias("before"), pl.col("date").dt.weekday().alias("weekday")).sort("before")
    )
    past = orders.select("region", "delivery", "product", "orders", known="date", weekday=pl.col("date").dt.weekday()).sort(
        "known"
    )
    keys = ["region", "delivery", "product", "weekday"]
    joined = scored.join_asof(past, left_on="before", right_on="known", by=keys, suffix="_naive", check_sortedness=False)
    wape = (joined["orders"] - joined["orders_naive"]).abs().sum() / joined["orders"].sum()
    assert reach_of_orders(world).naive == pytest.approx(wape)


def test_one_seed_is_one_world_and_another_seed_another(world: World) -> None:
    assert tables.orders_table(make_world(3)).equals(tables.orders_table(world))
    assert not tables.orders_table(make_world(4)).equals(tables.orders_table(world))


@pytest.mark.parametrize(("size", "series"), [("small", 36), ("medium", 405), ("large", 2040)])
def test_sizes_have_the_series_they_promise(size: str, series: int) -> None:
    from sevenstep.templates.retail.network import make_network

    network = make_network(0, size)
    assert network.series == series
    assert len({product.name for product in network.products}) == len(network.products)
    assert {product.temperature_class for product in network.products} == {"frozen", "chilled", "ambient"}


def test_every_column_is_documented(world: World) -> None:
    text = DOCS.read_text(encoding="utf-8")
    made = [getattr(tables, name)(world) for name in tables.__all__]
    for column in {column for table in made for column in table.columns}:
        assert f"`{column}`" in text, column
