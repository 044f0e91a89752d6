"""Small PDF, Word, PowerPoint and Excel files with known content, made without a printer."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import xlsxwriter

Line = tuple[float, float, str]


def pdf(pages: Sequence[Sequence[Line]], title: str = "") -> bytes:
    """A PDF whose pages hold lines ``(x, y, text)`` in points, set in Helvetica."""
    objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for lines in pages:
        shown = "".join(f"BT /F1 12 Tf {x} {y} Td ({text}) Tj ET\n" for x, y, text in lines).encode("latin-1")
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(shown), shown))
        content = len(objects)
        resources = "/MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >>"
        page = f"<< /Type /Page /Parent 2 0 R {resources} /Contents {content} 0 R >>"
        objects.append(page.encode())
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>".encode()
    objects.append(f"<< /Title ({title}) >>".encode())
    return _assembled(objects)


def _assembled(objects: Sequence[bytes]) -> bytes:
    file = io.BytesIO()
    file.write(b"%PDF-1.4\n")
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(file.tell())
        file.write(b"%d 0 obj\n%s\nendobj\n" % (number, content))
    start = file.tell()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    file.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}".encode())
    file.write(
        f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info {len(objects)} 0 R >>\nstartxref\n{start}\n%%EOF".encode()
    )
    return file.getvalue()


def docx(blocks: Sequence[tuple[str, Any]], title: str = "") -> bytes:
    """A Word file of blocks: ``("Heading 1", text)``, ``("", text)`` or ``("table", rows)``."""
    import docx as library

    document = library.Document()
    document.core_properties.title = title
    for style, content in blocks:
        if style == "table":
            table = document.add_table(rows=len(content), cols=len(content[0]))
            for at, row in enumerate(content):
                for column, cell in enumerate(row):
                    table.cell(at, column).text = cell
        else:
            document.add_paragraph(content, style=style or None)
    return _saved(document)


def pptx(slides: Sequence[tuple[str, str, Sequence[Sequence[str]], str]]) -> bytes:
    """A presentation of slides ``(title, text, table rows, notes)``."""
    import pptx as library
    from pptx.util import Inches

    deck = library.Presentation()
    for title, text, rows, notes in slides:
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.shapes.title.text = title
        slide.shapes.add_textbox(Inches(1), Inches(2), Inches(5), Inches(1)).text_frame.text = text
        if rows:
            shape = slide.shapes.add_table(len(rows), len(rows[0]), Inches(1), Inches(4), Inches(5), Inches(1))
            for at, row in enumerate(rows):
                for column, cell in enumerate(row):
                    shape.table.cell(at, column).text = cell
        if notes:
            slide.notes_slide.notes_text_frame.text = notes
    return _saved(deck)


def xlsx(sheets: dict[str, Sequence[Sequence[Any]]]) -> bytes:
    """A workbook of sheets with their rows."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for at, row in enumerate(rows):
            sheet.write_row(at, 0, row)
    book.close()
    return file.getvalue()


def _saved(document: Any) -> bytes:
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()
