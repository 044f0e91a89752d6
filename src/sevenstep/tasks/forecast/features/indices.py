"""What the phase of a season adds to a series: indices of its own, shrunk by their noise, or shared with series alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.forecast.panel import Panel

__all__ = ["groupings_of", "own_indices", "shared_indices"]

Floats = NDArray[np.float64]

HALF_LIFE = 3.0  # cycles after which a value counts half in the indices of a series' own
PASSES = 3  # of level given season, season given level
OWN = 2.0  # cycles of a series' own that count as much as its group, for each phase
AROUND = 1.0  # phases over which a departure from the group halves its say about the neighbouring phase


def own_indices(grid: Floats, season: int) -> Floats:
    """Indices ``[series, phase]`` of each series by itself; the phase of column ``t`` is ``t % season``.

    Means of the differences to a centred moving average at each phase, recent cycles counting more, shrunk together towards 0 by
    the share of their spread that noise explains (James and Stein, 1961; for seasonal indices Miller and Williams, 2003).
    A series that has not shown each phase gets zeros.
    """
    away = grid - _centred(grid, season)
    seen = np.isfinite(away)
    phase = np.arange(grid.shape[1]) % season
    cycle = (grid.shape[1] - 1 - np.arange(grid.shape[1])) // season
    weight = seen * 0.5 ** (cycle / HALF_LIFE)
    where = np.eye(season)[phase]
    total, mass = (np.where(seen, away, 0.0) * weight) @ where, weight @ where
    means = total / np.maximum(mass, 1e-12)
    means -= means.mean(axis=1, keepdims=True)
    worth = mass**2 / np.maximum(weight**2 @ where, 1e-12)  # cycles that count alike would tell as much
    kept = _kept(np.where(seen, away - means[:, phase], 0.0), seen.sum(axis=1), means, worth)
    indices: Floats = means * np.where((mass > 0).all(axis=1), kept, 0.0)[:, None]
    return indices


def _centred(grid: Floats, season: int) -> Floats:
    """Moving average over one season around each column (its ends counting half where the season is even), NaN at the ends."""
    weights = np.ones(season) / season if season % 2 else np.r_[0.5, np.ones(season - 1), 0.5] / season
    result = np.full_like(grid, np.nan)
    if grid.shape[1] >= len(weights):
        half = len(weights) // 2
        means = np.lib.stride_tricks.sliding_window_view(grid, len(weights), axis=1) @ weights
        result[:, half : half + means.shape[1]] = means
    return result


def _kept(left: Floats, rows: NDArray[np.int64], means: Floats, worth: Floats) -> Floats:
    """The share of each series' indices that is no noise: 1 - (season - 3) v / sum of squares, v being the variance of one."""
    season = means.shape[1]
    if season <= 3:
        return np.ones(len(means))
    freedom = np.maximum(rows - season, 1.0)
    noise = (left**2).sum(axis=1) / freedom / np.maximum(worth.mean(axis=1), 1.0)
    squares = (means**2).sum(axis=1)
    kept: Floats = np.clip(1.0 - (season - 3) * noise / np.where(squares > 0, squares, 1.0), 0.0, 1.0)
    return kept


@dataclass(frozen=True)
class _Seen:
    """A grid on the scale of each series' usual size, with what indices are made from."""

    values: Floats
    known: Floats
    where: Floats
    weight: Floats

    def of_groups(self, away: Floats, group: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Weighted sum and weight of what is observed in each group, ``[group, phase]``."""
        sums, weights = (np.zeros((int(group.max()) + 1, self.where.shape[1])) for _ in range(2))
        np.add.at(sums, group, away @ self.where * self.weight[:, None])
        np.add.at(weights, group, self.known @ self.where * self.weight[:, None])
        return sums, weights


def shared_indices(grid: Floats, known: NDArray[np.bool_], season: int, groupings: Sequence[NDArray[np.int64]]) -> Floats:
    """Indices ``[series, phase]`` in units of the target: those of the series' group, and how the series departs from it.

    Few series have seen a phase of a long season more than twice, but many of a kind have seen it together. Groups are means over
    their series on the scale of each one's mean absolute value, weighted by the root of it; departures are shrunk, first to what
    neighbouring phases share, then each by itself.

    Args:
        grid: ``[series, step]``, any value where not ``known``.
        known: which values were observed.
        season: steps of the season.
        groupings: ways to group, each the number of every series' group; the one that tells most of a series from the others of
            its group is taken. All are one group where there are none.
    """
    count = known.sum(axis=1)
    size = np.where(known, np.abs(grid), 0.0).sum(axis=1) / np.maximum(count, 1)
    size = np.where(size > 0, size, 1.0)
    values = np.where(known, grid, 0.0) / size[:, None]
    where = np.eye(season)[np.arange(grid.shape[1]) % season]
    seen = _Seen(values, known.astype(np.float64), where, np.sqrt(size))
    group = np.zeros(len(grid), dtype=np.int64)
    near = 0.5 ** (_distances(grid.shape[1]) / max(season / 4, 1.0))
    indices = np.zeros((len(grid), season))
    for turn in range(PASSES):
        without = seen.known * (seen.values - indices @ where.T)
        level = (without @ near) / np.maximum(seen.known @ near, 1e-12)
        away = seen.known * (seen.values - level)
        if turn == 0:
            group = min((group, *groupings), key=lambda one: _left_by(seen, away, one))
        indices = _indices(seen, away, group)
    return indices * size[:, None]


def _left_by(seen: _Seen, away: Floats, group: NDArray[np.int64]) -> float:
    """Mean square of what the others of its group leave of a series' own phase means, weighted as they are."""
    sums, weights = seen.of_groups(away, group)
    own, own_weight = away @ seen.where * seen.weight[:, None], seen.known @ seen.where * seen.weight[:, None]
    others = weights[group] - own_weight
    told = np.where(others > 0, (sums[group] - own) / np.where(others > 0, others, 1.0), 0.0)
    mean = own / np.where(own_weight > 0, own_weight, 1.0)
    return float((own_weight * (mean - told) ** 2).sum() / max(own_weight.sum(), 1e-12))


def _indices(seen: _Seen, away: Floats, group: NDArray[np.int64]) -> Floats:
    """Indices from the differences to the level."""
    total, count = away @ seen.where, seen.known @ seen.where
    sums, weights = seen.of_groups(away, group)
    shared = (sums / np.maximum(weights, 1e-12))[group]
    departs = total - count * shared
    apart = _distances(total.shape[1])
    near = 0.5 ** (np.minimum(apart, total.shape[1] - apart) / AROUND)
    around = (departs @ near) / (count @ near + 1.0)
    own: Floats = around + (departs - count * around) / (count + OWN)
    return shared + own


def _distances(size: int) -> Floats:
    places = np.arange(size, dtype=np.float64)
    return np.abs(places[:, None] - places)


def groupings_of(panel: Panel, columns: Sequence[str]) -> list[NDArray[np.int64]]:
    """For each column a number for each series, equal where the column is; columns that tell every series apart are left out."""
    if not columns:
        return []
    own = panel.rows.group_by("series").agg(pl.col(columns).drop_nulls().first()).sort("series")
    numbered = own.select((pl.col(name).rank("dense") - 1).fill_null(own[name].n_unique()).cast(pl.Int64) for name in columns)
    return [column.to_numpy() for column in numbered if column.n_unique() < len(own)]
