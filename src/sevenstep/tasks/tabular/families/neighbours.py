"""Nearest neighbours on small sets: the mean of the most similar training rows, nearer ones counting more."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.tabular.families.kernel import squared_distances
from sevenstep.tasks.tabular.families.learning import Floats, Lesson

__all__ = ["NeighboursPredictor", "fit_neighbours"]

_COUNTS = (5, 15, 40)
_BATCH = 1024


@dataclass(frozen=True)
class NeighboursPredictor:
    """Training rows and their target.

    Args:
        points: training rows, ``[n, k]``.
        goal: one column a class, or the numbers, ``[n, classes or 1]``.
        count: neighbours that are averaged.
        prior: overall mean, which counts as one more neighbour so that no probability is 0.
    """

    points: NDArray[np.float32]
    goal: NDArray[np.float32]
    count: int
    prior: Floats

    def predict(self, values: NDArray[np.float32]) -> Floats:
        """Weighted mean of the neighbours; weights fall with the distance relative to that of the farthest one."""
        starts = range(0, max(len(values), 1), _BATCH)
        return np.concatenate([self._batch(values[start : start + _BATCH]) for start in starts])

    def _batch(self, values: NDArray[np.float32]) -> Floats:
        return weighted_means(squared_distances(values, self.points), self.goal, self.count, self.prior)

    def save(self, folder: Path) -> dict[str, Any]:
        """The rows as ``neighbours.npz``."""
        np.savez_compressed(folder / "neighbours.npz", points=self.points, goal=self.goal, prior=self.prior)
        return {"count": self.count}

    @classmethod
    def load(cls, folder: Path, about: dict[str, Any]) -> NeighboursPredictor:
        """Read back what `save` wrote."""
        with np.load(folder / "neighbours.npz", allow_pickle=False) as arrays:
            return cls(arrays["points"], arrays["goal"], about["count"], arrays["prior"])


def weighted_means(squares: NDArray[np.float32], goal: NDArray[np.float32], count: int, prior: Floats) -> Floats:
    """Means over the ``count`` nearest columns of each row of squared distances."""
    count = min(count, squares.shape[1])
    nearest = np.argpartition(squares, count - 1, axis=1)[:, :count]
    distances = np.sqrt(np.take_along_axis(squares, nearest, axis=1))
    weights = 1.0 - 0.9 * distances / np.maximum(distances.max(axis=1, keepdims=True), 1e-12)
    weighted = np.einsum("nc,nct->nt", weights, goal[nearest]) + prior
    return np.asarray(weighted / (weights.sum(axis=1, keepdims=True) + 1.0), np.float64)


def fit_neighbours(lesson: Lesson) -> NeighboursPredictor:
    """Keep the rows; how many neighbours is chosen by leaving each row out of its own neighbourhood."""
    wanted = lesson.goal[:, None] == np.arange(lesson.classes) if lesson.classes else lesson.goal[:, None]
    goal, prior = np.asarray(wanted, np.float32), np.asarray(wanted.mean(axis=0), np.float64)
    sample = np.sort(np.random.default_rng(lesson.seed).permutation(len(goal))[:2000])
    squares = squared_distances(lesson.values[sample], lesson.values)
    squares[np.arange(len(sample)), sample] = np.inf
    counts = [count for count in lesson.parameters.get("counts", _COUNTS) if count < len(goal)] or [1]
    losses = [float(((weighted_means(squares, goal, count, prior) - goal[sample]) ** 2).mean()) for count in counts]
    return NeighboursPredictor(lesson.values, goal, counts[int(np.argmin(losses))], prior)
