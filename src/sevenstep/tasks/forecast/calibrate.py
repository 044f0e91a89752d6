"""What out-of-fold errors say: a shift that suits the KPI's metric, and bounds by lead that cover what they promise.

Bounds are split conformal: quantiles of normalised out-of-fold errors with the finite-sample correction (Vovk et al., 2005; Lei
et al., 2018), kept by lead. Errors are divided by the size of the forecast and by how hard the series has been, so one set of
quantiles serves large and small, calm and wild series.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.spec.brief import Brief
from sevenstep.tasks.leading import leading_kpi, leading_metric
from sevenstep.tasks.scoretable import BOUNDS, ScoreTable
from sevenstep.tasks.shifting import best_shift

__all__ = ["apply", "calibrate"]

SHRINK = 30.0  # rows of a series whose own spread counts as much as the spread of all
FEWEST_IN_BUCKET = 150
LEVELS = {"lower_80": 0.10, "upper_80": 0.90, "lower_95": 0.025, "upper_95": 0.975}
FLOOR = 0.05  # of a series' usual size: below it, errors are not divided any further

Floats = NDArray[np.float64]


def calibrate(scores: ScoreTable, brief: Brief) -> Mapping[str, Any]:
    """Shift and bounds from the out-of-fold scores of one candidate and target."""
    frame = scores.frame.filter(pl.col("truth").is_finite() & pl.col("prediction").is_finite())
    target = frame["target"][0] if len(frame) else ""
    leads = leading_kpi(brief.kpis, target, brief.targets)
    metric = "wape" if leads is None else leading_metric(leads)
    shift = best_shift(frame, metric)
    frame = frame.with_columns(pl.col("prediction") * shift)
    size, usual = _usual_size(frame)
    unit = _unit(frame, size, usual)
    error = (frame["truth"].to_numpy() - frame["prediction"].to_numpy()) / unit
    spread, all_spread = _spread(frame["cluster"].to_numpy(), error, len(size))
    normal = error / spread[frame["cluster"].to_numpy()]
    return {
        "shift": shift,
        "metric": metric,
        "usual_size": usual,
        "sizes": _rounded(size),
        "spread": all_spread,
        "spreads": _rounded(spread),
        "floor_zero": bool((frame["truth"] >= 0).all()),
        "leads": _quantiles(frame["lead"].to_numpy(), normal),
        "n": len(frame),
    }


def _rounded(values: Floats) -> list[float]:
    return [float(f"{value:.6g}") for value in values]


def _usual_size(frame: pl.DataFrame) -> tuple[Floats, float]:
    """Mean absolute truth of each series and of all."""
    usual = float(frame["truth"].abs().mean() or 1.0) or 1.0  # type: ignore[arg-type]
    count = int(frame["cluster"].max() or 0) + 1  # type: ignore[arg-type]
    means = frame.group_by("cluster").agg(pl.col("truth").abs().mean())
    size = np.full(count, usual)
    size[means["cluster"].to_numpy()] = np.maximum(means["truth"].to_numpy(), 1e-9 * usual)
    return size, usual


def _taken(values: Floats, cluster: NDArray[np.int32], otherwise: float) -> Floats:
    inside = cluster < len(values)
    taken: Floats = np.where(inside, values[np.minimum(cluster, len(values) - 1)], otherwise)
    return taken


def _unit(frame: pl.DataFrame, size: Floats, usual: float) -> Floats:
    floor = FLOOR * _taken(size, frame["cluster"].to_numpy(), usual)
    unit: Floats = np.maximum(np.abs(frame["prediction"].to_numpy()), floor)
    return unit


def _spread(cluster: NDArray[np.int32], error: Floats, count: int) -> tuple[Floats, float]:
    """Mean absolute error of each series, pulled towards that of all by `SHRINK` rows."""
    everyone = float(np.mean(np.abs(error))) or 1.0
    total = np.bincount(cluster, np.abs(error), minlength=count)
    rows = np.bincount(cluster, minlength=count)
    return (total + SHRINK * everyone) / (rows + SHRINK), everyone


def _quantiles(lead: NDArray[np.int32], normal: Floats) -> list[dict[str, float]]:
    """Corrected quantiles for runs of neighbouring leads that hold enough rows each."""
    edges, result = _buckets(lead), []
    for low, high in edges:
        errors = np.sort(normal[(lead >= low) & (lead <= high)])
        bucket: dict[str, float] = {"from": float(low), "to": float(high), "n": float(len(errors))}
        for name, level in LEVELS.items():
            bucket[name] = _corrected(errors, level)
        result.append(bucket)
    return result


def _buckets(lead: NDArray[np.int32]) -> list[tuple[int, int]]:
    buckets: list[tuple[int, int]] = []
    low, held = None, 0
    leads, counts = np.unique(lead, return_counts=True)
    for value, count in zip(leads, counts, strict=True):
        low = value if low is None else low
        held += count
        if held >= FEWEST_IN_BUCKET:
            buckets.append((int(low), int(value)))
            low, held = None, 0
    if low is not None:
        start = buckets.pop()[0] if buckets else int(low)
        buckets.append((start, int(leads[-1])))
    return buckets


def _corrected(errors: Floats, level: float) -> float:
    """The order statistic that covers a new error with at least the stated probability."""
    n = len(errors)
    rank = int(np.floor((n + 1) * level)) if level < 0.5 else int(np.ceil((n + 1) * level))
    return float(errors[np.clip(rank, 1, n) - 1])


def apply(scores: ScoreTable, calibration: Mapping[str, Any]) -> ScoreTable:
    """The score table with shifted predictions and bounds."""
    frame = scores.frame.with_columns(pl.col("prediction") * calibration["shift"])
    size, usual = np.asarray(calibration["sizes"], dtype=np.float64), float(calibration["usual_size"])
    cluster = frame["cluster"].to_numpy()
    unit = _unit(frame, size, usual) * _taken(np.asarray(calibration["spreads"]), cluster, float(calibration["spread"]))
    bucket = _bucket_of(frame["lead"].to_numpy(), calibration["leads"])
    columns = []
    for bound in BOUNDS:
        quantile = np.array([entry[bound] for entry in calibration["leads"]])[bucket]
        value = frame["prediction"].to_numpy() + unit * quantile
        columns.append(pl.Series(bound, np.maximum(value, 0.0) if calibration["floor_zero"] else value))
    if calibration["floor_zero"]:
        frame = frame.with_columns(pl.col("prediction").clip(lower_bound=0.0))
    return ScoreTable(frame.with_columns(columns))


def _bucket_of(lead: NDArray[np.int32], buckets: list[Mapping[str, float]]) -> NDArray[np.int64]:
    ends = np.array([entry["to"] for entry in buckets])
    return np.minimum(np.searchsorted(ends, lead), len(ends) - 1)
