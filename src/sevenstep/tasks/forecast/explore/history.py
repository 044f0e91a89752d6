"""The shape of the history: how many series, how long, how full, how intermittent, how large."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.forecast.clock import Clock
from sevenstep.tasks.forecast.panel import Settings

__all__ = ["CLASSES", "history_facts", "per_series"]

CLASSES = ("smooth", "erratic", "intermittent", "lumpy", "empty")
ADI_LIMIT, CV2_LIMIT = 1.32, 0.49


def per_series(data: Dataset, settings: Settings, target: str) -> pl.DataFrame:
    """One row for each series that has values.

    Columns: keys, ``n``, ``first``, ``last``, ``span`` (steps), ``mean``, ``zeros``, ``demands``, ``adi``, ``cv2``, ``class``.

    ADI is the mean number of steps between demands and CV2 the squared coefficient of variation of demands (Syntetos and Boylan,
    2005: below 1.32 and 0.49 demand is smooth). Steps without a row are no steps here; where they mean no demand, ``data`` has
    rows for them.
    """
    time, keys = str(data.roles.time), list(data.roles.keys)
    clock = Clock.of(data.items[time], settings.frequency)
    value, demand = pl.col(target).cast(pl.Float64), pl.col(target).cast(pl.Float64).filter(pl.col(target) != 0)
    measures = [
        pl.len().alias("n"),
        pl.col(time).min().alias("first"),
        pl.col(time).max().alias("last"),
        (pl.col("step").max() - pl.col("step").min() + 1).alias("span"),
        value.mean().alias("mean"),
        (value == 0).sum().alias("zeros"),
        demand.len().alias("demands"),
        (demand.var(ddof=0) / demand.mean() ** 2).alias("cv2"),
    ]
    rows = data.items.filter(pl.col(target).is_not_null()).select(*keys, time, target, clock.steps(pl.col(time)).alias("step"))
    table = rows.group_by(keys).agg(measures).sort(keys) if keys else rows.select(measures)
    return table.with_columns((pl.col("n") / pl.col("demands")).alias("adi")).with_columns(_class().alias("class"))


def _class() -> pl.Expr:
    rare, varied = pl.col("adi") >= ADI_LIMIT, pl.col("cv2").fill_null(0.0) >= CV2_LIMIT
    return (
        pl.when(pl.col("demands") == 0).then(pl.lit("empty"))
        .when(rare & varied).then(pl.lit("lumpy"))
        .when(rare).then(pl.lit("intermittent"))
        .when(varied).then(pl.lit("erratic"))
        .otherwise(pl.lit("smooth"))
    )  # fmt: skip


def history_facts(series: pl.DataFrame, settings: Settings) -> dict[str, Any]:
    """Facts of one target from `per_series`, as JSON values."""
    lengths = series["span"].to_numpy()
    rows = int(series["n"].sum())
    counts = dict(series["class"].value_counts().iter_rows())
    return {
        "series": len(series),
        "rows": rows,
        "length": {f"q{share}": float(np.quantile(lengths, share / 100)) for share in (0, 10, 50, 90, 100)},
        "filled": rows / max(int(lengths.sum()), 1),
        "zero_share": float(series["zeros"].sum()) / max(rows, 1),
        "classes": {name: counts.get(name, 0) / max(len(series), 1) for name in CLASSES},
        "short_series": float((lengths < 2 * settings.season).mean()) if settings.season > 1 else 0.0,
    }
