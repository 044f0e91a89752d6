"""The world as the tables a grocer would export: history with actuals, plans without, and what stands beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from sevenstep.templates.retail.bookings import BOOKING_LEADS
from sevenstep.templates.retail.days import HORIZON
from sevenstep.templates.retail.events import EVENTS
from sevenstep.templates.retail.network import DELIVERIES, SIZES
from sevenstep.templates.retail.weather import LEADS
from sevenstep.templates.retail.world import World
from sevenstep.templates.streams import Floats, Integers

__all__ = [
    "bookings_table", "events_table", "future_table", "orders_table", "plan_table", "products_table", "weather_ahead_table",
    "weather_forecast_table", "weather_table",
]  # fmt: skip


def orders_table(world: World) -> pl.DataFrame:
    """One row per series and open day of the history, with what came of it; sorted by day, then series."""
    day, series = _rows(world, slice(0, world.setting.days.history))
    stock_end = pl.Series("stock_end", (world.supply.stock - world.orders)[series, day])
    recorded = pl.Series("recorded", world.supply.recorded[series])
    return _plan(world, day, series).with_columns(
        pl.Series("orders", world.orders[series, day]),
        pl.Series("quantity", world.quantity[series, day]),
        pl.Series("revenue", (world.quantity * world.price)[series, day]),
        pl.Series("lead_time_hours", world.lead_time_hours[series, day]),
        pl.when(recorded).then(stock_end).alias("stock_end"),
    )


def plan_table(world: World) -> pl.DataFrame:
    """The open days of the coming two weeks: price and promotion are planned, the actuals are still to come."""
    return _plan(world, *_rows(world, slice(world.setting.days.history, None)))


def products_table(world: World) -> pl.DataFrame:
    """One row per product with what never changes."""
    products = world.setting.network.products
    return pl.DataFrame({
        "product": [product.name for product in products],
        "temperature_class": [product.temperature_class for product in products],
        "list_price": [world.effects.products[product.name].list_price for product in products],
        "pack_grams": [product.pack_grams for product in products],
        "shelf_life_days": [product.shelf_life_days for product in products],
    })  # fmt: skip


def weather_table(world: World) -> pl.DataFrame:
    """The weather that was, by region and day of the history."""
    weather, history = world.setting.weather, world.setting.days.history
    region, day = _grid(len(weather.rain), history)
    return _weather(world, region, day, weather.temperature[region, day], weather.rain[region, day])


def weather_ahead_table(world: World) -> pl.DataFrame:
    """The newest forecast of the coming two weeks, in the columns of `weather_table`."""
    weather, history = world.setting.weather, world.setting.days.history
    region, lead = _grid(len(weather.rain), HORIZON)
    day = history + lead
    temperature, rain = weather.forecast_temperature[region, day, lead], weather.forecast_rain[region, day, lead]
    return _weather(world, region, day, temperature, rain)


def weather_forecast_table(world: World) -> pl.DataFrame:
    """Every forecast published up to the last day of the history, one to fourteen days before its date."""
    weather, days = world.setting.weather, world.setting.days
    region, day, lead = (axis.ravel() for axis in np.indices((len(weather.rain), days.total, LEADS)))
    known = day - (lead + 1) < days.history
    region, day, lead = region[known], day[known], lead[known]
    temperature, rain = weather.forecast_temperature[region, day, lead], weather.forecast_rain[region, day, lead]
    table = _weather(world, region, day, temperature, rain)
    return table.insert_column(2, pl.Series("published", days.dates[day] - (lead + 1)))


def events_table(world: World) -> pl.DataFrame:
    """The local events, past and to come, by region and day; days without any have no row."""
    region, day = np.nonzero(world.setting.events)
    return pl.DataFrame([
        _names("region", [area.name for area in world.setting.network.regions], region),
        pl.Series("date", world.setting.days.dates[day]),
        _names("event", EVENTS, world.setting.events[region, day]),
    ])  # fmt: skip


def bookings_table(world: World) -> pl.DataFrame:
    """What was booked of each date's orders on the days it was published, up to the last day of the history."""
    days, booked = world.setting.days, world.bookings.booked
    first = days.total - SIZES[world.size].booking_days
    row, day, position = (axis.ravel() for axis in np.indices((len(booked), days.total - first, len(BOOKING_LEADS))))
    day, published = day + first, day + first - np.array(BOOKING_LEADS)[position]
    kept = (published < days.history) & world.open[world.bookings.series[row], day]
    row, day, position, published = row[kept], day[kept], position[kept], published[kept]
    return _series_columns(world, world.bookings.series[row]).with_columns(
        pl.Series("date", days.dates[day]),
        pl.Series("published", days.dates[0] + published),
        pl.Series("booked", booked[row, day, position]),
    )


def future_table(world: World) -> pl.DataFrame:
    """The plan with products, weather, bookings and events joined: rows as ``sevenstep predict --input`` takes them."""
    joined = plan_table(world).join(products_table(world), on="product", how="left", maintain_order="left")
    for table in (weather_ahead_table(world), events_table(world)):
        joined = joined.join(table, on=["region", "date"], how="left", maintain_order="left")
    newest = bookings_table(world).sort("published").group_by(*_BOOKED, maintain_order=True).agg(pl.col("booked").last())
    return joined.join(newest, on=_BOOKED, how="left", maintain_order="left")


_BOOKED = ["region", "delivery", "product", "date"]


def _rows(world: World, window: slice) -> tuple[Integers, Integers]:
    """Day and series of each open cell in the window, by day, then series."""
    day, series = np.nonzero(world.open[:, window].T)
    return day + (window.start or 0), series


def _plan(world: World, day: Integers, series: Integers) -> pl.DataFrame:
    promotion = world.setting.promotions.on[world.setting.network.place]
    return (
        _series_columns(world, series)
        .insert_column(0, pl.Series("date", world.setting.days.dates[day]))
        .with_columns(
            pl.Series("price", world.price[series, day]),
            pl.Series("promotion", promotion[series, day].astype(np.int64)),
        )
    )


def _series_columns(world: World, series: Integers) -> pl.DataFrame:
    network = world.setting.network
    return pl.DataFrame([
        _names("region", [region.name for region in network.regions], network.region[series]),
        _names("delivery", DELIVERIES, network.delivery[series]),
        _names("product", [product.name for product in network.products], network.product[series]),
    ])  # fmt: skip


def _weather(world: World, region: Integers, day: Integers, temperature: Floats, rain: Floats) -> pl.DataFrame:
    return pl.DataFrame([
        _names("region", [area.name for area in world.setting.network.regions], region),
        pl.Series("date", world.setting.days.dates[day]),
        pl.Series("temperature", temperature),
        pl.Series("rain", rain),
    ])  # fmt: skip


def _names(column: str, names: Sequence[str], positions: Integers) -> pl.Series:
    return pl.Series(column, names, dtype=pl.String).gather(positions)


def _grid(rows: int, columns: int) -> tuple[Integers, Integers]:
    row, column = np.indices((rows, columns))
    return row.ravel(), column.ravel()
