"""What out-of-fold scores say about probabilities, decisions and bounds, as JSON values.

Classes: a map to calibrated probabilities, the cuts to decide by, and how probable a class must be to be in the 80 % (95 %) set
(least ambiguous sets; Sadinle, Lei and Wasserman, 2019). Numbers: a factor that suits the KPI's metric, and bounds that are as
wide as errors have been at predictions of this size (normalised split conformal; Lei et al., 2018).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.spec.brief import Brief
from sevenstep.tasks.leading import leading_kpi, leading_metric, target_of
from sevenstep.tasks.scoretable import BOUNDS, ScoreTable
from sevenstep.tasks.shifting import best_shift
from sevenstep.tasks.tabular.decide import aim_of, cuts_by_cost, paying_cuts, tuned_cuts
from sevenstep.tasks.tabular.judged import Judged
from sevenstep.tasks.tabular.mapping import calibrated, choose_map

__all__ = ["apply", "bounded", "calibrate"]

LEVELS = {"lower_80": 0.10, "upper_80": 0.90, "lower_95": 0.025, "upper_95": 0.975}
SETS = {"lower_80": 0.80, "lower_95": 0.95}
MOST_STEPS, FEWEST_IN_STEP = 20, 50

Floats = NDArray[np.float64]
Calibration = Mapping[str, Any]


def calibrate(scores: ScoreTable, brief: Brief) -> Calibration:
    """What to do with the predictions of one target, from the out-of-fold scores of the model that is to make them."""
    return _of_classes(scores.frame, brief) if "unit" in scores.frame.columns else _of_numbers(scores.frame, brief)


def apply(scores: ScoreTable, calibration: Calibration) -> ScoreTable:
    """The score table with calibrated predictions, cuts and bounds."""
    kind = _applied_classes if "cuts" in calibration else _applied_numbers
    return ScoreTable(kind(scores.frame, calibration))


def _of_classes(frame: pl.DataFrame, brief: Brief) -> Calibration:
    items = Judged.of(frame).known()
    chosen = choose_map(items)
    unseen, items = items.with_probability(chosen.unseen), items.with_probability(calibrated(items.probability, chosen.way))
    cuts = paying_cuts(unseen, cuts_by_cost(items.cost))
    target = frame["target"][0] if len(frame) else ""
    aim = aim_of([kpi for kpi in brief.kpis if target_of(kpi, brief.targets) == target])
    if aim is not None:
        cuts = tuned_cuts(items, aim, cuts)
    least = {bound: _least(items.own(), level) for bound, level in SETS.items()}
    tuned = "costs" if aim is None else aim.metric.name
    return {"map": dict(chosen.way), "cuts": cuts.tolist(), "cuts_for": tuned, "least": least, "n": len(items)}


def _least(own: Floats, level: float) -> float:
    """The probability that the true class of a new item reaches with at least this chance."""
    rank = int(np.floor((1.0 - level) * (len(own) + 1)))
    return float(np.sort(own)[rank - 1]) if rank >= 1 else 0.0


def _applied_classes(frame: pl.DataFrame, calibration: Calibration) -> pl.DataFrame:
    items = Judged.of(frame)
    prediction = items.by_row(calibrated(items.probability, calibration["map"]))
    cut = items.by_row(np.tile(np.asarray(calibration["cuts"], np.float64), (len(items), 1)))
    least = [pl.lit(float(calibration["least"][bound])).alias(bound) for bound in SETS]
    return frame.with_columns(pl.Series("prediction", prediction), pl.Series("cut", cut), *least)


def _of_numbers(frame: pl.DataFrame, brief: Brief) -> Calibration:
    frame = frame.filter(pl.col("truth").is_finite() & pl.col("prediction").is_finite())
    target = frame["target"][0] if len(frame) else ""
    kpi = leading_kpi(brief.kpis, target, brief.targets)
    shift = best_shift(frame, "rmse" if kpi is None else leading_metric(kpi))
    truth, prediction = frame["truth"].to_numpy(), frame["prediction"].to_numpy() * shift
    sizes, usual = _steps(prediction, np.abs(truth - prediction))
    normal = np.sort((truth - prediction) / np.interp(prediction, sizes, usual))
    return {
        "shift": shift,
        "sizes": sizes.tolist(),
        "usual": usual.tolist(),
        "quantiles": {bound: _corrected(normal, level) for bound, level in LEVELS.items()},
        "floor_zero": bool((truth >= 0).all()),
        "n": len(frame),
    }


def _steps(prediction: Floats, error: Floats) -> tuple[Floats, Floats]:
    """The mean absolute error at rising predictions, in runs of about equally many items; never 0."""
    count = int(np.clip(len(error) // FEWEST_IN_STEP, 1, MOST_STEPS))
    order = np.argsort(prediction, kind="stable")
    runs = [run for run in np.array_split(order, count) if len(run)] or [order]
    overall = float(error.mean()) if len(error) and error.mean() > 0 else 1.0
    sizes = np.array([prediction[run].mean() if len(run) else 0.0 for run in runs])
    usual = np.array([error[run].mean() if len(run) else overall for run in runs])
    return sizes, np.maximum(usual, 0.05 * overall)


def _corrected(errors: Floats, level: float) -> float:
    """The order statistic that covers a new error with at least the stated probability."""
    n = len(errors)
    if n == 0:
        return 0.0
    rank = int(np.floor((n + 1) * level)) if level < 0.5 else int(np.ceil((n + 1) * level))
    return float(errors[np.clip(rank, 1, n) - 1])


def _applied_numbers(frame: pl.DataFrame, calibration: Calibration) -> pl.DataFrame:
    return frame.with_columns(
        pl.Series(name, made) for name, made in bounded(frame["prediction"].to_numpy(), calibration).items()
    )


def bounded(numbers: Floats, calibration: Calibration) -> Mapping[str, Floats]:
    """The columns ``prediction``, ``lower_80`` to ``upper_95`` of predicted numbers ``[n]`` before calibration."""
    prediction = numbers * calibration["shift"]
    unit = np.interp(prediction, calibration["sizes"], calibration["usual"])
    columns = {"prediction": prediction} | {bound: prediction + unit * calibration["quantiles"][bound] for bound in BOUNDS}
    floor = 0.0 if calibration["floor_zero"] else -np.inf
    return {name: np.maximum(values, floor) for name, values in columns.items()}
