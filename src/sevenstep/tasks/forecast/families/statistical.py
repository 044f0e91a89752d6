"""Statistical models fitted series by series (statsforecast).

They need a regular series, so missing values are filled first, by a straight line (where a gap means no demand, the panel has its
zeros already). A forecast belongs to the series it was made from, known by a digest of its values: whatever is asked later, from
another origin, a grown history or beside new series, a stored forecast is used only for a series that still looks the same.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.forecast.families.question import Question
from sevenstep.tasks.forecast.features.regular import aligned, regular
from sevenstep.tasks.forecast.features.smoothing import multiplied
from sevenstep.tasks.forecast.panel import Panel, Settings

__all__ = ["METHODS", "StatisticalMember", "fit_statistical"]

METHODS = ("ets", "theta", "ces", "sarima", "median", "stl_ets", "stl_theta", "croston", "tsb", "imapa", "arima")

MEDIAN_OF = ("ets", "theta", "ces", "sarima")
"""What the median is taken of, beside smoothing in many forms."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class StatisticalMember:
    """Forecasts of every series from one origin, made when it was fitted.

    Args:
        forecasts: ``[series, lead]`` in units of the target.
        digests: of the regular series each row of ``forecasts`` was made from.
        method: one of `METHODS`.
        parameters: what the fit was given, so that other histories can be forecast with the same settings.
    """

    forecasts: Floats
    digests: tuple[str, ...]
    method: str
    parameters: Mapping[str, Any]

    def predict(self, question: Question) -> Floats:
        """The stored forecasts; where the history of a series is another one, forecasts made now. NaN without any history."""
        asked, grid = question.asked, question.panel.exact_grid(question.target)
        result = np.full(len(asked.series), np.nan)
        for origin in np.unique(asked.origin):
            rows = np.flatnonzero(asked.origin == origin)
            lead = asked.step[rows] - origin
            made = self._forecasts(_histories(grid, origin, asked.series[rows], self.parameters), lead.max())
            result[rows] = [
                made[one][ahead - 1] if one in made else np.nan for one, ahead in zip(asked.series[rows], lead, strict=True)
            ]
        return result

    def _forecasts(self, histories: Mapping[int, Floats], horizon: int) -> dict[int, Floats]:
        place = {digest: at for at, digest in enumerate(self.digests)} if horizon <= self.forecasts.shape[1] else {}
        found = {one: place.get(_digest(values)) for one, values in histories.items()}
        new = {one: histories[one] for one, at in found.items() if at is None}
        return _forecast(new, horizon, self.parameters) | {one: self.forecasts[at] for one, at in found.items() if at is not None}

    def save(self, folder: Path) -> dict[str, Any]:
        """The forecasts as a NumPy file."""
        np.save(folder / "forecasts.npy", self.forecasts, allow_pickle=False)
        return {"digests": list(self.digests), "method": self.method, "parameters": dict(self.parameters)}

    @classmethod
    def load(cls, folder: Path, about: dict[str, Any]) -> StatisticalMember:
        """Read back what `save` wrote."""
        forecasts = np.load(folder / "forecasts.npy", allow_pickle=False)
        return cls(forecasts, tuple(about["digests"]), about["method"], about["parameters"])


def fit_statistical(
    panel: Panel, settings: Settings, target: str, origin: int, horizon: int, parameters: Mapping[str, Any]
) -> StatisticalMember:
    """Fit ``parameters['method']`` to every series up to and including column ``origin`` and forecast ``horizon`` steps."""
    histories = _histories(panel.exact_grid(target), origin, np.arange(panel.shape[0]), parameters)
    made = _forecast(histories, horizon, parameters)
    forecasts = np.array([made[one] for one in histories]).reshape(-1, horizon)
    return StatisticalMember(forecasts, tuple(map(_digest, histories.values())), str(parameters["method"]), parameters)


def _histories(grid: Floats, origin: int, series: NDArray[np.integer], parameters: Mapping[str, Any]) -> dict[int, Floats]:
    """The regular series of each grid row that has any value up to the origin."""
    past = grid[:, : origin + 1]
    longest = int(parameters.get("longest", past.shape[1]))
    begun = [int(one) for one in np.unique(series) if np.isfinite(past[one]).any()]
    return {one: regular(past[one])[-longest:] for one in begun}


def _digest(values: Floats) -> str:
    return blake2b(values.tobytes(), digest_size=16).hexdigest()


def _forecast(histories: Mapping[int, Floats], horizon: int, parameters: Mapping[str, Any]) -> dict[int, Floats]:
    """Forecasts of each series, not below 0 where it never was."""
    from statsforecast import StatsForecast

    if not histories:
        return {}
    lengths = [len(values) for values in histories.values()]
    number = np.repeat(np.arange(len(histories)), lengths)
    step = np.concatenate([np.arange(length) for length in lengths])
    long = pl.DataFrame({"unique_id": number, "ds": step, "y": np.concatenate(list(histories.values()))})
    method, seasons = str(parameters["method"]), [int(season) for season in parameters["seasons"]]
    fitted = [_model(one, seasons) for one in (MEDIAN_OF if method == "median" else (method,))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a flat or very short series divides by zero inside, and gets a forecast
        made = StatsForecast(models=fitted, freq=1, n_jobs=1, fallback_model=_fallback()).forecast(df=long, h=horizon)
        each = [made[name].to_numpy().astype(np.float64).reshape(-1, horizon) for name in made.columns[-len(fitted) :]]
        if method == "median":
            each.append(multiplied(aligned(list(histories.values())), horizon, seasons[:1], "damped"))
        rows = each[0] if len(each) == 1 else np.nanmedian(each, axis=0)
    floors = [0.0 if values.min() >= 0 else -np.inf for values in histories.values()]
    return {one: np.maximum(row, floor) for one, row, floor in zip(histories, rows, floors, strict=True)}


def _fallback() -> Any:
    from statsforecast.models import Naive

    return Naive()


def _model(method: str, seasons: list[int]) -> Any:
    from statsforecast import models

    season = seasons[0] if seasons else 1
    if method == "stl_ets":
        return models.MSTL(season_length=seasons, trend_forecaster=models.AutoETS(model="ZZN"))
    if method == "stl_theta":
        return models.MSTL(season_length=seasons, trend_forecaster=models.DynamicOptimizedTheta(season_length=1))
    simple: dict[str, Callable[[], Any]] = {
        "ets": lambda: models.AutoETS(season_length=season),
        "theta": lambda: models.DynamicOptimizedTheta(season_length=season),
        "ces": lambda: models.AutoCES(season_length=season),
        "sarima": lambda: models.ARIMA((1, 1, 1), season, (int(season > 1), 0, 0), include_drift=True),
        "arima": lambda: models.AutoARIMA(season_length=season),
        "croston": models.CrostonOptimized,
        "tsb": lambda: models.TSB(alpha_d=0.2, alpha_p=0.2),
        "imapa": models.IMAPA,
    }
    return simple[method]()
