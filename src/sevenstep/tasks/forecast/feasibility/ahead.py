"""Are the inputs that are said to be known ahead really there for the steps to be forecast?"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.contract import Evidence
from sevenstep.tasks.forecast.feasibility.wording import counted, percent

__all__ = ["Ahead", "ahead_evidence", "known_ahead_of"]

NOTABLE = 0.2  # share of values lacking in open rows, over what history lacks, from which an input is called missing


@dataclass(frozen=True)
class Ahead:
    """Open rows (after the last value of their series) and the inputs they lack.

    ``filled`` is the share of known-ahead values present in open rows (None without open rows or inputs); ``lacking`` names
    inputs that history has and open rows lack, with the share lacking.
    """

    rows: int
    inputs: int
    filled: float | None
    lacking: dict[str, float]


def known_ahead_of(items: pl.DataFrame, data: Dataset, target: str) -> Ahead:
    """Compare the open rows of a target with its observed ones."""
    inputs = [column for column in data.roles.known_ahead if column in items.columns]
    time = pl.col(str(data.roles.time))
    last = time.filter(pl.col(target).is_not_null()).max()
    open_ = time > (last.over(data.roles.keys) if data.roles.keys else last)
    marked = items.select(*inputs, open_.fill_null(False).alias("open_row"))
    ahead, past = marked.filter("open_row"), marked.filter(~pl.col("open_row"))
    if ahead.is_empty() or not inputs:
        return Ahead(len(ahead), len(inputs), None, {})
    lacks = {column: ahead[column].null_count() / len(ahead) for column in inputs}
    lacked = {column: past[column].null_count() / max(len(past), 1) for column in inputs}
    lacking = {column: share for column, share in lacks.items() if share > lacked[column] + NOTABLE}
    return Ahead(len(ahead), len(inputs), 1.0 - sum(lacks.values()) / len(inputs), lacking)


def ahead_evidence(ahead: Ahead) -> Evidence | None:
    """What the open rows know, or None where no input is said to be known ahead."""
    if not ahead.inputs:
        return None
    if ahead.filled is None:
        text = f"No open rows yet: {counted(ahead.inputs, 'input')} known ahead must come with the request for a forecast."
        return Evidence("known ahead", text, n=0)
    text = f"{percent(ahead.filled)} of the known-ahead values are there in {counted(ahead.rows, 'open row')}"
    names = ", ".join(f"'{column}' ({percent(share)} missing)" for column, share in ahead.lacking.items())
    return Evidence("known ahead", f"{text}; not so: {names}." if names else f"{text}.", ahead.filled, n=ahead.rows)
