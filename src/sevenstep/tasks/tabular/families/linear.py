"""Regularised linear models on spread-out features: logistic regression for classes, ridge regression for numbers.

How strong the regularisation is, is chosen on an inner part of the training rows (by leave-one-out errors for ridge). Only
the coefficients are kept.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from sevenstep.tasks.tabular.families.learning import Floats, Lesson

__all__ = ["LinearPredictor", "fit_linear", "linear_on", "log_loss"]

_INNER = 4
_STRENGTHS = (0.003, 0.03, 0.3, 3.0)
_RIDGES = tuple(float(10.0**power) for power in range(-2, 6))
_MOST_ITERATIONS = 100
_NEWTON = 800  # unknowns up to which Newton's method is the faster one


@dataclass(frozen=True)
class LinearPredictor:
    """Scores ``values @ coefficients + constants``; ``classes`` is 0 where they are the numbers themselves."""

    coefficients: Floats
    constants: Floats
    classes: int

    def predict(self, values: NDArray[np.float32]) -> Floats:
        """Probabilities by the logistic function, or numbers."""
        scores = np.asarray(values @ self.coefficients + self.constants, np.float64)
        if self.classes == 0:
            return scores
        if self.classes == 2:
            positive = expit(scores[:, 0])
            return np.column_stack([1.0 - positive, positive])
        return np.asarray(softmax(scores, axis=1))

    def save(self, folder: Path) -> dict[str, Any]:
        """The coefficients as ``linear.npz``."""
        np.savez_compressed(folder / "linear.npz", coefficients=self.coefficients, constants=self.constants)
        return {"classes": self.classes}

    @classmethod
    def load(cls, folder: Path, about: dict[str, Any]) -> LinearPredictor:
        """Read back what `save` wrote."""
        with np.load(folder / "linear.npz", allow_pickle=False) as arrays:
            return cls(arrays["coefficients"], arrays["constants"], about["classes"])


def fit_linear(lesson: Lesson) -> LinearPredictor:
    """Fit on the features of a lesson; parameter ``strengths`` lists the inverse regularisations to choose from."""
    strengths = lesson.parameters.get("strengths", _STRENGTHS)
    return linear_on(lesson.values, lesson, strengths)


def linear_on(values: NDArray[np.float32], lesson: Lesson, strengths: Sequence[float]) -> LinearPredictor:
    """Fit on ``values`` in place of the lesson's own features."""
    if lesson.classes == 0:
        return _ridge(values, lesson.goal)
    best = strengths[0] if len(strengths) == 1 else _best_strength(values, lesson, strengths)
    return _logistic(values, lesson.goal, best, lesson.classes, None)


def _ridge(values: NDArray[np.float32], goal: Floats) -> LinearPredictor:
    from sklearn.linear_model import RidgeCV

    model = RidgeCV(alphas=_RIDGES).fit(values.astype(np.float64), goal)
    return LinearPredictor(model.coef_.reshape(-1, 1), np.atleast_1d(model.intercept_), 0)


def _best_strength(values: NDArray[np.float32], lesson: Lesson, strengths: Sequence[float]) -> float:
    """The one of least log loss on an inner part; each fit starts from the weaker one before it."""
    parts = lesson.parts(_INNER)
    aside = parts == parts.max()
    if len(np.unique(lesson.goal[~aside])) < lesson.classes:
        return float(strengths[len(strengths) // 2])
    losses, start = [], None
    for strength in strengths:
        start = _logistic(values[~aside], lesson.goal[~aside], strength, lesson.classes, start)
        losses.append(log_loss(start.predict(values[aside]), lesson.goal[aside]))
    return float(strengths[int(np.argmin(losses))])


def log_loss(probabilities: Floats, codes: Floats) -> float:
    """Mean negative log probability of the true class."""
    own = probabilities[np.arange(len(codes)), codes.astype(np.int64)]
    return float(-np.log(np.maximum(own, 1e-15)).mean())


def _logistic(
    values: NDArray[np.float32], codes: Floats, strength: float, classes: int, start: LinearPredictor | None
) -> LinearPredictor:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    unknowns = values.shape[1] * (1 if classes == 2 else classes)
    solver = "newton-cholesky" if unknowns <= _NEWTON else "lbfgs"
    model = LogisticRegression(C=strength, solver=solver, max_iter=_MOST_ITERATIONS, tol=1e-3, warm_start=True)
    if start is not None:
        model.classes_ = np.arange(classes)
        model.coef_, model.intercept_ = start.coefficients.T.astype(np.float32), start.constants.astype(np.float32)
    with warnings.catch_warnings():  # coefficients that are nearly there predict as well, and the strength is judged by that
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(values, codes.astype(np.int64))
    coefficients, constants = model.coef_.T.astype(np.float64), model.intercept_.astype(np.float64)
    return _all_classes(coefficients, constants, model.classes_, classes)


def _all_classes(coefficients: Floats, constants: Floats, known: NDArray[np.int64], classes: int) -> LinearPredictor:
    """Scores of every class; one that no training row has is as good as impossible."""
    if len(known) == classes:
        return LinearPredictor(coefficients, constants, classes)
    if len(known) == 2:
        coefficients, constants = np.hstack([-coefficients, coefficients]) / 2, np.concatenate([-constants, constants]) / 2
    every = np.zeros((coefficients.shape[0], classes))
    every[:, known] = coefficients
    level = np.full(classes, -30.0)
    level[known] = constants
    return LinearPredictor(every, level, classes)
