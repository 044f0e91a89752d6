"""How sure an answer is, as a probability, and when it is better to say nothing.

Both are learnt from questions the answerer has not learnt from. Right means a token F1 of a half at least.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["RIGHT", "Confidence", "fit_confidence"]

Floats = npt.NDArray[np.float64]

RIGHT = 0.5
"""Token F1 from which an answer counts as right."""

_COSTS_AT_MOST = 0.005  # of the mean token F1: what refusing weak answers may take away
_STEPS, _RIDGE = 25, 1e-3
_EDGE = 1e-4  # grades are kept so far from 0 and 1


@dataclass(frozen=True)
class Confidence:
    """From the grade of an answer to the chance that it is right (Platt, 1999).

    Args:
        slope, intercept: of the log odds of being right, over those of the grade.
        threshold: answers of a lower chance are refused.
    """

    slope: float = 1.0
    intercept: float = 0.0
    threshold: float = 0.0

    def chance(self, grade: float) -> float:
        """The chance that an answer of that grade is right, 0 to 1."""
        return 1 / (1 + math.exp(-(self.intercept + self.slope * float(_odds(np.array([grade]))[0]))))

    def to_json(self) -> dict[str, float]:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, float]) -> Confidence:
        """Read back what `to_json` wrote."""
        return cls(**values)


def fit_confidence(grades: Floats, scores: Floats) -> Confidence:
    """Learn the chance from out-of-fold answers, and the threshold below which refusing costs next to nothing.

    Args:
        grades: of the answers, 0 to 1.
        scores: token F1 of each, 0 to 1.

    Returns:
        Where no answer was right, or none wrong, the chance is the mean of what was seen for every grade.
    """
    right = (scores >= RIGHT).astype(np.float64)
    slope, intercept = _platt(_odds(grades), right)
    found = Confidence(slope, intercept)
    chances = np.array([found.chance(grade) for grade in grades])
    return Confidence(slope, intercept, _threshold(chances, scores))


def _odds(grades: Floats) -> Floats:
    kept = np.clip(grades, _EDGE, 1 - _EDGE)
    return np.asarray(np.log(kept / (1 - kept)))


def _platt(odds: Floats, right: Floats) -> tuple[float, float]:
    """Slope and intercept by Newton's method, with Platt's targets, so that neither runs away where the classes part."""
    hits, count = right.sum(), len(right)
    target = np.where(right == 1.0, (hits + 1) / (hits + 2), 1 / (count - hits + 2))
    if hits in (0, count):
        mean = float(target.mean()) if count else 0.5
        return 0.0, math.log(mean / (1 - mean))
    inputs, found = np.column_stack([odds, np.ones(count)]), np.zeros(2)
    for _ in range(_STEPS):
        made = 1 / (1 + np.exp(-inputs @ found))
        curvature = (inputs * (made * (1 - made))[:, None]).T @ inputs + _RIDGE * np.eye(2)
        found = found + np.linalg.solve(curvature, inputs.T @ (target - made) - _RIDGE * found)
    return float(found[0]), float(found[1])


def _threshold(chances: Floats, scores: Floats) -> float:
    """The highest chance below which all answers together are worth no more than what refusing may cost."""
    order = np.argsort(chances, kind="stable")
    lost = np.cumsum(scores[order]) / max(len(scores), 1)
    refused = int(np.searchsorted(lost, _COSTS_AT_MOST, side="right"))
    return float(chances[order][refused - 1]) + 1e-9 if refused else 0.0
