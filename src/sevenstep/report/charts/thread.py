"""The KPI thread: one KPI from charter to release, each stage with its interval against the goal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sevenstep.chapter import Figure, Format
from sevenstep.report.charts.parts import (
    TIP,
    Panel,
    Spec,
    category_scale,
    distinct,
    goal_layer,
    measure,
    measured_texts,
    panel,
    tip,
)
from sevenstep.report.formats import plain
from sevenstep.report.words import Words
from sevenstep.stats.wording import is_share

__all__ = ["thread", "thread_format"]

_HEIGHT = 200
_STATES = ("met", "missed", "not_measured")
_ON_THE_WAY = ""  # the state of a stage before the final model: neither met nor missed yet


def thread(figure: Figure, words: Words) -> list[Panel]:
    """One panel per KPI over the same stages; the state of a stage shows by colour and shape.

    A row may carry its own ``goal`` and ``goal_label``; without them the figure's hold. A stage without a value is drawn hollow
    at the foot of the panel, so that "not measured" is seen and not guessed.
    """
    stages = distinct(words.known("step", str(row["stage"])) for row in figure.rows)
    return [_one(figure, kpi, stages, words) for kpi in distinct(row["kpi"] for row in figure.rows)]


def _one(figure: Figure, kpi: str, stages: Sequence[str], words: Words) -> Panel:
    source = [row for row in figure.rows if row["kpi"] == kpi]
    figure = replace(figure, rows=source, format=thread_format(figure, source))
    texts = measured_texts(figure, "value", words)
    rows = [_row(row, *text, words) for row, text in zip(source, texts, strict=True)]
    goal = next((row["goal"] for row in source if row.get("goal") is not None), figure.goal)
    label = next((str(row["goal_label"]) for row in source if row.get("goal_label")), figure.goal_label)
    x: Spec = {"field": "stage", "type": "ordinal", "scale": category_scale(stages, padding=0.5, type="point")}
    x["axis"] = {"title": plain(figure.x_label) or None, "labelAngle": 0, "labelOverlap": True, "grid": True}
    y = measure(figure, "value", figure.y_label)
    layers = [
        *_course(x, y),
        *goal_layer(replace(figure, goal=goal, goal_label=label), words, axis=y, along="y"),
        *_marks(x, y, words),
    ]
    tips = [words.say("stage"), plain(figure.y_label) or words.say("value"), words.say("state")]
    return panel(layers, rows, height=_HEIGHT, tips=tips, title=plain(kpi))


def thread_format(figure: Figure, rows: Sequence[Mapping[str, Any]]) -> Format:
    """How values are printed: in percent where all rows are of metrics that are shares, else as the figure says."""
    return "percent" if rows and all(is_share(str(row.get("metric", ""))) for row in rows) else figure.format


def _row(row: Mapping[str, Any], value: str, bounds: str, words: Words) -> dict[str, Any]:
    stage, state = words.known("step", str(row["stage"])), words.known("state", str(row["state"]))
    drawn = {key: row[key] for key in ("value", "low", "high") if row.get(key) is not None}
    return {"stage": plain(stage), "state": plain(state), **drawn, "label": value, "tip": tip(stage, f"{value} {bounds}", state)}


def _course(x: Spec, y: Spec) -> list[Spec]:
    ends = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}
    return [
        {"mark": {"type": "line", "style": "thread-line"}, "encoding": {"x": x, "y": y}},
        {"mark": {"type": "rule", "style": "interval"}, "encoding": ends},
    ]


def _marks(x: Spec, y: Spec, words: Words) -> list[Spec]:
    names = [*(words.known("state", state) for state in _STATES), _ON_THE_WAY]
    state: Spec = {"field": "state", "type": "nominal", "legend": None}
    looks: Spec = {
        "color": {**state, "scale": {"domain": names, "range": "states"}},
        "shape": {**state, "scale": {"domain": names, "range": "state-shapes"}},
        "tooltip": TIP,
    }
    measured = {"filter": {"field": "value", "valid": True}}
    missing = {"filter": {"not": {"field": "value", "valid": True}}}
    text = {"x": x, "y": y, "text": {"field": "label"}}
    return [
        {"transform": [measured], "mark": {"type": "point", "style": "mark-large"}, "encoding": {"x": x, "y": y, **looks}},
        {
            "transform": [missing],
            "mark": {"type": "point", "style": "mark-hollow"},
            "encoding": {"x": x, "y": {"value": "height"}, **looks},
        },
        {"transform": [measured], "name": "halo_value", "mark": {"type": "text", "style": "beside-mark"}, "encoding": text},
    ]
