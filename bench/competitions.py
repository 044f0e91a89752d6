"""The M3 and M4 competitions for ``bench/forecast.py``: their series, a spec as a user would write it, and their scores.

sMAPE, MASE and OWA as the organisers define them (Makridakis and Hibon, 2000; Makridakis, Spiliotis and Assimakopoulos, 2020),
with Naive2 as the yardstick: the newest value, seasonally adjusted where a test at 90 % finds a season. Where the test part is
kept aside, the last horizon of the training part is cut off and stands for it; published figures are of the true test part.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = ["PARTS", "PUBLISHED", "Part", "mase", "naive2", "owa", "read_part", "smape", "spec_text", "statistical_median"]

Floats = NDArray[np.float64]

PARTS: Mapping[str, Mapping[str, tuple[int, int, int]]] = {
    "m3": {"yearly": (6, 1, 1), "quarterly": (8, 4, 4), "monthly": (18, 12, 12), "other": (8, 1, 1)},
    "m4": {"yearly": (6, 1, 1), "quarterly": (8, 4, 4), "weekly": (13, 1, 52), "hourly": (48, 24, 24)},
}
"""Horizon, the season of the competition's measures, and the season a user would state."""

PUBLISHED: Mapping[str, Mapping[str, str]] = {
    "m3": {
        "yearly": "Theta 16.97, ForecastPro 17.27, RBF 16.42",
        "quarterly": "Theta 8.96, ForecastPro 9.82",
        "monthly": "Theta 13.89, ForecastPro 13.90",
        "other": "Theta 4.41, ForecastPro 4.60",
        "all": "Theta 12.76, ForecastPro 13.06 (sMAPE)",
    },
    "m4": {
        "yearly": "winner 13.176 / 2.980 / 0.778, second 13.528 / 3.060 / 0.799",
        "quarterly": "winner 9.679 / 1.118 / 0.847 (all 24,000)",
        "weekly": "winner 7.817 / 2.356 / 0.851, second 7.625 / 2.108 / 0.796",
        "hourly": "winner 9.328 / 0.893 / 0.440, second 11.506 / 0.819 / 0.484",
    },
}
"""What the best reached on the true test parts: sMAPE / MASE / OWA, of M3 sMAPE."""

SEASONAL = 1.645  # standard errors an autocorrelation must exceed: a test at 90 %


@dataclass(frozen=True)
class Part:
    """One frequency of a competition: what may be learnt from, what is scored, and whether that is the true test part."""

    competition: str
    name: str
    train: pl.DataFrame
    test: pl.DataFrame
    official: bool

    @property
    def horizon(self) -> int:
        """Steps to be forecast."""
        return PARTS[self.competition][self.name][0]

    @property
    def season(self) -> int:
        """Season of MASE and Naive2."""
        return PARTS[self.competition][self.name][1]

    def arrays(self) -> tuple[list[str], list[Floats], Floats]:
        """Names of the series, what is known of each, and its future, ``[series, lead]``."""
        past = {str(key): own["y"].to_numpy() for (key,), own in _by_series(self.train).items()}
        future = {str(key): own["y"].to_numpy() for (key,), own in _by_series(self.test).items()}
        return list(past), list(past.values()), np.array([future[name] for name in past])


def _by_series(frame: pl.DataFrame) -> Mapping[tuple[object, ...], pl.DataFrame]:
    return frame.sort("unique_id", "t").partition_by("unique_id", as_dict=True, maintain_order=True)


def read_part(root: Path, competition: str, name: str, series: int | None = None, seed: int = 0) -> Part:
    """The series of one frequency, or ``series`` of them drawn with a seed."""
    folder = root / competition
    if competition == "m3":
        info = pl.read_parquet(folder / "info.parquet").filter(pl.col("period") == name.upper())
        train, test = (
            pl.read_parquet(folder / f"{half}.parquet").join(info.select("unique_id"), on="unique_id", how="semi")
            for half in ("train", "test")
        )
    else:
        train = pl.read_parquet(folder / f"{name}_train.parquet")
        kept = folder / f"{name}_test.parquet"
        test = pl.read_parquet(kept) if kept.exists() else None
    train = train.select("unique_id", "t", pl.col("y").cast(pl.Float64))
    if series is not None:
        ids = train["unique_id"].unique().sort()
        drawn = np.random.default_rng(seed).choice(len(ids), min(series, len(ids)), replace=False)
        train = train.filter(pl.col("unique_id").is_in(ids.gather(np.sort(drawn)).implode()))
    if test is not None:
        test = test.join(train.select("unique_id").unique(), on="unique_id", how="semi")
        return Part(competition, name, train, test.select("unique_id", "t", pl.col("y").cast(pl.Float64)), True)
    back = pl.col("t").max().over("unique_id") - pl.col("t")
    last = back < PARTS[competition][name][0]
    return Part(competition, name, train.filter(~last), train.filter(last), False)


def spec_text(part: Part, budget: str) -> str:
    """The spec of a part: the metric of the competition, and nothing about its series that a user would not know."""
    metrics = ("smape", "mase") if part.competition == "m3" else ("mase", "smape")
    goals = {"smape": "<= 50", "mase": "<= 10"}  # a competition has none: nothing may stop the run; any gain counts
    lines = [f'  - {{id: {name}, metric: {name}, goal: "{goals[name]}", baseline: naive, min_gain: 0}}' for name in metrics]
    season = PARTS[part.competition][part.name][2]
    return "\n".join(
        [
            "spec: 1",
            f"name: {part.competition}-{part.name}",
            "task: forecast",
            "data: {source: rows.parquet, time: t, series: [unique_id]}",
            "target: y",
            f"forecast: {{horizon: {part.horizon}, frequency: 1, season: {season}}}",
            "kpis:",
            *lines,
            f"budget: {{time: {budget}}}",
            "",
        ]
    )


def smape(truth: Floats, made: Floats) -> Floats:
    """Symmetric mean absolute percentage error of each series, 0 to 200."""
    size = np.abs(truth) + np.abs(made)
    return np.asarray(np.mean(np.where(size > 0, 200.0 * np.abs(truth - made) / np.where(size > 0, size, 1.0), 0.0), axis=1))


def mase(truth: Floats, made: Floats, past: list[Floats], season: int) -> Floats:
    """Mean absolute error of each series in units of its mean absolute change over a season in the past."""
    scale = np.array([np.mean(np.abs(own[season:] - own[:-season])) for own in past])
    return np.asarray(np.mean(np.abs(truth - made), axis=1) / scale)


def owa(smape_of: Any, mase_of: Any, naive2_smape: Any, naive2_mase: Any) -> Any:
    """Mean of both measures relative to Naive2, each a mean over series first; numbers, or arrays of equal length."""
    return (smape_of / naive2_smape + mase_of / naive2_mase) / 2


def naive2(past: list[Floats], season: int, horizon: int) -> Floats:
    """The newest value, adjusted by a classical multiplicative season where one is found, ``[series, lead]``."""
    made = np.empty((len(past), horizon))
    for row, own in zip(made, past, strict=True):
        if season > 1 and _seasonal(own, season):
            index = _indices(own, season)
            phase = np.arange(len(own) + horizon) % season
            row[:] = own[-1] / index[phase[len(own) - 1]] * index[phase[len(own) :]]
        else:
            row[:] = own[-1]
    return made


def statistical_median(past: list[Floats], season: int, horizon: int) -> Floats:
    """The median of AutoETS, dynamic optimised theta and CES of statsforecast, ``[series, lead]``."""
    from statsforecast import StatsForecast, models  # late: the other parts of the bench do without

    long = pl.DataFrame(
        {
            "unique_id": np.repeat(np.arange(len(past)), [len(own) for own in past]),
            "ds": np.concatenate([np.arange(len(own)) for own in past]),
            "y": np.concatenate(past),
        }
    )
    fitted = [model(season_length=season) for model in (models.AutoETS, models.DynamicOptimizedTheta, models.AutoCES)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of series that are flat or very short, which get the fallback
        made = StatsForecast(models=fitted, freq=1, n_jobs=2, fallback_model=models.Naive()).forecast(df=long, h=horizon)
    each = made.sort("unique_id", "ds").drop("unique_id", "ds").to_numpy()
    return np.asarray(np.median(each, axis=1).reshape(len(past), horizon))


def _seasonal(values: Floats, season: int) -> bool:
    """Whether the autocorrelation at the season exceeds chance, as the M4 organisers test it."""
    if len(values) < 3 * season:
        return False
    away = values - values.mean()
    total = float(away @ away)
    if total <= 0:
        return False
    correlations = np.array([float(away[lag:] @ away[: len(away) - lag]) / total for lag in range(1, season + 1)])
    limit = SEASONAL * np.sqrt((1 + 2 * np.sum(correlations[:-1] ** 2)) / len(values))
    return bool(abs(correlations[-1]) > limit)


def _indices(values: Floats, season: int) -> Floats:
    """Mean ratio to the centred moving average at each phase, with mean 1."""
    weights = np.ones(season) / season if season % 2 else np.r_[0.5, np.ones(season - 1), 0.5] / season
    middle = np.convolve(values, weights, mode="valid")
    half = len(weights) // 2
    ratios = values[half : half + len(middle)] / middle
    phase = (np.arange(len(middle)) + half) % season
    index = np.array([ratios[phase == at].mean() for at in range(season)])
    return np.asarray(index / index.mean())
