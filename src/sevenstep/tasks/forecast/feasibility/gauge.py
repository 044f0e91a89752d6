"""A KPI as a measuring device: predictions of the judged rows in, its value with an interval out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sevenstep.spec.model import Kpi
from sevenstep.stats.intervals import Estimate, cluster_estimate
from sevenstep.stats.metric import Metric
from sevenstep.stats.metrics import METRICS, in_sample_scale
from sevenstep.stats.scored import BoolArray, FloatArray, Scored
from sevenstep.tasks.forecast.feasibility.material import Material
from sevenstep.tasks.forecast.features.table import row_weights

__all__ = ["Gauge", "gauge_of"]

_LEVELS = {"lower_95": 0.025, "lower_80": 0.1, "upper_80": 0.9, "upper_95": 0.975}


@dataclass(frozen=True)
class Gauge:
    """One KPI's metric with all it needs of the judged rows besides predictions."""

    kpi: Kpi
    metric: Metric
    truth: FloatArray
    weight: FloatArray
    scale: FloatArray
    cluster: NDArray[np.int64]
    seed: int

    @property
    def is_error(self) -> bool:
        """Whether less is better; otherwise the metric has a best value of its own (bias, coverage)."""
        return self.metric.direction == "lower"

    @property
    def is_share(self) -> bool:
        """Whether the metric is a share of 1."""
        return self.metric.unit == "share"

    def value(self, prediction: FloatArray, rows: BoolArray | None = None) -> float:
        """The metric alone; NaN where nothing can be measured."""
        scored, _ = self._scored(prediction, rows)
        return self.metric.value(scored)

    def estimate(self, prediction: FloatArray, rows: BoolArray | None = None) -> Estimate:
        """The metric with its interval over clusters, on all judged rows or on ``rows``."""
        scored, cluster = self._scored(prediction, rows)
        return cluster_estimate(self.metric, scored, cluster, self.seed)

    def _scored(self, prediction: FloatArray, rows: BoolArray | None) -> tuple[Scored, NDArray[np.int64]]:
        bounds = self._bounds(prediction) if set(self.metric.needs) & set(_LEVELS) else {}
        scored = Scored.of(self.truth, prediction, weight=self.weight, scale=self.scale, root_scale=self.scale, **bounds)
        return (scored, self.cluster) if rows is None else (scored.at(rows), self.cluster[rows])

    def _bounds(self, prediction: FloatArray) -> dict[str, FloatArray]:
        """Split conformal bounds: each half of the clusters takes the other's error quantiles, in units of scale."""
        half = np.unique(self.cluster, return_inverse=True)[1] % 2
        error = (self.truth - prediction) / self.scale
        bounds = {name: np.full(len(error), np.nan) for name in _LEVELS}
        for mine in (0, 1):
            others = error[(half != mine) & np.isfinite(error)]
            for name, level in _LEVELS.items() if len(others) else ():
                width = np.quantile(others, level) * self.scale
                bounds[name][half == mine] = (prediction + width)[half == mine]
        return bounds


def gauge_of(kpi: Kpi, material: Material, seed: int) -> Gauge:
    """The gauge of a KPI on the judged rows."""
    metric = METRICS[kpi.metric]
    weight = row_weights(material.panel, kpi.weights)[material.row].astype(np.float64)
    scaled = set(metric.needs) & {"scale", "root_scale", *_LEVELS}
    scale = _scales(material, squared=kpi.metric == "rmsse") if scaled else np.ones(len(material.truth))
    return Gauge(kpi, metric, material.truth, weight, scale, material.cluster, seed)


def _scales(material: Material, *, squared: bool) -> FloatArray:
    """In-sample error of the seasonal naive rule of each row's series, up to its origin."""
    grid = material.panel.exact_grid(material.recipe.target)
    origin, series = material.asked.origin, material.asked.series
    scale = np.full(len(series), np.nan)
    season = max(material.settings.season, 1)
    for cutoff in material.cutoffs:
        by_series = np.array([in_sample_scale(values[: cutoff + 1], season, squared=squared) for values in grid])
        scale[origin == cutoff] = by_series[series[origin == cutoff]]
    return scale
