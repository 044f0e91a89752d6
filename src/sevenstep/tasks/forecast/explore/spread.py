"""Whether effects multiply or add: how the spread of values grows with their level."""

from __future__ import annotations

import numpy as np

from sevenstep.tasks.forecast.explore.view import View
from sevenstep.tasks.forecast.explore.within import codes_of

__all__ = ["spread_slope"]

FEWEST_ROWS, FEWEST_CELLS = 6, 8


def spread_slope(view: View) -> float | None:
    """Slope of log standard deviation on log mean over series and stretches (the spread-level plot of Tukey, 1977).

    1 where effects multiply, 0 where they add; None where there are too few stretches, or their levels are too alike, to tell.
    """
    width = max(4, min(view.seasons[0] if view.seasons else 8, 26))
    codes = codes_of(view.series, view.step // width)
    count = np.bincount(codes)
    mean = np.bincount(codes, view.raw) / count
    square = np.bincount(codes, (view.raw - mean[codes]) ** 2) / count
    good = (count >= min(FEWEST_ROWS, width)) & (mean > 0) & (square > 0)
    if good.sum() < FEWEST_CELLS:
        return None
    x, y = np.log(mean[good]), 0.5 * np.log(square[good])
    if x.std() < 0.05:
        return None
    return float(np.polyfit(x, y, 1)[0])
