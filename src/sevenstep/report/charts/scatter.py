"""Scatter plots: two measures of the same things."""

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
    moment,
    panel,
    tip,
    where,
    x_text,
)
from sevenstep.report.formats import format_value, plain
from sevenstep.report.words import Words

__all__ = ["scatter"]

_HEIGHT = 300
_SPARSE = 150  # points that need no transparency


def scatter(figure: Figure, words: Words) -> list[Panel]:
    """One point per row; groups by colour and shape; paler where points are many."""
    rows = [_row(figure, row, words) for row in figure.rows]
    groups = group_marks(rows)
    x = where(figure, distinct(row["x"] for row in rows), words)
    if figure.x_type == "number":
        x["scale"] = {"zero": False, "nice": True}
    y = measure(figure, "y", figure.y_label)
    style = "mark" if len(rows) <= _SPARSE else "mark-among-many"
    encoding: Spec = {"x": x, "y": y, **colour_of_group(groups, shape=True), "tooltip": TIP}
    layers: list[Spec] = [{"mark": {"type": "point", "style": style}, "encoding": encoding}]
    layers += goal_layer(figure, words, axis=y, along="y")
    names = [plain(figure.x_label) or words.say("category"), plain(figure.y_label) or words.say("value")]
    return [panel(layers, rows, height=_HEIGHT, tips=[*names, words.say("group")] if groups else names)]


def _row(figure: Figure, row: Mapping[str, Any], words: Words) -> dict[str, Any]:
    texts = [x_text(figure, row["x"], words), format_value(row["y"], figure.format, words)]
    drawn = {"x": moment(row["x"], figure.x_type), "y": row["y"]}
    if row.get("group") is not None:
        drawn["group"] = plain(row["group"])
        texts.append(drawn["group"])
    return drawn | {"tip": tip(*texts)}
