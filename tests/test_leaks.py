"""Planted leaks are named with their figure, and honest inputs that look alike are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from forecast_worlds import facts
from sevenstep.data.dataset import Dataset, Roles
from sevenstep.tasks.forecast.foresight import foresights
from sevenstep.tasks.forecast.panel import Settings, build_panel
from sevenstep.tasks.tabular.feasibility.leakage import suspicions_of

DAYS, SHOPS = 300, 6


def sales(seed: int = 0) -> np.ndarray[Any, Any]:
    generator = np.random.default_rng(seed)
    week = 0.4 * np.sin(2 * np.pi * np.arange(DAYS) / 7)
    made: np.ndarray[Any, Any] = 100 * np.exp(week + generator.normal(0, 0.2, (SHOPS, DAYS)))
    return made


def found_in(**columns: np.ndarray[Any, Any]) -> dict[str, tuple[int, int]]:
    """Names of the columns that are made of the target, with the steps they are made of."""
    y = sales()
    shop, day = (axis.ravel() for axis in np.indices(y.shape))
    items = pl.DataFrame({"shop": shop, "day": day, "y": y.ravel(), **{name: grid.ravel() for name, grid in columns.items()}})
    roles = Roles(("y",), "day", keys=("shop",), known_ahead=tuple(columns))
    data = Dataset({"items": items}, roles, facts(frequency=1))
    panel = build_panel(data, Settings.of(data))
    return {one.column: (one.first, one.last) for one in foresights(panel, "y", list(columns), 14)}


def test_inputs_made_of_later_values_are_named_with_the_steps_they_are_made_of() -> None:
    y = sales()
    later = np.concatenate([y[:, 1:], y[:, -1:]], axis=1)
    centred = np.stack([np.roll(y, -step, axis=1) for step in range(-2, 3)]).mean(axis=0)
    assert found_in(tomorrow=later, scaled=y * 2.54 + 3, smooth=centred) == {
        "tomorrow": (1, 1),
        "scaled": (0, 0),
        "smooth": (-2, 2),
    }


def test_plans_that_drive_the_target_and_values_older_than_the_horizon_are_not() -> None:
    y, generator = sales(), np.random.default_rng(1)
    week = np.tile(np.sin(2 * np.pi * np.arange(DAYS) / 7), (SHOPS, 1))
    driver = np.log(y) + generator.normal(0, 0.15, y.shape)
    old = np.roll(y, 14, axis=1)
    assert found_in(week=week, driver=driver, noise=generator.normal(0, 1, y.shape), old=old) == {}


def table(number: bool, rows: int = 2_000) -> pl.DataFrame:
    generator = np.random.default_rng(2)
    heat, press, area = generator.normal(0, 1, rows), generator.normal(0, 1, rows), generator.uniform(20, 90, rows)
    score = heat + 0.5 * press + generator.normal(0, 1, rows)
    y = 50 + 9 * score if number else (score > 0.9).astype(int)
    shop = [f"s{one}" for one in generator.integers(0, 150, rows)]
    return pl.DataFrame({"heat": heat, "press": press, "area": area, "shop": shop, "y": y})


def suspected(frame: pl.DataFrame) -> set[str]:
    number = frame["y"].dtype == pl.Float64
    kinds = {
        name: "category" if frame.schema[name] == pl.String else "number" for name in frame.columns if name not in ("y", "id")
    }
    given = {"kinds": kinds, "split": "random" if number else "stratified"} | ({} if number else {"classes": ["0", "1"]})
    data = Dataset({"items": frame}, Roles(("y",)), {name: {"value": value} for name, value in given.items()})
    return {one.column for one in suspicions_of(data, 0)[0]}


@pytest.mark.parametrize("number", [True, False])
def test_an_honest_table_is_not_suspected(number: bool) -> None:
    assert suspected(table(number)) == set()


def test_a_ratio_a_sum_and_the_order_of_rows_are_told() -> None:
    frame = table(True)
    assert suspected(frame.with_columns((pl.col("y") / pl.col("area")).round(4).alias("rate"))) == {"rate", "area"}
    part = pl.Series("part", np.random.default_rng(3).normal(20, 8, len(frame)))
    assert suspected(frame.with_columns(part, (pl.col("y") - part).alias("rest"))) == {"part", "rest"}
    assert suspected(frame.with_columns(pl.col("y").rank("ordinal").cast(pl.Int64).alias("id"))) == {"id"}


def test_an_encoding_that_saw_its_own_row_a_late_flag_and_a_pair_are_told() -> None:
    frame, generator = table(False), np.random.default_rng(4)
    assert suspected(frame.with_columns(pl.col("y").mean().over("shop").alias("usual"))) == {"usual"}
    late = (frame["y"].to_numpy() == 1) & (generator.random(len(frame)) < 0.7)
    assert suspected(frame.with_columns(pl.Series("late", late.astype(int)))) == {"late"}
    first = generator.normal(0, 1, len(frame))
    second = np.abs(generator.normal(0, 1, len(frame))) * np.where((first > 0) == (frame["y"].to_numpy() == 1), 1, -1)
    assert suspected(frame.with_columns(pl.Series("one", first), pl.Series("two", second))) == {"one", "two"}
