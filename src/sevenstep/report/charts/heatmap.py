"""Heat maps: one value for each pair of categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sevenstep.chapter import Figure
from sevenstep.report.charts.parts import IN_LINES, TIP, Panel, Spec, axis_title, category_scale, distinct, in_lines, panel, tip
from sevenstep.report.formats import decimals_for, format_value, plain
from sevenstep.report.words import Words

__all__ = ["DEEP", "heatmap"]

DEEP = 0.72  # share of a ramp from which its colour needs the other ink
_CELL = 30  # pixels a row takes
_WRITTEN = 140  # cells that carry their value
_MANY_COLUMNS = 14
_LETTER = 7  # pixels of a letter of a written value


def heatmap(figure: Figure, words: Words) -> list[Panel]:
    """Cells coloured by value: one ramp, or two colours around zero where values have both signs."""
    values = [row["value"] for row in figure.rows if row.get("value") is not None]
    low, high = min(values, default=0.0), max(values, default=1.0)
    both_signs = low < 0 < high
    reach = max(abs(low), abs(high))
    domain = [-reach, 0, reach] if both_signs else [low, high]
    decimals = decimals_for(values)
    rows = [_row(figure, row, domain, words, decimals) for row in figure.rows]
    columns, lines = distinct(row["x"] for row in rows), distinct(row["y"] for row in rows)
    x = _axis("x", columns, figure.x_label)
    y = _axis("y", lines, figure.y_label)
    colour: Spec = {"field": "value", "type": "quantitative", "legend": {"title": axis_title("", figure.unit) or None}}
    colour["scale"] = {"domain": domain, "range": "around-zero" if both_signs else "one-ramp", "interpolate": "rgb"}
    layers: list[Spec] = [
        {"mark": {"type": "rect", "style": "cell"}, "encoding": {"x": x, "y": y, "color": colour, "tooltip": TIP}}
    ]
    if len(rows) <= _WRITTEN and len(columns) <= _MANY_COLUMNS:
        room = _LETTER * max((len(row["label"]) for row in rows), default=0)
        layers += [_texts(x, y, room, deep=deep) for deep in (False, True)]
        colour["legend"] = None
    names = [plain(figure.y_label) or words.say("category"), plain(figure.x_label) or words.say("category"), words.say("value")]
    return [panel(layers, rows, height=_CELL * len(lines) if len(lines) <= 30 else 16 * len(lines), tips=names)]


def _axis(field: str, names: Sequence[str], label: str) -> Spec:
    axis: Spec = {"title": plain(label) or None, "grid": False, "domain": False, "ticks": False, **IN_LINES}
    if field == "x" and len(names) <= _MANY_COLUMNS:
        axis["labelAngle"] = 0 if max(map(len, names)) <= 9 else -40
    return {"field": field, "type": "nominal", "axis": axis, "scale": category_scale(names)}


def _row(figure: Figure, row: Mapping[str, Any], domain: Sequence[float], words: Words, decimals: int) -> dict[str, Any]:
    value = row.get("value")
    printed = format_value(value, figure.format, words, decimals=min(decimals, 2) if figure.format == "number" else None)
    x, y = in_lines(row["x"]), in_lines(row["y"])
    share = 0.0 if value is None or domain[-1] == domain[0] else _share(value, domain)
    shown = {} if value is None else {"value": value}
    return {"x": x, "y": y, **shown, "deep": share > DEEP, "label": printed, "tip": tip(row["y"], row["x"], printed)}


def _share(value: float, domain: Sequence[float]) -> float:
    """How far a colour is from the light end of its ramp, 0 to 1."""
    if len(domain) == 3:
        return abs(value) / domain[-1]
    return (value - domain[0]) / (domain[-1] - domain[0])


def _texts(x: Spec, y: Spec, room: int, *, deep: bool) -> Spec:
    """The values in their cells, where a column has the ``room`` for them in pixels."""
    style = "on-deep-cell" if deep else "on-light-cell"
    shown = {"condition": {"test": f"bandwidth('x') < {room}", "value": 0}, "value": 1}
    encoding = {"x": x, "y": y, "text": {"field": "label"}, "opacity": shown}
    return {
        "transform": [{"filter": {"field": "deep", "equal": deep}}],
        "mark": {"type": "text", "style": style},
        "encoding": encoding,
    }
