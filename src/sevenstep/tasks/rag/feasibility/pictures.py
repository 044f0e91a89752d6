"""The verdict as pictures: rules against goal, and the curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sevenstep.chapter import Block, Figure
from sevenstep.stats.wording import is_share
from sevenstep.tasks.leading import goal_of
from sevenstep.tasks.rag.feasibility.curve import Curve
from sevenstep.tasks.rag.feasibility.outlook import Outlook
from sevenstep.tasks.rag.feasibility.trial import READ

__all__ = ["pictures"]

_RULES = {"answer_f1": "Best sentence", "exact_match": "Best sentence", "abstention_error": "Always answering"}


def pictures(outlook: Outlook, curve: Curve | None, reading: Sequence[tuple[int, float]]) -> list[Block]:
    """The blocks of one KPI."""
    blocks: list[Block] = []
    if outlook.measured is not None and outlook.value is not None:
        blocks.append(_ladder(outlook))
    if curve is not None:
        blocks.append(_curve(outlook, curve))
    if reading and outlook.ceiling is not None:
        blocks.append(_reading(outlook, reading))
    return blocks


def _shown(outlook: Outlook) -> dict[str, Any]:
    kpi = outlook.kpi
    form = "percent" if is_share(kpi.metric) else "number"
    return {"format": form, "goal": kpi.goal.value, "goal_label": f"goal {goal_of(kpi)}"}


def _ladder(outlook: Outlook) -> Figure:
    measured = outlook.measured
    assert measured is not None
    rows = [{"y": _RULES.get(outlook.kpi.metric, "BM25"), "x": measured.value, "low": measured.low, "high": measured.high}]
    if outlook.ceiling is not None:
        held = outlook.ceiling
        rows.append({"y": f"Answer in first {READ}", "x": held.value, "low": held.low, "high": held.high})
    rows.append({"y": "Reachable", "x": outlook.value, "low": outlook.low, "high": outlook.high})
    title = f"{outlook.kpi.id}: what a simple rule reaches, and what is expected"
    caption = "Each dot is a value with its interval; the line is the goal."
    return Figure(title, "dots", rows, x_label=outlook.kpi.metric, caption=caption, **_shown(outlook))


def _curve(outlook: Outlook, curve: Curve) -> Figure:
    points = zip(curve.sizes, curve.values, strict=True)
    rows = [{"x": size, "y": value, "group": "measured"} for size, value in points]
    sizes = np.geomspace(curve.sizes[-1], 4 * curve.sizes[-1], 9).round().astype(int).tolist()
    rows += [{"x": size, "y": curve.at(size), "group": "drawn on"} for size in sizes]
    title = f"{outlook.kpi.id}: BM25 as the corpus grows"
    caption = "Documents that are right are always there; what is added is beside the point."
    return Figure(title, "line", rows, "Documents", outlook.kpi.metric, "number", caption=caption, **_shown(outlook))


def _reading(outlook: Outlook, reading: Sequence[tuple[int, float]]) -> Figure:
    rows = [{"x": count, "y": share} for count, share in reading]
    title = f"{outlook.kpi.id}: questions whose answer stands in what is read"
    caption = "What is not there cannot be quoted; what is read beside it can be quoted wrongly."
    return Figure(title, "line", rows, "Documents read", "Questions", "number", "percent", caption=caption)
