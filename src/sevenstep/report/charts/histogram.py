"""Histograms of bins that were counted before they came here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sevenstep.chapter import Figure
from sevenstep.report.charts.parts import TIP, Panel, Spec, axis_title, goal_layer, panel, tip
from sevenstep.report.formats import format_value, plain
from sevenstep.report.words import Words

__all__ = ["histogram"]

_HEIGHT = 220


def histogram(figure: Figure, words: Words) -> list[Panel]:
    """One bar from ``x0`` to ``x1`` per bin; ``format`` and ``unit`` of the figure are those of the binned axis."""
    rows = [_row(figure, row, words) for row in figure.rows]
    axis: Spec = {"title": axis_title(figure.x_label, figure.unit) or None, "grid": False}
    if figure.format == "percent":
        axis["format"] = "~%"
    x: Spec = {"field": "x0", "type": "quantitative", "axis": axis, "scale": {"zero": False, "nice": False}}
    y: Spec = {"field": "y", "type": "quantitative", "axis": {"title": plain(figure.y_label) or None}}
    encoding = {"x": x, "x2": {"field": "x1"}, "y": y, "y2": {"datum": 0}, "tooltip": TIP}
    layers: list[Spec] = [{"mark": {"type": "rect", "style": "bin"}, "encoding": encoding}]
    layers += goal_layer(figure, words, axis=x, along="x")
    tips = [plain(figure.x_label) or words.say("value"), plain(figure.y_label) or words.say("value")]
    return [panel(layers, rows, height=_HEIGHT, tips=tips)]


def _row(figure: Figure, row: Mapping[str, Any], words: Words) -> dict[str, Any]:
    ends = [format_value(row[end], figure.format, words) for end in ("x0", "x1")]
    count = format_value(row["y"], "number", words)
    return {"x0": row["x0"], "x1": row["x1"], "y": row["y"], "tip": tip(f"{ends[0]} … {ends[1]}", count)}
