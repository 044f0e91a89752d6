"""What out-of-fold errors say: a shift that suits the KPI's metric, and bounds by lead that cover what they promise.

Bounds are split conformal: quantiles of normalised out-of-fold errors with the finite-sample correction (Vovk et al., 2005; Lei
et al., 2018). Errors are divided by the size of the forecast, by how hard the series has been and by how errors grow with the
lead, at hard times of the year and around its big events, so one set of quantiles serves large and small, calm and wild series,
near and far. Where a day moves all series alike, few origins tell little of one lead, and more of its neighbours are asked. How
hard a series has been is read off its other folds, and bounds are widened until each fold is covered as promised by what the
others say: origins differ, and bounds fitted to the same few would be too narrow for the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.spec.brief import Brief
from sevenstep.tasks.forecast.feasts import Feasts
from sevenstep.tasks.forecast.hardness import Hardness
from sevenstep.tasks.forecast.shocks import independent_errors
from sevenstep.tasks.leading import leading_kpi, leading_metric
from sevenstep.tasks.scoretable import BOUNDS, ScoreTable
from sevenstep.tasks.shifting import best_shift

__all__ = ["apply", "calibrate"]

SHRINK = 30.0  # rows of a series whose own spread counts as much as the spread of all
NEAR, FARTHEST = 0.15, 0.6  # distance of logarithms over which errors at one lead tell of those at another, and the largest
ENOUGH = 80.0  # independent errors at a lead that tell of it by themselves; with fewer, leads further away have a say
EACH_LEAD = 48  # leads with bounds of their own; later ones share them with others within a tenth
NARROWEST, WIDEST = 0.85, 2.0  # limits to how bounds are changed so that folds cover each other
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
    error = (frame["truth"].to_numpy() - frame["prediction"].to_numpy()) / _unit(frame, size, usual)
    fold, cluster, lead = (frame[name].to_numpy() for name in ("fold", "cluster", "lead"))
    hardness = Hardness.learnt(frame, np.abs(error))
    error = error / hardness.factors(frame)
    feasts = Feasts.learnt(brief.section, frame, np.abs(error / _others_spread(fold, cluster, error, len(size))))
    error = error / feasts.factors(frame)
    spread, all_spread = _spread(cluster, error, len(size))
    normal = error / _others_spread(fold, cluster, error, len(size))
    known = 1.0 - 1.0 / len(np.unique(fold)) if len(fold) else 0.0  # what a fold lacks of others goes with one over their number
    near = _near(fold, lead, normal)
    wider = _widening(fold, lead, normal, near)
    wide = [_widened(bucket, wider) for bucket in _quantiles(lead, normal, near)]
    close = _quantiles(lead, error / spread[cluster], near)
    return {
        "shift": shift,
        "metric": metric,
        "usual_size": usual,
        "sizes": _rounded(size),
        "spread": all_spread,
        "spreads": _rounded(spread),
        "floor_zero": bool((frame["truth"] >= 0).all()),
        "hardness": asdict(hardness),
        "feasts": asdict(feasts),
        "leads": [_between(*pair, known) for pair in zip(close, wide, strict=True)],
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


def _others_spread(fold: NDArray[np.int32], cluster: NDArray[np.int32], error: Floats, count: int) -> Floats:
    """For each row the spread of its series in the other folds; in all of them where there is only one."""
    result = np.empty(len(error))
    for number in np.unique(fold):
        mine = fold == number
        rest = ~mine if not mine.all() else mine
        result[mine] = _spread(cluster[rest], error[rest], count)[0][cluster[mine]]
    return result


def _near(fold: NDArray[np.int32], lead: NDArray[np.int32], normal: Floats) -> float:
    """Over which distance leads tell of each other: the further, the fewer independent errors there are at each."""
    errors = independent_errors(fold, lead, np.abs(normal)) * max(len(np.unique(fold)), 1)
    return float(np.clip(NEAR * np.sqrt(ENOUGH / errors), NEAR, FARTHEST))


def _quantiles(lead: NDArray[np.int32], normal: Floats, near: float) -> list[dict[str, float]]:
    """Corrected quantiles of all errors, stretched for each run of neighbouring leads by how large errors are around it."""
    edges = _edges(lead)
    stretch = _stretch(lead, normal, edges, near)
    errors = np.sort(normal / stretch[_bucket_of(lead, edges)])
    corrected = {name: _corrected(errors, level) for name, level in LEVELS.items()}
    counts = np.bincount(_bucket_of(lead, edges), minlength=len(edges))
    return [
        {"from": float(low), "to": float(high), "n": float(n), **{name: factor * value for name, value in corrected.items()}}
        for (low, high), factor, n in zip(edges, stretch, counts, strict=True)
    ]


def _edges(lead: NDArray[np.int32]) -> list[tuple[int, int]]:
    """Runs of leads that share their bounds, first and last of each."""
    runs: list[tuple[int, int]] = []
    for value in np.unique(lead).tolist():
        if runs and value > EACH_LEAD and value <= 1.1 * runs[-1][0]:
            runs[-1] = (runs[-1][0], value)
        else:
            runs.append((value, value))
    return runs


def _stretch(lead: NDArray[np.int32], normal: Floats, edges: list[tuple[int, int]], near: float) -> Floats:
    """Mean absolute error around each run of leads relative to that of all, near ones counting most."""
    bucket = _bucket_of(lead, edges)
    total, count = np.bincount(bucket, np.abs(normal), len(edges)), np.bincount(bucket, minlength=len(edges))
    middle = np.log(np.array(edges, dtype=np.float64).mean(axis=1))
    counted = np.exp(-0.5 * ((middle[:, None] - middle) / near) ** 2)
    around: Floats = (counted @ total) / (counted @ count) / max(float(np.mean(np.abs(normal))), 1e-12)
    return np.where(around > 0, around, 1.0)


def _widening(fold: NDArray[np.int32], lead: NDArray[np.int32], normal: Floats, near: float) -> dict[str, float]:
    """For each bound the factor with which bounds made without a fold cover it as promised, in the mean over folds."""
    numbers = np.unique(fold)
    if len(numbers) < 2:
        return dict.fromkeys(LEVELS, 1.0)
    needed = {level: np.empty(len(normal)) for level in ("80", "95")}
    for number in numbers:
        mine = fold == number
        quantiles = _quantiles(lead[~mine], normal[~mine], near)
        bucket = _bucket_of(lead[mine], [(int(entry["from"]), int(entry["to"])) for entry in quantiles])
        for level, factors in needed.items():
            low, high = (np.array([entry[f"{side}_{level}"] for entry in quantiles])[bucket] for side in ("lower", "upper"))
            bound = np.where(normal[mine] > 0, np.maximum(high, 1e-9), np.minimum(low, -1e-9))
            factors[mine] = normal[mine] / bound
    counts = np.bincount(np.searchsorted(numbers, fold))
    weight = 1.0 / counts[np.searchsorted(numbers, fold)] / len(numbers)
    factor = {level: _weighted_quantile(needed[level], weight, int(level) / 100) for level in needed}
    return {name: float(np.clip(factor[name[-2:]], NARROWEST, WIDEST)) for name in LEVELS}


def _widened(bucket: Mapping[str, float], wider: Mapping[str, float]) -> dict[str, float]:
    """The quantiles times their factors; what covers more is never the narrower."""
    found = {name: bucket[name] * wider[name] for name in LEVELS}
    found["lower_95"] = min(found["lower_95"], found["lower_80"])
    found["upper_95"] = max(found["upper_95"], found["upper_80"])
    return {**bucket, **found}


def _between(close: Mapping[str, float], wide: Mapping[str, float], share: float) -> dict[str, float]:
    """Bounds some share of the way from those that fit all folds to those with which each was covered by the others.

    The latter were made with one fold less than there are.
    """
    return {**wide, **{name: close[name] + share * (wide[name] - close[name]) for name in LEVELS}}


def _weighted_quantile(values: Floats, weight: Floats, level: float) -> float:
    order = np.argsort(values)
    place = np.searchsorted(np.cumsum(weight[order]), level)
    return float(values[order][min(int(place), len(values) - 1)])


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
    unit = (
        unit * Hardness(**calibration.get("hardness", {})).factors(frame) * Feasts(**calibration.get("feasts", {})).factors(frame)
    )
    edges = [(int(entry["from"]), int(entry["to"])) for entry in calibration["leads"]]
    bucket = _bucket_of(frame["lead"].to_numpy(), edges)
    columns = []
    for bound in BOUNDS:
        quantile = np.array([entry[bound] for entry in calibration["leads"]])[bucket]
        value = frame["prediction"].to_numpy() + unit * quantile
        columns.append(pl.Series(bound, np.maximum(value, 0.0) if calibration["floor_zero"] else value))
    if calibration["floor_zero"]:
        frame = frame.with_columns(pl.col("prediction").clip(lower_bound=0.0))
    return ScoreTable(frame.with_columns(columns))


def _bucket_of(lead: NDArray[np.int32], edges: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    ends = np.array([last for _, last in edges])
    return np.minimum(np.searchsorted(ends, lead), len(ends) - 1)
