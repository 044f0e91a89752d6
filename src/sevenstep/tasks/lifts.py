"""Factors on the predictions of segments that have moved away from what a model learnt, until it has learnt anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from sevenstep.tasks.scoretable import BOUNDS

__all__ = ["Lift", "factor_of", "lifted", "lifts_from"]

_FACTOR = "__lift__"


@dataclass(frozen=True)
class Lift:
    """What predictions of a segment are multiplied by.

    Args:
        target: of the predictions.
        column: segment column; empty for everything.
        value: its value.
        factor: what predictions are multiplied by.
        since: first of the newest days in which the departure was seen, as ISO 8601 text.
    """

    target: str
    column: str
    value: str
    factor: float
    since: str

    def to_json(self) -> dict[str, Any]:
        """The lift as JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        who = f"{self.column} {self.value}" if self.column else "everything"
        return f"{self.target} of {who} times {self.factor:.2f} since {self.since}"


def lifts_from(texts: Sequence[Mapping[str, Any]]) -> list[Lift]:
    """Read back what `Lift.to_json` gave."""
    return [Lift(**one) for one in texts]


def factor_of(lifts: Sequence[Lift]) -> pl.Expr:
    """What the prediction of a row is multiplied by, from its ``target`` and segment columns."""
    factor = pl.repeat(1.0, pl.len())
    for one in lifts:
        inside = pl.lit(True) if not one.column else pl.col(one.column).cast(pl.String) == one.value
        factor = factor * pl.when((pl.col("target") == one.target) & inside.fill_null(False)).then(one.factor).otherwise(1.0)
    return factor


def lifted(frame: pl.DataFrame, lifts: Sequence[Lift], segments: pl.DataFrame) -> pl.DataFrame:
    """Predictions and their bounds times what the lifts say of their series.

    Args:
        frame: predictions with the keys of their series and ``target``.
        lifts: what to apply.
        segments: one row for each series: its keys and segment columns.
    """
    keys = [name for name in frame.columns if name in segments.columns]
    there = frame.join(segments, on=keys, how="left", nulls_equal=True, maintain_order="left") if keys else frame
    factors = there.select(factor_of(lifts).alias(_FACTOR))[_FACTOR]
    return frame.with_columns(pl.col(name) * factors for name in ("prediction", *BOUNDS))
