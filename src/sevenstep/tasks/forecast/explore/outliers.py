"""Values that fit neither their series nor their season."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sevenstep.tasks.forecast.explore.view import View
from sevenstep.tasks.forecast.explore.within import codes_of

__all__ = ["FAR", "Outliers", "find_outliers"]

FAR = 6.0  # robust standard deviations
SHOWN = 24
MAD_TO_DEVIATION = 1.4826


@dataclass(frozen=True)
class Outliers:
    """How many values lie over `FAR` robust deviations from the median of their cell, and the farthest of them.

    ``rows`` hold ``series``, ``time``, ``value``, ``usual`` and ``deviations``.
    """

    count: int
    share: float
    rows: list[dict[str, Any]]


def find_outliers(view: View) -> Outliers:
    """Distance from the median of the cell, in robust standard deviations of the series (1.4826 x median absolute deviation)."""
    cells = codes_of(*view.cells.codes) if len(view.cells.codes) == 1 else view.cells.codes[-1]
    usual = _medians(view.scaled, cells)[cells]
    away = view.scaled - usual
    series = codes_of(view.series)
    spread = MAD_TO_DEVIATION * _medians(np.abs(away), series)[series]
    floor = 1e-6 * max(float(np.abs(view.scaled).max()), 1e-12)
    with np.errstate(divide="ignore", invalid="ignore"):
        deviations = np.where(spread > floor, away / spread, 0.0)
    far = np.abs(deviations) > FAR
    top = np.argsort(-np.abs(deviations), kind="stable")[: min(SHOWN, int(far.sum()))]
    times = view.panel.times(view.series[top], view.step[top])
    rows = [
        {
            "series": series_name(view, int(view.series[at])),
            "time": str(time),
            "value": float(view.raw[at]),
            "usual": float(view.measure.backward(usual[at : at + 1])[0]),
            "deviations": float(deviations[at]),
        }
        for at, time in zip(top, times, strict=True)
    ]
    return Outliers(int(far.sum()), float(far.mean()), rows)


def series_name(view: View, series: int) -> str:
    """The keys of a series in words."""
    keys = view.panel.keys.row(series, named=True)
    return ", ".join(f"{name} {value}" for name, value in keys.items() if name) or "the series"


def _medians(values: np.ndarray[Any, np.dtype[np.float64]], codes: np.ndarray[Any, np.dtype[np.intp]]) -> Any:
    """Median of each code from 0, in one sort."""
    order = np.lexsort((values, codes))
    counts = np.bincount(codes)
    ends = np.cumsum(counts)
    low, high = ends - counts + (counts - 1) // 2, ends - counts + counts // 2
    ordered = values[order]
    safe = len(values) - 1
    return np.where(counts > 0, (ordered[np.clip(low, 0, safe)] + ordered[np.clip(high, 0, safe)]) / 2, np.nan)
