"""What a fitted member is asked: predictions for given series, steps and origins of a panel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sevenstep.errors import InputError
from sevenstep.tasks.forecast.features.history import Asked
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.panel import Panel, Settings

__all__ = ["Features", "Member", "Question", "columns_learnt"]

Features = tuple[list[str], NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True)
class Question:
    """Rows to be predicted.

    ``row`` points into the panel's long table (-1 where there is no row); ``features`` gives names, values and base for a recipe
    and is called only by members that need them. Members may read the panel's target at each row's origin and before, never
    after.
    """

    panel: Panel
    settings: Settings
    target: str
    asked: Asked
    row: NDArray[np.int64]
    features: Callable[[FeatureRecipe], Features]


class Member(Protocol):
    """A fitted model of one target, part of a forecast model."""

    def predict(self, question: Question) -> NDArray[np.float64]:
        """Predictions in units of the target, one for each asked row; NaN where it cannot tell."""
        ...

    def save(self, folder: Path) -> dict[str, Any]:
        """Write large parts into ``folder`` and return the rest as JSON values."""
        ...


def columns_learnt(names: Sequence[str], values: NDArray[np.float32], learnt: Sequence[str]) -> NDArray[np.float32]:
    """The columns a model learnt from, in its order: a release may be older than the features that are made today.

    Args:
        names: of the columns of ``values``.
        values: ``[row, feature]``.
        learnt: names of the model's columns.

    Raises:
        InputError: ``MODEL-FEATURES``, a column the model reads is not made any more.
    """
    if list(names) == list(learnt):
        return values
    place = {name: at for at, name in enumerate(names)}
    gone = [name for name in learnt if name not in place]
    if gone or not learnt:
        reads = f"'{gone[0]}', which this version of sevenstep does not make" if gone else "columns that it does not name"
        given = f"the model was made by another version: it reads {reads}"
        raise InputError(
            "MODEL-FEATURES", given, "a release is read by versions that make its features", "run again: sevenstep run"
        )
    return values[:, [place[name] for name in learnt]]
