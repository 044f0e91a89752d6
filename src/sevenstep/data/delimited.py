"""Text files with delimiters (CSV, TSV and kin), read as text: what a value means is decided later, by column (`coercion`)."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter

import polars as pl

from sevenstep.data.encodings import encoding_of
from sevenstep.data.locations import Place
from sevenstep.data.payload import read_bytes
from sevenstep.data.quarantine import Quarantine
from sevenstep.data.record import Record
from sevenstep.errors import InputError
from sevenstep.spec.sources import Source

__all__ = ["delimiter_of", "read_delimited"]

_DELIMITERS = (",", ";", "\t", "|")
_NAMES = {"\t": "a tab", " ": "a space"}
_RAGGED_SHARE = 0.01
"""More ragged lines than this share (and than three) and the file is refused: it is not a stray line, it is the wrong reading."""


def read_delimited(place: Place, name: str, source: Source, record: Record, quarantine: Quarantine) -> pl.DataFrame:
    """All columns of the file as text; encoding and delimiter are found out unless the spec gives them.

    Lines with more fields than the header go to the quarantine.

    Raises:
        InputError: ``DATA-EMPTY``, ``DATA-ENCODING``, ``DATA-DELIMITER``, ``DATA-RAGGED`` or ``DATA-HEADER``.
    """
    content = read_bytes(place)
    found = encoding_of(content)
    encoding = source.encoding or found
    text = _as_utf8(content, encoding, found, place)
    if encoding not in ("utf-8", "utf-8-sig"):
        record.add("decoded", f"'{place.label}' is read as {encoding}", source=name, encoding=encoding)
    delimiter = _checked_delimiter(_head(text), source.delimiter, place)
    if delimiter != ",":
        said = _NAMES.get(delimiter, f"'{delimiter}'")
        record.add("delimiter", f"'{place.label}' has {said} between its columns", source=name, delimiter=delimiter)
    _check_header(_head(text), delimiter, place)
    return _frame(text, delimiter, name, place, quarantine)


def _as_utf8(content: bytes, encoding: str, found: str, place: Place) -> bytes:
    if encoding in ("utf-8", "utf-8-sig") and encoding == found:
        return content.removeprefix(codecs.BOM_UTF8)
    try:
        return content.decode(encoding).removeprefix("\ufeff").encode()
    except (UnicodeDecodeError, LookupError) as error:
        given = f"'{place.label}' does not read as encoding '{encoding}' ({error})"
        fix = f"leave 'encoding' out, or set encoding: {found}"
        raise InputError("DATA-ENCODING", given, "'encoding' must be the one the file was written in", fix) from error


def _head(content: bytes) -> list[str]:
    """The first lines, without a last one that was cut."""
    text = content[:65536].decode(errors="replace")
    lines = text.splitlines()
    return lines[:50] if len(content) <= 65536 else lines[:-1][:50]


def delimiter_of(lines: list[str]) -> str:
    """The delimiter that gives the most lines the same number of fields (two at least); a comma where none does."""
    counts = {delimiter: _widths(lines, delimiter) for delimiter in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda delimiter: (counts[delimiter][1], counts[delimiter][0]))
    return best if counts[best][0] > 1 else ","


def _widths(lines: list[str], delimiter: str) -> tuple[int, int]:
    """Number of fields in the header, and how many lines have as many (0 where it is a single field)."""
    widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
    if not widths or widths[0] < 2:
        return 1, 0
    return widths[0], Counter(widths)[widths[0]]


def _checked_delimiter(lines: list[str], given: str | None, place: Place) -> str:
    found = delimiter_of(lines)
    delimiter = given or found
    header = lines[0]
    single = _widths(lines, delimiter)[0] == 1
    other = found if found != delimiter else next((sign for sign in ("^", "~", ":", "  ") if sign in header), None)
    if single and other is not None and (given or other != ","):
        said = _NAMES.get(delimiter, repr(delimiter))
        says = f"read with {said} between columns, '{place.label}' has one column, '{header[:60]}'"
        fix = f"set delimiter: {other!r}" if other.strip() or other == "\t" else "write the file with ',' between columns"
        raise InputError("DATA-DELIMITER", says, "the delimiter must part the header into columns", fix)
    return delimiter


def _check_header(lines: list[str], delimiter: str, place: Place) -> None:
    header = next(csv.reader(lines[:1], delimiter=delimiter))
    twice = [column for column, count in Counter(column.strip() for column in header).items() if count > 1 and column]
    if twice:
        given = f"the header of '{place.label}' names column '{twice[0]}' {header.count(twice[0])} times"
        raise InputError("DATA-HEADER", given, "column names must differ", "rename one of them")


def _frame(text: bytes, delimiter: str, name: str, place: Place, quarantine: Quarantine) -> pl.DataFrame:
    try:
        return _parse(text, delimiter)
    except pl.exceptions.ComputeError as error:
        rows, ragged = _split_ragged(text, delimiter)
        if not ragged or len(ragged) > max(3, _RAGGED_SHARE * len(rows)):
            raise _ragged_error(place, ragged, len(rows), error) from error
        quarantine.set_aside_text(name, ragged, code="DATA-RAGGED")
        kept = io.StringIO()
        csv.writer(kept, delimiter=delimiter, lineterminator="\n").writerows(rows)
        return _parse(kept.getvalue().encode(), delimiter)


def _parse(text: bytes, delimiter: str) -> pl.DataFrame:
    return pl.read_csv(text, separator=delimiter, infer_schema=False)


def _split_ragged(text: bytes, delimiter: str) -> tuple[list[list[str]], list[tuple[int, str, str]]]:
    """The rows as wide as the header (shorter ones are filled up), and the longer ones with their line numbers."""
    reader = csv.reader(io.StringIO(text.decode(), newline=""), delimiter=delimiter)
    rows = [next(reader)]
    width, ragged = len(rows[0]), []
    for row in reader:
        if len(row) > width:
            reason = f"line {reader.line_num} has {len(row)} fields where the header has {width}"
            ragged.append((reader.line_num, reason, delimiter.join(row)))
        elif row:
            rows.append(row + [""] * (width - len(row)))
    return rows, ragged


def _ragged_error(place: Place, ragged: list[tuple[int, str, str]], good: int, error: Exception) -> InputError:
    where = ragged[0][1] if ragged else str(error).split("\n", 1)[0]
    given = f"'{place.label}' has {len(ragged)} ragged lines beside {good - 1} good ones ({where})"
    fix = "check the delimiter and put values that contain it in double quotes"
    return InputError("DATA-RAGGED", given, "every line must have as many fields as the header", fix)
