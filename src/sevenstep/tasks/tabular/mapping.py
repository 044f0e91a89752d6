"""From probabilities to calibrated ones: of a hundred items given 20 %, twenty should be so.

Two classes: beta calibration (Kull, Silva Filho and Flach, 2017), whose three parameters few items can carry, or centred isotonic
regression (Oron and Flournoy, 2017), which follows any shape and keeps the order of items, where there are many. More classes:
one temperature (Guo et al., 2017). A map is taken only where it lowers the log loss of items it was not fitted on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression, minimize_scalar

from sevenstep.tasks.tabular.judged import Judged

__all__ = ["NOTHING", "calibrated", "choose_map"]

NOTHING: Mapping[str, Any] = {"kind": "none"}
LEAST = 1e-6
FEWEST, MANY = 20, 1_000  # items of the rarest class: below, no map; from the second on, isotonic regression too
MOST_STEPS, MOST_STEP, RIDGE = 50, 2.0, 1e-3  # of Newton's method; the ridge bounds weights where no item is in doubt
BLEND = 0.02  # share of the beta map in the isotonic one, which keeps items apart where it is flat

Floats = NDArray[np.float64]
Map = Mapping[str, Any]


def choose_map(items: Judged) -> Map:
    """The map with the least log loss on parts of the items it was not fitted on; none where it saves nothing to speak of."""
    if len(items) == 0 or np.bincount(items.truth, minlength=items.classes).min() < FEWEST:
        return NOTHING
    plain = _log_losses(items)
    best, most = NOTHING, 0.0
    for fit in _fits(items):
        gain = plain - _left_out(items, fit)
        if gain.mean() > max(most, float(gain.std()) / np.sqrt(len(items))):
            best, most = fit(items), float(gain.mean())
    return best


def calibrated(probability: Floats, way: Map) -> Floats:
    """Probabilities ``[item, class]`` through a map."""
    if way["kind"] == "none":
        return probability
    if way["kind"] == "temperature":
        return _tempered(probability, way["temperature"])
    second = _beta(probability[:, 1], way["beta"])
    if way["kind"] == "isotonic":
        second = (1 - BLEND) * np.interp(probability[:, 1], way["given"], way["meant"]) + BLEND * second
    return np.column_stack([1 - second, second])


def _fits(items: Judged) -> list[Callable[[Judged], Map]]:
    if items.classes > 2:
        return [_fit_temperature]
    many = np.bincount(items.truth, minlength=2).min() >= MANY
    return [_fit_beta, _fit_isotonic] if many else [_fit_beta]


def _left_out(items: Judged, fit: Callable[[Judged], Map]) -> Floats:
    """Log loss of each item through a map fitted without its part."""
    losses = np.zeros(len(items))
    for part in np.unique(items.part):
        own = items.part == part
        left = items.at(own)
        losses[own] = _log_losses(left.with_probability(calibrated(left.probability, fit(items.at(~own)))))
    return losses


def _log_losses(items: Judged) -> Floats:
    return -np.log(np.clip(items.own(), LEAST, 1.0))


def _terms(probability: Floats) -> Floats:
    clipped = np.clip(probability, LEAST, 1 - LEAST)
    return np.column_stack([np.log(clipped), -np.log1p(-clipped), np.ones(len(clipped))])


def _beta(probability: Floats, weights: Any) -> Floats:
    result: Floats = 1.0 / (1.0 + np.exp(-np.clip(_terms(probability) @ np.asarray(weights), -35.0, 35.0)))
    return result


def _beta_weights(items: Judged) -> list[float]:
    """Weights of log p, -log(1 - p) and 1 with the least log loss; where one of the first two is below 0 it is left out, so that
    the order stays.
    """
    terms, truth = _terms(items.probability[:, 1]), (items.truth == 1).astype(np.float64)
    used = np.ones(3, dtype=bool)
    weights = _logistic(terms, truth)
    while (weights[:2] < 0).any():
        used[int(np.argmin(weights[:2]))] = False
        weights = np.zeros(3)
        weights[used] = _logistic(terms[:, used], truth)
    return [float(f"{value:.6g}") for value in weights]


def _logistic(terms: Floats, truth: Floats) -> Floats:
    """Logistic regression by Newton's method, from the map that changes nothing; the last term is 1."""
    weights = np.append(np.ones(terms.shape[1] - 1), 0.0)
    for _ in range(MOST_STEPS):
        chance = 1.0 / (1.0 + np.exp(-np.clip(terms @ weights, -35.0, 35.0)))
        bend = (terms * (chance * (1 - chance))[:, None]).T @ terms + RIDGE * np.eye(len(weights))
        step = np.linalg.solve(bend, terms.T @ (truth - chance) - RIDGE * weights)
        weights = weights + np.clip(step, -MOST_STEP, MOST_STEP)
        if np.abs(step).max() < 1e-6:
            break
    return weights


def _fit_beta(items: Judged) -> Map:
    return {"kind": "beta", "beta": _beta_weights(items)}


def _fit_isotonic(items: Judged) -> Map:
    """Block means of isotonic regression, each at the mean of its block, to be joined by straight lines."""
    given = items.probability[:, 1]
    order = np.argsort(given, kind="stable")
    fitted = isotonic_regression((items.truth[order] == 1).astype(np.float64))
    edges = fitted.blocks
    sizes = np.diff(edges)
    centres = np.add.reduceat(given[order], edges[:-1]) / sizes
    # a block of one kind alone does not prove certainty: half an item of the other kind is added to both ends
    means = np.clip(fitted.x[edges[:-1]], 0.5 / (len(given) + 1), 1 - 0.5 / (len(given) + 1))
    return {"kind": "isotonic", "given": _rounded(centres), "meant": _rounded(means), "beta": _beta_weights(items)}


def _rounded(values: Floats) -> list[float]:
    return [float(f"{value:.7g}") for value in values]


def _tempered(probability: Floats, temperature: float) -> Floats:
    raised = np.clip(probability, LEAST, 1.0) ** (1.0 / temperature)
    result: Floats = raised / raised.sum(axis=1, keepdims=True)
    return result


def _fit_temperature(items: Judged) -> Map:
    def loss(log_temperature: float) -> float:
        tempered = _tempered(items.probability, float(np.exp(log_temperature)))
        return float(_log_losses(items.with_probability(tempered)).mean())

    found = minimize_scalar(loss, bounds=(-1.5, 1.5), method="bounded")
    return {"kind": "temperature", "temperature": float(f"{np.exp(found.x):.5g}")}
