"""Bars: one amount per category, with its interval; lying where names are long or many."""

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
    x_text,
)
from sevenstep.report.formats import plain
from sevenstep.report.words import Words

__all__ = ["bars"]

_HEIGHT = 260
_LONG, _ALL = 9, 60  # letters a name, and all names together, may have to stand under their bars
_MANY = 14  # bars side by side
_LABELLED = 24  # bars that carry their value
_ROOM = 1.12  # of the highest bar, so that its value fits on top


def bars(figure: Figure, words: Words) -> list[Panel]:
    """One bar per row from zero, grouped bars side by side; the value is printed at the end of a bar where there is room."""
    texts = measured_texts(figure, "y", words)
    rows = [_row(figure, row, *text, words) for row, text in zip(figure.rows, texts, strict=True)]
    groups = group_marks(rows)
    categories = distinct(row["x"] for row in rows)
    lying = _lie(rows, categories)
    category: Spec = {"field": "x", "type": "nominal", "scale": category_scale(categories, paddingInner=0.3, paddingOuter=0.15)}
    category["axis"] = {"title": plain(figure.x_label) or None, "grid": False, "labelAngle": 0, **IN_LINES}
    amount = measure(figure, "y", figure.y_label, zero=True)
    if not lying:
        amount["scale"]["domainMax"] = _ROOM * max([row["y"] for row in rows if "y" in row] + [figure.goal or 0.0])
    layers = _layers(rows, groups, category, amount, lying=lying)
    layers += goal_layer(figure, words, axis=amount, along="x" if lying else "y")
    height = max(len(categories) * (12 + 14 * max(len(groups), 1)), 90) if lying else _HEIGHT
    names = [plain(figure.x_label) or words.say("category"), plain(figure.y_label) or words.say("value")]
    return [panel(layers, rows, height=height, tips=[*names, words.say("group")] if groups else names)]


def _row(figure: Figure, row: Mapping[str, Any], value: str, bounds: str, words: Words) -> dict[str, Any]:
    name = x_text(figure, row["x"], words) if figure.x_type != "category" else plain(row["x"])
    drawn = {"x": in_lines(name), "y": row.get("y"), "low": row.get("low"), "high": row.get("high")}
    texts = [name, f"{value} {bounds}"]
    if row.get("group") is not None:
        texts.append(plain(row["group"]))
        drawn["group"] = texts[-1]
    shown = {key: value for key, value in drawn.items() if value is not None}
    return shown | {"tip": tip(*texts), "label": value}


def _lie(rows: list[dict[str, Any]], categories: list[str]) -> bool:
    """Bars lie where names are long, bars are many, or amounts fall below zero."""
    crowded = len(categories) > _MANY or len(rows) > 2 * _MANY or sum(map(len, categories)) > _ALL
    return crowded or max(map(len, categories)) > _LONG or any(row.get("y", 0) < 0 for row in rows)


def _layers(rows: list[dict[str, Any]], groups: list[str], category: Spec, amount: Spec, *, lying: bool) -> list[Spec]:
    along, across = ("x", "y") if lying else ("y", "x")
    places: Spec = {across: category, along: amount}
    if groups:
        places[f"{across}Offset"] = {"field": "group", "type": "nominal", "scale": {"domain": groups, "paddingInner": 0.12}}
    bar = {
        "mark": {"type": "bar", "style": "amount"},
        "encoding": {**places, **colour_of_group(groups), "tooltip": TIP},
    }
    layers: list[Spec] = [bar]
    bounded = any("low" in row for row in rows)
    if bounded:
        ends = {**places, along: {**amount, "field": "low"}, f"{along}2": {"field": "high"}}
        layers.append({"mark": {"type": "rule", "style": "interval-on-bar"}, "encoding": ends})
    if not groups and len(rows) <= _LABELLED and (lying or not bounded):
        layers.append(_values(places, across, lying=lying))
    return layers


def _values(places: Spec, across: str, *, lying: bool) -> Spec:
    """The printed values: in a column at the right of lying bars, on top of standing ones."""
    text = {"text": {"field": "label"}}
    if lying:
        encoding = {across: places[across], "x": {"value": "width"}, **text}
        return {"mark": {"type": "text", "style": "row-value"}, "encoding": encoding}
    return {"name": "halo_end", "mark": {"type": "text", "style": "end-of-bar"}, "encoding": {**places, **text}}
