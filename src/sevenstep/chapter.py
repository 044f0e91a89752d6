"""What a step has to say, independent of where it is shown.

Every step leaves one `Chapter`: its answer in a sentence, then blocks (figures, tables, notes). The terminal, the
HTML report and the web pages render the same chapters; no renderer knows a task, and no task knows a renderer.
All parts hold plain JSON values only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

__all__ = [
    "Block", "Chapter", "Column", "Explorer", "Figure", "Gallery", "Notes", "Table", "chapter_from_json", "chapter_to_json",
]  # fmt: skip

Format = Literal["text", "integer", "number", "percent", "money", "seconds", "time", "interval", "state"]
Form = Literal[
    "line",  # x, y[, low, high][, group]: lines with bands
    "bars",  # x (category), y[, low, high][, group]
    "dots",  # y (category), x, low, high[, group]: one row per item with its interval
    "histogram",  # x0, x1, y: bins already counted
    "heatmap",  # x, y (categories), value
    "scatter",  # x, y[, group]
    "thread",  # stage, kpi, value, low, high, state: a KPI from charter to release
    "control",  # group, x, y, centre, low, high[, sigma][, phase][, signal, rule][, left_out]: control charts, one panel a group
]


@dataclass(frozen=True)
class Column:
    """One column of a table: ``key`` in the rows, ``label`` for people, ``format`` and ``unit`` for figures.

    ``interval`` reads ``[value, low, high]``; ``state`` reads a KPI or gate state; ``percent`` reads a share of 1.
    """

    key: str
    label: str
    format: Format = "text"
    unit: str = ""


@dataclass(frozen=True)
class Table:
    """Rows under declared columns; ``first`` tells how many rows to show before "show all"."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    caption: str = ""
    first: int = 12
    block: Literal["table"] = "table"


@dataclass(frozen=True)
class Figure:
    """A picture by its form and its rows; ``Form`` lists which fields each form reads from a row.

    ``goal`` is drawn as a line at that value of the measured axis, labelled ``goal_label``. ``x_type`` is ``time`` (ISO
    text), ``number`` or ``category``. ``format`` says how measured values are printed.

    A ``control`` chart has the same points in the same order in each group (X-bar and S): ``low`` and ``high`` are the control
    limits of the point, ``sigma`` its standard error (zones are drawn where given), ``phase`` 1 where limits were found and 2
    where they judge, ``signal`` the mark printed beside a point at which a rule fired, ``rule`` all that fired in words,
    and ``left_out`` whether the limits were found without the point.
    """

    title: str
    form: Form
    rows: Sequence[Mapping[str, Any]]
    x_label: str = ""
    y_label: str = ""
    x_type: Literal["time", "number", "category"] = "category"
    format: Format = "number"
    unit: str = ""
    goal: float | None = None
    goal_label: str = ""
    caption: str = ""
    block: Literal["figure"] = "figure"


@dataclass(frozen=True)
class Explorer:
    """Forecasts (or any bounded predictions over time) of many series or segments, one shown at a time.

    ``options`` lists what can be chosen: ``{"id", "label", "group"}``, in the order to offer them. ``series`` maps an id to
    columns of equal length: ``time`` (ISO text or number), ``actual``, ``prediction``, ``lower_80``, ``upper_80``, ``lower_95``,
    ``upper_95``; ``None`` where there is no value. ``origin`` maps an id to the time of the last actual known when forecasting.
    """

    title: str
    options: Sequence[Mapping[str, str]]
    series: Mapping[str, Mapping[str, Sequence[Any]]]
    origin: Mapping[str, Any] = field(default_factory=dict)
    x_label: str = ""
    y_label: str = ""
    x_type: Literal["time", "number"] = "time"
    unit: str = ""
    caption: str = ""
    block: Literal["explorer"] = "explorer"


@dataclass(frozen=True)
class Notes:
    """Sentences that matter, ranked, most important first; each ``{"text", "evidence", "tone"}``.

    ``tone`` is ``good``, ``info``, ``warn`` or ``bad``; ``evidence`` holds figures with n, or is empty.
    """

    title: str
    items: Sequence[Mapping[str, str]]
    block: Literal["notes"] = "notes"


@dataclass(frozen=True)
class Gallery:
    """Small pictures with a line under each: ``{"image", "text", "detail"}``.

    ``image`` is a ``data:image/...;base64,`` address, so that a chapter needs no other file; ``text`` says what is seen, and
    is what a screen reader reads; ``detail`` is a quieter second line. The order is that of importance.
    """

    title: str
    items: Sequence[Mapping[str, str]]
    caption: str = ""
    block: Literal["gallery"] = "gallery"


Block = Table | Figure | Explorer | Notes | Gallery
_BLOCKS: dict[str, type[Any]] = {"table": Table, "figure": Figure, "explorer": Explorer, "notes": Notes, "gallery": Gallery}


@dataclass(frozen=True)
class Chapter:
    """One step's chapter: ``answer`` is the sentence a manager reads, ``gate`` the state shown beside it.

    ``gate`` is ``met``, ``missed``, ``not_measured``, ``go``, ``go_with_risk``, ``no_go``, ``warn`` (usable with a
    weakness) or ``""`` where nothing is gated.
    """

    step: str
    title: str
    answer: str
    gate: str = ""
    blocks: Sequence[Block] = ()


def chapter_to_json(chapter: Chapter) -> dict[str, Any]:
    """The chapter as plain JSON values."""
    return asdict(chapter)


def chapter_from_json(value: Mapping[str, Any]) -> Chapter:
    """The chapter back from `chapter_to_json`; raises KeyError on a block of an unknown kind."""
    blocks = [_block_from_json(block) for block in value["blocks"]]
    return Chapter(value["step"], value["title"], value["answer"], value["gate"], tuple(blocks))


def _block_from_json(value: Mapping[str, Any]) -> Block:
    parts = dict(value)
    if parts["block"] == "table":
        parts["columns"] = tuple(Column(**column) for column in parts["columns"])
    block: Block = _BLOCKS[parts["block"]](**parts)
    return block
