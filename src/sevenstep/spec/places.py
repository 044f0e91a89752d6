"""Where things stand: a place in the tree of a spec, a span in its text, and the origin of a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Excerpt", "Origin", "Place", "Span", "dotted"]

Place = tuple[str | int, ...]
"""Keys and list positions from the top of the spec: ``("kpis", 0, "goal")``."""


@dataclass(frozen=True)
class Span:
    """A stretch of one line of the text; ``line`` and ``column`` count from 1."""

    line: int
    column: int
    width: int


@dataclass(frozen=True)
class Excerpt:
    """What to show of the text: the line, its number (None for a flag), and where the caret goes (from 0)."""

    text: str
    line: int | None
    start: int
    width: int


@dataclass(frozen=True)
class Origin:
    """Where a value came from: a line of the file or a flag; ``container`` when it is a mapping or a list of mappings."""

    kind: Literal["file", "flag"]
    note: str
    container: bool = False


def dotted(place: Place) -> str:
    """A place as a person writes it after ``--set``: ``kpis.0.goal``."""
    return ".".join(str(part) for part in place)
