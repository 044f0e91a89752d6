"""What every measurement of the verdict is made on: a sample of series on their grid, the origins, and the rows judged there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.forecast.families.question import Features, Question
from sevenstep.tasks.forecast.feasibility.recipe import quick_recipe
from sevenstep.tasks.forecast.feasibility.sample import Effort, sampled
from sevenstep.tasks.forecast.features.history import Asked
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.features.table import features_for
from sevenstep.tasks.forecast.folds import scored_rows
from sevenstep.tasks.forecast.panel import Panel, Settings, build_panel

__all__ = ["Material", "origins_for", "prepare_material"]

FEW_SERIES = 10  # with fewer series more origins are judged, since series are the independent parts elsewhere
ORIGINS, ORIGINS_OF_FEW = 2, 8
KEPT_HISTORY = 0.5  # share of the history that stays before the oldest origin, where there is enough


@dataclass(frozen=True)
class Material:
    """The judged rows of one target and what they are judged with.

    Args:
        panel: the sampled series.
        settings: frequency, season, year, gaps and clock.
        recipe: features of the quick probe; names the target and the horizon.
        cutoffs: origins, oldest first.
        asked: series, step and origin of each judged row.
        row: its row in the panel's long table.
        truth: its value.
        cluster: rows with equal labels are not independent.
        population: rows with a value in the whole data set, sampled or not.
    """

    panel: Panel
    settings: Settings
    recipe: FeatureRecipe
    cutoffs: tuple[int, ...]
    asked: Asked
    row: NDArray[np.int64]
    truth: NDArray[np.float64]
    cluster: NDArray[np.int64]
    population: int

    @property
    def question(self) -> Question:
        """The judged rows as a question to a member."""
        return Question(self.panel, self.settings, self.recipe.target, self.asked, self.row, self._features)

    def _features(self, recipe: FeatureRecipe) -> Features:
        return features_for(self.panel, recipe, self.asked, self.row)


def prepare_material(
    items: pl.DataFrame,
    data: Dataset,
    settings: Settings,
    target: str,
    horizon: int,
    effort: Effort,
    seed: int,
    without: Sequence[str] = (),
    *,
    origins: tuple[int, int] | None = None,
) -> Material:
    """Sample the series, lay them on a grid and choose the origins (``origins`` says how many, and how many steps apart);
    ``without`` names inputs the probe must not use.
    """
    roles = data.roles
    scored = horizon * ORIGINS
    sample = sampled(items, roles.keys, str(roles.time), target, scored=scored, effort=effort, seed=seed)
    panel = build_panel(Dataset({**data.tables, "items": sample}, roles, data.facts), settings, targets=[target])
    recipe = quick_recipe(panel, roles, settings, target, horizon, rows=effort.rows, seed=seed, without=without)
    cutoffs = origins_for(panel.shape[0], panel.end, settings.season, horizon, origins)
    truth = panel.rows[target].to_numpy()
    parts = [scored_rows(panel, truth, cutoff, horizon) for cutoff in cutoffs]
    row = np.concatenate(parts)
    origin = np.repeat(np.array(cutoffs, dtype=np.int32), [len(part) for part in parts])
    asked = Asked(panel.series[row], panel.steps[row], origin)
    population = int(items[target].is_not_null().sum())
    clusters = _clusters(asked, settings.season)
    return Material(panel, settings, recipe, cutoffs, asked, row, truth[row], clusters, population)


def origins_for(series: int, end: int, season: int, horizon: int, given: tuple[int, int] | None = None) -> tuple[int, ...]:
    """The newest origins, a horizon apart, oldest first.

    Two for many series. For few up to eight, while two seasons and half of the history stay before the oldest.
    """
    wanted, apart = given or (ORIGINS if series >= FEW_SERIES else ORIGINS_OF_FEW, horizon)
    least = max(2 * season, int(KEPT_HISTORY * end))
    newest = [end - horizon - apart * back for back in range(wanted)]
    return tuple(sorted(cutoff for cutoff in newest if cutoff >= least)) or (end - horizon,)


def _clusters(asked: Asked, season: int) -> NDArray[np.int64]:
    """The series; with few of them the series at one origin, and with few origins too its single seasons."""
    series = asked.series.astype(np.int64)
    finer = [series, _paired(series, asked.origin), _paired(series, asked.step // max(season, 1))]
    return next((labels for labels in finer[:2] if len(np.unique(labels)) >= FEW_SERIES // 2), finer[2])


def _paired(series: NDArray[np.int64], other: NDArray[np.int32]) -> NDArray[np.int64]:
    return series * (int(other.max(initial=0)) + 1) + other
