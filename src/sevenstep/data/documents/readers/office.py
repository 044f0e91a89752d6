"""Word, Excel and PowerPoint files (the XML formats): sections, sheets and slides, tables as tables."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sevenstep.data.documents.archives import check_packed
from sevenstep.data.documents.parsed import Parsed, Writer
from sevenstep.data.documents.refused import Refused

__all__ = ["read_docx", "read_pptx", "read_xlsx"]

_MOST_CELLS = 5_000_000
_FAULTS: tuple[type[Exception], ...] = (
    KeyError, ValueError, TypeError, AttributeError, IndexError, OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What reading a file raises that is a package but not the one it says."""


def read_docx(content: bytes) -> Parsed:
    """The body of a Word file: headings by their style, paragraphs, lists, tables.

    Raises:
        Refused: it is none, is encrypted, or grows beyond measure.
    """
    from docx.opc.exceptions import OpcError
    from lxml.etree import LxmlError

    check_packed(content, "docx")
    return _opened(lambda: _word(content), "docx", OpcError, LxmlError)


def read_pptx(content: bytes) -> Parsed:
    """The slides, a page each: its title, its texts from top to bottom, its tables, its notes."""
    from lxml.etree import LxmlError
    from pptx.exc import PythonPptxError

    check_packed(content, "pptx")
    return _opened(lambda: _slides(content), "pptx", PythonPptxError, LxmlError)


def read_xlsx(content: bytes) -> Parsed:
    """The sheets, a section each, blocks of rows parted by an empty one as tables."""
    import fastexcel  # late: few corpora hold workbooks

    check_packed(content, "xlsx")
    return _opened(lambda: _sheets(content), "xlsx", fastexcel.FastExcelError)


def _opened(read: Callable[[], Parsed], kind: str, *faults: type[Exception]) -> Parsed:
    """What is read; whatever a library raises on a file that is not what it says is one reason."""
    try:
        parsed = read()
    except (*_FAULTS, *faults) as error:
        raise Refused("DOCUMENT-BROKEN", f"it is no {kind.upper()} file ({str(error)[:120]})") from error
    if not parsed.text:
        raise Refused("DOCUMENT-NO-TEXT", "it holds no text")
    return parsed


def _word(content: bytes) -> Parsed:
    import docx  # late: few corpora hold Word files
    from docx.table import Table

    document = docx.Document(io.BytesIO(content))
    writer = Writer()
    for block in document.iter_inner_content():
        if isinstance(block, Table):
            writer.table([[cell.text for cell in row.cells] for row in block.rows])
        else:
            _paragraph(block, writer)
    about = document.core_properties
    return writer.parsed((about.title or "").strip())


def _paragraph(paragraph: Any, writer: Writer) -> None:
    style = str(paragraph.style.name if paragraph.style is not None else "")
    if style.startswith("Heading ") and style[8:].isdigit():
        writer.heading(paragraph.text, int(style[8:]))
    elif style == "Title":
        writer.heading(paragraph.text, 0)
    else:
        writer.block(f"- {paragraph.text}" if style.startswith("List") and paragraph.text.strip() else paragraph.text)


def _slides(content: bytes) -> Parsed:
    import pptx  # late: few corpora hold presentations

    deck = pptx.Presentation(io.BytesIO(content))
    writer = Writer()
    for number, slide in enumerate(deck.slides, start=1):
        writer.page = number
        title = slide.shapes.title
        if title is not None and title.text.strip():
            writer.heading(title.text, 1)
        for shape in _shapes(slide.shapes):
            if title is not None and shape.shape_id == title.shape_id:
                continue
            if getattr(shape, "has_table", False) and shape.has_table:
                writer.table([[cell.text for cell in row.cells] for row in shape.table.rows])
            elif shape.has_text_frame:
                writer.block(shape.text_frame.text)
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            writer.block(slide.notes_slide.notes_text_frame.text)
    return writer.parsed((deck.core_properties.title or "").strip())


def _shapes(shapes: Any) -> Iterator[Any]:
    """All shapes, those in groups too, in the order they are read."""
    for shape in sorted(shapes, key=lambda one: (one.top or 0, one.left or 0)):
        if hasattr(shape, "shapes"):
            yield from _shapes(shape.shapes)
        else:
            yield shape


def _sheets(content: bytes) -> Parsed:
    import fastexcel

    book = fastexcel.read_excel(content)
    writer, cells = Writer(), 0
    for name in book.sheet_names:
        sheet = book.load_sheet(name, header_row=None, dtypes="string")
        cells += sheet.width * sheet.total_height
        if cells > _MOST_CELLS:
            raise Refused("DOCUMENT-BOMB", f"it has more than {_MOST_CELLS:,} cells")
        writer.heading(name, 1)
        _blocks(sheet.to_polars().rows(), writer)
    return writer.parsed()


def _blocks(rows: Iterable[Sequence[str | None]], writer: Writer) -> None:
    """Rows parted by an empty one are tables of their own."""
    block: list[list[str]] = []
    for row in rows:
        texts = [value or "" for value in row]
        if any(texts):
            block.append(texts)
        elif block:
            writer.table(block)
            block = []
    writer.table(block)
