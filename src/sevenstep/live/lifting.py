"""Forecasts follow a segment that has moved: a factor for its series, until the model has learnt what is usual there by now.

A model fitted before a level moved forecasts the old one, and features that average over months keep even a newly fitted one
there for long. What one step before the newest days would have been forecast, beside what came true, shows the departure at
once. It counts where it passes the test that shift alarms rest on, so that without a shift all but the stated share of refreshes
leave forecasts as they are; a segment that was lifted by the version before is asked only whether it still is away. The factor is
drawn towards 1 by its own uncertainty, as the mean of a normal figure is whose prior variance is its own square (empirical Bayes;
Efron and Morris, 1973).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from sevenstep.live.check import SHARES
from sevenstep.live.monitor.levels import WINDOWS, Moved
from sevenstep.live.monitor.released import Released
from sevenstep.live.monitor.shifts import departed
from sevenstep.spec.model import Spec
from sevenstep.tasks.scoretable import BOUNDS

__all__ = ["DAYS", "Lift", "lifted", "lifts_from", "lifts_of"]

DAYS = max(WINDOWS)
"""Newest times that are looked at: more would tell of a departure that the model has begun to follow by itself."""

_WIDTH = 1.96  # of half a 95 % interval in standard errors
_MOST = 4.0  # factor beyond which a figure is a fault rather than a level
_FACTOR = "__lift__"


@dataclass(frozen=True)
class Lift:
    """What forecasts of a segment are multiplied by.

    Args:
        target: of the forecasts.
        column: segment column; empty for everything.
        value: its value.
        factor: what forecasts are multiplied by.
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


def lifts_of(spec: Spec, released: Released, known: pl.DataFrame, before: Sequence[Lift]) -> list[Lift]:
    """What the newest known times ask for.

    Args:
        spec: of the project.
        released: the release that forecasts, with the scores it was judged by.
        known: rows of `Model.outlook` whose truth is known, their time in ``time``, with the segment columns.
        before: what the version before was lifted by.
    """
    found: list[Lift] = []
    known = known.with_columns(pl.col(name).cast(pl.String) for name in released.segments if name in known.columns)
    alpha = spec.operate.alarms.false_alarms * SHARES["shift"] / len(spec.targets)
    for target in spec.targets:
        own, expected = known.filter(pl.col("target") == target), [one for one in before if one.target == target]
        then = released.of_target(target)
        if then is None or own["time"].n_unique() < min(WINDOWS):
            continue
        names = [(one.column, one.value) for one in expected]
        for (column, value), since, moved in departed(then, own, released.segments, alpha, names):
            found.append(Lift(target, column, value, _factor(moved), since))
    return found


def _factor(moved: Moved) -> float:
    error = (moved.high - moved.low) / 2 / _WIDTH
    sure = moved.size**2 / (moved.size**2 + error**2)
    return round(float(np.clip(np.exp(sure * moved.size), 1 / _MOST, _MOST)), 4)


def lifted(frame: pl.DataFrame, lifts: Sequence[Lift], segments: pl.DataFrame) -> pl.DataFrame:
    """Forecasts and their bounds times what the lifts say of their series.

    Args:
        frame: forecasts with the keys of their series and ``target``.
        lifts: what to apply; those of several segments of a series multiply.
        segments: one row for each series: its keys and segment columns.
    """
    if not lifts:
        return frame
    keys = [name for name in frame.columns if name in segments.columns]
    factor = pl.lit(1.0)
    for one in lifts:
        inside = pl.lit(True) if not one.column else pl.col(one.column).cast(pl.String) == one.value
        factor = factor * pl.when((pl.col("target") == one.target) & inside.fill_null(False)).then(one.factor).otherwise(1.0)
    there = frame.join(segments, on=keys, how="left", nulls_equal=True, maintain_order="left") if keys else frame
    factors = there.select(factor.alias(_FACTOR))[_FACTOR]
    return frame.with_columns(pl.col(name) * factors for name in ("prediction", *BOUNDS))


def lifts_from(texts: Sequence[Mapping[str, Any]]) -> list[Lift]:
    """Read back what `Lift.to_json` gave."""
    return [Lift(**one) for one in texts]
