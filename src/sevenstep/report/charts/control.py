"""Control charts: points in their order with centre line, limits and zones, and what signals, one panel above the other.

Both panels are one Vega view in which each has a stretch of the height for its scale, so that they share their points, the width
of the page and the hair line under the pointer. Points stand at equal distances, as run rules read them, whatever time lies
between them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from sevenstep.chapter import Figure
from sevenstep.report.charts.controlled import ZONES, ControlPanel, control_panels, control_rows, printed
from sevenstep.report.charts.parts import (
    TIP,
    Panel,
    Spec,
    axis_title,
    panel,
    time_format,
)
from sevenstep.report.formats import plain
from sevenstep.report.words import Words

__all__ = ["control"]

_MARKED = 150  # points that are worth a dot each
_LINE = 14  # pixels a printed line takes
_AXIS_FORMATS = {"percent": "~%"}


def control(figure: Figure, words: Words) -> list[Panel]:
    """The first chart of the figure large, the second one (of the spread) under it, on the same points.

    The mark beside a point is that of the rule that fired there, printed once for each stretch of such points; the tooltip has
    all of them in words. A point left out of the limits is hollow. Raises `InternalError` when panels differ in their
    points.
    """
    charts = control_panels(figure)
    rows = control_rows(figure, charts, words)
    x = _order(figure, rows, words)
    layers: list[Spec] = [_panel(figure, chart, rows, x, words) for chart in charts]
    layers += [*_border(charts, rows, x, words), *_hover(charts, x)]
    names = [plain(figure.x_label) or words.say("category"), *(chart.name for chart in charts), words.say("rule")]
    drawn = panel(layers, rows, height=charts[-1].bottom, tips=names)
    drawn.spec["resolve"] = {"scale": {"y": "independent"}}
    return [drawn]


def _order(figure: Figure, rows: Sequence[Mapping[str, Any]], words: Words) -> Spec:
    """The order of the points as equal steps, each labelled with its time: what stands behind the bar of its key."""
    text = "substring(datum.label, indexof(datum.label, '|') + 1)"
    if figure.x_type == "time":
        pattern = time_format([str(row["x"]) for row in figure.rows], words)
        text = f"utcFormat(toDate({text}), '{pattern}')"
    axis = {
        "title": plain(figure.x_label) or None,
        "labelAngle": 0,
        "labelExpr": text,
        "ticks": False,
        "grid": False,
        "labelSeparation": 10,
    }
    scale = {"type": "band", "domain": [row["at"] for row in rows], "padding": 0}
    return {"field": "at", "type": "ordinal", "axis": axis, "scale": scale}


def _panel(figure: Figure, chart: ControlPanel, rows: Sequence[Mapping[str, Any]], x: Spec, words: Words) -> Spec:
    scale = {"domain": chart.span, "range": [chart.bottom, chart.top], "nice": False, "zero": False}
    axis: Spec = {"title": axis_title(chart.name, figure.unit) or None, "titleY": chart.top - 9, "orient": "left", "grid": True}
    axis |= {"format": _AXIS_FORMATS[figure.format]} if figure.format in _AXIS_FORMATS else {}
    axis["tickCount"] = 5 if chart.place == 0 else 3
    y: Spec = {"field": chart.field("y"), "type": "quantitative", "axis": axis, "scale": scale}
    layers = [*_zones(chart, rows, x, y), *_limits(figure, chart, x, y, words), *_points(chart, rows, x, y)]
    return {"layer": layers}


def _zones(chart: ControlPanel, rows: Sequence[Mapping[str, Any]], x: Spec, y: Spec) -> list[Spec]:
    """What lies within the limits, and within two and one standard errors where run rules count in them."""
    ends = [("low", "high")]
    if any(chart.field("zone1low") in row for row in rows):
        ends += [(f"zone{zone}low", f"zone{zone}high") for zone in reversed(ZONES)]
    return [
        {
            "mark": {"type": "area", "style": "zone", "interpolate": "step"},
            "encoding": {"x": x, "y": {**y, "field": chart.field(low)}, "y2": {"field": chart.field(high)}},
        }
        for low, high in ends
    ]


def _limits(figure: Figure, chart: ControlPanel, x: Spec, y: Spec, words: Words) -> list[Spec]:
    """The centre line and the limits as steps, for they vary with the size of a subgroup, printed as of the newest point."""
    names = {"centre": "centre_line", "low": "lower_line", "high": "upper_line"}
    lines: list[Spec] = [
        {
            "mark": {"type": "line", "style": "centre" if name == "centre" else "limit", "interpolate": "step"},
            "encoding": {"x": x, "y": {**y, "field": chart.field(name)}},
        }
        for name in names
    ]
    newest = next((row for row in reversed(chart.rows) if row.get("low") is not None), None)
    if newest is None:
        return lines
    said = [
        {chart.field("y"): newest[name], "label": words.say(label, value=printed(figure, chart, newest[name], words))}
        for name, label in names.items()
    ]
    values = _apart(chart, said)
    text: Spec = {"x": {"value": "width"}, "y": y, "text": {"field": "label"}}
    return [*lines, {"data": {"values": values}, "mark": {"type": "text", "style": "limit-label"}, "encoding": text}]


def _apart(chart: ControlPanel, lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The printed lines that do not run into one another: the centre, and limits far enough from it."""
    low, high = chart.span
    field, centre = chart.field("y"), lines[0][chart.field("y")]
    pixels = (chart.bottom - chart.top) / (high - low)
    return [line for line in lines if line is lines[0] or abs(line[field] - centre) * pixels >= _LINE]


def _points(chart: ControlPanel, rows: Sequence[Mapping[str, Any]], x: Spec, y: Spec) -> list[Spec]:
    layers: list[Spec] = [{"mark": {"type": "line", "style": "points"}, "encoding": {"x": x, "y": y}}]
    if len(rows) <= _MARKED:
        plain_points = {"filter": f"!isValid(datum.{chart.field('signal')})"}
        layers.append({"transform": [plain_points], "mark": {"type": "point", "style": "point"}, "encoding": {"x": x, "y": y}})
    for state, style in (("fired", "signal"), ("left out", "signal-left-out")):
        if any(row.get(chart.field("signal")) == state for row in rows):
            layers.append(_where(chart.field("signal"), state, {"mark": {"type": "point", "style": style}}, {"x": x, "y": y}))
    return layers + [_marked(chart, side, x, y) for side in ("above", "below") if any(chart.field(side) in row for row in rows)]


def _marked(chart: ControlPanel, side: str, x: Spec, y: Spec) -> Spec:
    """The marks of the rules that fired, beyond the points on their side of the centre line."""
    field = chart.field(side)
    return {
        "transform": [{"filter": f"isValid(datum.{field})"}],
        "name": f"halo_{field}",
        "mark": {"type": "text", "style": f"signal-{side}"},
        "encoding": {"x": x, "y": y, "text": {"field": field}},
    }


def _where(field: str, value: str, mark: Spec, encoding: Spec) -> Spec:
    return {"transform": [{"filter": {"field": field, "equal": value}}], **mark, "encoding": encoding}


def _border(charts: Sequence[ControlPanel], rows: Sequence[Mapping[str, Any]], x: Spec, words: Words) -> list[Spec]:
    """A line across both panels where phase 2 begins."""
    first = next((after["at"] for before, after in pairwise(rows) if (before["phase"], after["phase"]) == (1, 2)), None)
    if first is None:
        return []
    edge = {**x, "bandPosition": 0}
    data = {"values": [{"at": first, "label1": words.say("phase_1"), "label2": words.say("phase_2")}]}
    rule = {"type": "rule", "style": "border"}
    ends = {"y": {"value": charts[0].top}, "y2": {"value": charts[-1].bottom}}
    texts = [
        {
            "data": data,
            "name": f"halo_phase_{phase}",
            "mark": {"type": "text", "style": f"phase-label-{phase}"},
            "encoding": {"x": edge, "y": {"value": charts[0].top}, "text": {"field": f"label{phase}"}},
        }
        for phase in (1, 2)
    ]
    return [{"data": data, "mark": rule, "encoding": {"x": edge, **ends}}, *texts]


def _hover(charts: Sequence[ControlPanel], x: Spec) -> list[Spec]:
    """A hair line through both panels at the point whose step the pointer is nearest to."""
    shown = {"condition": {"param": "hover", "empty": False, "value": 1}, "value": 0}
    select = {"type": "point", "nearest": True, "on": "pointerover", "clear": "pointerout"}
    hair = {
        "mark": {"type": "rule", "style": "hair"},
        "encoding": {"x": x, "y": {"value": 0}, "y2": {"value": charts[-1].bottom}, "opacity": shown},
    }
    target = {
        "params": [{"name": "hover", "select": select}],
        "mark": {"type": "point", "style": "hover"},
        "encoding": {"x": x, "y": {"value": charts[-1].bottom // 2}, "opacity": {"value": 0}, "tooltip": TIP},
    }
    return [hair, target]
