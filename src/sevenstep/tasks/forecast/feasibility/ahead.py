"""Are the inputs that are said to be known ahead really there for the steps to be forecast?"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.contract import Evidence
from sevenstep.tasks.forecast.clock import Clock
from sevenstep.tasks.forecast.lacking import emptier_than_before
from sevenstep.wording import counted, roughly

__all__ = ["Ahead", "ahead_evidence", "known_ahead_of"]


@dataclass(frozen=True)
class Ahead:
    """Open rows (after the last value of their series) and the inputs they lack.

    ``filled`` is the share of known-ahead values present in open rows (None without open rows or inputs); ``lacking`` names
    inputs that open rows lack as no stretch of the history does, with the share lacking.
    """

    rows: int
    inputs: int
    filled: float | None
    lacking: dict[str, float]


def known_ahead_of(items: pl.DataFrame, data: Dataset, target: str, clock: Clock) -> Ahead:
    """Compare the open rows of a target with stretches of the observed ones."""
    inputs = [column for column in data.roles.known_ahead if column in items.columns]
    known = pl.col(target).is_not_null()
    step = clock.steps(pl.col(str(data.roles.time)))
    last = step.filter(known).max()
    after = step - (last.over(data.roles.keys) if data.roles.keys else last)
    rows = items.select(*inputs, after.alias("_after"), known.alias("_known"))
    ahead, past = rows.filter(pl.col("_after") > 0), rows.filter("_known")
    if ahead.is_empty() or not inputs:
        return Ahead(len(ahead), len(inputs), None, {})
    lacks = {column: ahead[column].null_count() / len(ahead) for column in inputs}
    lacking = {column: share for column, share in lacks.items() if emptier_than_before(past, ahead, "_after", column)}
    return Ahead(len(ahead), len(inputs), 1.0 - sum(lacks.values()) / len(inputs), lacking)


def ahead_evidence(ahead: Ahead) -> Evidence | None:
    """What the open rows know, or None where no input is said to be known ahead."""
    if not ahead.inputs:
        return None
    if ahead.filled is None:
        text = f"No open rows yet: {counted(ahead.inputs, 'input')} known ahead must come with the request for a forecast."
        return Evidence("known ahead", text, n=0)
    text = f"{roughly(ahead.filled)} of the known-ahead values are there in {counted(ahead.rows, 'open row')}"
    names = ", ".join(f"'{column}' ({roughly(share)} missing)" for column, share in ahead.lacking.items())
    return Evidence("known ahead", f"{text}; not so: {names}." if names else f"{text}.", ahead.filled, n=ahead.rows)
