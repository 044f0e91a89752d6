"""Rows of a request checked against what a model needs, by readers chosen once when the model is loaded.

Where the values fit as JSON gave them, which is nearly always, rows pass as they are; only where one does not is it converted, or
the row and field at fault sought to be named.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from sevenstep.data.naming import did_you_mean
from sevenstep.errors import CollectedErrors, InputError

__all__ = ["Reader", "Readers", "Row"]

Row = Mapping[str, Any]
"""A row as JSON gives it, by field."""

_MOST_TOLD = 20  # faults of a request that are told
_LONGEST = 60  # characters of a value that are shown
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


@dataclass(frozen=True)
class Reader:
    """How the values of one column are read.

    Args:
        word: what the column holds, in the words of the spec.
        kind: type of the column in a frame.
        plain: JSON types whose values are taken as they are.
        convert: makes a value of another JSON type one of the column; raises ValueError where it is none.
    """

    word: str
    kind: pl.DataType
    plain: frozenset[type]
    convert: Callable[[Any], Any]

    def read(self, value: Any) -> Any:
        """The value as the column holds it; raises ValueError where it is none of its kind."""
        return value if type(value) in self.plain else self.convert(value)


def _no_other(value: Any) -> Any:
    raise ValueError(value)


def _whole(value: Any) -> int:
    """Whole numbers, which tools with no whole numbers beside missing ones write as 3.0."""
    if type(value) not in (int, float) or value != int(value) or not _SMALLEST <= value <= _LARGEST:
        raise ValueError(value)
    return int(value)


def _bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, binascii.Error) as error:
        raise ValueError(value) from error


def _date(value: Any) -> date:
    moment = _moment(value)
    if (moment.hour, moment.minute, moment.second, moment.microsecond) != (0, 0, 0, 0):
        raise ValueError(value)
    return moment.date()


def _moment(value: Any) -> datetime:
    if not isinstance(value, str):
        raise ValueError(value)
    return datetime.fromisoformat(value)


def _in_zone(zone: str | None) -> Callable[[Any], datetime]:
    """Times with a zone become those of the data's own zone, which their column does not name."""
    place = ZoneInfo(zone) if zone else UTC

    def read(value: Any) -> datetime:
        moment = _moment(value)
        return moment if moment.tzinfo is None else moment.astimezone(place).replace(tzinfo=None)

    return read


_NOTHING = type(None)


def _reader(kind: str, timezone: str | None) -> Reader:
    """The reader of a column by its type in the model's input schema."""
    if kind.startswith("Float"):
        return Reader("number", pl.Float64(), frozenset((float, int, _NOTHING)), _no_other)
    if kind.startswith(("Int", "UInt")):
        return Reader("integer", pl.Int64(), frozenset((_NOTHING,)), _whole)
    if kind == "Boolean":
        return Reader("boolean", pl.Boolean(), frozenset((bool, _NOTHING)), _no_other)
    if kind == "Date":
        return Reader("date", pl.Date(), frozenset((_NOTHING,)), _date)
    if kind.startswith("Datetime"):
        return Reader("datetime", pl.Datetime("us"), frozenset((_NOTHING,)), _in_zone(timezone))
    if kind == "Binary":
        return Reader("base64", pl.Binary(), frozenset((_NOTHING,)), _bytes)
    return Reader("text", pl.String(), frozenset((str, _NOTHING)), _no_other)


_HINTS = {
    "number": "write the number without quotes, or null where it is not known",
    "integer": "write the whole number without quotes, or null where it is not known",
    "boolean": "write true or false, or null where it is not known",
    "date": 'write "2026-05-31"',
    "datetime": 'write "2026-05-31T14:00:00"',
    "base64": "write the file's bytes as base64 text",
    "text": "write the value in quotes, or null where it is not known",
}


class Readers:
    """The readers of a model's input schema.

    Args:
        schema: columns with their types in words, as `Model.input_schema` gives them.
        timezone: zone of the data's times, as the spec names it.
    """

    def __init__(self, schema: Mapping[str, str], timezone: str | None = None) -> None:
        self.readers = {name: _reader(kind, timezone) for name, kind in schema.items()}
        self.kinds = {name: reader.kind for name, reader in self.readers.items()}
        self.files = any(kind == pl.Binary for kind in self.kinds.values())
        """Whether rows hold files."""
        self._plain = [(name, reader.plain) for name, reader in self.readers.items()]

    def rows(self, given: Sequence[Row]) -> Sequence[Row]:
        """The rows with every field of the schema as its column holds it; what else they have is of no account.

        Raises:
            InputError: ``ROW-FIELD``, a row lacks a field; ``ROW-TYPE``, a value is of another type; all faults at once.
        """
        try:
            for row in given:
                for name, plain in self._plain:
                    if type(row[name]) not in plain:
                        return [{name: reader.read(row[name]) for name, reader in self.readers.items()} for row in given]
        except (KeyError, ValueError, OverflowError):
            raise _told(self._faults(given)) from None
        return given

    def frame(self, rows: Sequence[Row]) -> pl.DataFrame:
        """Checked rows as a frame of the schema's types."""
        return pl.from_dicts(rows, schema=self.kinds)

    def _faults(self, rows: Sequence[Row]) -> list[InputError]:
        faults = []
        for number, row in enumerate(rows):
            for name, reader in self.readers.items():
                fault = _fault(number, name, reader, row)
                if fault is not None:
                    faults.append(fault)
                if len(faults) == _MOST_TOLD:
                    return faults
        return faults


def _fault(number: int, name: str, reader: Reader, row: Row) -> InputError | None:
    """What is wrong with one field of one row, or None."""
    where = f"row {number + 1}, field {name}"
    if name not in row:
        others = did_you_mean(name, row) if row else "there is none to choose from"
        fix = f"give '{name}', or null where it is not known"
        fix = f"{fix}; {others}" if others.startswith("did you mean") else fix
        return InputError("ROW-FIELD", f"'{name}' is not given", "a row has every field of the model's inputs", fix, where=where)
    try:
        reader.read(row[name])
    except (ValueError, OverflowError):
        given = f"'{name}' is {_shown(row[name])}"
        return InputError("ROW-TYPE", given, f"it holds {_article(reader.word)}", _HINTS[reader.word], where=where)
    return None


def _told(faults: Sequence[InputError]) -> InputError:
    return faults[0] if len(faults) == 1 else CollectedErrors(faults)


def _shown(value: Any) -> str:
    text = repr(value) if not isinstance(value, bool) else str(value).lower()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _article(word: str) -> str:
    return {"text": "text", "base64": "base64 text", "integer": "an integer"}.get(word, f"a {word}")
