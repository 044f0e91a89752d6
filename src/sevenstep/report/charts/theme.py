"""How charts look: a Vega-Lite configuration made from the report's colours, so that a chart holds none of its own."""

from __future__ import annotations

from typing import Any

from sevenstep.report.colours import SERIES, Colours

__all__ = ["FONT", "chart_theme"]

FONT = (
    '-apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, '
    '"Apple SD Gothic Neo", "Malgun Gothic", "Noto Sans KR", "Noto Sans CJK KR", sans-serif'
)
_DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [10, 4]]
_SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"]


def chart_theme(colours: Colours) -> dict[str, Any]:
    """The configuration for one set of colours; ``aria`` is off because each chart's box carries its own description."""
    return {
        "aria": False,
        "background": "transparent",
        "font": FONT,
        "padding": {"left": 2, "right": 2, "top": 4, "bottom": 2},
        "view": {"stroke": None},
        **_axes(colours),
        "legend": _legend(colours),
        "range": _ranges(colours),
        "style": _marks(colours) | _texts(colours),
    }


def _axes(colours: Colours) -> dict[str, Any]:
    axis = {
        "labelColor": colours["muted"],
        "labelFontSize": 12,
        "labelLimit": 200,
        "labelPadding": 7,
        "labelOverlap": True,
        "titleColor": colours["muted"],
        "titleFontSize": 12,
        "titleFontWeight": 500,
        "titlePadding": 10,
        "gridColor": colours["grid"],
        "domainColor": colours["axis"],
        "tickColor": colours["axis"],
        "tickSize": 4,
    }
    ticks = {"tickCount": {"signal": "max(3, floor(width / 96))"}}
    level = {"titleAngle": 0, "titleAlign": "left", "titleBaseline": "bottom", "titleAnchor": "end", "titleX": 0, "titleY": -9}
    return {
        "axis": axis,
        "axisX": {"grid": False},
        "axisTemporal": {"grid": False, **ticks},
        "axisY": {"domain": False, "ticks": False, **level},
        "axisXQuantitative": {"domain": False, "ticks": False, **ticks},
        "axisYQuantitative": {"tickCount": 5},
    }


def _legend(colours: Colours) -> dict[str, Any]:
    return {
        "orient": "top",
        "labelColor": colours["ink"],
        "labelFontSize": 12.5,
        "labelLimit": 260,
        "symbolStrokeWidth": 2,
        "symbolSize": 90,
        "titleColor": colours["muted"],
        "titleFontSize": 12,
        "titleFontWeight": 500,
        "columnPadding": 18,
        "offset": 30,
        "gradientLength": 160,
        "gradientThickness": 10,
    }


def _ranges(colours: Colours) -> dict[str, Any]:
    return {
        "category": [colours[name] for name in SERIES],
        "dashes": _DASHES,
        "shapes": _SHAPES,
        "states": [colours["met"], colours["missed"], colours["none"], colours["series-1"]],
        "state-shapes": ["circle", "diamond", "circle", "circle"],
        "one-ramp": [colours["ramp-low"], colours["ramp-high"]],
        "around-zero": [colours["below"], colours["zero"], colours["above"]],
    }


def _marks(colours: Colours) -> dict[str, Any]:
    first, card, ink = colours["series-1"], colours["card"], colours["ink"]
    return {
        "amount": {"color": first, "cornerRadiusEnd": 2},
        "bin": {"color": first, "stroke": card, "strokeWidth": 1},
        "cell": {"stroke": card, "strokeWidth": 2},
        "course": {"color": first, "strokeWidth": 2.25, "strokeJoin": "round", "strokeCap": "round"},
        "band": {"color": first, "opacity": 0.16},
        "mark": {"color": first, "filled": True, "size": 46, "opacity": 1},
        "mark-large": {"color": first, "filled": True, "size": 110, "opacity": 1, "stroke": card, "strokeWidth": 1.5},
        "mark-hollow": {"filled": False, "size": 80, "opacity": 1, "strokeWidth": 2},
        "mark-among-many": {"color": first, "filled": True, "size": 30, "opacity": 0.45},
        "interval": {"color": first, "strokeWidth": 2.5, "opacity": 0.5, "strokeCap": "round"},
        "interval-on-bar": {"color": ink, "strokeWidth": 1.5, "opacity": 0.8},
        "thread-line": {"color": colours["axis"], "strokeWidth": 1.5},
        "goal": {"color": colours["goal"], "strokeWidth": 1.75, "strokeDash": [5, 4]},
        "limit": {"color": colours["goal"], "strokeWidth": 1.25, "strokeDash": [5, 4]},
        "centre": {"color": colours["goal"], "strokeWidth": 1.25},
        "zone": {"color": first, "opacity": 0.07},
        "points": {"color": first, "strokeWidth": 1.4, "strokeJoin": "round"},
        "point": {"color": first, "filled": True, "size": 26, "opacity": 1},
        "signal": {"color": colours["missed"], "filled": True, "size": 64, "shape": "diamond", "opacity": 1},
        "signal-left-out": {"color": colours["missed"], "filled": False, "size": 64, "shape": "diamond", "strokeWidth": 1.75},
        "border": {"color": colours["axis"], "strokeWidth": 1.25, "strokeDash": [2, 3]},
        "hair": {"color": colours["axis"], "strokeWidth": 1},
        "hover": {"color": ink, "filled": True, "size": 60},
        "actual": {"color": ink, "strokeWidth": 1.6, "strokeJoin": "round"},
        "prediction": {"color": colours["series-2"], "strokeWidth": 2.4, "strokeDash": [6, 3], "strokeJoin": "round"},
        "band-80": {"color": colours["series-2"], "opacity": 0.26},
        "band-95": {"color": colours["series-2"], "opacity": 0.15},
        "origin": {"color": colours["goal"], "strokeWidth": 1.5, "strokeDash": [2, 3]},
    }


def _texts(colours: Colours) -> dict[str, Any]:
    goal = {"color": colours["goal"], "fontSize": 12, "fontWeight": 600}
    value = {"color": colours["ink"], "fontSize": 12}
    signal = {"color": colours["missed"], "fontSize": 11.5, "fontWeight": 600, "align": "center"}
    return {
        "goal-label-y": {**goal, "align": "right", "baseline": "bottom", "dy": -4},
        "goal-label-x": {**goal, "align": "center", "baseline": "bottom", "dy": -5},
        "origin-label": {**goal, "align": "right", "baseline": "top", "dx": -7, "dy": 2},
        "limit-label": {"color": colours["goal"], "fontSize": 11.5, "align": "left", "dx": 6},
        "signal-above": {**signal, "baseline": "bottom", "dy": -6},
        "signal-below": {**signal, "baseline": "top", "dy": 7},
        "phase-label-1": {"color": colours["muted"], "fontSize": 11.5, "align": "right", "baseline": "top", "dx": -6, "dy": 2},
        "phase-label-2": {"color": colours["muted"], "fontSize": 11.5, "align": "left", "baseline": "top", "dx": 6, "dy": 2},
        "row-value": {**value, "align": "left", "dx": 12},
        "end-of-bar": {**value, "align": "center", "baseline": "bottom", "dy": -4},
        "beside-mark": {**value, "align": "left", "dx": 10, "dy": -8},
        "on-light-cell": {"color": colours["on-low"], "fontSize": 11.5},
        "on-deep-cell": {"color": colours["on-high"], "fontSize": 11.5},
    }
