"""Chapters in the terminal: the same blocks as the report, as rich renderables for ``sevenstep show STEP``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from sevenstep.chapter import Block, Chapter, Explorer, Figure, Gallery, Notes, Table
from sevenstep.report.formats import Cell, format_time, format_value, plain
from sevenstep.report.tables import TableView, figure_table, table_view
from sevenstep.report.words import STEPS, Words, words_for

__all__ = ["chapter_text", "sparkline"]

_BARS = "▁▂▃▄▅▆▇█"
_STATES = {
    "met": ("●", "green"),
    "go": ("●", "green"),
    "missed": ("◆", "red"),
    "no_go": ("◆", "red"),
    "go_with_risk": ("▲", "yellow"),
    "warn": ("▲", "yellow"),
}
_TONES = {"good": ("●", "green"), "info": ("○", "cyan"), "warn": ("▲", "yellow"), "bad": ("◆", "red")}
_FEW = 16  # rows of a figure that are listed one by one
_SHOWN_SERIES = 8
_WIDTH = 48  # characters of a sparkline


def chapter_text(chapter: Chapter, *, language: str = "en") -> Group:
    """The chapter for a `rich.console.Console`: answer, then each block; figures as small tables or sparklines.

    No text is read as markup and control characters are taken out, so that names in the data cannot steer the terminal.
    Raises `InputError` ``REPORT-LANGUAGE`` for a language the report does not speak.
    """
    words = words_for(language)
    return Group(*_head(chapter, words), *(Padding(_block(block, words), (1, 0, 0, 2)) for block in chapter.blocks))


def _head(chapter: Chapter, words: Words) -> list[RenderableType]:
    number = f"{STEPS.index(chapter.step) + 1} " if chapter.step in STEPS else ""
    line = Text.assemble((f"{number}{words.known('step', chapter.step)}", "bold"))
    if chapter.gate:
        line.append("  ").append_text(_state(chapter.gate, words))
    return [line, Text(plain(chapter.answer), style="bold cyan")]


def _state(name: str, words: Words) -> Text:
    mark, colour = _STATES.get(name, ("○", "dim"))
    return Text(f"{mark} {words.known('state', plain(name))}", style=colour)


def _block(block: Block, words: Words) -> RenderableType:
    if isinstance(block, Table):
        return _titled(block.title, _grid(table_view(block, words), words), block.caption)
    if isinstance(block, Notes):
        return _titled(block.title, _notes(block))
    if isinstance(block, Explorer):
        return _titled(block.title, _explorer(block, words), block.caption)
    if isinstance(block, Gallery):
        return _titled(block.title, _gallery(block), block.caption)
    return _titled(block.title, _figure(block, words), block.caption)


def _titled(title: str, body: RenderableType, caption: str = "") -> Group:
    parts: list[RenderableType] = [Text(plain(title), style="bold")]
    if caption:
        parts.append(Text(plain(caption), style="dim"))
    return Group(*parts, body)


def _grid(view: TableView, words: Words) -> RenderableType:
    grid = Grid(box=SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for head in view.heads:
        label = f"{head.label} ({head.unit})" if head.unit else head.label
        grid.add_column(Text(label), justify="right" if head.numeric else "left", overflow="fold")
    for row in view.rows[: view.first]:
        grid.add_row(*(_cell(cell) for cell in row))
    if len(view.rows) <= view.first:
        return grid
    return Group(grid, Text(words.say("rows_shown", shown=f"{view.first:,}", n=f"{len(view.rows):,}"), style="dim"))


def _cell(cell: Cell) -> Text:
    kind, _, state = cell.kind.partition(" ")
    if kind == "is-state" and state != "missing":
        mark, colour = _STATES.get(state, ("○", "dim"))
        return Text(f"{mark} {plain(cell.text)}", style=colour)
    text = Text(plain(cell.text))
    return text.append(f" {cell.detail}", style="dim") if cell.detail else text


def _notes(notes: Notes) -> RenderableType:
    lines = Grid.grid(padding=(0, 1))
    for item in notes.items:
        mark, colour = _TONES.get(item.get("tone", "info"), _TONES["info"])
        body = Text(plain(item["text"]))
        if item.get("evidence"):
            body.append(f"\n{plain(item['evidence'])}", style="dim")
        lines.add_row(Text(mark, style=colour), body)
    return lines


def _gallery(gallery: Gallery) -> RenderableType:
    """What the pictures show, in words: a terminal cannot draw them."""
    lines = Grid.grid(padding=(0, 2))
    for item in gallery.items:
        lines.add_row(Text(plain(item["text"])), Text(plain(item.get("detail", "")), style="dim"))
    return lines


def _figure(figure: Figure, words: Words) -> RenderableType:
    if not figure.rows:
        return Text(words.say("nothing_drawn"), style="dim")
    drawn = _DRAWN.get(figure.form)
    body = drawn(figure, words) if drawn and len(figure.rows) > _FEW else _grid(figure_table(figure, words), words)
    return Group(body, Text(plain(figure.goal_label), style="magenta")) if figure.goal_label else body


def _lines(figure: Figure, words: Words) -> RenderableType:
    """One sparkline per group with first and last value, for lines and histograms too long to list."""
    grid = Grid.grid(padding=(0, 2))
    for name, rows in _by_group(figure.rows).items():
        values = [row.get("y") for row in rows]
        known = [value for value in values if value is not None]
        ends = [format_value(value, figure.format, words) for value in (known[0], known[-1])] if known else []
        grid.add_row(Text(name), Text(sparkline(values), style="cyan"), Text(" → ".join(ends) if figure.form == "line" else ""))
    return grid


def _matrix(figure: Figure, words: Words) -> RenderableType:
    """A heat map as the table it is."""
    columns = list(dict.fromkeys(row["x"] for row in figure.rows))
    lines: dict[str, dict[str, Any]] = {}
    for row in figure.rows:
        lines.setdefault(row["y"], {})[row["x"]] = row.get("value")
    grid = Grid(box=SIMPLE_HEAD, pad_edge=False, header_style="dim")
    grid.add_column("")
    for column in columns:
        grid.add_column(Text(plain(column)), justify="right")
    for name, values in lines.items():
        grid.add_row(Text(plain(name)), *(Text(format_value(values.get(column), figure.format, words)) for column in columns))
    return grid


def _points(figure: Figure, words: Words) -> RenderableType:
    """How many points there are and between which values they lie: a terminal cannot show a scatter plot."""
    values = [row["y"] for row in figure.rows]
    ends = [format_value(end, figure.format, words, unit=figure.unit) for end in (min(values), max(values))]
    return Text(f"{words.say('count_points', n=f'{len(values):,}')}: {ends[0]} … {ends[1]}")


_DRAWN: Mapping[str, Callable[[Figure, Words], RenderableType]] = {
    "line": _lines, "control": _lines, "histogram": _lines, "heatmap": _matrix, "scatter": _points,
}  # fmt: skip


def _by_group(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(plain(row.get("group") or ""), []).append(row)
    return groups


def _explorer(explorer: Explorer, words: Words) -> RenderableType:
    grid = Grid(box=SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for label in ("", words.say("actual"), words.say("prediction"), words.say("origin")):
        grid.add_column(Text(label))
    for option in explorer.options[:_SHOWN_SERIES]:
        series = explorer.series[option["id"]]
        origin = explorer.origin.get(option["id"])
        shapes = [Text(sparkline(list(series[name]), _WIDTH // 2), style="cyan") for name in ("actual", "prediction")]
        grid.add_row(Text(plain(option["label"])), *shapes, Text("" if origin is None else format_time(str(origin))))
    shown = min(_SHOWN_SERIES, len(explorer.options))
    return Group(grid, Text(words.say("rows_shown", shown=shown, n=len(explorer.options)), style="dim"))


def sparkline(values: Sequence[float | None], width: int = _WIDTH) -> str:
    """Values as a row of small bars from the least to the greatest; longer series are averaged to ``width``, gaps stay blank."""
    means = _averaged(values, width) if len(values) > width else list(values)
    known = [value for value in means if value is not None]
    if not known:
        return ""
    low, spread = min(known), (max(known) - min(known)) or 1.0
    return "".join(" " if value is None else _BARS[min(int(8 * (value - low) / spread), 7)] for value in means)


def _averaged(values: Sequence[float | None], width: int) -> list[float | None]:
    edges = [round(place * len(values) / width) for place in range(width + 1)]
    parts = ([value for value in values[start:end] if value is not None] for start, end in pairwise(edges))
    return [sum(part) / len(part) if part else None for part in parts]
