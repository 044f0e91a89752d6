"""Dots with intervals: one row per item, so that what can be told apart is seen at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sevenstep.chapter import Figure
from sevenstep.report.charts.parts import (
    IN_LINES,
    TIP,
    Panel,
    Spec,
    category_scale,
    colour_of_group,
    distinct,
    goal_layer,
    group_marks,
    in_lines,
    measure,
    measured_texts,
    panel,
    tip,
)
from sevenstep.report.formats import plain
from sevenstep.report.words import Words

__all__ = ["dots"]

_ROW, _ROW_OF_TWO = 30, 40  # pixels an item takes when its name has one line or two


def dots(figure: Figure, words: Words) -> list[Panel]:
    """Value and interval of each item on one line, in the given order, the value printed at the right."""
    rows = [_row(row, *text) for row, text in zip(figure.rows, measured_texts(figure, "x", words), strict=True)]
    groups = group_marks(rows)
    items = distinct(row["y"] for row in rows)
    x = measure(figure, "x", figure.x_label)
    y: Spec = {"field": "y", "type": "nominal", "axis": {"title": None, "grid": False, **IN_LINES}}
    y["scale"] = category_scale(items)
    places: Spec = {"x": x, "y": y}
    if len(items) < len(rows) and groups:
        places["yOffset"] = {"field": "group", "type": "nominal", "scale": {"domain": groups, "padding": 0.35}}
    layers = [*_marks(places, groups), *goal_layer(figure, words, axis=x, along="x")]
    if len(items) == len(rows):
        layers.append({"mark": {"type": "text", "style": "row-value"}, "encoding": {"y": y, **_AT_THE_RIGHT}})
    names = [plain(figure.y_label) or words.say("category"), plain(figure.x_label) or words.say("value")]
    step = _ROW_OF_TWO if any("\n" in item for item in items) else _ROW
    height = step * len(items) if len(items) == len(rows) else round(0.7 * step * len(rows))
    return [panel(layers, rows, height=max(height, 60), tips=[*names, words.say("group")] if groups else names)]


_AT_THE_RIGHT: Spec = {"x": {"value": "width"}, "text": {"field": "label"}}


def _row(row: Mapping[str, Any], value: str, bounds: str) -> dict[str, Any]:
    drawn = {"y": in_lines(row["y"]), "x": row.get("x"), "low": row.get("low"), "high": row.get("high")}
    texts = [plain(row["y"]), f"{value} {bounds}"]
    if row.get("group") is not None:
        texts.append(plain(row["group"]))
        drawn["group"] = texts[-1]
    shown = {key: value for key, value in drawn.items() if value is not None}
    return shown | {"tip": tip(*texts), "label": value}


def _marks(places: Spec, groups: list[str]) -> list[Spec]:
    ends = {**places, "x": {**places["x"], "field": "low"}, "x2": {"field": "high"}}
    return [
        {"mark": {"type": "rule", "style": "interval"}, "encoding": {**ends, **colour_of_group(groups)}},
        {
            "mark": {"type": "point", "style": "mark-large"},
            "encoding": {**places, **colour_of_group(groups, shape=True), "tooltip": TIP},
        },
    ]
