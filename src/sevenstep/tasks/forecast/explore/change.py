"""How the level of a target has changed, like for like.

The newest stretch against the same time a year (or half a history) before.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sevenstep.tasks.forecast.explore.view import View
from sevenstep.tasks.forecast.explore.within import codes_of
from sevenstep.tasks.forecast.panel import Settings

__all__ = ["LevelChange", "level_change"]

BIG = 0.2  # a change of a series' level by over a fifth is told


@dataclass(frozen=True)
class LevelChange:
    """Change of the mean level on the scale of the view: the newest ``steps`` against those ``apart`` steps before.

    ``seasonal`` tells whether both stretches are the same time of the year; ``moved`` is the share of series whose own level
    changed by over a fifth.
    """

    effect: float
    low: float
    high: float
    relative: float
    steps: int
    apart: int
    seasonal: bool
    moved: float
    n: int

    def to_json(self) -> dict[str, Any]:
        """The change as JSON values."""
        return asdict(self)


def level_change(view: View, settings: Settings) -> LevelChange | None:
    """The change among series seen in both stretches, at equal season phases; None where the history is too short."""
    end = int(view.step.max())
    length = end + 1 - int(view.step.min())
    apart, steps, seasonal = _stretches(length, settings)
    if steps < max(2 * (settings.season if settings.season < length // 4 else 1), 4):
        return None
    new = view.step > end - steps
    old = (view.step > end - steps - apart) & (view.step <= end - apart)
    phase = view.step % settings.season if 1 < settings.season <= steps else np.zeros_like(view.step)
    inside = new | old
    cells = codes_of(view.series[inside], phase[inside])
    fit = view.effects([new[inside].astype(np.float64)], [cells], inside)
    value = float(fit.value[0])
    if not np.isfinite(value):
        return None
    moved = _moved(view, new, old)
    bounds = (value, float(fit.low[0]), float(fit.high[0]))
    return LevelChange(*bounds, view.measure.relative(value), steps, apart, seasonal, moved, int(inside.sum()))


def _stretches(length: int, settings: Settings) -> tuple[int, int, bool]:
    """Distance and length of the two stretches, and whether they are the same time of the year."""
    if settings.year > 1 and length >= 1.25 * settings.year:
        return settings.year, min(settings.year, length - settings.year), True
    half = length // 2
    whole = half // settings.season * settings.season if half >= 2 * settings.season > 2 else half
    return whole, whole, False


def _moved(view: View, new: np.ndarray[Any, np.dtype[np.bool_]], old: np.ndarray[Any, np.dtype[np.bool_]]) -> float:
    codes = view.series
    counts = [np.bincount(codes[rows], minlength=view.panel.shape[0]) for rows in (new, old)]
    values = view.raw if view.by_sums else view.scaled
    sums = [np.bincount(codes[rows], values[rows], minlength=view.panel.shape[0]) for rows in (new, old)]
    both = (counts[0] > 0) & (counts[1] > 0)
    if not both.any():
        return 0.0
    now, before = (total[both] / count[both] for total, count in zip(sums, counts, strict=True))
    change = now - before
    if view.by_sums:
        return float((np.abs(change) > BIG * before).mean())
    relative = np.expm1(np.abs(change)) if view.measure.name != "plain" else np.abs(change) / max(view.measure.mean, 1e-12)
    return float((relative > BIG).mean())
