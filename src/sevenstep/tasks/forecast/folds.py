"""Rolling-origin evaluation: at which origins a forecast is judged, and on which rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.contract import Fold
from sevenstep.tasks.forecast.panel import Panel, Settings
from sevenstep.tasks.forecast.wording import moment
from sevenstep.wording import counted

__all__ = ["EVERYTHING", "MOST_JUDGED", "everything_up_to", "judged_series", "plan_folds", "scored_rows"]

EVERYTHING = "everything"
MOST_JUDGED = 20_000  # series that are judged: more would say the same, and tables of scores would outgrow the memory


def judged_series(panel: Panel) -> NDArray[np.bool_]:
    """Which series are judged: all of them, or, of very many, each k-th in the order of their keys (systematic sampling)."""
    count = panel.shape[0]
    judged = np.ones(count, dtype=bool)
    if count > MOST_JUDGED:
        judged[:] = False
        judged[(np.arange(MOST_JUDGED) * count / MOST_JUDGED).astype(np.int64)] = True
    return judged


def scored_rows(panel: Panel, truth: NDArray[np.float64], cutoff: int, horizon: int) -> NDArray[np.int64]:
    """Rows of the panel judged at one origin: known values up to ``horizon`` steps after it, of series seen before it; see
    `judged_series`.
    """
    known = np.isfinite(truth)
    started = np.zeros(panel.shape[0], dtype=bool)
    started[panel.series[known & (panel.steps <= cutoff)]] = True
    inside = known & (panel.steps > cutoff) & (panel.steps <= cutoff + horizon) & (started & judged_series(panel))[panel.series]
    return np.flatnonzero(inside)


def plan_folds(panel: Panel, settings: Settings, horizon: int, wanted: int | None) -> tuple[Sequence[Fold], Fold, str]:
    """The folds, the fold that stands for all rows, and the reason for the choice.

    The newest origins come first in importance: each fold ends where the next begins. With three years of history
    one fold covers the same weeks a year ago, because the coming horizon resembles them more than it resembles last month; with
    less, a model of that fold would not have seen each season twice, and would be judged for a lack that the final model does
    not have.
    """
    count = wanted or 3
    least = max(min(2 * settings.season, settings.season + 2 * horizon), horizon // 2, 4)
    newest = [panel.end - horizon * (back + 1) for back in range(count)]
    cutoffs = [cutoff for cutoff in newest if cutoff >= least]
    reason = f"{len(cutoffs)} newest origins, {horizon} steps apart"
    year_ago = panel.end - settings.year
    if settings.year and wanted is None and year_ago >= 2 * settings.year and year_ago + horizon < min(cutoffs, default=0):
        cutoffs = [*cutoffs[: count - 1], year_ago]
        reason = f"{len(cutoffs) - 1} newest origins, {horizon} steps apart, and the same weeks a year ago"
    if not cutoffs:
        cutoffs = [max(panel.end - horizon, panel.end // 2)]
        reason = f"the history is too short for origins {horizon} steps apart: one, {panel.end - cutoffs[0]} steps before its end"
    if panel.shape[0] > MOST_JUDGED:
        reason = f"{reason}; {MOST_JUDGED:,} of {panel.shape[0]:,} series are judged, each k-th in the order of their keys"
    cutoffs = sorted(cutoffs)
    folds = [_fold(panel, number, cutoff, horizon) for number, cutoff in enumerate(cutoffs)]
    return folds, everything_up_to(panel, horizon), reason


def everything_up_to(panel: Panel, horizon: int) -> Fold:
    """The fold that stands for all rows: nothing of it is judged."""
    return Fold(EVERYTHING, -1, {"until": panel.end}, {"after": panel.end, "steps": horizon})


def _fold(panel: Panel, number: int, cutoff: int, horizon: int) -> Fold:
    own = int(np.median(panel.offsets)) + cutoff
    common = np.ptp(panel.offsets) == 0
    name = f"from {moment(own, panel.clock)}" if common else f"{panel.end - cutoff} steps before the end"
    learns = f"what was known before {moment(own, panel.clock)}" if common else f"all but the last {panel.end - cutoff} steps"
    judged = f"the {counted(horizon, 'step')} from then on"
    return Fold(name, number, {"until": int(cutoff)}, {"after": int(cutoff), "steps": int(horizon)}, learns, judged)
