"""Which series and steps are looked at, so that the verdict comes within a twentieth of the time budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

__all__ = ["Effort", "sampled"]


@dataclass(frozen=True)
class Effort:
    """How much work the verdict may take, in counts: a function of the budget, never of the clock.

    ``series`` looked at (up to ``short_series`` while they are short), ``rows`` learnt from or scored, ``cells`` of the grid
    (series times steps), ``rounds`` of boosting.
    """

    series: int = 150
    short_series: int = 400
    rows: int = 30_000
    cells: int = 400_000
    rounds: int = 120

    @classmethod
    def within(cls, budget: float) -> Effort:
        """The effort for a run of ``budget`` seconds; the full one from four minutes on."""
        scale = float(np.clip(budget / 240.0, 0.1, 1.0))
        whole = cls()
        series, rounds = max(int(whole.series * scale), 30), max(int(whole.rounds * scale), 60)
        return cls(series, int(whole.short_series * scale), int(whole.rows * scale), int(whole.cells * scale), rounds)

    def series_of(self, longest: int, scored: int) -> int:
        """How many series of at most ``longest`` rows, ``scored`` of them judged, are looked at."""
        wanted = int(np.clip(2 * self.rows // longest, self.series, max(self.short_series, self.series)))
        return max(1, min(wanted, self.cells // longest, self.rows // max(scored, 1)))


def sampled(
    items: pl.DataFrame, keys: Sequence[str], time: str, target: str, *, scored: int, effort: Effort, seed: int
) -> pl.DataFrame:
    """The rows of a sample of series, and of a long history its newest part.

    Series are sorted by their total and every k-th is taken: systematic sampling, which holds large and small ones in their true
    shares and so varies far less than a simple draw (Cochran, 1977, Sampling Techniques, chapter 8).

    Args:
        items: all rows, cleaned.
        keys: key columns.
        time: the time column.
        target: series without a value of it are left out.
        scored: rows that will be scored for each series.
        effort: how much may be taken.
        seed: decides where the systematic sample starts.
    """
    if keys:
        size = pl.col(target).abs().sum().alias("size_of_series")
        known = items.filter(pl.col(target).is_not_null())
        series = known.group_by(keys).agg(size, pl.len().alias("rows_of_series")).sort("size_of_series", *keys)
        longest = int(series["rows_of_series"].max())  # type: ignore[arg-type]
        count = effort.series_of(longest, scored)
        if len(series) > count:
            start = np.random.default_rng(seed).random()
            series = series[((np.arange(count) + start) * len(series) / count).astype(int).tolist()]
        items = items.join(series.select(keys), on=list(keys), how="semi", nulls_equal=True)
    else:
        longest = len(items)
    if longest <= effort.cells:
        return items
    newest = items[time].unique().sort()[-effort.cells]
    return items.filter(pl.col(time) >= newest)
