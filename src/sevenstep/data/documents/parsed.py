"""One document as it was read: its text with the place of each page, section and table in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Parsed", "Part", "Writer", "table_text"]

_BETWEEN = "\n\n"


@dataclass(frozen=True)
class Part:
    """A stretch of a text, see `tables.PARTS`."""

    start: int
    end: int
    kind: str = "text"
    page: int | None = None
    heading: str | None = None


@dataclass(frozen=True)
class Parsed:
    """A document: its whole text, the parts of it, and what it says of itself.

    Args:
        text: everything that can be read in it.
        title: its title, empty where it has none.
        parts: see `tables.PARTS`.
        tags: what its head says (``trust``, ``licence``, ``date``, ``access``, ``title``, and whatever else stands there).
        ident: the id it has itself; empty where the file is its id.
    """

    text: str
    title: str = ""
    parts: Sequence[Part] = ()
    tags: Mapping[str, Any] = field(default_factory=dict)
    ident: str = ""

    def to_json(self) -> str:
        """As JSON text that `from_json` reads."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Parsed:
        """Read back what `to_json` wrote."""
        held = json.loads(text)
        return cls(**{**held, "parts": [Part(**part) for part in held["parts"]]})


class Writer:
    """Writes a text block by block and notes what each one is.

    Headings open sections: a heading of level 2 closes the one of level 2 or deeper before it.
    """

    def __init__(self) -> None:
        self._blocks: list[str] = []
        self._parts: list[Part] = []
        self._length = 0
        self._sections: list[tuple[int, str]] = []
        self.page: int | None = None

    @property
    def section(self) -> str | None:
        """The path of sections written into."""
        return " > ".join(title for _, title in self._sections) or None

    def heading(self, text: str, level: int) -> None:
        """A heading, which opens a section."""
        title = " ".join(text.split())
        if title:
            self._sections = [*(one for one in self._sections if one[0] < level), (level, title)]
            self._add(title, "heading")

    def block(self, text: str) -> None:
        """A paragraph or whatever else is plain text; blocks of blanks are left out."""
        text = text.strip("\n").rstrip()
        if text.strip():
            self._add(text, "text")

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """A table, its first row the header."""
        text = table_text(rows)
        if text:
            self._add(text, "table")

    def _add(self, text: str, kind: str) -> None:
        between = _BETWEEN if self._blocks else ""
        start = self._length + len(between)
        self._blocks += [between, text] if between else [text]
        self._length = start + len(text)
        self._parts.append(Part(start, self._length, kind, self.page, self.section))

    def parsed(self, title: str = "", tags: Mapping[str, Any] | None = None) -> Parsed:
        """What was written; without a title, the first heading is it."""
        text = "".join(self._blocks)
        first = next((text[part.start : part.end] for part in self._parts if part.kind == "heading"), "")
        return Parsed(text, title or first, self._parts, tags or {})


def table_text(rows: Sequence[Sequence[str]]) -> str:
    """A table as rows with their cells between bars, a line under the header; empty rows and columns are left out."""
    cells = [[" ".join(str(cell or "").split()).replace("|", "/") for cell in row] for row in rows]
    kept = [row for row in cells if any(row)]
    width = max((len(row) for row in kept), default=0)
    padded = [row + [""] * (width - len(row)) for row in kept]
    columns = [at for at in range(width) if any(row[at] for row in padded)]
    lines = ["| " + " | ".join(row[at] for at in columns) + " |" for row in padded]
    if len(lines) > 1:
        lines.insert(1, "|" + "---|" * len(columns))
    return "\n".join(lines)
