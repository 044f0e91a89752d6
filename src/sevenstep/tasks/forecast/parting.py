"""Very many series: a part of them is learnt from and judged, all are forecast, one part after the other.

A table of features takes no more than some hundred thousand rows, and some thousand series judge a model as well as all of them
do; what grows with the series is then only what must: reading, checking and forecasting them.
"""

from __future__ import annotations

from dataclasses import replace

from sevenstep.data.dataset import Dataset
from sevenstep.data.parts import dealt_out
from sevenstep.spec.brief import Brief

__all__ = ["MOST_ROWS", "PART_ROWS", "in_parts"]

MOST_ROWS = 10_000_000  # rows that are laid on one grid
PART_ROWS = 5_000_000  # rows of a part where they are more


def in_parts(data: Dataset, brief: Brief) -> Dataset:
    """The data set in parts where it has more than `MOST_ROWS` rows. Levels that add up need all series at once: they are never
    parted.
    """
    rows = len(data.items)
    if rows <= MOST_ROWS or brief.section.hierarchy or not data.roles.keys:
        return data
    first, parts = dealt_out(data.items, data.roles.keys, -(-rows // PART_ROWS))
    return replace(data, tables={**data.tables, "items": first}, parts=parts)
