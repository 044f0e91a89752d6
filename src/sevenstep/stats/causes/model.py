"""The risk of each item from the causes found so far: what a further cause has to add to."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sevenstep.stats.causes.looks import Look
from sevenstep.stats.scored import BoolArray, FloatArray

__all__ = ["design_columns", "fitted_risk", "strata_of"]

_ROUNDS, _RIDGE, _CLOSE = 30, 0.5, 1e-8
_PARTS = 10
_FAR = 3.0  # interquartile ranges from the middle
_MOST_STRATA = 30


def design_columns(found: Look, numbers: Mapping[str, FloatArray]) -> FloatArray:
    """What a found cause adds to the model ``[n, k]``: itself, its parts when it is a pair, tenths and slope of its number.

    Tenths and slope, because a number rarely acts as a step: what remains of it must not come back as the next cause.
    """
    columns = [found.exposed, *(part.exposed for part in found.parts)]
    slopes = [_slope(numbers[name]) for name in found.columns if name in numbers]
    for name in found.columns:
        if name in numbers:
            columns += _tenths(numbers[name])
    return np.column_stack([*columns, *slopes]).astype(np.float64)


def _slope(values: FloatArray) -> FloatArray:
    """The number itself, its middle 0 and its spread 1, far values drawn in; 0 where it is missing."""
    low, middle, high = np.nanquantile(values, [0.25, 0.5, 0.75])
    scaled = (values - middle) / (high - low if high > low else 1.0)
    return np.asarray(np.clip(np.nan_to_num(scaled), -_FAR, _FAR), np.float64)


def _tenths(values: FloatArray) -> list[BoolArray]:
    known = ~np.isnan(values)
    edges = np.unique(np.quantile(values[known], np.arange(1, _PARTS) / _PARTS))
    place = np.where(known, np.searchsorted(edges, values), -1)
    return [place == part for part in range(-1 if not known.all() else 0, len(edges))]


def fitted_risk(outcome: FloatArray, design: FloatArray) -> FloatArray:
    """Risk of each item ``[n]`` from a logistic regression on ``design`` ``[n, k]``, by iterated least squares.

    Every coefficient but the constant is held by a ridge worth half an item, so that a level without defects keeps a risk.
    """
    inputs = np.column_stack([np.ones(len(outcome)), design])
    ridge = np.diag([0.0, *[_RIDGE] * design.shape[1]])
    mean = float(outcome.mean())
    coefficients = np.concatenate([[np.log(mean / (1 - mean))], np.zeros(design.shape[1])])
    for _ in range(_ROUNDS):
        risk = _risk(inputs @ coefficients)
        slope = inputs.T @ (outcome - risk) - ridge @ coefficients
        step = np.linalg.solve((inputs * (risk * (1 - risk))[:, None]).T @ inputs + ridge, slope)
        coefficients = coefficients + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < _CLOSE:
            break
    return _risk(inputs @ coefficients)


def _risk(logits: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -15.0, 15.0))), np.float64)


def strata_of(risk: FloatArray) -> NDArray[np.intp]:
    """Items of about equal risk by the causes found so far, within which a further cause is compared (Hansen 2008)."""
    levels, codes = np.unique(np.round(risk, 9), return_inverse=True)
    if len(levels) <= _MOST_STRATA:
        return codes
    edges = np.unique(np.quantile(risk, np.arange(1, 20) / 20))
    return np.searchsorted(edges, risk)
