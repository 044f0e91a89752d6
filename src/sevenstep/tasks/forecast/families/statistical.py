"""Statistical models fitted series by series (statsforecast).

They need a regular series, so gaps are filled first: by zero where a gap means no demand, by a straight line where a value is
missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.forecast.families.question import Question
from sevenstep.tasks.forecast.panel import Panel, Settings

__all__ = ["METHODS", "StatisticalMember", "fit_statistical"]

METHODS = ("ets", "theta", "ces", "stl_ets", "stl_theta", "croston", "tsb", "imapa", "arima")


@dataclass(frozen=True)
class StatisticalMember:
    """Forecasts of every series from one origin, made when it was fitted.

    Args:
        forecasts: ``[series, lead]`` in units of the target, NaN for series too short to fit.
        origin: grid column the forecasts start from.
        method: one of `METHODS`.
        parameters: what the fit was given, so that newer observations can be forecast again with the same settings.
    """

    forecasts: NDArray[np.float64]
    origin: int
    method: str
    parameters: Mapping[str, Any]

    def predict(self, question: Question) -> NDArray[np.float64]:
        """The stored forecasts; where the origin has moved on, forecasts are made again from the grown history."""
        asked = question.asked
        origin = int(asked.origin.max())
        forecasts = self.forecasts
        horizon = max(forecasts.shape[1], int((asked.step - asked.origin).max()))
        if origin != self.origin or horizon > forecasts.shape[1]:
            forecasts = _forecast(question.panel, question.settings, question.target, origin, horizon, self.parameters)
        return forecasts[asked.series, asked.step - origin - 1]

    def save(self, folder: Path) -> dict[str, Any]:
        """The forecasts as a NumPy file."""
        np.save(folder / "forecasts.npy", self.forecasts, allow_pickle=False)
        return {"origin": self.origin, "method": self.method, "parameters": dict(self.parameters)}

    @classmethod
    def load(cls, folder: Path, about: dict[str, Any]) -> StatisticalMember:
        """Read back what `save` wrote."""
        forecasts = np.load(folder / "forecasts.npy", allow_pickle=False)
        return cls(forecasts, about["origin"], about["method"], about["parameters"])


def fit_statistical(
    panel: Panel, settings: Settings, target: str, origin: int, horizon: int, parameters: Mapping[str, Any]
) -> StatisticalMember:
    """Fit ``parameters['method']`` to every series up to and including column ``origin`` and forecast ``horizon`` steps."""
    forecasts = _forecast(panel, settings, target, origin, horizon, parameters)
    return StatisticalMember(forecasts, origin, str(parameters["method"]), parameters)


def _forecast(
    panel: Panel, settings: Settings, target: str, origin: int, horizon: int, parameters: Mapping[str, Any]
) -> NDArray[np.float64]:
    from statsforecast import StatsForecast

    long, floor = _regular(panel.exact_grid(target)[:, : origin + 1], settings, parameters)
    result = np.full((panel.shape[0], horizon), np.nan)
    if long.is_empty():
        return result
    model = _model(str(parameters["method"]), [int(season) for season in parameters["seasons"]])
    engine = StatsForecast(models=[model], freq=1, n_jobs=1, fallback_model=_fallback())
    made = engine.forecast(df=long, h=horizon)
    series = made["unique_id"].to_numpy().reshape(-1, horizon)[:, 0]
    result[series] = made[made.columns[-1]].to_numpy().reshape(-1, horizon)
    return np.maximum(result, 0.0) if floor else result


def _regular(grid: NDArray[np.float64], settings: Settings, parameters: Mapping[str, Any]) -> tuple[pl.DataFrame, bool]:
    """Series from their first observation on, without gaps, at most ``parameters['longest']`` steps; and whether none is
    negative.
    """
    seen = np.isfinite(grid)
    first = np.where(seen.any(axis=1), seen.argmax(axis=1), grid.shape[1])
    columns = np.arange(grid.shape[1])
    start = np.maximum(first, grid.shape[1] - int(parameters.get("longest", grid.shape[1])))
    parts = []
    for series in np.flatnonzero(seen.sum(axis=1) >= 3):
        mine = columns[start[series] :]
        values = grid[series, mine]
        known = np.isfinite(values)
        if not known.all():
            filled = np.interp(mine, mine[known], values[known]) if known.any() else np.zeros(len(mine))
            values = np.where(known, values, 0.0 if settings.gaps == "zero" else filled)
        parts.append((np.full(len(mine), series), mine, values))
    if not parts:
        return pl.DataFrame(schema={"unique_id": pl.Int64, "ds": pl.Int64, "y": pl.Float64}), False
    ids, steps, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    return pl.DataFrame({"unique_id": ids, "ds": steps, "y": values}), bool(np.nanmin(grid) >= 0)


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
        "arima": lambda: models.AutoARIMA(season_length=season),
        "croston": models.CrostonOptimized,
        "tsb": lambda: models.TSB(alpha_d=0.2, alpha_p=0.2),
        "imapa": models.IMAPA,
    }
    return simple[method]()
