"""What the values of a column are: text becomes numbers, times and booleans; typed columns become canonical.

The canonical types are Int64, Float64, String, Boolean, Date and Datetime(us); lists, structs and bytes pass through. Every
change is recorded. A value that cannot be read becomes null with an entry in the record; in a column that cannot do without
it (target, time, key) its row goes to the quarantine.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import polars as pl

from sevenstep.data.naming import listed
from sevenstep.data.numerals import read_numbers
from sevenstep.data.quarantine import ROW, Quarantine
from sevenstep.data.record import Record
from sevenstep.data.times import TimeReading, from_integers, read_times, to_naive
from sevenstep.data.vast import kept
from sevenstep.wording import counted

__all__ = ["MISSING_MARKS", "Expected", "coerce"]

MISSING_MARKS = frozenset(
    ("", "-", "--", ".", "?", "#n/a", "#na", "#div/0!", "#value!", "n/a", "na", "nan", "nat", "nil", "none", "null", "(null)")
)
"""Marks that mean "no value" among numbers or times (lower case); in a column of words they may be words, and stay."""

_MOST = 0.95
"""A column of text is one of numbers when this share of its distinct values are numbers (for a target, half of them)."""

_TIMES: dict[str, pl.DataType] = {"date": pl.Date(), "datetime": pl.Datetime("us")}
_TRUE, _FALSE = ("true",), ("false",)
_YES = ("true", "t", "yes", "y", "1", "1.0", "ja", "oui", "si", "sí", "예", "네")
_NO = ("false", "f", "no", "n", "0", "0.0", "nein", "non", "아니오", "아니요")
_NAMES: tuple[tuple[type[pl.DataType], str], ...] = (
    (pl.Int64, "integer"),
    (pl.Float64, "number"),
    (pl.String, "text"),
    (pl.Boolean, "boolean"),
    (pl.Date, "date"),
    (pl.Datetime, "datetime"),
)


@dataclass(frozen=True)
class Expected:
    """What the spec says about the columns of a source.

    Args:
        targets: columns whose unreadable values cost the row, and whose text is taken for numbers where half of it is.
        times: columns that must be times (or integer steps).
        keys: columns that must be there in every row.
        types: type by column, as the spec gives it.
        missing: texts that mean a missing value, in any column.
        timezone: zone of times that carry none.
    """

    targets: Collection[str] = ()
    times: Collection[str] = ()
    keys: Collection[str] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    missing: Collection[str] = ()
    timezone: str | None = None

    def essential(self, column: str) -> bool:
        """Whether a row is worthless where this column cannot be read."""
        return column in self.targets or column in self.times or column in self.keys


@dataclass(frozen=True)
class _Reading:
    """A column read: ``values``, the texts that could not be read (``failed`` marks them), what to say, and a caution."""

    values: pl.Series
    failed: pl.Series | None = None
    notes: tuple[str, ...] = ()


def coerce(frame: pl.DataFrame, name: str, expected: Expected, record: Record, quarantine: Quarantine) -> pl.DataFrame:
    """The frame in canonical types, without the rows that lost a target, time or key to an unreadable value.

    Args:
        frame: a source as read, with the column `ROW`.
        name: name of the source, for the record.
        expected: what the spec says about its columns.
        record: conversions are added here: column, from, to, how many failed.
        quarantine: rows with an unreadable essential value are added here.
    """
    made, lost = [frame[ROW].rechunk()], pl.repeat(False, frame.height, eager=True)
    for column in frame.columns:
        if column == ROW:
            continue
        series = frame[column].rechunk()
        reading = _finite(_read(_without_missing(series, expected.missing), column, expected))
        _record_change(series, reading, name, record)
        made.append(reading.values.alias(column))
        if reading.failed is not None and expected.essential(column):
            new = reading.failed & ~lost
            _set_aside(frame.filter(new), name, column, reading.values.dtype, quarantine)
            lost = lost | new
    return kept(pl.DataFrame(made), ~lost)


def _without_missing(series: pl.Series, missing: Collection[str]) -> pl.Series:
    """Null where a value is one of the ``missing`` texts; text is stripped, and empty text is null."""
    if series.dtype in (pl.Categorical, pl.Enum):
        series = series.cast(pl.String)
    if series.dtype == pl.String:
        stripped = series.str.strip_chars(" \t\r\n\u00a0\ufeff")
        gone = stripped.is_in(["", *missing])
    elif series.dtype.is_numeric() and _as_numbers(missing):
        stripped, gone = series, series.cast(pl.Float64, strict=False).is_in(_as_numbers(missing))
    else:
        return series
    return _blanked(stripped, gone) if gone.any() else stripped


def _blanked(series: pl.Series, gone: pl.Series) -> pl.Series:
    """The series with null where ``gone`` holds."""
    nothing = pl.repeat(None, series.len(), dtype=series.dtype, eager=True)
    return nothing.zip_with(gone.fill_null(False), series).alias(series.name)


def _as_numbers(texts: Collection[str]) -> list[float]:
    read = pl.Series(list(texts), dtype=pl.String).str.strip_chars().cast(pl.Float64, strict=False)
    return [value for value in read.to_list() if value is not None]


def _read(series: pl.Series, column: str, expected: Expected) -> _Reading:
    declared = expected.types.get(column)
    if series.dtype == pl.String:
        if declared is not None:
            return _as_declared(series, declared, expected)
        if column in expected.times:
            return _text_as_time(series, expected.timezone)
        return _guessed(series, target=column in expected.targets, key=column in expected.keys)
    if declared == "text":
        return _Reading(series.cast(pl.String))
    typed = _canonical(series, expected.timezone)
    if column in expected.times and declared not in ("integer", "number"):
        return _steps_or_time(typed)
    return _declared_typed(typed, declared)


def _canonical(series: pl.Series, timezone: str | None) -> _Reading:
    dtype = series.dtype
    if dtype.is_integer() and dtype != pl.UInt64:
        return _Reading(series.cast(pl.Int64))
    if dtype.is_numeric():
        return _Reading(series.cast(pl.Float64))
    if isinstance(dtype, pl.Datetime):
        values, notes = to_naive(series, timezone)
        return _Reading(values, None, notes)
    if isinstance(dtype, pl.Duration):
        return _Reading(series.dt.total_microseconds() / 1_000_000.0, None, ("durations become seconds",))
    return _Reading(series.cast(pl.String)) if dtype in (pl.Time, pl.Null) else _Reading(series)


def _steps_or_time(reading: _Reading) -> _Reading:
    """A time column that is typed: integers that spell dates become dates, whole numbers become integer steps."""
    values = reading.values
    if values.dtype == pl.Float64 and (values.is_finite() & (values == values.round(0))).fill_null(True).all():
        values = values.cast(pl.Int64)
    if values.dtype != pl.Int64:
        return _Reading(values, None, reading.notes)
    spelled: TimeReading | None = from_integers(values)
    return _Reading(values) if spelled is None else _Reading(spelled.values, None, spelled.notes)


def _declared_typed(reading: _Reading, declared: str | None) -> _Reading:
    """A typed column under the type the spec gives it."""
    values = reading.values
    match declared:
        case "number":
            made = values.cast(pl.Float64, strict=False)
        case "integer":
            whole = values.cast(pl.Float64, strict=False)
            made = _blanked(whole, whole != whole.round(0)).cast(pl.Int64, strict=False)
        case "boolean":
            made = values if values.dtype == pl.Boolean else _truth(values.cast(pl.String))
        case "date" | "datetime":
            spelled = from_integers(values) if values.dtype == pl.Int64 else None
            made = (spelled.values if spelled else values).cast(_TIMES[declared], strict=False)
        case _:
            return reading
    return _Reading(made, made.is_null() & values.is_not_null(), reading.notes)


def _as_declared(texts: pl.Series, declared: str, expected: Expected) -> _Reading:
    match declared:
        case "number" | "integer":
            reading = _text_as_number(texts)
            return _declared_typed(reading, declared) if declared == "integer" else _as_float(reading)
        case "boolean":
            told = _unmarked(texts)
            truth = _truth(told)
            return _Reading(truth, truth.is_null() & told.is_not_null())
        case "date" | "datetime":
            reading = _text_as_time(texts, expected.timezone)
            return _Reading(reading.values.cast(_TIMES[declared]), reading.failed, reading.notes)
    return _Reading(texts)


def _as_float(reading: _Reading) -> _Reading:
    return _Reading(reading.values.cast(pl.Float64), reading.failed, reading.notes)


def _truth(texts: pl.Series) -> pl.Series:
    lowered = texts.str.to_lowercase()
    made = pl.when(lowered.is_in(_YES)).then(True).when(lowered.is_in(_NO)).then(False)
    return pl.select(made).to_series().alias(texts.name)


def _unmarked(texts: pl.Series) -> pl.Series:
    """Null in place of the usual marks for "no value"."""
    distinct = texts.unique()
    marks = distinct.filter(distinct.str.to_lowercase().is_in(sorted(MISSING_MARKS)))
    return _blanked(texts, texts.is_in(marks.implode())) if marks.len() else texts


def _text_as_number(texts: pl.Series) -> _Reading:
    texts = _unmarked(texts)
    reading = read_numbers(texts)
    notes = ("decimal commas",) if reading.style == "comma" else ("commas between thousands",) if reading.style == "point" else ()
    caution = ("both 1,234 = 1234 and 1,234 = 1.234 fit; the first was taken",) if reading.ambiguous else ()
    return _Reading(reading.values, reading.values.is_null() & texts.is_not_null(), notes + caution)


def _text_as_time(texts: pl.Series, timezone: str | None) -> _Reading:
    """Times, or the integer steps a text file holds; a text that is neither failed."""
    texts = _unmarked(texts)
    steps = texts.cast(pl.Int64, strict=False)
    if steps.null_count() == texts.null_count():
        return _steps_or_time(_Reading(steps))
    reading = read_times(texts, timezone)
    return _Reading(reading.values, reading.values.is_null() & texts.is_not_null(), reading.notes)


def _guessed(texts: pl.Series, *, target: bool, key: bool) -> _Reading:
    """What a column of text holds by its distinct values: numbers, true and false, dates, or words."""
    distinct = _unmarked(texts.unique()).drop_nulls()
    if distinct.is_empty():
        return _Reading(texts)
    numbers = read_numbers(distinct).values
    share = 1 - numbers.null_count() / distinct.len()
    if share >= (1.0 if key else 0.5 if target else _MOST) and not _is_code(distinct):
        return _text_as_number(texts)
    if not target and distinct.str.to_lowercase().is_in(_TRUE + _FALSE).all():
        return _Reading(_truth(_unmarked(texts)))
    if share == 0 and not target and read_times(distinct.head(50), "UTC").values.null_count() == 0:
        reading = _text_as_time(texts, "UTC")
        if reading.failed is not None and not reading.failed.any():
            return reading
    return _Reading(texts)


def _is_code(distinct: pl.Series) -> bool:
    """Digits that are no quantity: with leading zeros, or longer than an integer can be."""
    return bool(distinct.str.contains(r"^0\d+$").any()) or bool(distinct.str.contains(r"^\d{19,}$").any())


def _finite(reading: _Reading) -> _Reading:
    """Without infinities (which count as unreadable) and with null in place of not-a-number."""
    values = reading.values
    if values.dtype != pl.Float64:
        return reading
    values = values.fill_nan(None) if values.is_nan().any() else values
    infinite = values.is_infinite().fill_null(False)
    failed = infinite if reading.failed is None else reading.failed | infinite
    if not infinite.any():
        return _Reading(values, failed, reading.notes)
    return _Reading(_blanked(values, infinite), failed, (*reading.notes, f"{infinite.sum()} infinite values"))


def _record_change(before: pl.Series, reading: _Reading, source: str, record: Record) -> None:
    after = reading.values
    failed = 0 if reading.failed is None else int(reading.failed.sum())
    alike = before.dtype == after.dtype or (after.dtype in (pl.Int64, pl.Float64) and before.dtype.is_numeric())
    if failed == 0 and not reading.notes and alike:
        _record_missing(before, after, source, record)
        return
    kinds = {"from": _name(before.dtype), "to": _name(after.dtype)}
    unread = (f"{failed} could not be read, such as {_examples(before, reading)}",) if failed else ()
    detail = "; ".join((*reading.notes, *unread))
    text = f"'{before.name}' from {kinds['from']} to {kinds['to']}" + (f": {detail}" if detail else "")
    record.add("converted", text, source=source, column=before.name, rows=failed, **kinds)


def _record_missing(before: pl.Series, after: pl.Series, source: str, record: Record) -> None:
    gone = after.null_count() - before.null_count()
    if gone > 0:
        text = f"{counted(gone, 'value')} of '{before.name}' read as missing"
        record.add("missing", text, source=source, column=before.name, rows=gone)


def _name(dtype: pl.DataType) -> str:
    return next((name for kind, name in _NAMES if dtype == kind), str(dtype))


def _examples(before: pl.Series, reading: _Reading) -> str:
    failed = before.filter(reading.failed).unique(maintain_order=True) if reading.failed is not None else before.head(0)
    return listed((f"'{value}'" for value in failed), most=3)


def _set_aside(rows: pl.DataFrame, source: str, column: str, dtype: pl.DataType, quarantine: Quarantine) -> None:
    reason = f"the value of '{column}' cannot be read as {_name(dtype)}"
    quarantine.set_aside(source, rows, code="DATA-UNREADABLE", column=column, reason=reason)
