"""Control charts as blocks of a chapter: the pictures, how each chart was chosen, and the rules that fired."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from sevenstep.chapter import Block, Column, Figure, Table
from sevenstep.stats.control.charts import Chart
from sevenstep.stats.control.rules import Violation
from sevenstep.stats.control.runlength import rules_run_length
from sevenstep.tasks.tabular.quality.charted import RULES, Charted
from sevenstep.tasks.tabular.quality.ordered import Ordered
from sevenstep.tasks.tabular.quality.thinning import shown_points

__all__ = ["chart_blocks"]

_PANELS = {
    ("rate", "p"): "p, share",
    ("count", "u"): "u, count for a row",
    ("single", "individuals"): "individual values",
    ("means", "individuals"): "mean of a point",
    ("means", "moving range"): "moving range of means",
}


def chart_blocks(charted: Sequence[Charted], ordered: Ordered, units: Mapping[str, str]) -> Iterator[Block]:
    """A figure for each chart, one table of how they were chosen, and one of the rules that fired; ``units`` by column."""
    moments, when = ordered.moments(), _when(ordered)
    for one in charted:
        yield _figure(one, moments, ordered, units.get(one.settings.column, ""))
    yield from _choice_table(charted)
    yield from _violation_table(charted, moments, when)


def _when(ordered: Ordered) -> Literal["time", "number"]:
    return "time" if ordered.temporal else "number"


def _figure(one: Charted, moments: Sequence[Any], ordered: Ordered, unit: str) -> Block:
    shown = shown_points(one)
    rows = [row for chart in one.charts for row in _rows(one, chart, moments, shown)]
    share = one.settings.form == "rate"
    return Figure(
        f"Control chart of {one.label}", "control", rows, ordered.time or "row", one.label, _when(ordered),
        format="percent" if share else "number", unit="" if share else unit, caption=_caption(one, len(shown)),
    )  # fmt: skip


def _rows(one: Charted, chart: Chart, moments: Sequence[Any], shown: Sequence[int]) -> Iterator[dict[str, Any]]:
    fired = _fired(one.found, chart.name)
    removed = set() if one.baseline is None else {removal.point for removal in one.baseline.removed}
    name = _panel(one, chart.name)
    for point in shown:
        row: dict[str, Any] = {"group": name, "x": moments[one.starts[point]], "phase": 1 if point < one.frozen else 2}
        row |= _known(chart, point)
        if point in fired:
            row |= {"signal": str(fired[point][0].rule.number)}
            row |= {"rule": "; ".join(f"{each.rule.name}: {each.rule.text}" for each in fired[point])}
        yield row | ({"left_out": True} if point in removed else {})


def _panel(one: Charted, chart: str) -> str:
    """What a chart shows, in words."""
    return _PANELS.get((one.settings.form, chart), chart)


def _known(chart: Chart, point: int) -> dict[str, float]:
    """Value, centre and limits of a point; nothing where it has none. Zones only where run rules count in them."""
    fields = {"y": chart.points, "centre": chart.centre, "low": chart.lower, "high": chart.upper}
    fields |= {"sigma": chart.sigma} if chart.runs else {}
    values = {name: float(column[point]) for name, column in fields.items()}
    return {name: value for name, value in values.items() if np.isfinite(value)}


def _fired(found: Sequence[Violation], chart: str) -> dict[int, list[Violation]]:
    """Of each point of a chart, what is complete there."""
    by_point: dict[int, list[Violation]] = {}
    for violation in found:
        if violation.chart == chart:
            for point in violation.points:
                by_point.setdefault(point, []).append(violation)
    return by_point


def _caption(one: Charted, shown: int) -> str:
    parts = [f"{_chosen(one)}."]
    if one.baseline is not None:
        removed = len(one.baseline.removed)
        left_out = f", without {removed} beyond them (hollow)" if removed else ""
        newer = "; those of phase 2 are judged by them" if one.frozen < len(one.starts) else ""
        parts.append(f"Limits come from the first {one.frozen} points{left_out}{newer}.")
    if one.signals:
        parts.append(
            f"{one.signals} of {len(one.starts):,} points signal, the number beside a point is that of its first run rule."
        )
    if shown < len(one.starts):
        parts.append(
            f"{shown:,} of the {len(one.starts):,} points are drawn: every one that signals, and the highest and lowest of each "
            "stretch between."
        )
    return " ".join(parts)


def _chosen(one: Charted) -> str:
    taken = next(each for each in one.considered if each.taken)
    return f"Chart: {taken.chart}; {taken.reason}"


def _choice_table(charted: Sequence[Charted]) -> Iterator[Block]:
    """Which charts came into question and why each was taken or left; nothing where limits came with a release."""
    rows = [
        {"what": one.label, "chart": each.chart, "reason": f"{'taken' if each.taken else 'left'}: {each.reason}"}
        for one in charted
        if one.baseline is not None
        for each in one.considered
    ]
    if rows:
        columns = [Column("what", "What"), Column("chart", "Chart"), Column("reason", "Taken or left, and why")]
        yield Table("Which control chart, and why", columns, rows)


def _violation_table(charted: Sequence[Charted], moments: Sequence[Any], when: Literal["time", "number"]) -> Iterator[Block]:
    rows = [
        {
            "what": one.label, "chart": _panel(one, violation.chart), "rule": violation.rule.name, "text": violation.rule.text,
            "points": len(violation.points), "first": moments[one.starts[violation.points[0]]],
            "last": moments[one.starts[violation.points[-1]]],
        }
        for one in charted
        for violation in one.found
    ]  # fmt: skip
    if not rows:
        return
    length = rules_run_length(RULES)
    columns = [
        Column("what", "What"), Column("chart", "Chart"), Column("rule", "Rule"), Column("text", "Pattern"),
        Column("points", "Points", "integer"), Column("first", "First", when), Column("last", "Last", when),
    ]  # fmt: skip
    caption = (
        f"Read together, the four rules alarm wrongly once in {length.mean:.0f} points ({length.low:.0f} to {length.high:.0f}, "
        f"{length.runs:,} simulated runs of normal values), not once in 370 as the limits alone do."
    )
    yield Table("Run rules that fired", columns, rows, caption)
