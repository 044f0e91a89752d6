"""PDF files: the text of each page, with what is aligned in columns kept as tables."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sevenstep.data.documents.parsed import Parsed, Writer
from sevenstep.data.documents.refused import Refused

__all__ = ["read_pdf"]

_lock = threading.Lock()  # PDFium is not safe for several threads of one process
_MOST_PAGES = 20_000
_ALIGNED = 4.0  # points by which the left edges of a column may differ
_SAME_LINE = 0.5  # share of a line's height by which texts of one line may be shifted
_PASSWORD = 4  # FPDF_ERR_PASSWORD


@dataclass(frozen=True)
class _Cell:
    """A run of text on a page, in points from its lower left corner."""

    left: float
    right: float
    bottom: float
    top: float
    text: str


def read_pdf(content: bytes) -> Parsed:
    """The text of each page in the order of its lines.

    Lines of two or more runs that begin at the same places in at least three lines in a row are a table.

    Raises:
        Refused: it is encrypted, broken, or holds no text (a scan).
    """
    import pypdfium2  # late: few corpora hold PDF files

    with _lock:
        try:
            document = pypdfium2.PdfDocument(content)
        except pypdfium2.PdfiumError as error:
            raise _refusal(error) from error
        try:
            return _read(document)
        except pypdfium2.PdfiumError as error:
            raise Refused("DOCUMENT-BROKEN", f"its pages cannot be read ({error})") from error
        finally:
            document.close()


def _refusal(error: Any) -> Refused:
    if getattr(error, "err_code", None) == _PASSWORD:
        return Refused("DOCUMENT-ENCRYPTED", "it is encrypted")
    return Refused("DOCUMENT-BROKEN", f"it is no PDF file ({error})")


def _read(document: Any) -> Parsed:
    writer, pages = Writer(), len(document)
    if pages > _MOST_PAGES:
        raise Refused("DOCUMENT-BOMB", f"it has {pages:,} pages, more than {_MOST_PAGES:,}")
    for number in range(pages):
        writer.page = number + 1
        page = document[number]
        try:
            _write_page(page.get_textpage(), writer)
        finally:
            page.close()
    parsed = writer.parsed(str(document.get_metadata_dict().get("Title") or "").strip())
    if not parsed.text:
        raise Refused("DOCUMENT-NO-TEXT", "its pages hold no text, as those of a scan do")
    return parsed


def _write_page(textpage: Any, writer: Writer) -> None:
    lines = _lines(_cells(textpage))
    at = 0
    while at < len(lines):
        end = _table_end(lines, at)
        if end - at >= 3:
            writer.table([[cell.text for cell in line] for line in lines[at:end]])
        else:
            end = _paragraph_end(lines, at)
            writer.block("\n".join(" ".join(cell.text for cell in line) for line in lines[at:end]))
        at = end


def _cells(textpage: Any) -> Iterator[_Cell]:
    for at in range(textpage.count_rects()):
        left, bottom, right, top = textpage.get_rect(at)
        text = " ".join(textpage.get_text_bounded(left, bottom, right, top).split())
        if text:
            yield _Cell(left, right, bottom, top, text)


def _lines(cells: Iterator[_Cell]) -> list[list[_Cell]]:
    """Runs that stand on one line, from left to right; runs that touch are one."""
    lines: list[list[_Cell]] = []
    for cell in sorted(cells, key=lambda one: (-(one.top + one.bottom) / 2, one.left)):
        middle = (cell.top + cell.bottom) / 2
        last = lines[-1][0] if lines else None
        if last is not None and abs((last.top + last.bottom) / 2 - middle) <= _SAME_LINE * (last.top - last.bottom):
            lines[-1].append(cell)
        else:
            lines.append([cell])
    return [_joined(sorted(line, key=lambda one: one.left)) for line in lines]


def _joined(line: Sequence[_Cell]) -> list[_Cell]:
    """Runs parted by less than the height of a letter belong together, as words do."""
    joined = [line[0]]
    for cell in line[1:]:
        last = joined[-1]
        gap = cell.left - last.right
        if gap < 0.8 * (last.top - last.bottom):
            between = "" if gap < 0.1 * (last.top - last.bottom) else " "
            joined[-1] = _Cell(last.left, cell.right, last.bottom, last.top, f"{last.text}{between}{cell.text}")
        else:
            joined.append(cell)
    return joined


def _table_end(lines: Sequence[Sequence[_Cell]], at: int) -> int:
    """The line behind those that begin at the same places as this one."""
    if len(lines[at]) < 2:
        return at
    end = at + 1
    while end < len(lines) and _alike(lines[at], lines[end]):
        end += 1
    return end


def _alike(one: Sequence[_Cell], other: Sequence[_Cell]) -> bool:
    return len(one) == len(other) and all(abs(a.left - b.left) <= _ALIGNED for a, b in zip(one, other, strict=True))


def _paragraph_end(lines: Sequence[Sequence[_Cell]], at: int) -> int:
    """The line before which a gap larger than a line lies, or a table begins."""
    end = at + 1
    while end < len(lines):
        above, below = lines[end - 1][0], lines[end][0]
        if above.bottom - below.top > 1.0 * (above.top - above.bottom) or _table_end(lines, end) - end >= 3:
            break
        end += 1
    return end
