"""What a control chart draws, worked out: its panels with their scales, and one row a point with all its panels' fields."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sevenstep.chapter import Figure
from sevenstep.errors import InternalError
from sevenstep.report.charts.parts import distinct, moment, tip, x_text
from sevenstep.report.formats import format_value, plain
from sevenstep.report.words import Words

__all__ = ["ZONES", "ControlPanel", "control_panels", "control_rows", "printed"]

ZONES = (1, 2)
"""Standard errors from the centre line at which zones end; the third one is the limits."""
_FIRST, _SECOND, _GAP = 230, 110, 44  # pixels of the panels and between them
_ROOM = 0.08  # of a panel's span above and below what is in it; twice that where the names of the phases stand
_MARKS = 40  # printed marks that a narrow page has room for side by side


@dataclass(frozen=True)
class ControlPanel:
    """One panel: its ``name``, its rows, what the number of its place adds to field names, and the pixels it lies between."""

    name: str
    rows: Sequence[Mapping[str, Any]]
    place: int
    top: int
    bottom: int

    def field(self, name: str) -> str:
        """The field of the drawn rows that holds ``name`` of this panel."""
        return f"{name}{self.place}"

    @property
    def marks(self) -> set[int]:
        """Points whose mark is printed: the first of each stretch with the same one, where there is room for it."""
        apart = -(-len(self.rows) // _MARKS)
        printed: list[int] = []
        for place, row in enumerate(self.rows):
            new = row.get("signal") and (place == 0 or self.rows[place - 1].get("signal") != row["signal"])
            if new and (not printed or place - printed[-1] >= apart):
                printed.append(place)
        return set(printed)

    @property
    def span(self) -> tuple[float, float]:
        """Lowest and highest of all that is drawn."""
        values = [row[name] for row in self.rows for name in ("y", "low", "high") if row.get(name) is not None]
        low, high = min(values), max(values)
        room = _ROOM * ((high - low) or abs(high) or 1.0)
        return (low if low == 0 else low - room), high + (2 * room if self.place == 0 else room)


def control_panels(figure: Figure) -> list[ControlPanel]:
    """The panels of a figure, the first group of its rows on top; raises `InternalError` where they differ in their points."""
    names = distinct(row.get("group", "") for row in figure.rows)
    groups = [[row for row in figure.rows if row.get("group", "") == name] for name in names]
    if len({tuple(str(row["x"]) for row in rows) for rows in groups}) != 1:
        given = f"panels of '{figure.title}' differ in their points"
        raise InternalError("REPORT-CONTROL", given, "they share them", "give every panel a row for every point")
    named = enumerate(zip(names, groups, strict=True))
    return [ControlPanel(plain(name), rows, place, *_edges(place)) for place, (name, rows) in named]


def _edges(place: int) -> tuple[int, int]:
    """Pixels between which a panel lies: the first is the largest."""
    if place == 0:
        return 0, _FIRST
    top = _FIRST + _GAP + (place - 1) * (_SECOND + _GAP)
    return top, top + _SECOND


def control_rows(figure: Figure, charts: Sequence[ControlPanel], words: Words) -> list[dict[str, Any]]:
    """One row a point with the fields of every panel, its key on the axis (``at``) and its tooltip."""
    rows: list[dict[str, Any]] = []
    marks = [chart.marks for chart in charts]
    for place, same in enumerate(zip(*(chart.rows for chart in charts), strict=True)):
        when = x_text(figure, same[0]["x"], words)
        values = [_value(figure, chart, row, words) for chart, row in zip(charts, same, strict=True)]
        row: dict[str, Any] = {"at": f"{place}|{_moment(figure, same[0]['x'], words)}", "phase": same[0].get("phase", 1)}
        for chart, one, marked in zip(charts, same, marks, strict=True):
            row |= _fields(chart, one, marked=place in marked)
        rows.append(row | {"tip": tip(when, *values, _said(charts, same, words))})
    return rows


def _value(figure: Figure, chart: ControlPanel, row: Mapping[str, Any], words: Words) -> str:
    """The value of a point and its limits, "50.3 (47.1–53.4)"."""
    value, low, high = (printed(figure, chart, row.get(name), words) for name in ("y", "low", "high"))
    return f"{value} ({low}–{high})"


def printed(figure: Figure, chart: ControlPanel, value: float | None, words: Words) -> str:
    """A value with as many decimals as tell a hundredth of its panel."""
    low, high = chart.span
    decimals = max(0, math.ceil(2 - math.log10(high - low)))
    return format_value(value, figure.format, words, decimals=decimals if figure.format == "number" else None)


def _moment(figure: Figure, value: Any, words: Words) -> str:
    return str(moment(value, "time")) if figure.x_type == "time" else x_text(figure, value, words)


def _fields(chart: ControlPanel, row: Mapping[str, Any], *, marked: bool) -> dict[str, Any]:
    known = {chart.field(name): row[name] for name in ("y", "centre", "low", "high") if row.get(name) is not None}
    if row.get("sigma") is not None:
        for zone in ZONES:
            known[chart.field(f"zone{zone}low")] = max(row["low"], row["centre"] - zone * row["sigma"])
            known[chart.field(f"zone{zone}high")] = min(row["high"], row["centre"] + zone * row["sigma"])
    if not row.get("signal"):
        return known
    side = "above" if row["y"] >= row["centre"] else "below"
    label = {chart.field(side): plain(row["signal"])} if marked else {}
    return known | label | {chart.field("signal"): "left out" if row.get("left_out") else "fired"}


def _said(charts: Sequence[ControlPanel], same: Sequence[Mapping[str, Any]], words: Words) -> str:
    """The rules that fired at a point, with the chart they fired on where there are several."""
    parts = [(chart.name, plain(row["rule"])) for chart, row in zip(charts, same, strict=True) if row.get("rule")]
    said = [f"{name}: {rule}" if len(charts) > 1 else rule for name, rule in parts]
    if any(row.get("left_out") for row in same):
        said.append(words.say("left_out"))
    return "; ".join(said)
