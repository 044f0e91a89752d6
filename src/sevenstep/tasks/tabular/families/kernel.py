"""Smooth surfaces for small sets: kernel logistic and kernel ridge regression on landmark rows (Nyström features).

The radial kernel compares a row with the landmarks; its width and the regularisation are chosen on an inner part. With as many
landmarks as rows it is exact; with fewer the features are the Nyström approximation (Williams and Seeger, 2001, Using the
Nyström method to speed up kernel machines).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.tabular.families.learning import Floats, Lesson
from sevenstep.tasks.tabular.families.linear import LinearPredictor, linear_on, log_loss

__all__ = ["KernelPredictor", "fit_kernel"]

_INNER = 4
_LANDMARKS = 500
_WIDTHS = (0.5, 1.0, 2.0)  # relative to the median distance of rows
_STRENGTHS = (0.1, 3.0)
_LEAST = 1e-6
_BATCH = 4096


@dataclass(frozen=True)
class KernelPredictor:
    """A linear model on similarities to landmarks.

    Args:
        landmarks: rows that others are compared with, ``[m, k]``.
        gamma: the similarity of rows at distance ``d`` is ``exp(-gamma d^2)``.
        projection: from similarities to features whose inner products are the kernel, ``[m, r]``.
        head: the linear model on those features.
    """

    landmarks: NDArray[np.float32]
    gamma: float
    projection: NDArray[np.float32]
    head: LinearPredictor

    def predict(self, values: NDArray[np.float32]) -> Floats:
        """Predictions of the linear model, some thousand rows at a time."""
        starts = range(0, max(len(values), 1), _BATCH)
        return np.concatenate([self.head.predict(self.features(values[start : start + _BATCH])) for start in starts])

    def features(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Nyström features."""
        return np.asarray(np.exp(-self.gamma * squared_distances(values, self.landmarks)) @ self.projection, np.float32)

    def save(self, folder: Path) -> dict[str, Any]:
        """Landmarks and projection as ``kernel.npz``, beside the linear model's file."""
        np.savez_compressed(folder / "kernel.npz", landmarks=self.landmarks, projection=self.projection)
        return {"gamma": self.gamma, "head": self.head.save(folder)}

    @classmethod
    def load(cls, folder: Path, about: dict[str, Any]) -> KernelPredictor:
        """Read back what `save` wrote."""
        with np.load(folder / "kernel.npz", allow_pickle=False) as arrays:
            landmarks, projection = arrays["landmarks"], arrays["projection"]
        return cls(landmarks, about["gamma"], projection, LinearPredictor.load(folder, about["head"]))


def squared_distances(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squared Euclidean distance of every row of one to every row of the other."""
    squares = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)[None, :]
    return np.asarray(np.maximum(squares - 2.0 * (first @ second.T), 0.0), np.float32)


def fit_kernel(lesson: Lesson) -> KernelPredictor:
    """Fit; parameters ``landmarks``, ``widths`` (relative to the median distance) and ``strengths``."""
    count = min(int(lesson.parameters.get("landmarks", _LANDMARKS)), len(lesson.goal))
    random = np.random.default_rng(lesson.seed)
    landmarks = lesson.values[np.sort(random.choice(len(lesson.goal), count, replace=False))]
    distances = squared_distances(landmarks[:_LANDMARKS], landmarks[:_LANDMARKS])
    usual = float(np.median(distances[distances > 0])) if (distances > 0).any() else 1.0
    widths = lesson.parameters.get("widths", _WIDTHS)
    gammas = [1.0 / (usual * width) for width in widths]
    gamma = gammas[0] if len(gammas) == 1 else min(gammas, key=lambda gamma: _inner_loss(landmarks, gamma, lesson))
    return _fitted(landmarks, gamma, lesson, lesson.values, lesson)


def _inner_loss(landmarks: NDArray[np.float32], gamma: float, lesson: Lesson) -> float:
    """Log loss, or mean squared error, on the inner part."""
    parts = lesson.parts(_INNER)
    aside = parts == parts.max()
    kept = Lesson(lesson.encoded, lesson.goal[~aside], lesson.classes, lesson.parameters, lesson.seed)
    predictor = _fitted(landmarks, gamma, kept, lesson.values[~aside], kept, _STRENGTHS[-1:])
    made = predictor.predict(lesson.values[aside])
    if lesson.classes:
        return log_loss(made, lesson.goal[aside])
    return float(((made[:, 0] - lesson.goal[aside]) ** 2).mean())


def _fitted(
    landmarks: NDArray[np.float32], gamma: float, lesson: Lesson, values: NDArray[np.float32], judged: Lesson,
    strengths: tuple[float, ...] | None = None,
) -> KernelPredictor:  # fmt: skip
    projection = _projection(np.exp(-gamma * squared_distances(landmarks, landmarks)))
    empty = LinearPredictor(np.zeros((projection.shape[1], 1)), np.zeros(1), 0)
    kernel = KernelPredictor(landmarks, gamma, projection, empty)
    chosen = strengths or tuple(lesson.parameters.get("strengths", _STRENGTHS))
    head = linear_on(kernel.features(values), judged, chosen)
    return KernelPredictor(landmarks, gamma, projection, head)


def _projection(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Inverse square root of the kernel of the landmarks, without directions it does not reach."""
    values, vectors = np.linalg.eigh(kernel.astype(np.float64))
    kept = values > _LEAST * values.max()
    scaled = vectors[:, kept] / np.sqrt(values[kept]) * np.sqrt(len(kernel))
    return np.asarray(scaled, np.float32)
