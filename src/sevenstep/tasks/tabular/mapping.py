"""From probabilities to calibrated ones: of a hundred items given 20 %, twenty should be so.

Two classes: a slope and a level on the logistic scale (Platt, 2000) where a class has a handful of items, beta calibration
(Kull, Silva Filho and Flach, 2017), whose three parameters few items can carry, or centred isotonic regression (Oron and
Flournoy, 2017), which follows any shape and keeps the order of items, where there are many. More classes: one temperature (Guo
et al., 2017), or a temperature and a lift of each class (Alexandari, Kundaje and Shrikumar, 2020). A map is taken only where it
lowers the log loss of items it was not fitted on. Items count as much as they say of those to come (`Judged.worth`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression, minimize, minimize_scalar
from scipy.special import expit, log_softmax, logit, softmax

from sevenstep.tasks.tabular.judged import Judged

__all__ = ["NOTHING", "Chosen", "calibrated", "choose_map", "mean_and_error"]

NOTHING: Mapping[str, Any] = {"kind": "none"}
LEAST = 1e-6
HANDFUL, FEWEST, MANY = 5, 20, 1_000  # items of the rarest class: from then on a slope, the beta map, isotonic regression
MOST_STEPS, LEAST_STEP = 50, 1e-6  # of Newton's method
RIDGE = 1e-3  # bounds weights where no item is in doubt
HELD = 4.0  # ridge that holds a slope at 1, or a lift at 0, as if its standard error were known to be one half
LEAST_SLOPE = 0.01  # keeps the order of items where it says nothing, or the opposite
BLEND = 0.02  # share of the beta map in the isotonic one, which keeps items apart where it is flat

Floats = NDArray[np.float64]
Map = Mapping[str, Any]


@dataclass(frozen=True)
class Chosen:
    """A map, and what it makes of each item where it is fitted without the item's part, ``[item, class]``."""

    way: Map
    unseen: Floats


def choose_map(items: Judged) -> Chosen:
    """The map with the least log loss on parts of the items it was not fitted on; none where it saves nothing to speak of."""
    best, most = Chosen(NOTHING, items.probability), 0.0
    if len(items) == 0:
        return best
    plain = _log_losses(items)
    for fit in _fits(items):
        unseen = _left_out(items, fit)
        gain, error = mean_and_error(plain - _log_losses(items.with_probability(unseen)), items.worth)
        if gain > max(most, error):
            best, most = Chosen(fit(items), unseen), gain
    return best


def mean_and_error(values: Floats, worth: Floats) -> tuple[float, float]:
    """Mean of values that count differently, and its standard error."""
    mean = float(np.average(values, weights=worth))
    return mean, float(np.sqrt((worth**2 * (values - mean) ** 2).sum()) / worth.sum())


def calibrated(probability: Floats, way: Map) -> Floats:
    """Probabilities ``[item, class]`` through a map."""
    if way["kind"] == "none":
        return probability
    if way["kind"] == "temperature":
        return _tempered(probability, way["temperature"], way.get("lift", 0.0))
    second = _beta(probability[:, 1], way["beta"])
    if way["kind"] == "isotonic":
        second = (1 - BLEND) * np.interp(probability[:, 1], way["given"], way["meant"]) + BLEND * second
    return np.column_stack([1 - second, second])


def _fits(items: Judged) -> list[Callable[[Judged], Map]]:
    rarest = int(np.bincount(items.truth, minlength=items.classes).min())
    if items.classes > 2:
        return [_fit_temperature, _fit_lift] if rarest >= FEWEST else []
    each = ((HANDFUL, _fit_slope), (FEWEST, _fit_beta), (MANY, _fit_isotonic))
    return [fit for least, fit in each if rarest >= least]


def _left_out(items: Judged, fit: Callable[[Judged], Map]) -> Floats:
    """Probabilities of each item through a map fitted without its part."""
    unseen = items.probability.copy()
    for part in np.unique(items.part):
        own = items.part == part
        if not own.all():
            unseen[own] = calibrated(items.probability[own], fit(items.at(~own)))
    return unseen


def _log_losses(items: Judged) -> Floats:
    return -np.log(np.clip(items.own(), LEAST, 1.0))


def _terms(probability: Floats) -> Floats:
    clipped = np.clip(probability, LEAST, 1 - LEAST)
    return np.column_stack([np.log(clipped), -np.log1p(-clipped), np.ones(len(clipped))])


def _beta(probability: Floats, weights: Any) -> Floats:
    return np.asarray(expit(_terms(probability) @ np.asarray(weights)))


def _beta_weights(items: Judged) -> list[float]:
    """Weights of log p, -log(1 - p) and 1 with the least log loss; where one of the first two is below 0 it is left out, so that
    the order stays, and where both are, the slope is taken.
    """
    terms = _terms(items.probability[:, 1])
    used = np.ones(3, dtype=bool)
    weights = _logistic(terms, items, RIDGE)
    while (weights[:2] < 0).any():
        used[int(np.argmin(weights[:2]))] = False
        if not used[:2].any():
            return _slope_weights(items)
        weights = np.zeros(3)
        weights[used] = _logistic(terms[:, used], items, RIDGE)
    return _rounded(weights, 6)


def _logistic(terms: Floats, items: Judged, ridge: float) -> Floats:
    """Logistic regression by Newton's method, from the map that changes nothing, which the ridge holds it to; the last term is 1.

    A step that does not lower the loss is halved: far from the solution a whole one can lead away from it.
    """
    truth, worth = (items.truth == 1).astype(np.float64), items.worth
    start = np.append(np.ones(terms.shape[1] - 1), 0.0)
    held = np.append(np.full(terms.shape[1] - 1, ridge), RIDGE)

    def loss(weights: Floats) -> float:
        score = terms @ weights
        return float((worth * (np.logaddexp(0.0, score) - truth * score)).sum() + 0.5 * (held * (weights - start) ** 2).sum())

    weights, least = start, loss(start)
    for _ in range(MOST_STEPS):
        chance = expit(terms @ weights)
        bend = (terms * (worth * chance * (1 - chance))[:, None]).T @ terms + np.diag(held)
        step = np.linalg.solve(bend, terms.T @ (worth * (truth - chance)) - held * (weights - start))
        while (lower := loss(weights + step)) > least and np.abs(step).max() > LEAST_STEP:
            step = step / 2
        if lower > least:
            break
        weights, least = weights + step, lower
        if np.abs(step).max() < LEAST_STEP:
            break
    return weights


def _slope_weights(items: Judged) -> list[float]:
    """One slope, held near 1, and a level; written as the beta map it is a case of."""
    score = _terms(items.probability[:, 1])[:, :2].sum(axis=1)
    middle = float(np.average(score, weights=items.worth))
    slope, level = _logistic(np.column_stack([score - middle, np.ones(len(score))]), items, HELD)
    if slope < LEAST_SLOPE:  # then all are about as probable as the class is frequent
        slope, level = LEAST_SLOPE, logit(np.average(items.truth == 1, weights=items.worth))
    return _rounded(np.array([slope, slope, level - slope * middle]), 6)


def _fit_slope(items: Judged) -> Map:
    return {"kind": "beta", "beta": _slope_weights(items)}


def _fit_beta(items: Judged) -> Map:
    return {"kind": "beta", "beta": _beta_weights(items)}


def _fit_isotonic(items: Judged) -> Map:
    """Block means of isotonic regression, each at the mean of its block, to be joined by straight lines."""
    given = items.probability[:, 1]
    order = np.argsort(given, kind="stable")
    fitted = isotonic_regression((items.truth[order] == 1).astype(np.float64), weights=items.worth[order])
    edges = fitted.blocks
    sizes = np.add.reduceat(items.worth[order], edges[:-1])
    centres = np.add.reduceat((items.worth * given)[order], edges[:-1]) / sizes
    # a block of one kind alone does not prove certainty: half an item of the other kind is added to both ends
    means = np.clip(fitted.x[edges[:-1]], 0.5 / (len(given) + 1), 1 - 0.5 / (len(given) + 1))
    return {"kind": "isotonic", "given": _rounded(centres, 7), "meant": _rounded(means, 7), "beta": _beta_weights(items)}


def _rounded(values: Floats, digits: int) -> list[float]:
    return [float(f"{value:.{digits}g}") for value in values]


def _tempered(probability: Floats, temperature: float, lift: Any = 0.0) -> Floats:
    """Probabilities whose logarithms are divided by the temperature, lifted by class, and brought back to a sum of 1."""
    return np.asarray(softmax(np.log(np.clip(probability, LEAST, 1.0)) / temperature + np.asarray(lift), axis=1))


def _fit_temperature(items: Judged) -> Map:
    def loss(log_temperature: float) -> float:
        tempered = _tempered(items.probability, float(np.exp(log_temperature)))
        return float(np.average(_log_losses(items.with_probability(tempered)), weights=items.worth))

    found = minimize_scalar(loss, bounds=(-1.5, 1.5), method="bounded")
    return {"kind": "temperature", "temperature": float(f"{np.exp(found.x):.5g}")}


def _fit_lift(items: Judged) -> Map:
    """A temperature and a lift of each class, which a ridge holds at 0."""
    scores = np.log(np.clip(items.probability, LEAST, 1.0))
    wanted = items.truth[:, None] == np.arange(items.classes)

    def loss(weights: Floats) -> tuple[float, Floats]:
        logarithm = log_softmax(weights[0] * scores + weights[1:], axis=1)
        over = items.worth[:, None] * (np.exp(logarithm) - wanted)
        slopes = np.append((over * scores).sum(), over.sum(axis=0) + HELD * weights[1:])
        total = -(items.worth[:, None] * logarithm)[wanted].sum() + 0.5 * HELD * (weights[1:] ** 2).sum()
        return float(total), slopes

    start = np.append(1.0, np.zeros(items.classes))
    limits = [(np.exp(-1.5), np.exp(1.5)), *[(None, None)] * items.classes]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=limits).x
    return {"kind": "temperature", "temperature": float(f"{1.0 / found[0]:.5g}"), "lift": _rounded(found[1:], 5)}
