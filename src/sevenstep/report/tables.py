"""Tables with their cells printed, those behind the figures among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sevenstep.chapter import Column, Figure, Format, Table
from sevenstep.report.formats import Cell, cells, plain
from sevenstep.report.words import Words

__all__ = ["HeadView", "TableView", "figure_table", "table_view"]

_FILTERED = 30  # rows from which a table gets a filter
_SPARE = 4  # rows that are not worth a button
_SENTENCE = 40  # letters of a cell that would be squeezed to a word a line on a narrow screen


@dataclass(frozen=True)
class HeadView:
    """One column head: its label, its quieter unit, and whether its figures stand at the right."""

    label: str
    unit: str
    numeric: bool


@dataclass(frozen=True)
class TableView:
    """A table with its cells printed; ``first`` rows show until asked for more.

    A ``wordy`` one has sentences in it: on a narrow screen each row is written as a list instead.
    """

    title: str
    caption: str
    heads: Sequence[HeadView]
    rows: Sequence[Sequence[Cell]]
    first: int
    filtered: bool
    wordy: bool = False
    kind: str = "table"


def table_view(table: Table, words: Words) -> TableView:
    """A table with its cells printed by the format of their column."""
    columns = [cells([row.get(column.key) for row in table.rows], column.format, words) for column in table.columns]
    heads = [
        HeadView(plain(column.label), plain(column.unit), column.format not in ("text", "state", "time"))
        for column in table.columns
    ]
    rows = [list(row) for row in zip(*columns, strict=True)]
    first = len(rows) if len(rows) <= table.first + _SPARE else table.first
    wordy = any(len(cell.text) > _SENTENCE for row in rows for cell in row)
    return TableView(table.title, table.caption, heads, rows, first, len(rows) > _FILTERED, wordy)


_NAMES: dict[str, str] = {
    "low": "low",
    "high": "high",
    "group": "group",
    "kpi": "kpi",
    "stage": "stage",
    "state": "state",
    "x0": "from",
    "x1": "to",
    "value": "value",
    "centre": "centre",
    "phase": "phase",
    "rule": "rule",
}
_CONTROL_NAMES = {"group": "chart", "low": "lower_limit", "high": "upper_limit"}
_FIELDS: dict[str, tuple[str, ...]] = {
    "line": ("group", "x", "y", "low", "high"),
    "bars": ("x", "group", "y", "low", "high"),
    "dots": ("y", "group", "x", "low", "high"),
    "histogram": ("x0", "x1", "y"),
    "heatmap": ("y", "x", "value"),
    "scatter": ("group", "x", "y"),
    "thread": ("kpi", "stage", "value", "low", "high", "state"),
    "control": ("group", "x", "y", "centre", "low", "high", "phase", "rule"),
}


def figure_table(figure: Figure, words: Words) -> TableView:
    """The rows of a figure as a table: what a screen reader, a printout without charts or a doubter reads."""
    present = [name for name in _FIELDS[figure.form] if any(row.get(name) is not None for row in figure.rows)]
    rows = [_named(row, words) for row in figure.rows]
    if "low" in present and figure.format in ("number", "interval") and figure.form != "control":
        present = [name for name in present if name not in ("low", "high")]
        measured = next(name for name in present if _is_measured(figure, name))
        rows = [row | {measured: [row.get(measured), row.get("low"), row.get("high")]} for row in rows]
        figure = replace(figure, format="interval")
    columns = [Column(name, _label(figure, name, words), _format(figure, name), _unit(figure, name)) for name in present]
    return table_view(Table(figure.title, columns, rows, first=len(rows)), words)


def _named(row: Mapping[str, Any], words: Words) -> dict[str, Any]:
    """The row with its stage, if it has one, in words."""
    return {**row, "stage": words.known("step", str(row["stage"]))} if "stage" in row else dict(row)


def _label(figure: Figure, name: str, words: Words) -> str:
    given = {"x": figure.x_label, "y": figure.y_label}.get(name, "")
    names = _NAMES | _CONTROL_NAMES if figure.form == "control" else _NAMES
    return plain(given) or words.say(names.get(name, "category"))


def _is_measured(figure: Figure, name: str) -> bool:
    if figure.form == "histogram":
        return name in ("x0", "x1")
    return name in ("low", "high", "value", "centre") or name == ("x" if figure.form == "dots" else "y")


def _format(figure: Figure, name: str) -> Format:
    if name == "state":
        return "state"
    if _is_measured(figure, name):
        return figure.format
    if figure.form == "histogram":
        return "number"
    if name == "x" and figure.form in ("line", "scatter", "bars", "control") and figure.x_type != "category":
        return figure.x_type
    return "text"


def _unit(figure: Figure, name: str) -> str:
    return figure.unit if _is_measured(figure, name) else ""
