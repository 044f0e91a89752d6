"""Control charts after release: new rows judged by the limits that were frozen with the release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sevenstep.chapter import Block
from sevenstep.data.dataset import Dataset
from sevenstep.tasks.tabular.quality.charted import Charted
from sevenstep.tasks.tabular.quality.figures import chart_blocks
from sevenstep.tasks.tabular.quality.ordered import Ordered

__all__ = ["watch_blocks", "watched"]


def watched(settings: Sequence[Mapping[str, Any]], data: Dataset) -> list[Charted]:
    """Judge rows that came after the release, in order of time, by `study.QualityStudy.settings` of the release.

    Charts whose column is gone, and those for which no whole subgroup has come yet, are left out.
    """
    ordered = Ordered.of(data)
    charts = [_going_on(one, ordered) for one in settings]
    return [chart for chart in charts if chart is not None and len(chart.starts)]


def watch_blocks(settings: Sequence[Mapping[str, Any]], data: Dataset) -> Sequence[Block]:
    """The same as blocks of a chapter."""
    return list(chart_blocks(watched(settings, data), Ordered.of(data), {}))


def _going_on(settings: Mapping[str, Any], ordered: Ordered) -> Charted | None:
    column = settings["column"]
    if settings["form"] == "rate":
        return Charted.going_on(settings, f"share of rows where {ordered.defect_text}", ordered.defects, ordered.lots)
    if column == ordered.problem.target:
        return Charted.going_on(settings, column, ordered.values, ordered.lots)
    if column not in ordered.numbers:
        return None
    return Charted.going_on(settings, column, ordered.columns.numbers(column), ordered.lots)
