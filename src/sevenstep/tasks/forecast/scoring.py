"""From a fitted member and a fold to a score table."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.contract import Candidate, Fold
from sevenstep.tasks.forecast.families.members import FittedMember
from sevenstep.tasks.forecast.families.question import Features, Question
from sevenstep.tasks.forecast.features.history import Asked
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.features.table import FeatureTable, features_for, row_weights
from sevenstep.tasks.forecast.folds import scored_rows
from sevenstep.tasks.forecast.hardness import hardness_of
from sevenstep.tasks.forecast.panel import Panel, Settings
from sevenstep.tasks.scoretable import BOUNDS, HARDNESS, ScoreTable

__all__ = ["key_labels", "naive_scale", "score_member", "segment_scores", "segments_of"]

MOST_SLICES = 200  # values of a segment column beyond which slices by it say nothing


def score_member(
    fitted: FittedMember, candidate: Candidate, fold: Fold, panel: Panel, settings: Settings, table: FeatureTable | None
) -> ScoreTable:
    """One row per known value up to the horizon after the fold's origin."""
    cutoff, horizon = int(fold.test["after"]), int(fold.test["steps"])
    truth = panel.rows[candidate.target].cast(pl.Float64).to_numpy()
    row = scored_rows(panel, truth, cutoff, horizon)
    asked = Asked(panel.series[row], panel.steps[row], np.full(len(row), cutoff, dtype=np.int32))

    def features(recipe: FeatureRecipe) -> Features:
        if table is not None and table.recipe == recipe:
            mine = np.flatnonzero(np.asarray(table.cutoff) == cutoff)
            return list(table.names), np.ascontiguousarray(table.values[mine]), np.asarray(table.base[mine])
        return features_for(panel, recipe, asked, row)

    question = Question(panel, settings, candidate.target, asked, row, features)
    prediction = fitted.member.predict(question)
    weight = row_weights(panel, candidate.parameters.get("weights", {}))[row]
    scale, root_scale = naive_scale(panel.exact_grid(candidate.target), cutoff, settings.season)
    scales = (scale[asked.series], root_scale[asked.series])
    scores = _table(candidate, fold, panel, asked, row, truth[row], prediction, weight, scales)
    told = hardness_of(panel.exact_grid(candidate.target), asked, settings)
    return scores if told is None else ScoreTable(scores.frame.with_columns(pl.Series(HARDNESS, told)))


def _table(
    candidate: Candidate,
    fold: Fold,
    panel: Panel,
    asked: Asked,
    row: NDArray[np.int64],
    truth: NDArray[np.float64],
    prediction: NDArray[np.float64],
    weight: NDArray[np.float32],
    scales: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> ScoreTable:
    frame = pl.DataFrame(
        {
            "fold": np.full(len(row), fold.number, dtype=np.int32),
            "origin": panel.times(asked.series, asked.origin),
            "time": panel.times(asked.series, asked.step),
            "lead": (asked.step - asked.origin).astype(np.int32),
            "item": row,
            "cluster": asked.series,
            "weight": weight.astype(np.float64),
            "scale": scales[0],
            "root_scale": scales[1],
            "truth": truth,
            "prediction": prediction,
        }
    )
    named = [pl.lit(candidate.name).alias("candidate"), pl.lit(candidate.target).alias("target")]
    empty = [pl.lit(None, dtype=pl.Float64).alias(bound) for bound in BOUNDS]
    return ScoreTable(frame.with_columns(*named, *empty))


def naive_scale(grid: NDArray[np.float64], cutoff: int, season: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Error of the seasonal naive rule within each series up to the cutoff: its mean size and its root mean square.

    The scales of MASE and RMSSE (Hyndman and Koehler, 2006); NaN where nothing can be compared or the rule never errs.
    """
    past = grid[:, : cutoff + 1]
    if past.shape[1] <= season:
        return np.full(len(grid), np.nan), np.full(len(grid), np.nan)
    error = np.abs(past[:, season:] - past[:, :-season])
    known = np.isfinite(error)
    count = np.maximum(known.sum(axis=1), 1)
    mean = np.where(known, error, 0.0).sum(axis=1) / count
    root = np.sqrt(np.where(known, error**2, 0.0).sum(axis=1) / count)
    return np.where(mean > 0, mean, np.nan), np.where(mean > 0, root, np.nan)


def key_labels(panel: Panel) -> list[str]:
    """A short name for each series, from its keys."""
    columns = panel.keys.columns
    if columns == [""]:
        return ["all"]
    return [" / ".join(str(value) for value in row) for row in panel.keys.iter_rows()]


def segments_of(data: Dataset) -> dict[str, str]:
    """Columns by which a forecast's results are sliced, with their labels."""
    roles = data.roles
    told = [name for name in roles.segments if data.items[name].n_unique() <= MOST_SLICES]
    events = [name for name in roles.known_ahead if 2 <= data.items[name].n_unique() <= 4]
    return {name: name for name in (*told, *events)}


def segment_scores(
    scores: ScoreTable, labels: Mapping[str, str], panel: Panel, settings: Settings
) -> tuple[ScoreTable, dict[str, str]]:
    """Add segments and event states (``labels``, as of `segments_of`), weekday and series size to a score table."""
    own = [name for name in labels if name not in scores.frame.columns]
    row = scores.frame["item"].to_numpy()
    frame = scores.frame.with_columns(panel.rows[name][row].cast(pl.String) for name in own)
    labels = {name: labels[name] for name in own}
    if panel.clock.kind == "duration" and settings.season in (7, 24):
        frame = frame.with_columns(pl.col("time").dt.to_string("%a").alias("weekday"))
        labels["weekday"] = "weekday"
    if panel.shape[0] >= 8:
        target = scores.frame["target"][0]
        grid = panel.grid(target)
        known = np.isfinite(grid)
        size = np.where(known, grid, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        quarter = np.searchsorted(np.quantile(size, [0.25, 0.5, 0.75]), size)
        names = np.array(["1 smallest", "2", "3", "4 largest"])[quarter]
        frame = frame.with_columns(pl.Series("series size", names[frame["cluster"].to_numpy()]))
        labels["series size"] = "series size (quarter)"
    return ScoreTable(frame), labels
