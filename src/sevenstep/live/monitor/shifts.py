"""Level shifts by segment on live rows: which segment moved away from its forecasts, by how much, since when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from sevenstep.live.check import Check
from sevenstep.live.kept import AHEAD
from sevenstep.live.monitor.cells import Days, Segments
from sevenstep.live.monitor.daily import day_of, stretches
from sevenstep.live.monitor.levels import Moved, moved
from sevenstep.live.monitor.released import Released
from sevenstep.spec.model import Spec
from sevenstep.stats.scored import FloatArray
from sevenstep.tasks.leading import leading_kpi
from sevenstep.wording import counted

__all__ = ["departed", "shift_checks", "shifts_of"]

MATTERS = float(np.log(1.05))
"""Logarithm of the least shift that is worth an alarm."""

_CELL = "__cell__"


def shift_checks(spec: Spec, live: pl.DataFrame, released: Released, alpha: float) -> list[Check]:
    """The segments of each target that moved; none where time plays no part."""
    if live.is_empty() or AHEAD not in live.columns:
        return []
    watched = live.filter(pl.col(AHEAD) == released.lead)
    found: list[Check] = []
    for target in spec.targets:
        then, own = released.of_target(target), watched.filter(pl.col("target") == target)
        if then is not None and len(own):
            kpi = leading_kpi(spec.kpis, target, spec.targets) or spec.kpis[0]
            found += shifts_of(then, own, released.segments, alpha / len(spec.targets), kpi.id, target)
    return found


def shifts_of(
    released: pl.DataFrame, live: pl.DataFrame, columns: Sequence[str], alpha: float, kpi: str, target: str
) -> list[Check]:
    """The segments that have moved, surest first.

    Args:
        released: scores of the release, out of fold, as rows of a score table with the segment columns.
        live: rows of the newest days, one forecast for each item.
        columns: segment columns that tell groups of series apart.
        alpha: chance of naming any where none has moved.
        kpi: id of the KPI that leads the target.
        target: its name, for words.
    """
    found = _found(released, live, columns, alpha, ())
    return [_check(one, segments, days, kpi, target) for one, segments, days in found if abs(one.size) >= MATTERS]


def departed(
    released: pl.DataFrame, live: pl.DataFrame, columns: Sequence[str], alpha: float, expected: Sequence[tuple[str, str]]
) -> list[tuple[tuple[str, str], str, Moved]]:
    """The segments that have moved, each as column and value, since when, and what was found; arguments as of `shifts_of`.

    ``expected`` are segments known to have moved before, which need not be found anew, nor be away by so much as to matter.
    """
    found = _found(released, live, columns, alpha, expected)
    named = [(segments.names[one.segment], _text(days[one.since]), one) for one, segments, days in found]
    return [(name, since, one) for name, since, one in named if abs(one.size) >= MATTERS or name in expected]


def _found(
    released: pl.DataFrame, live: pl.DataFrame, columns: Sequence[str], alpha: float, expected: Sequence[tuple[str, str]]
) -> list[tuple[Moved, Segments, pl.Series]]:
    columns = [name for name in columns if name in live.columns]
    released, live = (one.filter(pl.col("truth").is_finite() & pl.col("prediction").is_finite()) for one in (released, live))
    if released.is_empty() or live.is_empty():
        return []
    segments, cells = _segments(released, live, columns)
    days = live.select(day_of(live).unique().sort().alias("day"))["day"]
    before = [_days(one, cells, columns) for one in stretches(released)]
    places = [place for place, name in enumerate(segments.names) if name in expected]
    found = moved(segments, _days(live, cells, columns), before, alpha, places)
    return [(one, segments, days) for one in found]


def _segments(released: pl.DataFrame, live: pl.DataFrame, columns: Sequence[str]) -> tuple[Segments, pl.DataFrame]:
    """All values of the segment columns, and the cells they are made of; a column with one value says nothing."""
    every = pl.concat([released.select(columns), live.select(columns)], how="vertical_relaxed") if columns else None
    cells = pl.DataFrame({_CELL: [0]}) if every is None else every.unique().sort(columns).with_row_index(_CELL)
    count = len(cells)
    names, inside, beside = [("", "")], [np.ones(count, np.bool_)], [np.zeros(count, np.bool_)]
    for column in columns:
        values = cells[column].drop_nulls().unique().sort()
        for value in values if len(values) > 1 else []:
            members = (cells[column] == value).fill_null(False).to_numpy()
            names.append((column, str(value)))
            inside.append(members)
            beside.append(~members)
    return Segments(names, np.array(inside), np.array(beside)), cells


def _days(rows: pl.DataFrame, cells: pl.DataFrame, columns: Sequence[str]) -> Days:
    """Sums of actuals and forecasts by cell and day."""
    day = (day_of(rows).rank("dense").cast(pl.Int64) - 1).alias("__day__")
    summed = rows.with_columns(day).group_by(*columns, "__day__").agg(pl.col("truth", "prediction").sum())
    sums = (
        summed.join(cells, on=list(columns), how="left", nulls_equal=True)
        if columns
        else summed.with_columns(pl.lit(0).alias(_CELL))
    )
    shape = len(cells), int(sums["__day__"].max()) + 1  # type: ignore[arg-type]  # there are rows
    place = sums[_CELL].to_numpy(), sums["__day__"].to_numpy()
    return Days(*(_filled(shape, place, sums[name].to_numpy()) for name in ("truth", "prediction")))


def _filled(shape: tuple[int, int], place: tuple[Any, Any], values: FloatArray) -> FloatArray:
    table = np.zeros(shape)
    table[place] = values
    return table


def _check(one: Moved, segments: Segments, days: pl.Series, kpi: str, target: str) -> Check:
    column, value = segments.names[one.segment]
    size, low, high = (float(np.exp(end)) for end in (one.size, one.low, one.high))
    since, until = (_text(days[place]) for place in (one.since, len(days) - 1))
    who = f"{column} {value}" if column else "everything"
    beside = f" while the rest of {column} is as forecast" if column else ""
    text = f"{target} of {who} is {size:.2f} times what was forecast ({low:.2f} to {high:.2f}) since {since}{beside}"
    how = "sum over weeks" if one.slow else f"newest {counted(one.days, 'day')}"
    method = f"{how}, held against {counted(one.blocks, 'block')} of as many days; interval by the spread of those, 95 %"
    evidence = {
        "column": column,
        "segment": value,
        "since": since,
        "until": until,
        "days": len(days) - one.since,
        "slow": one.slow,
    }
    cause = f"{who} since {since}"
    return Check(
        "shift", kpi, who, text, True, size, low, high, len(days) - one.since, method, one.p, cause=cause, evidence=evidence
    )


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
