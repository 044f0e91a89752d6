"""Which points of a long control chart are drawn, so that nothing a reader looks for is lost."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from sevenstep.stats.scored import FloatArray
from sevenstep.tasks.tabular.quality.charted import Charted

__all__ = ["MOST_DRAWN", "shown_points"]

MOST_DRAWN = 1000
"""More points than a page has room for one by one."""
_LEAST_STRETCHES = 100


def shown_points(charted: Charted) -> list[int]:
    """Positions of the points to draw, in order: all of them up to `MOST_DRAWN`.

    Of more, every point that signals or was left out of the limits, both sides of the border of the phases, the two ends, and of
    each of equal stretches the highest and lowest point of every chart: the outline stays what it was.
    """
    points = len(charted.starts)
    if points <= MOST_DRAWN:
        return list(range(points))
    kept = {point for violation in charted.found for point in violation.points}
    kept |= set() if charted.baseline is None else {removal.point for removal in charted.baseline.removed}
    kept |= {0, points - 1, max(charted.frozen - 1, 0), min(charted.frozen, points - 1)}
    each = 2 * len(charted.charts)
    stretches = max((MOST_DRAWN - len(kept)) // each, _LEAST_STRETCHES)
    for chart in charted.charts:
        kept |= _extremes(chart.points, stretches)
    return sorted(kept)


def _extremes(values: FloatArray, stretches: int) -> set[int]:
    """The highest and the lowest known value of each stretch."""
    edges = np.linspace(0, len(values), stretches + 1).astype(int).tolist()
    found: set[int] = set()
    for start, end in pairwise(edges):
        part = values[start:end]
        if (~np.isnan(part)).any():
            found |= {start + int(np.nanargmin(part)), start + int(np.nanargmax(part))}
    return found
