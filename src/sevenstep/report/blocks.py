"""The blocks of a chapter as a template needs them: cells printed, tables behind the pictures, charts collected."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from sevenstep.chapter import Block, Chapter, Explorer, Figure, Gallery, Notes, Table
from sevenstep.report.charts import draw
from sevenstep.report.charts.explorer import explorer_chart, explorer_data
from sevenstep.report.formats import plain
from sevenstep.report.tables import TableView, figure_table, table_view
from sevenstep.report.words import Words

__all__ = [
    "ChapterView",
    "FigureView",
    "GalleryView",
    "NoteView",
    "PageData",
    "chapter_view",
    "pictures_of",
]

_RASTER = re.compile(r"data:image/(jpeg|png|webp);base64,[A-Za-z0-9+/]+=*")
_SMALL = {"bars": 8, "dots": 12, "histogram": 60, "scatter": 400, "heatmap": 49}  # rows up to which two figures share a line
_STRETCH = 1.7  # how much a chart may grow to match its neighbour


@dataclass
class PageData:
    """What the page's script reads: every chart and every explorer under the id of its box."""

    charts: dict[str, Any] = field(default_factory=dict)
    explorers: dict[str, Any] = field(default_factory=dict)


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
