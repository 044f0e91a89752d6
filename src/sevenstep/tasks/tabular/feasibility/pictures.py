"""The verdict as pictures: the ladder with the goal, and the learning curve."""

from __future__ import annotations

from typing import Any

import numpy as np

from sevenstep.chapter import Block, Figure, Format
from sevenstep.stats.wording import titled
from sevenstep.tasks.leading import goal_of
from sevenstep.tasks.tabular.feasibility.outlook import Outlook
from sevenstep.tasks.tabular.feasibility.wording import RUNG_NAMES
from sevenstep.wording import percent

__all__ = ["pictures"]

_POINTS = 24  # of the fitted curve
_NOTABLE = 0.02  # share of the loss below which a gain from more rows is not worth a word


def pictures(outlook: Outlook, population: int) -> list[Block]:
    """The blocks of one KPI."""
    curve = [_curve(outlook, population)] if outlook.curve is not None else []
    return [_ladder(outlook), *curve]


def _format(outlook: Outlook) -> Format:
    return "percent" if outlook.gauge.metric.unit == "share" else "number"


def _ladder(outlook: Outlook) -> Figure:
    gauge = outlook.gauge
    known = [(name, rung) for name, rung in outlook.rungs.items() if rung.value is not None]
    ordered = sorted(known, key=lambda pair: -gauge.loss(float(pair[1].value or 0.0)))
    rows = [_dot(RUNG_NAMES[name], rung.value, rung.low, rung.high) for name, rung in ordered]
    if outlook.value is not None:
        rows.append(_dot("Reachable", outlook.value, outlook.low, outlook.high))
    side = "right" if gauge.metric.direction == "higher" else "left"
    better = "" if gauge.aims else f" Further {side} is better."
    return Figure(
        f"{gauge.kpi.id}: what simple rules reach, and what is expected",
        "dots",
        rows,
        x_label=titled(gauge.kpi.metric),
        format=_format(outlook),
        goal=gauge.kpi.goal.value,
        goal_label=f"goal {goal_of(outlook.gauge.kpi)}",
        caption=f"Each dot is a measured value with its interval; the line is the goal.{better}",
    )


def _dot(name: str, value: float | None, low: float | None, high: float | None) -> dict[str, Any]:
    return {"y": name, "x": value, "low": low, "high": high}


def _curve(outlook: Outlook, population: int) -> Figure:
    curve, gauge = outlook.curve, outlook.gauge
    assert curve is not None
    points = zip(curve.sizes, curve.losses, strict=True)
    measured = [{"x": size, "y": gauge.value(loss), "group": "measured"} for size, loss in points]
    sizes = np.geomspace(curve.sizes[0], 2 * max(population, curve.sizes[-1]), _POINTS).round().astype(int).tolist()
    fitted = [{"x": size, "y": gauge.value(curve.at(size)), "group": "fitted"} for size in sizes]
    saved = 1 - curve.at(2 * population) / max(curve.at(population), 1e-12)
    flat = "the curve is flat, so more rows alone help little"
    says = flat if saved < _NOTABLE else f"twice the rows would save {percent(saved)} of the loss"
    return Figure(
        f"{gauge.kpi.id}: the quick probe by rows learnt from",
        "line",
        [*measured, *fitted],
        x_label="Rows learnt from",
        y_label=titled(gauge.kpi.metric),
        x_type="number",
        format=_format(outlook),
        goal=gauge.kpi.goal.value,
        goal_label=f"goal {goal_of(outlook.gauge.kpi)}",
        caption=f"From {curve.sizes[0]:,} to {curve.sizes[-1]:,} rows measured, beyond that drawn on: {says}.",
    )
