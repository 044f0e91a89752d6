"""Sales are not demand: sold-out values are neither learnt from nor judged by, and what was lost is told near the truth."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from forecast_worlds import START, brief_of, facts
from sevenstep.data.dataset import Dataset, Roles
from sevenstep.tasks.contract import Candidate, Fold
from sevenstep.tasks.forecast.checks import check
from sevenstep.tasks.forecast.folds import scored_rows
from sevenstep.tasks.forecast.panel import Settings, build_panel
from sevenstep.tasks.forecast.soldout import lost_sales
from sevenstep.tasks.forecast.task import ForecastTask
from sevenstep.templates.retail import tables
from sevenstep.templates.retail.world import World, make_world

DAYS, SHOPS = 280, 8


def world(seed: int = 0) -> tuple[Dataset, np.ndarray[tuple[int, int], np.dtype[np.float64]]]:
    """Shops whose stock runs out on a fifth of the days, at two thirds of the mean, and the demand behind."""
    generator = np.random.default_rng(seed)
    mean = 80 * np.exp(0.3 * np.sin(2 * np.pi * np.arange(DAYS) / 7)) * generator.uniform(0.5, 2, (SHOPS, 1))
    demand = generator.poisson(mean).astype(float)
    stock = np.where(generator.random(mean.shape) < 0.2, np.floor(mean * 0.66), 10 * mean)
    sold = np.minimum(demand, stock)
    shop, day = (axis.ravel() for axis in np.indices(mean.shape))
    items = pl.DataFrame({
        "shop": shop, "day": [START + timedelta(int(one)) for one in day], "y": sold.ravel(), "left": (stock - sold).ravel(),
    })  # fmt: skip
    given = facts() | {"stock": {"value": {"y": "left"}, "reason": "spec"}}
    return Dataset({"items": items}, Roles(("y",), "day", keys=("shop",), observed=("left",)), given), demand


def predicted(data: Dataset, cutoff: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """What the mean of the newest seasons forecasts after a cutoff."""
    recipe = {"target": "y", "horizon": 14, "seasons": [7]}
    task, fold = ForecastTask(), Fold("f", 0, {"until": cutoff}, {"after": cutoff, "steps": 14})
    candidate = Candidate("mean", "naive", "y", "", {"rule": "moving_average", "season": 7, "recipe": recipe})
    found: np.ndarray[tuple[int], np.dtype[np.float64]] = (
        task.score(task.fit(candidate, fold, data, None, 0), candidate, fold, data, None).frame["prediction"].to_numpy()
    )
    return found


def test_a_forecast_aims_at_demand_and_not_at_sales() -> None:
    data, demand = world()
    plain = Dataset(data.tables, data.roles, facts())
    cutoff = DAYS - 15
    past = demand[:, cutoff - 27 : cutoff + 1].mean()
    assert predicted(data, cutoff).mean() == pytest.approx(past, rel=0.03)
    assert predicted(plain, cutoff).mean() < 0.95 * past


def test_sold_out_rows_are_not_judged() -> None:
    data, _ = world()
    panel = build_panel(data, Settings.of(data))
    rows = scored_rows(panel, panel.rows["y"].cast(pl.Float64).to_numpy(), DAYS - 15, 14)
    wanted = data.items.filter((pl.col("day") > START + timedelta(DAYS - 15)) & (pl.col("left") > 0)).height
    assert len(rows) == wanted
    assert data.items["y"].null_count() == 0


def test_what_was_lost_is_near_the_demand_that_was_planted() -> None:
    data, demand = world()
    panel = build_panel(data, Settings.of(data))
    lost = lost_sales(data, "y", panel.exact_grid("y"), 7, panel.rows.select("series", "step").to_numpy())
    assert lost is not None
    empty = data.items["left"].to_numpy() <= 0
    assert lost.rows == int(empty.sum())
    assert lost.wanted == pytest.approx(demand.ravel()[empty].sum(), rel=0.03)
    told = next(one for one in check(data, brief_of()) if one.code == "FORECAST-SOLD-OUT")
    assert f"{lost.rows:,} rows" in told.text and f"{lost.wanted - lost.sold:,.0f} more" in told.text


@pytest.fixture(scope="module")
def retail() -> World:
    return make_world(0, "small")


def test_the_loss_of_the_generated_grocer_is_near_its_true_one(retail: World) -> None:
    orders = tables.orders_table(retail)
    keys = ["region", "delivery", "product"]
    given = facts(gaps="closed") | {"stock": {"value": {"orders": "stock_end"}, "reason": "spec"}}
    data = Dataset({"items": orders.sort(*keys, "date")}, Roles(("orders",), "date", keys=tuple(keys)), given)
    panel = build_panel(data, Settings.of(data))
    lost = lost_sales(data, "orders", panel.exact_grid("orders"), 7, panel.rows.select("series", "step").to_numpy())
    short = (retail.demand > retail.orders) & retail.supply.recorded[:, None] & retail.open
    short = short[:, : retail.setting.days.history]
    true = float(retail.demand[:, : short.shape[1]][short].sum() - retail.orders[:, : short.shape[1]][short].sum())
    assert lost is not None
    assert lost.wanted - lost.sold == pytest.approx(true, rel=0.3)
