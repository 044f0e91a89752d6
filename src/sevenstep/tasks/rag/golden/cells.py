"""Questions from tables: what stands under a header in the row of a name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sevenstep.tasks.rag.golden.made import Made, topic

__all__ = ["from_table"]

_LINE = re.compile(r"\|---")
_SAYS_NOTHING = ("value", "values", "data", "amount", "값", "수치", "내용")
_MOST_ROWS, _LONGEST = 40, 80


def from_table(table: str, subject: str, language: str) -> Iterator[Made]:
    """For each cell but those of the first column: what the header is of the row's name; answers are cells.

    Args:
        table: the text of a table as `sevenstep.data.documents.parsed.table_text` writes it.
        subject: what the table is about, to tell its rows from those of another: a title or a section.
        language: of the question.
    """
    rows = [row for row in _rows(table) if row]
    if len(rows) < 2:
        return
    header, body = rows[0], rows[1 : 1 + _MOST_ROWS]
    names = [row[0][0] for row in body]
    for row in body:
        if not row[0][0] or names.count(row[0][0]) > 1:
            continue
        for (column, _, _), (cell, start, end) in zip(header[1:], row[1:], strict=False):
            if column and cell and len(cell) <= _LONGEST and cell.lower() not in ("-", "n/a", "–"):
                yield Made(_asked(header[0][0], column, row[0][0], subject, language), start, end, "table", _confidence(cell))


def _confidence(cell: str) -> float:
    return 0.85 if any(letter.isdecimal() for letter in cell) else 0.75


def _asked(first: str, column: str, name: str, subject: str, language: str) -> str:
    if column.lower() in _SAYS_NOTHING:
        return f"{subject}에서 {topic(name)} 얼마인가?" if language == "ko" else f"In {subject}, what is the {name}?"
    if language == "ko":
        return f"{subject}에서 {name}의 {topic(column)} 무엇인가?"
    named = f"{first.lower()} {name}" if first else name
    return f"In {subject}, what is the {column.lower()} of {named}?"


def _rows(table: str) -> Iterator[Sequence[tuple[str, int, int]]]:
    """Of each row its cells, each with its place in the table's text."""
    at = 0
    for line in table.split("\n"):
        if not _LINE.match(line):
            yield list(_cells(line, at))
        at += len(line) + 1


def _cells(line: str, at: int) -> Iterator[tuple[str, int, int]]:
    start = 1
    for end in (found.start() for found in re.finditer(r"\|", line) if found.start() > 0):
        cell = line[start:end]
        left = len(cell) - len(cell.lstrip())
        text = cell.strip()
        yield text, at + start + left, at + start + left + len(text)
        start = end + 1
