"""What the charts share: axes with units, the goal line, intervals, tooltips and scales.

Texts of a person (names of series, labels) enter a specification as data or as titles only, never as a field name, a sort
order or an expression: Vega compiles those, so they must not be in anyone else's hand.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sevenstep.chapter import Figure
from sevenstep.errors import InternalError
from sevenstep.report.formats import cells, format_value, plain
from sevenstep.report.words import Words
from sevenstep.wording import DASH

__all__ = [
    "IN_LINES",
    "TIP",
    "Panel",
    "Spec",
    "axis_title",
    "category_scale",
    "colour_of_group",
    "distinct",
    "goal_layer",
    "group_marks",
    "in_lines",
    "measure",
    "measured_texts",
    "moment",
    "panel",
    "time_format",
    "tip",
    "where",
    "x_text",
]

Spec = dict[str, Any]
_AXIS_FORMATS = {"integer": ",d", "percent": "~%", "money": "~s", "seconds": "~s"}
TIP = {"field": "tip"}  # the lines of a tooltip, made by `tip`
_YEAR, _WEEK = 366, 7  # days
_DAY = 10  # letters of an ISO day
_LINE = 18  # letters of a line of an axis label
IN_LINES = {"labelExpr": "split(datum.label, '\\n')"}  # draws the lines of `in_lines`


@dataclass(frozen=True)
class Panel:
    """One chart: its specification, a ``title`` where a figure has several, and what a screen reader says of it."""

    spec: Spec
    title: str = ""
    description: str = ""


def panel(
    layers: Sequence[Spec], rows: Sequence[Mapping[str, Any]], *, height: int, tips: Sequence[str], title: str = ""
) -> Panel:
    """A layered chart of ``rows``; ``tips`` are the labels of the lines in each row's ``tip``."""
    spec: Spec = {"height": height, "data": {"values": list(rows)}, "layer": list(layers), "usermeta": {"tips": list(tips)}}
    return Panel(spec, title)


def distinct(values: Iterable[Any]) -> list[Any]:
    """The values without repeats, in the order in which they first come."""
    return list(dict.fromkeys(values))


def axis_title(label: str, unit: str) -> str:
    """The title of an axis with its unit, "Sales (EUR)"."""
    label, unit = plain(label), plain(unit)
    return f"{label} ({unit})" if label and unit else label or unit


def measure(figure: Figure, field: str, label: str, *, zero: bool = False, **more: Any) -> Spec:
    """The encoding of the measured axis: its title with the unit, its number format, and the scale."""
    axis: Spec = {"title": axis_title(label, figure.unit) or None, "grid": True}
    if figure.format in _AXIS_FORMATS:
        axis["format"] = _AXIS_FORMATS[figure.format]
    return {"field": field, "type": "quantitative", "axis": axis, "scale": {"zero": zero, "nice": True}} | more


def where(figure: Figure, categories: Sequence[Any], words: Words) -> Spec:
    """The encoding of the x axis by the figure's ``x_type``; ``categories`` are its distinct values in order."""
    title = plain(figure.x_label) or None
    if figure.x_type == "time":
        axis = {"title": title, "format": time_format(categories, words)}
        return {"field": "x", "type": "temporal", "axis": axis, "scale": {"type": "utc"}}
    if figure.x_type == "number":
        return {
            "field": "x",
            "type": "quantitative",
            "axis": {"title": title},
            "scale": {"zero": False, "nice": False, "padding": 12},
        }
    return {"field": "x", "type": "ordinal", "axis": {"title": title}, "scale": category_scale(categories)}


def time_format(times: Sequence[str], words: Words) -> str:
    """How an axis writes its times: with the year where they span more than one, with the hour where they span a few days."""
    days = (_day(max(times)) - _day(min(times))).days if times else 0
    span = "month" if days > _YEAR else "day" if days > _WEEK or all(len(time) <= _DAY for time in times) else "hour"
    return words.say(f"axis_{span}")


def _day(time: str) -> date:
    """The day of an ISO time; a month or a year counts from its first day."""
    day = time[:_DAY] + "-01-01"[len(time) - _DAY :] if len(time) < _DAY else time[:_DAY]
    try:
        return date.fromisoformat(day)
    except ValueError as error:
        raise InternalError("REPORT-TIME", f"time '{time}' in a chart", "times are ISO text", "write it as 2026-01-31") from error


def category_scale(categories: Sequence[str], **more: Any) -> Spec:
    """A scale over categories as drawn, in their given order."""
    return {"domain": list(categories)} | more


def in_lines(name: Any) -> str:
    """A name broken into lines of even length, so that long names fit beside a chart."""
    text = plain(name)
    return "\n".join(textwrap.wrap(text, max(_LINE, len(text) // 2 + 4), break_long_words=False)) or text


def moment(value: Any, x_type: str) -> Any:
    """An x value as Vega reads it: times without a zone are taken as universal time, so no reader's clock moves them."""
    if x_type == "number":
        return value
    text = plain(value)
    if x_type != "time" or len(text) <= 10:
        return text
    text = text.replace(" ", "T", 1)
    zoned = text.endswith("Z") or "+" in text[10:] or "-" in text[10:]
    return text if zoned else f"{text}Z"


def x_text(figure: Figure, value: Any, words: Words) -> str:
    """An x value in a tooltip."""
    kinds = {"time": "time", "number": "number"}
    return format_value(value, kinds.get(figure.x_type, "text"), words)  # type: ignore[arg-type]


def measured_texts(figure: Figure, field: str, words: Words) -> list[tuple[str, str]]:
    """The measured value of each row and its interval as text, "8.2%" and "(7.9–8.6%)", all with the same decimals."""
    parts = [(row.get(field), row.get("low"), row.get("high")) for row in figure.rows]
    if figure.format in ("number", "interval"):
        has_bounds = any(low is not None for _, low, _ in parts)
        printed = cells(parts if has_bounds else [value for value, _, _ in parts], "interval" if has_bounds else "number", words)
        return [(cell.text, cell.detail) for cell in printed]
    texts = [[format_value(part, figure.format, words) for part in row] for row in parts]
    return [(value, f"({low}–{high})" if low != DASH else "") for value, low, high in texts]


def tip(*texts: Any) -> str:
    """The lines of a tooltip, in the order of the panel's labels."""
    return "\n".join(plain(text) for text in texts)


def group_marks(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the groups in order, or nothing where the rows have none."""
    return distinct(plain(row["group"]) for row in rows if row.get("group") is not None)


def colour_of_group(groups: Sequence[str], *, dash: bool = False, shape: bool = False, lines: bool = False) -> Spec:
    """Encodings that tell groups apart by colour and, for those who see no colours, by dash or shape.

    With ``lines`` the legend shows strokes; layers of one chart must agree on it, because they share one legend.
    """
    if not groups:
        return {}
    strokes: Spec = {"symbolType": "stroke", "symbolSize": 500} if lines else {"symbolDash": [1, 0]}
    legend: Spec = {"title": None, **strokes}
    common: Spec = {"field": "group", "type": "nominal", "scale": {"domain": list(groups)}, "legend": legend}
    encoding: Spec = {"color": common}
    if dash:
        encoding["strokeDash"] = {**common, "scale": {"domain": list(groups), "range": "dashes"}}
    if shape:
        encoding["shape"] = {**common, "scale": {"domain": list(groups), "range": "shapes"}}
    return encoding


def goal_layer(figure: Figure, words: Words, *, axis: Spec, along: str) -> list[Spec]:
    """The goal as a labelled line across the measured axis ``along`` (``x`` or ``y``); nothing where there is no goal."""
    if figure.goal is None:
        return []
    printed = format_value(figure.goal, figure.format, words, unit=plain(figure.unit))
    label = plain(figure.goal_label) or words.say("chart_goal", goal=printed)
    label = label.replace("<=", "≤").replace(">=", "≥")
    data = {"values": [{along: figure.goal, "label": label}]}
    rule: Spec = {"data": data, "mark": {"type": "rule", "style": "goal"}, "encoding": {along: {**axis, "field": along}}}
    spot: Spec = {"x": {"value": "width"}} if along == "y" else {"y": {"value": 0}}
    text: Spec = {"data": data, "name": "halo_goal", "mark": {"type": "text", "style": f"goal-label-{along}"}}
    text["encoding"] = {along: {**axis, "field": along}, "text": {"field": "label"}, **spot}
    return [rule, text]
