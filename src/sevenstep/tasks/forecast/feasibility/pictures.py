"""The verdict as pictures: the ladder with the goal, and the learning curve."""

from __future__ import annotations

from typing import Any

import numpy as np

from sevenstep.chapter import Block, Figure, Format
from sevenstep.stats.wording import titled
from sevenstep.tasks.forecast.feasibility.outlook import PROBE, Outlook
from sevenstep.tasks.forecast.feasibility.study import Study
from sevenstep.tasks.forecast.wording import RULE_NAMES, span
from sevenstep.tasks.leading import goal_of
from sevenstep.wording import roughly

__all__ = ["pictures"]

_POINTS = 24  # of the fitted curve
NOTABLE = 0.02  # share of the error below which a gain from more history is not worth a word


def pictures(study: Study, outlook: Outlook) -> list[Block]:
    """The blocks of one KPI."""
    curve = [_curve(study, outlook)] if outlook.by_history is not None else []
    return [_ladder(outlook), *curve]


def _format(outlook: Outlook) -> Format:
    return "percent" if outlook.gauge.is_share else "number"


def _ladder(outlook: Outlook) -> Figure:
    kpi = outlook.gauge.kpi
    names = {**RULE_NAMES, PROBE: "Quick probe"}
    known = [(rung.value, name, rung) for name, rung in outlook.rungs.items() if rung.value is not None]
    rows = [_dot(names[name], value, rung.low, rung.high) for value, name, rung in sorted(known, key=lambda one: -one[0])]
    if outlook.value is not None:
        rows.append(_dot("Reachable", outlook.value, outlook.low, outlook.high))
    if outlook.bound is not None:
        rows.append(_dot("Noise (estimate)", outlook.bound, None, None))
    return Figure(
        f"{kpi.id}: what simple rules reach, and what is expected",
        "dots",
        rows,
        x_label=titled(kpi.metric),
        format=_format(outlook),
        goal=kpi.goal.value,
        goal_label=f"goal {goal_of(outlook.gauge.kpi)}",
        caption=_ladder_caption(outlook),
    )


def _dot(name: str, value: float, low: float | None, high: float | None) -> dict[str, Any]:
    return {"y": name, "x": value, "low": low, "high": high}


def _ladder_caption(outlook: Outlook) -> str:
    if outlook.value is None or not outlook.gauge.is_error:
        return "Each dot is a measured value with its interval; the line is the goal."
    side = "right of" if outlook.value > outlook.gauge.kpi.goal.value else "left of"
    return f"Further left is better. What is expected lies {side} the goal; the noise is an estimate, and no limit."


def _curve(study: Study, outlook: Outlook) -> Figure:
    curve = outlook.by_history
    assert curve is not None
    kpi, clock = outlook.gauge.kpi, study.history.clock
    measured = [{"x": size, "y": error, "group": "measured"} for size, error in zip(curve.sizes, curve.errors, strict=True)]
    sizes = np.linspace(curve.sizes[0], 2 * curve.sizes[-1], _POINTS).round().astype(int).tolist()
    fitted = [{"x": size, "y": curve.at(size), "group": "fitted"} for size in sizes]
    saved = 1 - curve.at(2 * curve.sizes[-1]) / curve.at(curve.sizes[-1])
    flat = "the curve is flat, so more history alone helps little"
    says = flat if saved < NOTABLE else f"twice the history would save {roughly(saved)} of the error"
    return Figure(
        f"{kpi.id}: error of the quick probe by length of history",
        "line",
        [*measured, *fitted],
        x_label=f"History in steps of {span(1, clock)}",
        y_label=titled(kpi.metric),
        x_type="number",
        format=_format(outlook),
        goal=kpi.goal.value,
        goal_label=f"goal {goal_of(outlook.gauge.kpi)}",
        caption=f"From {span(curve.sizes[0], clock)} to {span(curve.sizes[-1], clock)} measured, beyond that drawn on: {says}.",
    )
