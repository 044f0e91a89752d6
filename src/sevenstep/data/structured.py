"""Files that carry their own structure: Parquet, Arrow, JSON, JSON lines, Excel."""

from __future__ import annotations

import io
import json
from typing import Any

import polars as pl

from sevenstep.data.locations import Place
from sevenstep.data.naming import did_you_mean
from sevenstep.data.payload import read_bytes
from sevenstep.errors import InputError

__all__ = ["read_arrow", "read_excel", "read_json", "read_json_lines", "read_parquet"]


def read_parquet(place: Place) -> pl.DataFrame:
    """A Parquet file as it stands; raises ``DATA-BROKEN`` where it is none."""
    try:
        return pl.read_parquet(place.path if place.path else io.BytesIO(read_bytes(place)))
    except pl.exceptions.ComputeError as error:
        raise _broken(place, "Parquet", error) from error


def read_arrow(place: Place) -> pl.DataFrame:
    """An Arrow IPC (Feather) file as it stands; raises ``DATA-BROKEN`` where it is none."""
    try:
        return pl.read_ipc(io.BytesIO(read_bytes(place)))
    except pl.exceptions.ComputeError as error:
        raise _broken(place, "Arrow", error) from error


def read_json_lines(place: Place) -> pl.DataFrame:
    """One JSON object a line; fields that some lines lack are null. Raises ``DATA-JSON`` with the line at fault."""
    text = _json_text(place)
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            rows.append(_loaded(line, place, number))
    return _from_rows(rows, place)


def read_json(place: Place) -> pl.DataFrame:
    """A JSON array of objects, or an object whose one list is that array; a file of JSON lines is told and read as such.

    Raises:
        InputError: ``DATA-JSON`` where it is neither, with the line at fault.
    """
    text = _json_text(place)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and text.lstrip().startswith("{"):
            return read_json_lines(place)
        raise _json_error(place, error.lineno, error) from error
    if isinstance(value, dict):
        lists = [item for item in value.values() if isinstance(item, list)]
        value = lists[0] if len(lists) == 1 else [value]
    return _from_rows(value, place)


def _json_text(place: Place) -> str:
    try:
        return read_bytes(place).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            "DATA-ENCODING", f"'{place.label}' is not UTF-8 ({error})", "JSON must be UTF-8 (RFC 8259)", "convert the file"
        ) from error


def _loaded(line: str, place: Place, number: int) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise _json_error(place, number, error) from error


def _json_error(place: Place, line: int, error: Exception) -> InputError:
    given = f"'{place.label}' is no JSON at line {line} ({error})"
    return InputError("DATA-JSON", given, "it must hold an array of objects or one object a line", "export it again")


def _from_rows(rows: Any, place: Place) -> pl.DataFrame:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        given = f"'{place.label}' holds something other than a list of objects"
        raise InputError("DATA-JSON", given, "each row must be an object of column and value", "write [{...}, {...}]")
    return pl.DataFrame(rows, infer_schema_length=None, strict=False)


def read_excel(place: Place, sheet: str | None) -> pl.DataFrame:
    """A sheet of a workbook (the first by default), with the types of its cells.

    Raises:
        InputError: ``DATA-SHEET`` when the sheet is not there, ``DATA-BROKEN`` when the file is no workbook.
    """
    import fastexcel

    content = read_bytes(place)
    try:
        names = fastexcel.read_excel(content).sheet_names
    except fastexcel.FastExcelError as error:
        raise _broken(place, "Excel", error) from error
    if sheet is not None and sheet not in names:
        given = f"'{place.label}' has no sheet '{sheet}'"
        raise InputError("DATA-SHEET", given, "'sheet' must name one of the workbook's", did_you_mean(sheet, names))
    return pl.read_excel(io.BytesIO(content), sheet_name=sheet or names[0], raise_if_empty=False, infer_schema_length=None)


def _broken(place: Place, kind: str, error: Exception) -> InputError:
    reason = str(error).split("\n", 1)[0]
    given = f"'{place.label}' cannot be read as {kind} ({reason})"
    rule = "its content must be what its name or 'format' says"
    return InputError("DATA-BROKEN", given, rule, "set 'format' or export it again")
