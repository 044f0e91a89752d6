"""What a family is given to learn from, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.tabular.encode.encoder import Encoded
from sevenstep.tasks.tabular.encode.parts import deal

__all__ = ["Lesson", "Predictor"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Lesson:
    """Training rows of a fold, encoded.

    Args:
        encoded: features, ``[n, k]``.
        goal: class codes, or numbers as they are learnt, ``[n]``.
        classes: number of classes, 0 where the goal is a number.
        parameters: the candidate's hyperparameters.
        seed: seed of everything random.
        groups: group of each row where groups stay together, else None.
        in_time: whether rows are in the order of time and newer ones are to be predicted.
    """

    encoded: Encoded
    goal: Floats
    classes: int
    parameters: Mapping[str, Any]
    seed: int
    groups: NDArray[np.int64] | None = None
    in_time: bool = False

    @property
    def values(self) -> NDArray[np.float32]:
        """The features."""
        return self.encoded.values

    def parts(self, count: int) -> NDArray[np.int64]:
        """Number of the inner part each row is in, dealt as the folds are; the newest rows are in the last one."""
        return deal(self.goal, count, self.seed, groups=self.groups, in_time=self.in_time)


class Predictor(Protocol):
    """What a family learnt: it predicts from features, and keeps itself as plain files."""

    def predict(self, values: NDArray[np.float32]) -> Floats:
        """Probabilities ``[n, classes]``, or numbers ``[n, 1]`` as they were learnt."""
        ...

    def save(self, folder: Path) -> dict[str, Any]:
        """Write large parts into ``folder`` and return the rest as JSON values."""
        ...
