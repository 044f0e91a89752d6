"""Lines with bands: how a value moves over time, a number or ordered categories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sevenstep.chapter import Figure
from sevenstep.report.charts.parts import (
    TIP,
    Panel,
    Spec,
    colour_of_group,
    distinct,
    goal_layer,
    group_marks,
    measure,
    measured_texts,
    moment,
    panel,
    tip,
    where,
    x_text,
)
from sevenstep.report.formats import plain
from sevenstep.report.words import Words

__all__ = ["hover_layers", "line"]

_HEIGHT = 280
_FEW = 40  # points of a line that are worth a mark each


def line(figure: Figure, words: Words) -> list[Panel]:
    """One line per group with its band, marks where points are few, and the value under the pointer."""
    groups = group_marks(figure.rows)
    texts = measured_texts(figure, "y", words)
    rows = [_row(figure, row, " ".join(text), words) for row, text in zip(figure.rows, texts, strict=True)]
    x = where(figure, distinct(row["x"] for row in rows), words)
    y = measure(figure, "y", figure.y_label)
    few = len(rows) <= _FEW * max(len(groups), 1)
    layers = [*_bands(rows, x, y, groups, few), _lines(x, y, groups, few)]
    layers += [*goal_layer(figure, words, axis=y, along="y"), *hover_layers(x, y)]
    names = [plain(figure.x_label) or words.say("category"), plain(figure.y_label) or words.say("value")]
    return [panel(layers, rows, height=_HEIGHT, tips=[*names, words.say("group")] if groups else names)]


def _row(figure: Figure, row: Mapping[str, Any], value: str, words: Words) -> dict[str, Any]:
    drawn = {"x": moment(row["x"], figure.x_type), "y": row.get("y"), "low": row.get("low"), "high": row.get("high")}
    texts = [x_text(figure, row["x"], words), value]
    if row.get("group") is not None:
        drawn["group"] = plain(row["group"])
        texts.append(drawn["group"])
    return {key: value for key, value in drawn.items() if value is not None} | {"tip": tip(*texts)}


def _bands(rows: list[dict[str, Any]], x: Spec, y: Spec, groups: list[str], few: bool) -> list[Spec]:
    if not any("low" in row for row in rows):
        return []
    encoding = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, **colour_of_group(groups, lines=not few)}
    return [{"mark": {"type": "area", "style": "band"}, "encoding": encoding}]


def _lines(x: Spec, y: Spec, groups: list[str], few: bool) -> Spec:
    """Lines, with a mark at each point where points are few; the legend then shows the marks."""
    lines: Spec = {
        "mark": {"type": "line", "style": "course"},
        "encoding": {"x": x, "y": y, **colour_of_group(groups, dash=True, lines=not few)},
    }
    if not few:
        return lines
    points = {
        "mark": {"type": "point", "style": "mark"},
        "encoding": {"x": x, "y": y, **colour_of_group(groups, shape=True)},
    }
    return {"layer": [lines, points]}


def hover_layers(x: Spec, y: Spec) -> list[Spec]:
    """A hair line and a dot at the point nearest to the pointer, with its tooltip."""
    shown = {"condition": {"param": "hover", "empty": False, "value": 1}, "value": 0}
    select = {"type": "point", "nearest": True, "on": "pointerover", "clear": "pointerout"}
    dot = {
        "params": [{"name": "hover", "select": select}],
        "mark": {"type": "point", "style": "hover"},
        "encoding": {"x": x, "y": y, "opacity": shown, "tooltip": TIP},
    }
    rule = {"mark": {"type": "rule", "style": "hair"}, "encoding": {"x": x, "opacity": shown}}
    return [rule, dot]
