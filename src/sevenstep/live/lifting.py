"""Forecasts follow a segment that has moved: a factor for its series, until the model has learnt what is usual there by now.

A model fitted before a level moved forecasts the old one, and features that average over months keep even a newly fitted one
there for long. What one step before the newest days would have been forecast, beside what came true, shows the departure at
once. It counts where it passes the test that shift alarms rest on, so that without a shift all but the stated share of refreshes
leave forecasts as they are; a segment that was lifted by the version before is asked only whether it still is away. The factor is
drawn towards 1 by its own uncertainty, as the mean of a normal figure is whose prior variance is its own square (empirical Bayes;
Efron and Morris, 1973).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from sevenstep.live.check import SHARES
from sevenstep.live.monitor.levels import WINDOWS, Moved
from sevenstep.live.monitor.released import Released
from sevenstep.live.monitor.shifts import departed
from sevenstep.spec.model import Spec
from sevenstep.tasks.lifts import Lift

__all__ = ["DAYS", "lifts_of"]

DAYS = max(WINDOWS)
"""Newest times that are looked at: more would tell of a departure that the model has begun to follow by itself."""

_WIDTH = 1.96  # of half a 95 % interval in standard errors
_MOST = 4.0  # factor beyond which a figure is a fault rather than a level


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
