"""The effects the generated retail world claims are found again in its tables by plain least squares."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from sevenstep.templates.retail import tables
from sevenstep.templates.retail.effects import TrueEffects
from sevenstep.templates.retail.world import World, make_world

FEASTS = ("2024-02-10", "2024-09-17", "2025-01-29", "2025-10-06", "2026-02-17")  # Seollal and Chuseok
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def joined_orders(world: World) -> pl.DataFrame:
    """Orders with what is known of their day, as an analyst would join it."""
    table = tables.orders_table(world).join(tables.products_table(world), on="product")
    joined = table.join(tables.weather_table(world), on=["region", "date"])
    return joined.join(tables.events_table(world), on=["region", "date"], how="left").sort(
        "region", "delivery", "product", "date"
    )


def plain_rows(orders: pl.DataFrame) -> pl.DataFrame:
    """Rows of large, long-running series with a record of stock, on which nothing ran out: log orders are nearly normal there."""
    series = ("region", "delivery", "product")
    large = pl.col("orders").mean().over(series) > 20
    long_and_large = large & (pl.col("date").min().over(series) == pl.col("date").min())
    return orders.filter(long_and_large & (pl.col("stock_end") > 0) & (pl.col("orders") > 0))


def regress(rows: pl.DataFrame, inputs: dict[str, np.ndarray]) -> dict[str, float]:
    """Least squares of log orders on ``inputs``, a level per series, a yearly wave per place and a trend per delivery type."""
    day = (rows["date"] - rows["date"].min()).dt.total_days().to_numpy()
    angle = 2 * np.pi * day / 365.25
    columns = list(inputs.values())
    series = rows.select(pl.concat_str("region", "delivery", "product")).to_series()
    columns += [(series == name).to_numpy() for name in series.unique(maintain_order=True)]
    place = rows.select(pl.concat_str("region", "product")).to_series()
    columns += [(place == name).to_numpy() * wave for name in place.unique() for wave in (np.cos(angle), np.sin(angle))]
    columns += [(rows["delivery"] == name).to_numpy() * day for name in rows["delivery"].unique()]
    solution = np.linalg.lstsq(np.column_stack(columns).astype(float), np.log(rows["orders"].to_numpy()), rcond=None)[0]
    return dict(zip(inputs, solution, strict=False))


def standard_inputs(rows: pl.DataFrame) -> dict[str, np.ndarray]:
    """All that is known of a day, one column per effect; weekdays are measured against Wednesday."""
    inputs: dict[str, np.ndarray] = {}
    holiday = rows["date"].is_in(korean_holidays()).to_numpy()
    for name in sorted(rows["delivery"].unique()):
        mine = (rows["delivery"] == name).to_numpy()
        inputs |= {
            f"{name}-{day}": mine * (rows["date"].dt.weekday() == number + 1).to_numpy()
            for number, day in enumerate(WEEKDAYS)
            if day != "wed" and not (name == "parcel" and day == "sun")
        }
        inputs[f"{name}-rain"] = mine * np.log1p(rows["rain"].to_numpy())
        inputs[f"{name}-holiday"] = mine * holiday
        inputs |= {
            f"{name}-{event}": mine * (rows["event"] == event).fill_null(False).to_numpy() for event in ("festival", "road_works")
        }
    for name in rows["temperature_class"].unique().sort():
        inputs[f"{name}-temperature"] = (rows["temperature_class"] == name).to_numpy() * rows["temperature"].to_numpy() / 10
    return inputs | feast_inputs(rows) | product_inputs(rows)


def feast_inputs(rows: pl.DataFrame) -> dict[str, np.ndarray]:
    gap = rows["date"].to_numpy()[:, None] - np.array(FEASTS, dtype="datetime64[D]")
    days = gap.astype("timedelta64[D]").astype(int)
    rush = np.where((days < 0) & (days > -8), (8 + days) / 7, 0.0).max(axis=1)
    classes = {
        f"{name}-rush": (rows["temperature_class"] == name).to_numpy() * rush for name in rows["temperature_class"].unique()
    }
    return classes | {"aftermath": ((days > 0) & (days < 4)).any(axis=1)}


def product_inputs(rows: pl.DataFrame) -> dict[str, np.ndarray]:
    near = rows.join(neighbours(rows), on=["region", "product", "date"], how="left", maintain_order="left")
    relative = np.log(rows["price"].to_numpy() / rows["list_price"].to_numpy())
    inputs: dict[str, np.ndarray] = {}
    for name in rows["product"].unique().sort():
        mine = (rows["product"] == name).to_numpy()
        inputs |= {
            f"{name}-lift": mine * rows["promotion"].to_numpy(),
            f"{name}-before": mine * near["before"].to_numpy(),
            f"{name}-after": mine * near["after"].to_numpy(),
            f"{name}-price": mine * relative,
        }
    return inputs


def neighbours(rows: pl.DataFrame) -> pl.DataFrame:
    """By region, product and day: whether a promotion starts within 3 days, or ended within 5, read off the promotion column."""
    daily = rows.group_by("region", "product", "date").agg(pl.col("promotion").max()).sort("date")
    full = (
        daily.group_by("region", "product")
        .agg(pl.date_range(pl.col("date").min(), pl.col("date").max()).alias("date"))
        .explode("date")
    )
    daily = full.join(daily, on=["region", "product", "date"], how="left").sort("region", "product", "date")
    on = pl.col("promotion").forward_fill().over("region", "product")
    ahead = pl.max_horizontal(on.shift(-gap).over("region", "product").fill_null(0) for gap in (1, 2, 3))
    behind = pl.max_horizontal(on.shift(gap).over("region", "product").fill_null(0) for gap in (1, 2, 3, 4, 5))
    before = ahead * (1 - on)
    return daily.with_columns(before=before, after=behind * (1 - on) * (1 - before)).drop("promotion")


def korean_holidays() -> list[date]:
    import holidays

    return sorted(holidays.country_holidays("KR", years=range(2024, 2027)))


def true_values(effects: TrueEffects) -> dict[str, float]:
    """What `regress` should find, under the names of `standard_inputs`."""
    values = {"aftermath": effects.aftermath}
    for name, pattern in effects.weekday.items():
        values |= {f"{name}-{day}": pattern[number] - pattern[2] for number, day in enumerate(WEEKDAYS)}
        values |= {f"{name}-rain": effects.rain[name], f"{name}-holiday": effects.holiday[name]}
        values |= {f"{name}-{kind}": by_delivery[name] for kind, by_delivery in effects.event.items()}
    for name in effects.temperature:
        values |= {f"{name}-temperature": effects.temperature[name], f"{name}-rush": effects.lead_up[name]}
    for name, product in effects.products.items():
        dips = {f"{name}-before": -effects.pre_dip * product.lift, f"{name}-after": -effects.post_dip * product.lift}
        values |= {f"{name}-lift": product.lift, f"{name}-price": product.elasticity} | dips
    return values


@pytest.fixture(scope="module")
def misses() -> dict[str, float]:
    """Estimate minus truth of every effect, the mean over four worlds."""
    found = []
    for seed in (3, 4, 5, 6):
        world = make_world(seed)
        rows, truth = plain_rows(joined_orders(world)), true_values(world.effects)
        found.append({name: value - truth[name] for name, value in regress(rows, standard_inputs(rows)).items()})
    return {name: float(np.mean([miss[name] for miss in found])) for name in found[0]}


# Each tolerance is about four standard errors of the mean over four worlds, as measured over twice as many others.
@pytest.mark.parametrize(
    ("effect", "tolerance", "count"),
    [
        ("rain", 0.008, 3), ("mon", 0.02, 3), ("sat", 0.021, 3), ("sun", 0.02, 2), ("holiday", 0.05, 3), ("festival", 0.04, 3),
        ("road_works", 0.07, 3), ("temperature", 0.03, 2), ("rush", 0.06, 2), ("lift", 0.06, 2), ("price", 0.26, 2),
        ("before", 0.02, 2), ("after", 0.02, 2),
    ],
)  # fmt: skip
def test_a_regression_on_rows_that_were_not_sold_out_finds_the_true_effect(
    misses: dict[str, float], effect: str, tolerance: float, count: int
) -> None:
    named = {name: miss for name, miss in misses.items() if name.endswith(f"-{effect}")}
    assert len(named) == count
    assert max(abs(miss) for miss in named.values()) < tolerance, named


def test_a_regression_finds_the_quiet_after_a_feast(misses: dict[str, float]) -> None:
    assert abs(misses["aftermath"]) < 0.035
