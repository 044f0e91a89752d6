"""The blocks of a chapter as a template needs them: cells printed, tables behind the pictures, charts collected."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from sevenstep.chapter import Block, Chapter, Column, Explorer, Figure, Format, Gallery, Notes, Table
from sevenstep.report.charts import draw
from sevenstep.report.charts.explorer import explorer_chart, explorer_data
from sevenstep.report.formats import Cell, cells, plain
from sevenstep.report.words import Words

__all__ = [
    "ChapterView",
    "FigureView",
    "GalleryView",
    "HeadView",
    "NoteView",
    "PageData",
    "TableView",
    "chapter_view",
    "figure_table",
    "pictures_of",
    "table_view",
]

_RASTER = re.compile(r"data:image/(jpeg|png|webp);base64,[A-Za-z0-9+/]+=*")
_SMALL = {"bars": 8, "dots": 12, "histogram": 60, "scatter": 400, "heatmap": 49}  # rows up to which two figures share a line
_STRETCH = 1.7  # how much a chart may grow to match its neighbour
_FILTERED = 30  # rows from which a table gets a filter
_SPARE = 4  # rows that are not worth a button


@dataclass
class PageData:
    """What the page's script reads: every chart and every explorer under the id of its box."""

    charts: dict[str, Any] = field(default_factory=dict)
    explorers: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class HeadView:
    """One column head: its label, its quieter unit, and whether its figures stand at the right."""

    label: str
    unit: str
    numeric: bool


@dataclass(frozen=True)
class TableView:
    """A table with its cells printed; ``first`` rows show until asked for more."""

    title: str
    caption: str
    heads: Sequence[HeadView]
    rows: Sequence[Sequence[Cell]]
    first: int
    filtered: bool
    kind: str = "table"


@dataclass(frozen=True)
class FigureView:
    """A figure: the boxes of its charts, each with title and description, and the table behind them."""

    title: str
    caption: str
    panels: Sequence[dict[str, str]]
    table: TableView | None
    form: str
    half: bool = False
    kind: str = "figure"


@dataclass(frozen=True)
class ExplorerView:
    """An explorer: the id of its box and its options by group, numbered through."""

    title: str
    caption: str
    box: str
    groups: Sequence[tuple[str, Sequence[tuple[int, str]]]]
    description: str
    kind: str = "explorer"


@dataclass(frozen=True)
class NoteView:
    """Ranked sentences; each item has ``text``, ``evidence``, ``tone`` and the word for its tone."""

    title: str
    items: Sequence[dict[str, str]]
    kind: str = "notes"


@dataclass(frozen=True)
class GalleryView:
    """Small pictures; each item has ``image`` (an address in which nothing can run), ``text`` and ``detail``."""

    title: str
    caption: str
    items: Sequence[dict[str, str]]
    kind: str = "gallery"


BlockView = TableView | FigureView | ExplorerView | NoteView | GalleryView


@dataclass(frozen=True)
class ChapterView:
    """One chapter ready for the template."""

    step: str
    number: int
    name: str
    title: str
    answer: str
    gate: str
    blocks: Sequence[BlockView]


def chapter_view(chapter: Chapter, number: int, words: Words, data: PageData) -> ChapterView:
    """The chapter with everything printed; its charts are added to ``data``."""
    name = words.known("step", chapter.step)
    own_title = plain(chapter.title).strip()
    title = words.known("asks", chapter.step) if own_title.casefold() in ("", chapter.step) else own_title
    places = [f"{chapter.step}-{place}" for place in range(1, len(chapter.blocks) + 1)]
    halves = _halves(chapter.blocks)
    views = [_block(block, place, half, words, data) for block, place, half in zip(chapter.blocks, places, halves, strict=True)]
    _level([view for view in views if isinstance(view, FigureView) and view.half], data)
    return ChapterView(chapter.step, number, name, title, chapter.answer, chapter.gate, views)


def _block(block: Block, place: str, half: bool, words: Words, data: PageData) -> BlockView:
    if isinstance(block, Table):
        return table_view(block, words)
    if isinstance(block, Figure):
        return _figure(block, place, half, words, data)
    if isinstance(block, Explorer):
        return _explorer(block, place, words, data)
    if isinstance(block, Gallery):
        return GalleryView(block.title, block.caption, pictures_of(block))
    return _notes(block, words)


def _halves(blocks: Sequence[Block]) -> list[bool]:
    """Whether each block takes half the width: small figures that follow each other stand in pairs."""
    halves: list[bool] = []
    for small, run in groupby(blocks, key=_is_small):
        count = len(list(run))
        halves += [small and place < count - count % 2 for place in range(count)]
    return halves


def _level(halves: Sequence[FigureView], data: PageData) -> None:
    """Give the two charts of a pair the same height, where that does not stretch the lower one too far."""
    for left, right in zip(halves[::2], halves[1::2], strict=True):
        charts = [data.charts[view.panels[0]["box"]] for view in (left, right)]
        low, high = sorted(chart["height"] for chart in charts)
        for chart in charts:
            chart["height"] = min(high, round(low * _STRETCH)) if chart["height"] == low else high


def _is_small(block: Block) -> bool:
    return isinstance(block, Figure) and 0 < len(block.rows) <= _SMALL.get(block.form, 0)


def table_view(table: Table, words: Words) -> TableView:
    """A table with its cells printed by the format of their column."""
    columns = [cells([row.get(column.key) for row in table.rows], column.format, words) for column in table.columns]
    heads = [
        HeadView(plain(column.label), plain(column.unit), column.format not in ("text", "state", "time"))
        for column in table.columns
    ]
    rows = [list(row) for row in zip(*columns, strict=True)]
    first = len(rows) if len(rows) <= table.first + _SPARE else table.first
    return TableView(table.title, table.caption, heads, rows, first, len(rows) > _FILTERED)


def _figure(figure: Figure, place: str, half: bool, words: Words, data: PageData) -> FigureView:
    panels = []
    for number, panel in enumerate(draw(figure, words), start=1):
        box = f"chart-{place}-{number}"
        data.charts[box] = panel.spec
        panels.append({"box": box, "title": panel.title, "description": describe(figure, panel.title, words)})
    table = figure_table(figure, words) if figure.rows else None
    return FigureView(figure.title, figure.caption, panels, table, figure.form, half and figure.form != "thread")


def describe(figure: Figure, part: str, words: Words) -> str:
    """What a screen reader says of a chart: its kind, its title, its axes, how much is in it and the goal."""
    kind = words.say(f"chart_{figure.form}")
    axes = ", ".join(plain(label) for label in (figure.x_label, figure.y_label) if label)
    count = words.say("count_points", n=f"{len(figure.rows):,}")
    texts = [f"{kind}: {plain(figure.title)}", part, axes, count, plain(figure.goal_label)]
    return ". ".join(text for text in texts if text)


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
}
_FIELDS: dict[str, tuple[str, ...]] = {
    "line": ("group", "x", "y", "low", "high"),
    "bars": ("x", "group", "y", "low", "high"),
    "dots": ("y", "group", "x", "low", "high"),
    "histogram": ("x0", "x1", "y"),
    "heatmap": ("y", "x", "value"),
    "scatter": ("group", "x", "y"),
    "thread": ("kpi", "stage", "value", "low", "high", "state"),
}


def figure_table(figure: Figure, words: Words) -> TableView:
    """The rows of a figure as a table: what a screen reader, a printout without charts or a doubter reads."""
    present = [name for name in _FIELDS[figure.form] if any(row.get(name) is not None for row in figure.rows)]
    rows = [_named(row, words) for row in figure.rows]
    if "low" in present and figure.format in ("number", "interval"):
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
    return plain(given) or words.say(_NAMES.get(name, "category"))


def _is_measured(figure: Figure, name: str) -> bool:
    if figure.form == "histogram":
        return name in ("x0", "x1")
    return name in ("low", "high", "value") or name == ("x" if figure.form == "dots" else "y")


def _format(figure: Figure, name: str) -> Format:
    if name == "state":
        return "state"
    if _is_measured(figure, name):
        return figure.format
    if figure.form == "histogram":
        return "number"
    if name == "x" and figure.form in ("line", "scatter", "bars") and figure.x_type != "category":
        return figure.x_type
    return "text"


def _unit(figure: Figure, name: str) -> str:
    return figure.unit if _is_measured(figure, name) else ""


def _explorer(explorer: Explorer, place: str, words: Words, data: PageData) -> ExplorerView:
    box = f"explorer-{place}"
    data.explorers[box] = {"chart": explorer_chart(explorer, words), **explorer_data(explorer), "unit": plain(explorer.unit)}
    numbered = [
        (plain(option.get("group", "")), number, plain(option["label"])) for number, option in enumerate(explorer.options)
    ]
    groups = [
        (name, [(number, label) for _, number, label in part]) for name, part in groupby(numbered, key=lambda item: item[0])
    ]
    return ExplorerView(explorer.title, explorer.caption, box, groups, f"{words.say('chart_explorer')}: {plain(explorer.title)}")


def pictures_of(gallery: Gallery) -> list[dict[str, str]]:
    """The pictures that may stand in a page: bytes of raster formats only, because the markup of others can carry a script."""
    items = [
        {"image": item["image"], "text": plain(item["text"]), "detail": plain(item.get("detail", ""))} for item in gallery.items
    ]
    return [item for item in items if _RASTER.fullmatch(item["image"])]


def _notes(notes: Notes, words: Words) -> NoteView:
    items = []
    for item in notes.items:
        tone = item.get("tone", "info")
        tone = tone if tone in ("good", "info", "warn", "bad") else "info"
        items.append(
            {"text": item["text"], "evidence": item.get("evidence", ""), "tone": tone, "word": words.say(f"tone.{tone}")}
        )
    return NoteView(notes.title, items)
