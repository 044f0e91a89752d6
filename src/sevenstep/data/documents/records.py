"""Files of records: of each row the columns that are meant, found by the names the spec gives or by the usual ones."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from sevenstep.data.locations import Place
from sevenstep.data.naming import did_you_mean
from sevenstep.data.quarantine import Quarantine
from sevenstep.data.record import Record
from sevenstep.data.sources import read_place
from sevenstep.errors import InputError
from sevenstep.spec.sources import Source

__all__ = ["as_text", "column_of", "read_records"]


def read_records(
    place: Place, key: str, kind: str | None, encoding: str | None, record: Record, quarantine: Quarantine
) -> pl.DataFrame:
    """The rows of a file of ``data.KEY``; raises `InputError` as `sources.read_source` does."""
    source = Source.model_validate({"path": place.label, "format": kind, "encoding": encoding})
    return read_place(place, key, source, record, quarantine)


def column_of(frame: pl.DataFrame, asked: str | None, usual: Sequence[str], key: str, *, needed: bool) -> str | None:
    """The column of ``data.KEY`` that is meant: the one asked for, else the first of the usual ones that is there.

    Raises:
        InputError: ``DATA-NO-COLUMN``, the one asked for is not there, or none is that is needed.
    """
    if asked is not None:
        if asked not in frame.columns:
            given = f"'{asked}' is no column of the file of data.{key}"
            raise InputError("DATA-NO-COLUMN", given, f"data.{key} names its columns", did_you_mean(asked, frame.columns))
        return asked
    found = next((name for name in usual if name in frame.columns), None)
    if found is None and needed:
        given = f"the file of data.{key} has no column {' or '.join(usual)}, but {', '.join(frame.columns)}"
        name = key.rpartition(".")[2]
        raise InputError("DATA-NO-COLUMN", given, "one of them is read unless the spec names another", f"name it in data.{name}")
    return found


def as_text(frame: pl.DataFrame, column: str) -> list[str | None]:
    """A column as text, whole numbers without a decimal point, blanks as None."""
    series = frame[column]
    if series.dtype.is_float() and bool((series == series.round(0)).fill_null(True).all()):
        series = series.cast(pl.Int64, strict=False)
    texts = series.cast(pl.String) if not series.dtype.is_nested() else pl.Series([str(value) for value in series.to_list()])
    return [text if text is not None and text.strip() else None for text in texts.to_list()]
