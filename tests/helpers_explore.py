"""Generated sales with planted effects, and the brief and data set around them."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import polars as pl

from sevenstep.data.dataset import Dataset, Roles
from sevenstep.spec.brief import Brief, Seen
from sevenstep.tasks.forecast.section import Forecast

_SEEN = ("frequency", "season", "gaps", "known_ahead", "calendar", "clock", "hierarchy")


def query(sql: str, **frames: pl.DataFrame) -> Any:
    """The one value an SQL query over named frames gives."""
    connection = duckdb.connect()
    for name, frame in frames.items():
        connection.register(name, frame)
    row = connection.execute(sql).fetchone()
    assert row is not None
    return row[0]


def brief_of(targets: tuple[str, ...], seed: int = 0, **section: Any) -> Brief:
    """The brief of the third step."""
    return Brief({"name": "shop", "targets": targets, "seed": seed}, Seen(Forecast(horizon=7, **section), _SEEN))


def facts_of(
    frequency: str | int = "1d", season: int = 7, year: int = 364, gaps: str = "missing", clock: str = "common"
) -> dict[str, Any]:
    """Facts as the roles of the forecast task leave them."""
    named = {"frequency": frequency, "season": season, "year": year, "gaps": gaps, "clock": clock}
    return {name: {"value": value, "reason": "test"} for name, value in named.items()}


def dataset_of(items: pl.DataFrame, facts: dict[str, Any] | None = None, **roles: Any) -> Dataset:
    """A data set of shops by day unless told otherwise."""
    named = {"targets": ("sales",), "time": "day", "keys": ("shop",), **roles}
    keys = [*named["keys"], named["time"]]
    return Dataset({"items": items.sort(keys)}, Roles(**named), facts or facts_of())


def shops(
    seed: int = 0,
    *,
    series: int = 12,
    days: int = 420,
    promo: float = 0.3,
    weather: float = 0.02,
    shared: bool = True,
    noise: float = 0.1,
) -> pl.DataFrame:
    """Daily sales of shops: level x weekday x promotion x weather x what all shops share on a day x chance.

    Log sales rise by ``promo`` on promotion days (the same days for all shops when ``shared``) and by ``weather`` for
    each degree.
    """
    rng = np.random.default_rng(seed)
    shop, step = np.repeat(np.arange(series), days), np.tile(np.arange(days), series)
    on = rng.random((1 if shared else series, days)) < 0.35
    promotion = np.broadcast_to(on, (series, days))[shop, step]
    degrees = np.round(10 + 8 * np.sin(2 * np.pi * step / 365) + rng.normal(0, 3, days)[step], 2)
    weekday = np.array([0.2, 0.0, -0.05, 0.0, 0.15, 0.3, -0.4])[step % 7]
    log_sales = 5 + rng.normal(0, 0.5, series)[shop] + weekday + promo * promotion + weather * degrees
    log_sales = log_sales + rng.normal(0, 0.05, days)[step] + rng.normal(0, noise, series * days)
    day = pl.Series(np.datetime64("2023-01-02") + step).cast(pl.Date)
    return pl.DataFrame(
        {
            "shop": shop,
            "day": day,
            "sales": np.exp(log_sales),
            "promo": promotion.astype(int),
            "degrees": degrees,
            "weekday": step % 7 + 1,
        }
    )


AHEAD = ("promo", "degrees", "weekday")
