"""The generated world as a project folder: the spec, the data, a README and the rows to predict."""

from __future__ import annotations

import math
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from string import Template

from sevenstep.templates.retail import tables
from sevenstep.templates.retail.days import HORIZON, LAST_DAY
from sevenstep.templates.retail.effects import Planted, TrueEffects
from sevenstep.templates.retail.faults import plant_faults
from sevenstep.templates.retail.reach import Reach, reach_of_orders, reach_of_revenue
from sevenstep.templates.retail.world import World, make_world

__all__ = ["ORDERS_FILE", "true_effects", "write_project"]

ORDERS_FILE = "data/orders.csv"
_TABLES = {
    "data/plan.csv": tables.plan_table,
    "data/products.csv": tables.products_table,
    "data/weather.csv": tables.weather_table,
    "data/weather_ahead.csv": tables.weather_ahead_table,
    "data/events.csv": tables.events_table,
    "data/weather_forecast.csv": tables.weather_forecast_table,
    "data/bookings.csv": tables.bookings_table,
    "future.csv": tables.future_table,
}
_MINUTES = {"small": 2, "medium": 10, "large": 30}
_WORTH_OF_A_POINT = 0.002  # of a year's revenue: food thrown away and sales lost


def write_project(folder: Path, *, seed: int = 0, size: str = "small") -> list[Path]:
    """Write the whole project into ``folder``, which exists and is empty; returns its files, the spec first.

    Equal arguments give equal bytes. Use `sevenstep.templates.catalog.write_template` to do it whole or not at all.
    """
    world = make_world(seed, size)
    orders, planted = plant_faults(seed, tables.orders_table(world), ORDERS_FILE)
    (folder / "data").mkdir()
    names = _write_texts(folder, _words(world, orders.height, planted))
    for name, table in [(ORDERS_FILE, orders), *((name, make(world)) for name, make in _TABLES.items())]:
        table.write_csv(folder / name)
        names.append(name)
    return [folder / name for name in names]


def true_effects(seed: int = 0, size: str = "small") -> TrueEffects:
    """The true effect sizes behind the files of `write_project`, their planted faults included."""
    world = make_world(seed, size)
    _, planted = plant_faults(seed, tables.orders_table(world), ORDERS_FILE)
    return replace(world.effects, planted=planted)


def _write_texts(folder: Path, words: dict[str, str]) -> list[str]:
    """The spec and the README from their templates beside this module; a word without a value is an error."""
    names = ["sevenstep.yaml", "README.md"]
    for name in names:
        text = files("sevenstep.templates.retail").joinpath("files", name).read_text(encoding="utf-8")
        (folder / name).write_text(Template(text).substitute(words), encoding="utf-8", newline="\n")
    return names


def _words(world: World, rows: int, planted: tuple[Planted, ...]) -> dict[str, str]:
    network = world.setting.network
    revenue = (world.quantity * world.price)[:, world.setting.days.history - 365 : world.setting.days.history].sum()
    return {
        "series": str(network.series), "regions": str(len(network.regions)), "products": str(len(network.products)),
        "rows": f"{rows:,}", "seed": str(world.seed), "size": world.size, "minutes": str(_MINUTES[world.size]),
        "last_day": LAST_DAY.isoformat(), "horizon": str(HORIZON), "worth": str(_two_digits(float(revenue) * _WORTH_OF_A_POINT)),
        "planted": "\n".join(_line_of(fault) for fault in planted),
    } | _reach_words("orders", reach_of_orders(world)) | _reach_words("revenue", reach_of_revenue(world))  # fmt: skip


def _reach_words(target: str, reach: Reach) -> dict[str, str]:
    figures = {"naive": reach.naive, "oracle": reach.oracle}
    return {f"{target}_goal": f"{reach.goal:.3f}"} | {f"{target}_{name}": f"{value:.2f}" for name, value in figures.items()}


def _two_digits(amount: float) -> int:
    unit: int = 10 ** max(math.floor(math.log10(amount)) - 1, 0)
    return round(amount / unit) * unit


def _line_of(fault: Planted) -> str:
    return f"| {fault.file} | {fault.line} | {fault.kind} | {fault.column or 'all'} | {fault.given} | {fault.was} |"
