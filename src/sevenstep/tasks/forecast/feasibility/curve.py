"""Learning curves: how the error falls with more history, and with more series than the sample has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from sevenstep.stats.scored import BoolArray, FloatArray
from sevenstep.tasks.forecast.feasibility.gauge import Gauge
from sevenstep.tasks.forecast.feasibility.material import Material
from sevenstep.tasks.forecast.feasibility.trial import Fitting, Trial, rerun, run_trial, with_history

__all__ = ["Curve", "LearningRuns", "curve_of", "history_runs", "series_runs"]

SHARES = (0.25, 0.5)


@dataclass(frozen=True)
class LearningRuns:
    """Predictions of the judged rows from probes that had learnt from ``sizes`` (steps or rows), smallest first."""

    sizes: tuple[int, ...]
    predictions: tuple[FloatArray, ...]


@dataclass(frozen=True)
class Curve:
    """``error = floor + slope / sqrt(size)``, both not negative, with the points it was fitted to."""

    floor: float
    slope: float
    sizes: tuple[int, ...]
    errors: tuple[float, ...]

    def at(self, size: float) -> float:
        """The error expected from ``size``."""
        return self.floor + self.slope / float(np.sqrt(size))

    def size_for(self, error: float) -> float | None:
        """The size at which the error is expected; None where no size is enough."""
        return None if error <= self.floor or self.slope == 0 else (self.slope / (error - self.floor)) ** 2


def history_runs(material: Material, full: Trial, fitting: Fitting) -> LearningRuns | None:
    """Probes that had only the newest quarter and half of the history; None where that is too short to learn from."""
    whole = material.cutoffs[0] + 1
    least = 2 * max(material.settings.season, 2) + material.recipe.horizon
    sizes, predictions = [whole], [full.prediction]
    for share in reversed(SHARES):
        trial = run_trial(with_history(material, share), fitting) if share * whole >= least else None
        if trial is None:
            break
        sizes.insert(0, round(share * whole))
        predictions.insert(0, trial.prediction)
    return LearningRuns(tuple(sizes), tuple(predictions)) if len(sizes) > 1 else None


def series_runs(material: Material, full: Trial, fitting: Fitting) -> LearningRuns | None:
    """Probes that had learnt from a quarter and half of the sampled series; None where the sample is all there is."""
    if material.population < 1.2 * len(full.rows) or material.panel.shape[0] < 20:
        return None
    order = np.random.default_rng(material.recipe.seed).permutation(material.panel.shape[0])
    sizes, predictions = [len(full.rows)], [full.prediction]
    for share in reversed(SHARES):
        rows = full.rows[order[full.table.series[full.rows]] < share * len(order)]
        trial = rerun(material, full.table, rows, fitting)
        if trial is None:
            break
        sizes.insert(0, len(rows))
        predictions.insert(0, trial.prediction)
    return LearningRuns(tuple(sizes), tuple(predictions)) if len(sizes) > 1 else None


def curve_of(runs: LearningRuns | None, gauge: Gauge) -> Curve | None:
    """The curve of an error through its runs by least squares, on rows all of them predicted; None where it cannot be drawn.

    The exponent of one half is the rate at which means settle; with three points it is not fitted (Figueroa et al., 2012,
    Predicting sample size required for classification performance, fit it from five points on).
    """
    if runs is None or not gauge.is_error:
        return None
    common: BoolArray = np.asarray(np.isfinite(np.column_stack(runs.predictions)).all(axis=1))
    errors = np.array([gauge.value(prediction, common) for prediction in runs.predictions])
    if not np.isfinite(errors).all() or not errors.any():
        return None
    sizes = np.array(runs.sizes, dtype=np.float64)
    (floor, slope), _ = nnls(np.column_stack([np.ones_like(sizes), sizes**-0.5]), errors)
    return Curve(float(floor), float(slope), runs.sizes, tuple(errors.tolist()))
