"""Charts as Vega-Lite specifications: one small function per form of `sevenstep.chapter.Figure`.

A specification holds no colour and no width. Colours come from `theme` when it is drawn, so that one chart serves light and dark;
the width is that of its box.
"""

from __future__ import annotations

from collections.abc import Callable

from sevenstep.chapter import Figure
from sevenstep.report.charts.bars import bars
from sevenstep.report.charts.control import control
from sevenstep.report.charts.dots import dots
from sevenstep.report.charts.heatmap import heatmap
from sevenstep.report.charts.histogram import histogram
from sevenstep.report.charts.line import line
from sevenstep.report.charts.parts import Panel
from sevenstep.report.charts.scatter import scatter
from sevenstep.report.charts.thread import thread
from sevenstep.report.words import Words

__all__ = ["Panel", "draw"]

_FORMS: dict[str, Callable[[Figure, Words], list[Panel]]] = {
    "line": line,
    "bars": bars,
    "dots": dots,
    "histogram": histogram,
    "heatmap": heatmap,
    "scatter": scatter,
    "thread": thread,
    "control": control,
}


def draw(figure: Figure, words: Words) -> list[Panel]:
    """The panels of a figure: one for most forms, one per KPI for a thread, none where it has no rows."""
    return _FORMS[figure.form](figure, words) if figure.rows else []
