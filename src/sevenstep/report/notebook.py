"""Chapters in a notebook cell: an HTML fragment for ``_repr_html_`` that runs no script and leaves the page around it alone."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sevenstep.chapter import Block, Chapter, Explorer, Figure, Gallery, Notes, Table
from sevenstep.report.blocks import pictures_of
from sevenstep.report.charts import draw
from sevenstep.report.charts.explorer import explorer_chart, explorer_rows
from sevenstep.report.charts.parts import Spec
from sevenstep.report.charts.theme import chart_theme
from sevenstep.report.colours import LIGHT
from sevenstep.report.formats import plain
from sevenstep.report.tables import table_view
from sevenstep.report.words import STEPS, Words, words_for

__all__ = ["chapters_html"]

_WIDTH, _NARROW = 680, 420  # pixels of a chart, and of one of several


def chapters_html(chapters: Sequence[Chapter], *, language: str = "en") -> str:
    """The chapters as an HTML fragment: charts as still pictures, an explorer with its first series, tables by their first rows.

    Raises `InputError` ``REPORT-LANGUAGE`` for a language the report does not speak.
    """
    words = words_for(language)
    views = [_view(chapter, words) for chapter in chapters]
    return _environment().get_template("notebook.html.j2").render(chapters=views, words=words, colours=LIGHT)


def _view(chapter: Chapter, words: Words) -> dict[str, Any]:
    number = STEPS.index(chapter.step) + 1 if chapter.step in STEPS else ""
    blocks = [_block(block, words) for block in chapter.blocks]
    state = words.known("state", chapter.gate)
    return {
        "number": number,
        "name": words.known("step", chapter.step),
        "state": state,
        "answer": chapter.answer,
        "blocks": blocks,
    }


def _block(block: Block, words: Words) -> dict[str, Any]:
    if isinstance(block, Table):
        return {"kind": "table", "title": block.title, "caption": block.caption, "table": table_view(block, words)}
    if isinstance(block, Notes):
        return {"kind": "notes", "title": block.title, "caption": "", "notes": block.items}
    if isinstance(block, Gallery):
        return {"kind": "gallery", "title": block.title, "caption": block.caption, "items": pictures_of(block)}
    pictures = _explored(block, words) if isinstance(block, Explorer) else _drawn(block, words)
    return {"kind": "pictures", "title": block.title, "caption": block.caption, "pictures": pictures}


def _drawn(figure: Figure, words: Words) -> list[dict[str, Any]]:
    panels = draw(figure, words)
    width = _NARROW if len(panels) > 1 else _WIDTH
    return [{"title": panel.title, "picture": _picture(panel.spec, width)} for panel in panels]


def _explored(explorer: Explorer, words: Words) -> list[dict[str, Any]]:
    if not explorer.options:
        return []
    first = explorer.options[0]
    chart = explorer_chart(replace(explorer, options=[first]), words)
    chart["datasets"] = explorer_rows(explorer, first["id"], words)
    return [{"title": plain(first["label"]), "picture": _picture(chart, _WIDTH)}]


def _picture(spec: Spec, width: int) -> Markup:
    """The chart as the address of an image, in which nothing can run."""
    import vl_convert

    config = {**chart_theme(LIGHT), "background": LIGHT["card"]}
    sized = {**spec, "width": width, "autosize": {"type": "fit-x", "contains": "padding"}}
    svg = vl_convert.vegalite_to_svg(sized, config=config)
    return Markup("data:image/svg+xml;base64," + base64.b64encode(svg.encode("utf-8")).decode("ascii"))


@cache
def _environment() -> Environment:
    loader = PackageLoader("sevenstep.report", "page")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
