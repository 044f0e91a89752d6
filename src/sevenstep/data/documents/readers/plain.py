"""Plain text and Markdown: paragraphs, headings and tables as they are written."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sevenstep.data.documents.heads import front_matter
from sevenstep.data.documents.parsed import Parsed, Writer
from sevenstep.data.documents.refused import Refused
from sevenstep.data.encodings import encoding_of

__all__ = ["decoded", "read_markdown", "read_text"]

_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*\s*$")
_RULE = re.compile(r"\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$")
_FENCE = re.compile(r"\s*(```|~~~)")


def decoded(content: bytes, encoding: str | None) -> str:
    """The text of a file, its lines ended by ``\\n``; in ``encoding``, or in the one its bytes tell.

    Raises:
        Refused: it does not read so, or is no text.
    """
    name = encoding or encoding_of(content)
    try:
        text = content.decode(name)
    except (UnicodeDecodeError, LookupError) as error:
        raise Refused("DOCUMENT-ENCODING", f"it does not read as encoding '{name}'") from error
    if text.count("\0") > len(text) // 100:
        raise Refused("DOCUMENT-FORMAT", "it is no text")
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def read_text(content: bytes, encoding: str | None) -> Parsed:
    """A text of paragraphs parted by blank lines; pages where it has form feeds."""
    writer, text = Writer(), decoded(content, encoding)
    pages = text.split("\f")
    for number, page in enumerate(pages, start=1):
        writer.page = number if len(pages) > 1 else None
        for paragraph in re.split(r"\n[ \t]*\n", page):
            writer.block(paragraph)
    return writer.parsed()


def read_markdown(content: bytes, encoding: str | None) -> Parsed:
    """A Markdown text: its front matter as tags, headings, tables, and the rest as it is written."""
    tags, body = front_matter(decoded(content, encoding))
    writer = Writer()
    lines = body.split("\n")
    at = 0
    while at < len(lines):
        at = _block(lines, at, writer)
    return writer.parsed(str(tags.get("title") or ""), tags)


def _block(lines: Sequence[str], at: int, writer: Writer) -> int:
    """Write the block that starts in a line; returns the line behind it."""
    line = lines[at]
    if not line.strip():
        return at + 1
    if heading := _HEADING.match(line):
        writer.heading(heading[2], len(heading[1]))
        return at + 1
    if "|" in line and at + 1 < len(lines) and "|" in lines[at + 1] and _RULE.match(lines[at + 1]):
        return _table(lines, at, writer)
    end = _fenced(lines, at) if _FENCE.match(line) else _paragraph(lines, at)
    writer.block("\n".join(lines[at:end]))
    return end


def _table(lines: Sequence[str], at: int, writer: Writer) -> int:
    end = at + 2
    while end < len(lines) and "|" in lines[end]:
        end += 1
    rows = [line.strip().strip("|").split("|") for line in (lines[at], *lines[at + 2 : end])]
    writer.table(rows)
    return end


def _fenced(lines: Sequence[str], at: int) -> int:
    closing = (end for end in range(at + 1, len(lines)) if _FENCE.match(lines[end]))
    return next(closing, len(lines) - 1) + 1


def _paragraph(lines: Sequence[str], at: int) -> int:
    end = at + 1
    while end < len(lines) and lines[end].strip() and not _HEADING.match(lines[end]) and not _FENCE.match(lines[end]):
        end += 1
    return end
