"""What intake did to the data, in the order it was done, for the report and for the person who asks why a value changed."""

from __future__ import annotations

from typing import Any

__all__ = ["Record"]


class Record:
    """A growing list of entries, each ``{"what", "source", "column", "rows", "text", ...}`` of plain JSON values.

    ``what`` is a stable word (``converted``, ``joined``, ``renamed``); ``rows`` counts the rows touched; ``text`` says it
    to a person.
    """

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def add(self, what: str, text: str, *, source: str = "", column: str = "", rows: int = 0, **figures: Any) -> None:
        """Note one thing that was done; ``figures`` are further JSON values."""
        self.entries.append({"what": what, "source": source, "column": column, "rows": rows, "text": text, **figures})
