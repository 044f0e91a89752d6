"""A distribution of skewed values: normal after a power transformation, with how surely each of its figures is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sevenstep.stats.scored import FloatArray

__all__ = ["Skewed", "transformed"]

_STEP = 1e-3
_FLAT = 1e-9


@dataclass(frozen=True)
class Skewed:
    """A fit by maximum likelihood to values of middle 0 and deviation 1.

    Source: Yeo and Johnson (2000), A new family of power transformations to improve normality or symmetry, Biometrika 87.

    Args:
        figures: mean and logarithm of the deviation after the transformation, and its power.
        covariance: of the three, from the curvature of the likelihood.
        moved: the values transformed.
    """

    figures: FloatArray
    covariance: FloatArray
    moved: FloatArray

    @classmethod
    def of(cls, values: FloatArray) -> Skewed:
        """Fit to values ``[n]``."""
        moved, power = stats.yeojohnson(values)
        figures = np.array([moved.mean(), np.log(moved.std()), power])
        return cls(figures, np.asarray(np.linalg.pinv(_curvature(values, figures)), np.float64), moved)

    def drawn(self, random: np.random.Generator, draws: int, worth: float) -> FloatArray:
        """Figures as the data leave them open, ``[draws, 3]``; ``worth`` is the share of the values that is independent."""
        spread = self.covariance / worth
        return np.asarray(random.multivariate_normal(self.figures, (spread + spread.T) / 2, draws), np.float64)


def transformed(limit: float, powers: FloatArray) -> FloatArray:
    """A limit transformed by each of several powers."""
    if limit >= 0:
        return _boxed(powers, float(np.log1p(limit)))
    return -_boxed(2 - powers, float(np.log1p(-limit)))


def _boxed(powers: FloatArray, logarithm: float) -> FloatArray:
    """``(exp(power logarithm) - 1) / power``, which is the logarithm at power 0."""
    flat = np.abs(powers) < _FLAT
    return np.asarray(np.where(flat, logarithm, np.expm1(powers * logarithm) / np.where(flat, 1.0, powers)), np.float64)


def _curvature(values: FloatArray, figures: FloatArray) -> NDArray[np.float64]:
    """Second derivatives of the negative log likelihood, by central differences."""
    steps = np.eye(3) * _STEP
    curvature = np.empty((3, 3))
    for row in range(3):
        for column in range(3):
            corners = [
                one * other * _surprise(values, figures + one * steps[row] + other * steps[column])
                for one in (1, -1)
                for other in (1, -1)
            ]
            curvature[row, column] = sum(corners) / (4 * _STEP**2)
    return curvature


def _surprise(values: FloatArray, figures: FloatArray) -> float:
    mean, log_deviation, power = (float(figure) for figure in figures)
    z = (stats.yeojohnson(values, power) - mean) * np.exp(-log_deviation)
    stretch = (power - 1) * float((np.sign(values) * np.log1p(np.abs(values))).sum())
    return float(0.5 * (z**2).sum()) + len(values) * log_deviation - stretch
