"""Which series a profile looks at closely: all of them where that is affordable, else some, drawn by the seed.

Counts, gaps and totals are taken from all rows; effects, strengths and outliers from this sample, and the chapter says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.forecast.panel import Panel, Settings, build_panel

__all__ = ["MOST_ROWS", "MOST_SERIES", "Sample", "draw_sample"]

MOST_SERIES, MOST_ROWS = 2_000, 200_000


@dataclass(frozen=True)
class Sample:
    """The panel of the sampled series, and how many there are in all.

    Args:
        panel: grid of the sampled series; open rows included.
        settings: what the data set says about time.
        series: number of series with an observed target, sampled or not.
        rows: number of observed rows, sampled or not.
        observed: number of observed rows in the sample.
    """

    panel: Panel
    settings: Settings
    series: int
    rows: int
    observed: int

    @property
    def partial(self) -> bool:
        """Whether anything was left out."""
        return self.observed < self.rows

    def note(self) -> str:
        """A sentence for captions: on how much this rests; empty where it rests on all rows."""
        if not self.partial:
            return ""
        return f" From a sample of {len(self.panel.keys):,} of {self.series:,} series, {self.observed:,} of {self.rows:,} rows."

    def to_json(self) -> dict[str, Any]:
        """Sizes as JSON values."""
        sampled = {"series": len(self.panel.keys), "rows": self.observed}
        return {"partial": self.partial, **sampled, "of_series": self.series, "of_rows": self.rows}


def draw_sample(data: Dataset, settings: Settings, seed: int) -> Sample:
    """Whole series, drawn at random, up to `MOST_SERIES` series and about `MOST_ROWS` rows.

    Of very long series the newest rows.
    """
    roles, items = data.roles, data.items
    keys = list(roles.keys)
    known = items.filter(pl.any_horizontal(pl.col(target).is_not_null() for target in roles.targets))
    series = known.select(keys).unique().sort(keys) if keys else pl.DataFrame({"": [0]})
    count = min(MOST_SERIES, max(1, MOST_ROWS * len(series) // max(len(known), 1)), len(series))
    if count < len(series):
        chosen = np.sort(np.random.default_rng(seed).choice(len(series), count, replace=False))
        items = items.join(series[chosen], on=keys, how="semi", nulls_equal=True)
    items = _newest(items, roles.time or "", keys, MOST_ROWS // count)
    panel = build_panel(replace(data, tables={**data.tables, "items": items}), settings)
    observed = int(panel.rows.select(pl.any_horizontal(pl.col(target).is_not_null() for target in roles.targets).sum()).item())
    return Sample(panel, settings, len(series), len(known), observed)


def _newest(items: pl.DataFrame, time: str, keys: list[str], most: int) -> pl.DataFrame:
    """The newest ``most`` rows of each series, where the rows are too many even so."""
    if len(items) <= 1.5 * MOST_ROWS:
        return items
    rank = pl.col(time).rank("ordinal", descending=True)
    return items.filter((rank.over(keys) if keys else rank) <= most)
