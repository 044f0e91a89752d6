"""Tables with columns of every kind, for the tests of what reads them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from sevenstep.tasks.tabular.problem import Problem

__all__ = ["with_target", "world"]


def world(rows: int = 400, seed: int = 0) -> tuple[pl.DataFrame, Problem, np.ndarray[Any, Any]]:
    """Columns of every kind, and a class that two of them tell."""
    random = np.random.default_rng(seed)
    heat, press = random.normal(200, 20, rows), random.normal(5, 1, rows)
    shop = random.integers(0, 90, rows)
    codes = (heat * press + 100 * random.normal(size=rows) > 1000).astype(int)
    items = pl.DataFrame(
        {
            "heat": heat,
            "press": np.where(np.arange(rows) % 10 == 0, np.nan, press),
            "line": random.choice(["A", "B", "C"], rows),
            "shop": [f"s{number}" for number in shop],
            "made": [datetime(2024, 1, 1) + timedelta(hours=int(hour)) for hour in random.integers(0, 9000, rows)],
            "note": random.choice(["pump leaks oil again", "belt torn at the left side", "no fault found today"], rows),
            "width": [f"{width:.2f} mm".replace(".", ",") for width in random.uniform(1, 9, rows)],
        }
    ).with_columns(pl.col("press").fill_nan(None))
    kinds = {
        "heat": "number", "press": "number", "line": "category", "shop": "category", "made": "time", "note": "text",
        "width": "number",
    }  # fmt: skip
    return items, Problem("y", ("no", "yes"), kinds, "stratified"), codes


def with_target(kind: str) -> tuple[pl.DataFrame, Problem]:
    """The world with a target ``y`` of two classes, of three, or a number."""
    items, problem, codes = world(400)
    if kind == "number":
        return items.with_columns(pl.Series("y", items["heat"] * 2.0 + codes)), Problem("y", (), problem.kinds, "random")
    if kind == "two":
        return items.with_columns(pl.Series("y", np.where(codes, "yes", "no"))), problem
    three = np.where(codes, "c", np.where(items["heat"] > 195, "b", "a"))
    return items.with_columns(pl.Series("y", three)), Problem("y", ("a", "b", "c"), problem.kinds, "stratified")
