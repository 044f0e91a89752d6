"""Published inputs: look-ups are those of SQL, no origin sees what was published later, and final values show as optimism."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from forecast_worlds import facts, plain_recipe
from sevenstep.data.dataset import Dataset, Roles
from sevenstep.data.vintages import Vintages
from sevenstep.tasks.forecast.feasibility.sample import Effort
from sevenstep.tasks.forecast.features.history import Asked
from sevenstep.tasks.forecast.features.published import expected_from, without_published
from sevenstep.tasks.forecast.features.table import features_for
from sevenstep.tasks.forecast.optimism import FINAL, IN_TIME, measure
from sevenstep.tasks.forecast.panel import Panel, Settings, build_panel

START = date(2023, 1, 2)
DAYS, AHEAD, LEADS = 240, 7, (1, 2, 4, 7)


def world(seed: int = 0, shops: int = 12) -> Dataset:
    """Orders driven by a temperature whose forecasts are poor far ahead, and a share of which is booked before."""
    generator = np.random.default_rng(seed)
    total = DAYS + AHEAD
    warm = generator.normal(0, 1, total)
    mean = 60 * np.exp(0.25 * np.sin(2 * np.pi * np.arange(total) / 7) + 0.4 * warm) * generator.uniform(0.5, 2, (shops, 1))
    orders = generator.poisson(mean * np.exp(generator.normal(0, 0.2, mean.shape)))
    weather, bookings = [], []
    for day in range(total):
        for lead in LEADS:
            if day - lead < DAYS:
                said = float(warm[day] + generator.normal(0, 0.5 * lead))
                weather.append({"day": day, "published": day - lead, "warm": said})
    for shop in range(shops):
        for day in range(total):
            left = int(orders[shop, day])
            for lead in LEADS:
                left = int(generator.binomial(left, np.exp(-lead / 6)))
                if day - lead < DAYS:
                    bookings.append({"shop": shop, "day": day, "published": day - lead, "booked": left})
    tables = {"weather": dated(pl.DataFrame(weather)), "bookings": dated(pl.DataFrame(bookings))}
    shop, day = (axis.ravel() for axis in np.indices(orders.shape))
    items = pl.DataFrame({"shop": shop, "day": day, "y": orders.ravel()})
    items = dated(items).with_columns(pl.when(pl.col("day") < START + timedelta(DAYS)).then(pl.col("y")).alias("y"))
    told = {
        "weather": {"on": {"day": "day"}, "published": "published", "columns": {"warm": "warm"}},
        "bookings": {"on": {"shop": "shop", "day": "day"}, "published": "published", "columns": {"booked": "booked"}},
    }
    given = facts() | {"published": {"value": told, "reason": "spec"}}
    for name, how in told.items():
        one = Vintages(tables[name], how["on"], "published", how["columns"])  # type: ignore[arg-type]
        items = items.hstack(one.at(items, items["day"]))
    roles = Roles(("y",), "day", keys=("shop",), known_ahead=("warm", "booked"))
    return Dataset({"items": items.sort("shop", "day"), **tables}, roles, given)


def dated(frame: pl.DataFrame) -> pl.DataFrame:
    """Counted days as dates."""
    names = [name for name in ("day", "published") if name in frame.columns]
    return frame.with_columns((pl.lit(START) + pl.duration(days=pl.col(name))).alias(name) for name in names)


def panel_of(data: Dataset) -> Panel:
    return build_panel(data, Settings.of(data))


def asked_of(panel: Panel, seed: int = 1, count: int = 400) -> tuple[Asked, np.ndarray[Any, Any]]:
    """Rows of the past with origins up to ten steps before."""
    generator = np.random.default_rng(seed)
    rows = generator.choice(np.flatnonzero((panel.steps > 40) & (panel.steps <= panel.end)), count, replace=False)
    origin = panel.steps[rows] - generator.integers(1, 11, count).astype(np.int32)
    return Asked(panel.series[rows], panel.steps[rows], origin.astype(np.int32)), rows.astype(np.int64)


def test_every_look_up_is_that_of_sql() -> None:
    data = world()
    panel = panel_of(data)
    asked, rows = asked_of(panel)
    recipe = plain_recipe(7, numbers=("warm", "booked"))
    names, values, _ = features_for(panel, recipe, asked, rows)
    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE bookings (shop INT, day TEXT, published TEXT, booked INT)")
    told = [(row["shop"], str(row["day"]), str(row["published"]), row["booked"]) for row in data.tables["bookings"].to_dicts()]
    base.executemany("INSERT INTO bookings VALUES (?, ?, ?, ?)", told)
    query = "SELECT booked FROM bookings WHERE shop = ? AND day = ? AND published <= ? ORDER BY published DESC LIMIT 1"
    for place, row in enumerate(rows):
        shop, day = panel.rows["shop"][int(row)], panel.rows["day"][int(row)]
        origin = START + timedelta(int(asked.origin[place]))
        found = base.execute(query, (shop, str(day), str(origin))).fetchone()
        made = values[place, names.index("booked")]
        assert (np.isnan(made) and found is None) or made == pytest.approx(found[0])


def test_nothing_published_after_an_origin_moves_what_it_sees() -> None:
    data = world()
    panel = panel_of(data)
    asked, rows = asked_of(panel)
    keep = asked.origin <= 150
    asked, rows = Asked(asked.series[keep], asked.step[keep], asked.origin[keep]), rows[keep]
    recipe = plain_recipe(7, numbers=("warm", "booked"))
    moment = START + timedelta(150)
    early = pl.col("published") <= moment
    poisoned = {
        name: data.tables[name].with_columns(pl.when(early).then(pl.col(value)).otherwise(999.0).alias(value))
        for name, value in (("weather", "warm"), ("bookings", "booked"))
    }
    other = replace(data, tables={**data.tables, **poisoned})
    before, after = (features_for(panel_of(one), recipe, asked, rows) for one in (data, other))
    past = [name for name in before[0] if name != "booked pickup"]
    for name in past:
        np.testing.assert_array_equal(before[1][:, before[0].index(name)], after[1][:, after[0].index(name)])


def test_rows_that_wait_see_the_newest() -> None:
    data = world()
    panel = panel_of(data)
    rows = np.flatnonzero(panel.steps > panel.end).astype(np.int64)
    asked = Asked(panel.series[rows], panel.steps[rows], np.full(len(rows), panel.end, dtype=np.int32))
    names, values, _ = features_for(panel, plain_recipe(7, numbers=("warm",)), asked, rows)
    np.testing.assert_allclose(values[:, names.index("warm")], panel.rows["warm"].to_numpy()[rows], rtol=1e-6)


def test_data_as_known_at_a_moment_hold_nothing_published_later() -> None:
    data, moment = world(), START + timedelta(200)
    known = data.known_at(moment)
    assert max(known.tables["weather"]["published"].max(), known.tables["bookings"]["published"].max()) <= moment  # type: ignore[type-var]
    later = known.items.filter((pl.col("day") > moment) & (pl.col("shop") == 3))
    newest = known.tables["weather"].sort("published").group_by("day").agg(pl.col("warm").last())
    wanted = later.select("day").join(newest, on="day", how="left", maintain_order="left")["warm"]
    assert later["warm"].to_list() == wanted.to_list()
    assert later["warm"].null_count() > 0
    earlier = data.items.filter(pl.col("day") <= moment)
    assert known.items.filter(pl.col("day") <= moment)["booked"].to_list() == earlier["booked"].to_list()


def test_bookings_count_up_and_a_forecast_of_the_weather_does_not() -> None:
    panel = panel_of(world())
    assert panel.published["booked"].growing == {"booked"}
    assert panel.published["warm"].growing == frozenset()


def test_what_is_booked_promises_what_the_orders_become() -> None:
    panel = panel_of(world())
    asked, rows = asked_of(panel, count=1_500)
    recipe = plain_recipe(7, numbers=("booked",))
    names, values, _ = features_for(panel, recipe, asked, rows)
    expected = expected_from(panel, recipe, asked, "booked", values[:, names.index("booked")])
    near = asked.step - asked.origin == 1
    truth = panel.rows["y"].to_numpy()[rows]
    assert np.corrcoef(expected[near], truth[near])[0, 1] > 0.97
    assert np.nansum(expected[near]) == pytest.approx(truth[near].sum(), rel=0.05)


def test_events_and_neighbours_of_published_columns_are_not_read_at_other_moments() -> None:
    recipe = plain_recipe(7, events=("warm",), shifted=("booked",), numbers=("warm", "booked"))
    kept = without_published(recipe, panel_of(world()))
    assert (kept.events, kept.shifted, kept.numbers) == ((), (), ("warm", "booked"))


def test_final_values_look_better_than_what_was_known_in_time() -> None:
    found = measure(world(shops=20), "y", 7, 0, Effort(rows=12_000, rounds=80))
    assert found is not None
    every = np.ones(len(found.truth), dtype=bool)
    assert found.error(FINAL, every) < 0.9 * found.error(IN_TIME, every)
    assert found.error(IN_TIME, found.lead == 1) < 0.7 * found.error(IN_TIME, found.lead == 7)
