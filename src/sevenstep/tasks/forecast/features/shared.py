"""The best single guess where a long season has been seen only a few times: the level of the series with the season it shares.

Trees that start from it learn what is left, instead of the year of every department anew.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.forecast.features.history import Asked, Named, transform
from sevenstep.tasks.forecast.features.indices import groupings_of, shared_indices
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.features.windows import exponential_mean
from sevenstep.tasks.forecast.panel import Panel

__all__ = ["shared_columns", "shared_guess"]

Floats = NDArray[np.float32]

MADE_ANEW = 8  # times in a season that indices are made from what is known by then
LEVEL = 16.0  # half-lives of the level in a season


def shared_guess(panel: Panel, recipe: FeatureRecipe, asked: Asked) -> Floats:
    """For each asked row its level at the origin with the shared index of its phase, on the target's scale; NaN without a past.

    Indices are those of the newest of some columns, `MADE_ANEW` in a season, that is not after the origin, and see nothing later.
    """
    season, columns = recipe.seasons[0], panel.shape[1]
    every = max(1, season // MADE_ANEW)
    grid = panel.exact_grid(recipe.target)
    known, groupings = np.isfinite(grid), groupings_of(panel, recipe.groups)
    made = np.full(len(asked.step), np.nan)
    phase = np.arange(columns) % season
    for turn in np.unique(asked.origin // every):
        rows = np.flatnonzero(asked.origin // every == turn)
        seen, last = int(turn) * every + 1, min((int(turn) + 1) * every, columns)
        if not known[:, :seen].any():
            continue
        indices = shared_indices(grid[:, :seen], known[:, :seen], season, groupings)
        level = exponential_mean(grid[:, :last] - indices[:, phase[:last]], max(1.0, season / LEVEL))
        series, step = asked.series[rows], asked.step[rows]
        made[rows] = level[series, asked.origin[rows]] + indices[series, step % season]
    return transform(made, recipe.transform).astype(np.float32)


def shared_columns(guess: Floats, base: Floats, level: Floats) -> Iterator[Named]:
    """How the guess differs from the usual value of the phase and from the level."""
    yield "shared_usual", guess - base
    yield "shared_level", guess - level
