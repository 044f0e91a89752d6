"""How much is looked at, so that the verdict comes within a twentieth of the time budget."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sevenstep.tasks.tabular.problem import Problem

__all__ = ["Effort"]

_SHARE = 0.05  # of the budget
_FITS = 5.0  # boosting fits of full size for each fold: the probe, its learning curve, its drift, and as much for the ladder
_PER_VALUE = 2.5e-6  # seconds to fit one value of the table, in the mean of the shared data sets
_PER_PICTURE = 0.02  # seconds to describe a picture
_FEWEST, _MOST, _ROUNDS = 2_000, 8_000, 80
_FOLDS, _FEW_FOLDS = 5, 3
_FEWEST_PICTURES, _MOST_PICTURES = 60, 600


@dataclass(frozen=True)
class Effort:
    """How much work the verdict may take, in counts: a function of the budget and the shape of the data, never of the clock.

    ``rows`` are learnt from and judged, ``rounds`` of boosting are made, in ``folds`` parts. Two thousand rows are always looked
    at, because with fewer the verdict says nothing; wide tables then have fewer folds.
    """

    rows: int = _MOST
    rounds: int = _ROUNDS
    folds: int = _FOLDS

    @classmethod
    def within(cls, budget: float, problem: Problem) -> Effort:
        """The effort for a run of ``budget`` seconds."""
        seconds = _SHARE * budget
        classes = len(problem.classes) if len(problem.classes) > 2 else 1
        values = seconds / (_FITS * _FOLDS * _PER_VALUE * classes)
        wanted = values / max(len(problem.kinds), 1)
        rows = int(np.clip(wanted, _FEWEST, _MOST))
        if "picture" in problem.kinds.values():
            rows = int(np.clip(seconds / 3 / _PER_PICTURE, _FEWEST_PICTURES, _MOST_PICTURES))
        return cls(rows, int(np.clip(_ROUNDS * seconds / 3.0, 40, _ROUNDS)), _FOLDS if wanted >= _FEWEST else _FEW_FOLDS)
