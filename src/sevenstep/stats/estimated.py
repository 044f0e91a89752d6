"""How well a model does before any truth is known, told from its calibrated probabilities, and the check when truth arrives.

A probability that is calibrated says how often the label will be so. Labels are drawn accordingly, scored as usual, and the
figures of many draws give the estimate and the interval in which the figure of the true labels should lie. This is
confidence-based performance estimation (Garg et al., 2022, Leveraging unlabeled data to predict out-of-distribution performance;
Guillory et al., 2021) for every metric at once: the mean over draws is the figure of the expected counts.

It holds where the inputs change and what follows from them does not (covariate shift). Where the same inputs come to mean another
outcome (concept drift) no method without labels can see it; `check_estimate` shows it as soon as some labels are there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sevenstep.stats.intervals import LEVEL, Estimate
from sevenstep.stats.metric import Metric
from sevenstep.stats.scored import FloatArray, Scored

__all__ = ["DRAWS", "EstimateCheck", "Reference", "check_estimate", "classified_rows", "estimate_performance"]

DRAWS = 400
FEWEST = 30  # rows of a reference below which nothing is learnt from it about the calibration
_LEAST = 1e-6

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Reference:
    """Judged rows the probabilities were calibrated on: how far the calibration can be trusted follows from how many there are.

    Args:
        probability: calibrated, of each class, ``[n, classes]``.
        truth: number of the true class, ``[n]``.
    """

    probability: FloatArray
    truth: Codes


@dataclass(frozen=True)
class EstimateCheck:
    """An estimate beside what came of it, on the same rows.

    Args:
        estimate: made from the probabilities alone.
        realised: the figure of the true labels; None where it cannot be measured (one class only).
        inside: whether it lies within the interval of the estimate; None where either is missing.
        n: rows whose label has arrived.
    """

    estimate: Estimate
    realised: float | None
    inside: bool | None
    n: int


def estimate_performance(
    probability: FloatArray,
    cut: FloatArray | float,
    metric: Metric,
    *,
    costs: FloatArray | None = None,
    reference: Reference | None = None,
    seed: int = 0,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> Estimate:
    """The figure a model is expected to reach on rows whose labels are not known.

    Args:
        probability: calibrated probabilities, ``[n]`` of the positive class or ``[n, classes]``.
        cut: probability at which the positive class is decided for; with more classes one cut for each, ``[classes]``.
        metric: any metric of classified items (`sevenstep.stats.metrics.METRICS`).
        costs: of not finding each class, ``[classes]``; with two classes the first is that of a false alarm. All 1 by default.
        reference: rows the calibration was made on; their number widens the interval by what the calibration may be off.
        seed: of the draws.
        draws: how often labels are drawn.
        level: of the interval, in which the figure of the true labels of these very rows should lie.

    Raises:
        ValueError: a probability is outside of 0 to 1.
    """
    table = _as_table(probability)
    if len(table) == 0:
        return Estimate(None, None, None, 0, 0, "not measured: there are no rows", level)
    random = np.random.default_rng(seed)
    shifts = _calibration_shifts(table, reference, random, draws)
    figures = np.array([_drawn_figure(_shifted(table, shift), table, cut, metric, costs, random) for shift in shifts])
    known = figures[np.isfinite(figures)]
    if len(known) < draws / 2:
        return Estimate(None, None, None, len(table), len(table), "not measured: most draws have one class only", level)
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    doubt = ", calibration in doubt as far as its rows go" if shifts.any() else ""
    method = f"{draws} draws of the labels from calibrated probabilities{doubt}; holds while inputs keep their meaning"
    return Estimate(float(known.mean()), float(low), float(high), len(table), len(table), method, level)


def check_estimate(
    probability: FloatArray,
    truth: Codes,
    cut: FloatArray | float,
    metric: Metric,
    *,
    costs: FloatArray | None = None,
    reference: Reference | None = None,
    seed: int = 0,
    draws: int = DRAWS,
) -> EstimateCheck:
    """Hold the estimate against the labels that have arrived: outside of the interval, inputs have come to mean something else.

    Args:
        probability: as for `estimate_performance`.
        truth: number of the true class of each row, -1 where it has not arrived; only rows with a label are compared.
        cut: as for `estimate_performance`; so are ``metric``, ``costs``, ``reference``, ``seed`` and ``draws``.
    """
    there = truth >= 0
    table = _as_table(probability)[there]
    estimate = estimate_performance(table, cut, metric, costs=costs, reference=reference, seed=seed, draws=draws)
    realised = metric.value(classified_rows(table, truth[there], cut, costs)) if there.any() else float("nan")
    if not np.isfinite(realised) or estimate.low is None or estimate.high is None:
        return EstimateCheck(estimate, realised if np.isfinite(realised) else None, None, int(there.sum()))
    return EstimateCheck(estimate, realised, bool(estimate.low <= realised <= estimate.high), int(there.sum()))


def classified_rows(probability: FloatArray, truth: Codes, cut: FloatArray | float, costs: FloatArray | None = None) -> Scored:
    """Items as the rows metrics read: one each with two classes, one an item and class with more.

    Args:
        probability: ``[n, classes]``.
        truth: number of the true class, ``[n]``.
        cut: of the positive class, or of each of several.
        costs: of not finding each class, ``[classes]``.
    """
    n, classes = probability.shape
    price = np.ones(classes) if costs is None else np.asarray(costs, np.float64)
    if classes == 2:
        at = float(np.ravel(cut)[-1])
        return Scored.of((truth == 1).astype(np.float64), probability[:, 1], weight=price[truth], cut=np.full(n, at))
    label = np.tile(np.arange(classes), n)
    return Scored.of(
        (np.repeat(truth, classes) == label).astype(np.float64),
        probability.reshape(-1),
        weight=price[label],
        unit=np.repeat(np.arange(n), classes),
        label=label,
        cut=np.broadcast_to(np.asarray(cut, np.float64), (n, classes)).reshape(-1),
    )


def _as_table(probability: FloatArray) -> FloatArray:
    values = np.asarray(probability, np.float64)
    if not ((values >= 0) & (values <= 1 + 1e-9)).all():
        raise ValueError("probabilities lie between 0 and 1")
    return np.column_stack([1 - values, values]) if values.ndim == 1 else values


def _drawn_figure(
    drawn_from: FloatArray, table: FloatArray, cut: FloatArray | float, metric: Metric, costs: FloatArray | None,
    random: np.random.Generator,
) -> float:  # fmt: skip
    """The figure where every label is drawn; the decisions stay those of the model's own probabilities."""
    edges = np.cumsum(drawn_from, axis=1)
    place = random.random(len(table)) * edges[:, -1]
    truth = np.minimum((place[:, None] >= edges).sum(axis=1), table.shape[1] - 1)
    return metric.value(classified_rows(table, truth.astype(np.int64), cut, costs))


def _shifted(table: FloatArray, shift: FloatArray) -> FloatArray:
    """Probabilities whose logarithms are moved by a constant for each class and stretched by a factor."""
    if not shift.any():
        return table
    log = np.log(np.maximum(table, _LEAST)) * (1.0 + shift[-1])
    log[:, :-1] += shift[:-1]
    weight = np.exp(log - log.max(axis=1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def _calibration_shifts(table: FloatArray, reference: Reference | None, random: np.random.Generator, draws: int) -> FloatArray:
    """By how much the calibration may be off, one set of constants and a factor for each draw, ``[draws, classes]``.

    A calibration fitted on the reference has the error of a multinomial regression of its truth on the logarithms of its
    probabilities: the inverse of the information of the scores.
    """
    classes = table.shape[1]
    if reference is None or len(reference.truth) < FEWEST:
        return np.zeros((draws, classes))
    gap = np.eye(classes)[reference.truth] - reference.probability
    stretch = (gap * np.log(np.maximum(reference.probability, _LEAST))).sum(axis=1)
    scores = np.column_stack([gap[:, :-1], stretch])
    information = scores.T @ scores + np.eye(classes)
    return np.asarray(random.multivariate_normal(np.zeros(classes), np.linalg.inv(information), size=draws))
