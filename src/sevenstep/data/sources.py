"""Reading one source of the spec, whatever it is, into one frame with a record of how.

The formats live in `delimited`, `structured`, `database` and `pictures`; here they are chosen, and several files become one
table.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from sevenstep.data.database import rows
from sevenstep.data.delimited import read_delimited
from sevenstep.data.locations import DATA_SUFFIXES, Place, database_url, is_picture, locate, plain_suffix
from sevenstep.data.naming import did_you_mean, listed
from sevenstep.data.pictures import picture_table
from sevenstep.data.quarantine import ROW, Quarantine
from sevenstep.data.record import Record
from sevenstep.data.structured import read_arrow, read_excel, read_json, read_json_lines, read_parquet
from sevenstep.errors import InputError
from sevenstep.spec.sources import Source
from sevenstep.wording import counted

__all__ = ["read_place", "read_source"]


def read_source(
    name: str, source: Source, base: Path, record: Record, quarantine: Quarantine, *, needs: Sequence[str] = ()
) -> pl.DataFrame:
    """The source as one frame, its columns named without stray spaces, with the row numbers (from 1) in the column `ROW`.

    Args:
        name: what the spec calls it.
        source: its section of the spec.
        base: folder of the spec.
        record: what was done is added here.
        quarantine: lines that are no rows are added here.
        needs: columns to be kept beside ``source.columns`` (keys, time).

    Raises:
        InputError: whatever is wrong with the source, under a code starting with ``DATA-``.
    """
    frame = _query(source, base) if source.url is not None else _files(name, source, base, record, quarantine)
    if frame.is_empty():
        given = f"source '{name}' has a header and no rows"
        raise InputError("DATA-NO-ROWS", given, "a source must hold rows", "check how it was exported")
    frame = _selected(frame, name, source, needs)
    size = f"{counted(frame.height, 'row')} and {counted(frame.width, 'column')}"
    record.add("read", f"{size} from '{name}'", source=name, rows=frame.height)
    return frame.with_row_index(ROW, offset=1)


def _query(source: Source, base: Path) -> pl.DataFrame:
    columns, found = rows(database_url(source.url or "", base), str(source.query))
    return pl.DataFrame([tuple(row) for row in found], schema=columns, orient="row", infer_schema_length=None, strict=False)


def _files(name: str, source: Source, base: Path, record: Record, quarantine: Quarantine) -> pl.DataFrame:
    places = locate(source.path or [], base)
    if all(is_picture(place) for place in places):
        return picture_table(places)
    frames = [read_place(place, name, source, record, quarantine) for place in places]
    if len(frames) == 1:
        return frames[0]
    _record_alignment(name, places, frames, record)
    return _stacked(frames)


def read_place(place: Place, name: str, source: Source, record: Record, quarantine: Quarantine) -> pl.DataFrame:
    """One file of a source as one frame, its columns named without stray spaces; raises as `read_source` does."""
    return _clean_names(_read(place, name, source, record, quarantine), place)


def _read(place: Place, name: str, source: Source, record: Record, quarantine: Quarantine) -> pl.DataFrame:
    kind = source.format or DATA_SUFFIXES.get(plain_suffix(place.label))
    match kind:
        case "csv" | "tsv":
            return read_delimited(place, name, source, record, quarantine)
        case "parquet":
            return read_parquet(place)
        case "arrow":
            return read_arrow(place)
        case "jsonl":
            return read_json_lines(place)
        case "json":
            return read_json(place)
        case "excel":
            return read_excel(place, source.sheet)
    kinds = sorted(set(DATA_SUFFIXES.values()))
    given = f"'{place.label}' has the unknown format '{source.format or plain_suffix(place.label) or 'none'}'"
    fix = f"set format: {kinds[0]} or another of them"
    raise InputError("DATA-FORMAT", given, f"a format must be one of {listed(kinds)}", fix)


def _clean_names(frame: pl.DataFrame, place: Place) -> pl.DataFrame:
    """Column names without spaces and byte order marks at their ends; unnamed index columns keep a name of their own."""
    cleaned = [column.replace("\ufeff", "").strip() or f"column_{number}" for number, column in enumerate(frame.columns, start=1)]
    twice = next((column for column in cleaned if cleaned.count(column) > 1), None)
    if twice is not None:
        given = f"'{place.label}' has two columns named '{twice}' but for spaces"
        raise InputError("DATA-HEADER", given, "column names must differ", "rename one of them")
    return frame.rename(dict(zip(frame.columns, cleaned, strict=True)))


def _record_alignment(name: str, places: Sequence[Place], frames: Sequence[pl.DataFrame], record: Record) -> None:
    everything = list(dict.fromkeys(column for frame in frames for column in frame.columns))
    for place, frame in zip(places, frames, strict=True):
        absent = [column for column in everything if column not in frame.columns]
        said = f"; it has no {listed(absent)}, null there" if absent else ""
        text = f"'{place.label}' gives {counted(frame.height, 'row')} to '{name}'{said}"
        record.add("stacked", text, source=name, rows=frame.height, absent=absent)


def _stacked(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The rows of all files under the union of their columns; a column of unlike kinds becomes text, to be typed as a whole."""
    unlike = [column for column in dict.fromkeys(c for frame in frames for c in frame.columns) if _kinds(column, frames) > 1]
    as_text = [frame.with_columns(pl.col([c for c in unlike if c in frame.columns]).cast(pl.String)) for frame in frames]
    return pl.concat(as_text, how="diagonal_relaxed", rechunk=True)


def _kinds(column: str, frames: Sequence[pl.DataFrame]) -> int:
    dtypes = [frame.schema[column] for frame in frames if column in frame.columns]
    return len({"number" if dtype.is_numeric() else "time" if dtype.is_temporal() else str(dtype) for dtype in dtypes} - {"Null"})


def _selected(frame: pl.DataFrame, name: str, source: Source, needs: Sequence[str]) -> pl.DataFrame:
    if not source.columns:
        return frame
    wanted = list(dict.fromkeys([*needs, *source.columns]))
    for column in source.columns:
        if column not in frame.columns:
            given = f"source '{name}' has no column '{column}'"
            fix = did_you_mean(column, frame.columns)
            raise InputError("DATA-NO-COLUMN", given, "'columns' must name columns of the source", fix)
    return frame.select(column for column in wanted if column in frame.columns)
