"""Times written as text or as integers, read in any of the usual forms into naive dates and times in one time zone.

Values of one column may be written in several forms; the order of day and month, though, is decided once for the column.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from sevenstep.data.distinct import over_distinct, put_back
from sevenstep.errors import InputError

__all__ = ["TimeReading", "from_integers", "read_times", "to_naive"]

_ISO: tuple[tuple[str, pl.Date | pl.Datetime], ...] = (
    ("%Y-%m-%d", pl.Date()),
    ("%Y-%m-%d %H:%M:%S", pl.Datetime("us")),
    ("%Y-%m-%dT%H:%M:%S", pl.Datetime("us")),
    ("%Y-%m-%d %H:%M", pl.Datetime("us")),
)
_DAY_MONTH = r"^(?<a>\d{1,2})[/-](?<b>\d{1,2})[/-](?<y>\d{4})"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMES = "|".join(_MONTHS)
_SHAPES = (
    r"^(?<y>\d{4})[-/.](?<m>\d{1,2})[-/.](?<d>\d{1,2})",
    r"^(?<y>\d{4})(?<m>\d{2})(?<d>\d{2})",
    r"^(?<d>\d{1,2})\.(?<m>\d{1,2})\.(?<y>\d{4})",
    r"^(?<y>\d{4})년\s*(?<m>\d{1,2})월\s*(?<d>\d{1,2})일",
    rf"^(?<d>\d{{1,2}})[ -](?<m>(?i:{_NAMES}))[a-zA-Z]*[ ,-]+(?<y>\d{{4}})",
    rf"^(?<m>(?i:{_NAMES}))[a-zA-Z]* (?<d>\d{{1,2}}),? (?<y>\d{{4}})",
)
_MONTH = r"^(?<y>\d{4})[-/.](?<m>\d{1,2})$"
_WEEK = r"^(?<y>\d{4})-?[Ww](?<w>\d{2})(?:-?(?<d>[1-7]))?$"
_QUARTER = r"^(?<y>\d{4})[- ]?[Qq](?<q>[1-4])$"
_RANGE = r"^(\d{4}-\d{2}-\d{2})\s*(?:-|–|~|/|to)\s*\d{4}-\d{2}-\d{2}$"
_CLOCK = (
    r"[T ]+(?<h>\d{1,2}):(?<i>\d{2})(?::(?<s>\d{2})(?:[.,](?<f>\d{1,9}))?)?\s*(?<p>[AaPp][Mm])?\s*(?<z>Z|[+-]\d{2}:?(?:\d{2})?)?"
)
_PARTS = pl.Schema({"place": pl.Int64, "day": pl.Date, "clock": pl.Int64, "offset": pl.Int64})


@dataclass(frozen=True)
class TimeReading:
    """What was read.

    ``values``: Date where no text has a time of day, else Datetime(us); null where a text is no time.
    ``notes`` are for the record.
    """

    values: pl.Series
    notes: tuple[str, ...] = ()


def read_times(texts: pl.Series, timezone: str | None = None) -> TimeReading:
    """Read stripped texts as times: ISO 8601, d.m.Y, Y/m/d, d/m/Y, m/d/Y, month names; weeks, quarters and ranges by their start.

    Args:
        texts: the column, spaces at the ends taken off.
        timezone: zone of the times that carry none, and the zone the others are converted to; without it, times that all
            carry the same offset keep their wall clock, and times of several offsets become UTC.

    Raises:
        InputError: ``DATA-TIME-ZONES`` when some times carry an offset, some do not, and no ``timezone`` is given.
    """
    quick = _plain_iso(texts)
    if quick is not None:
        return TimeReading(quick)
    distinct = texts.unique(maintain_order=True)
    starts = distinct.str.replace(_RANGE, "$1")
    days_first, order_note = _day_first(starts)
    table = _parts(starts, days_first)
    notes = [*order_note, *_zone_notes(table, texts.name, timezone)]
    made = _assembled(table, timezone)
    if table["clock"].is_null().all():
        made = made.cast(pl.Date)
    return TimeReading(put_back(texts, distinct, made), tuple(notes))


def _plain_iso(texts: pl.Series) -> pl.Series | None:
    """The column by one of the plain ISO formats where that reads every value: many times faster than telling each apart."""
    for form, dtype in _ISO:
        made = texts.str.strptime(dtype, form, strict=False)
        if made.null_count() == texts.null_count():
            return made
    return None


def _day_first(texts: pl.Series) -> tuple[bool, tuple[str, ...]]:
    """Whether d/m or m/d, by the values that can only be one of them; d/m where nothing tells."""
    found = texts.str.extract_groups(_DAY_MONTH).struct.unnest()
    if found["a"].is_null().all():
        return True, ()
    first, second = (bool((found[part].cast(pl.Int32) > 12).any()) for part in ("a", "b"))
    if first and second:
        return True, ("days and months stand in both orders; read as day/month",)
    if not first and not second:
        return True, ("day/month and month/day both fit; read as day/month",)
    return first, ("read as day/month" if first else "read as month/day",)


def _parts(texts: pl.Series, day_first: bool) -> pl.DataFrame:
    """``day`` (Date), ``clock`` (microseconds since midnight) and ``offset`` (minutes) of each text, null where there is none.

    Each form is looked for only among the texts that no form before it fits: most columns are written in one.
    """
    places = pl.Series("place", range(texts.len()), dtype=pl.Int64)
    left = pl.DataFrame({"place": places, "text": texts}).drop_nulls()
    found = [pl.DataFrame(schema=_PARTS)]
    for pattern, day in _forms(day_first):
        if left.is_empty():
            break
        groups = left["text"].str.extract_groups(pattern).struct.unnest()
        fits = groups["y"].is_not_null()
        place, groups = left.filter(fits)["place"], groups.filter(fits)
        found.append(groups.select(place=place, day=day, clock=_clock(groups), offset=_offset(groups)).cast(_PARTS))
        left = left.filter(~fits)
    return places.to_frame().join(pl.concat(found), on="place", how="left", maintain_order="left")


def _forms(day_first: bool) -> list[tuple[str, pl.Expr]]:
    """Pattern and day of each form."""
    slashed = _DAY_MONTH.replace("<a>", "<d>" if day_first else "<m>").replace("<b>", "<m>" if day_first else "<d>")
    clocked = [(f"{shape}(?:{_CLOCK})?$", _calendar_day(pl.col("d"))) for shape in (*_SHAPES, slashed)]
    return [*clocked, (_MONTH, _calendar_day(pl.lit("1"))), (_WEEK, _week_day()), (_QUARTER, _quarter_day())]


def _calendar_day(day: pl.Expr) -> pl.Expr:
    month = pl.col("m").str.to_lowercase().replace({name: str(number) for number, name in enumerate(_MONTHS, start=1)})
    return pl.concat_str(pl.col("y"), month.str.zfill(2), day.str.zfill(2), separator="-").str.to_date("%Y-%m-%d", strict=False)


def _week_day() -> pl.Expr:
    text = pl.concat_str(pl.col("y"), pl.lit("-W"), pl.col("w"), pl.lit("-"), pl.col("d").fill_null("1"))
    return text.str.to_date("%G-W%V-%u", strict=False)


def _quarter_day() -> pl.Expr:
    month = (pl.col("q").cast(pl.Int32) * 3 - 2).cast(pl.String).str.zfill(2)
    return pl.concat_str(pl.col("y"), month, pl.lit("01"), separator="-").str.to_date("%Y-%m-%d", strict=False)


def _clock(groups: pl.DataFrame) -> pl.Series:
    """Microseconds since midnight; null where there is no time of day, -1 where it is none that exists."""
    if "h" not in groups.columns:
        return pl.repeat(None, groups.height, dtype=pl.Int64, eager=True)
    hour, minute, second = (pl.col(part).cast(pl.Int64) for part in ("h", "i", "s"))
    micro = pl.col("f").str.pad_end(9, "0").cast(pl.Int64) // 1000
    afternoon = pl.col("p").str.to_lowercase() == "pm"
    hour = pl.when(pl.col("p").is_null()).then(hour).otherwise(hour % 12 + pl.when(afternoon).then(12).otherwise(0))
    total = ((hour * 60 + minute) * 60 + second.fill_null(0)) * 1_000_000 + micro.fill_null(0)
    possible = (hour <= 23) & (minute <= 59) & (second.fill_null(0) <= 59)
    return groups.select(clock=pl.when(possible).then(total).when(hour.is_not_null()).then(-1)).to_series()


def _offset(groups: pl.DataFrame) -> pl.Series:
    """Minutes ahead of UTC; null where the text does not say."""
    if "z" not in groups.columns:
        return pl.repeat(None, groups.height, dtype=pl.Int64, eager=True)
    zone = groups["z"].str.replace("Z", "+00", literal=True)
    parts = zone.str.extract_groups(r"^(?<s>[+-])(?<h>\d{2}):?(?<m>\d{2})?$").struct.unnest()
    minutes = pl.col("h").cast(pl.Int64) * 60 + pl.col("m").cast(pl.Int64).fill_null(0)
    return parts.select(offset=pl.when(pl.col("s") == "-").then(-minutes).otherwise(minutes)).to_series()


def _zone_notes(table: pl.DataFrame, column: str, timezone: str | None) -> list[str]:
    offsets = table["offset"].drop_nulls().unique().sort()
    if offsets.is_empty():
        return []
    if timezone is not None:
        return [f"times with an offset are converted to {timezone}, times without one are taken to be in it"]
    naive = table.filter(pl.col("clock").is_not_null() & pl.col("offset").is_null())
    if naive.height:
        given = f"column '{column}' holds times with an offset and {naive.height} without one"
        raise InputError("DATA-TIME-ZONES", given, "times must be comparable", "set data.timezone, as in timezone: Europe/Berlin")
    if offsets.len() > 1:
        return [f"times of {offsets.len()} offsets are converted to UTC"]
    return [f"all times carry the offset {_spelled(offsets[0])}, which is taken off"]


def _spelled(minutes: int) -> str:
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _assembled(table: pl.DataFrame, timezone: str | None) -> pl.Series:
    clock = pl.when(pl.col("clock") >= 0).then(pl.col("clock")).when(pl.col("clock").is_null()).then(0)
    wall = pl.col("day").cast(pl.Datetime("us")) + pl.duration(microseconds=clock)
    utc = wall - pl.duration(minutes=pl.col("offset"))
    one_offset = table["offset"].drop_nulls().n_unique() <= 1
    if timezone is not None:
        there = utc.dt.replace_time_zone("UTC").dt.convert_time_zone(timezone).dt.replace_time_zone(None)
        made = pl.when(pl.col("offset").is_null()).then(wall).otherwise(there)
    else:
        made = wall if one_offset else pl.coalesce(utc, wall)
    return table.select(made=made).to_series()


def to_naive(times: pl.Series, timezone: str | None) -> tuple[pl.Series, tuple[str, ...]]:
    """A typed column of times as naive Datetime(us) in ``timezone`` (UTC without one), with the note for the record."""
    if not isinstance(times.dtype, pl.Datetime) or times.dtype.time_zone is None:
        return times.cast(pl.Datetime("us")), ()
    zone = timezone or "UTC"
    return times.dt.convert_time_zone(zone).dt.replace_time_zone(None).cast(pl.Datetime("us")), (f"converted to {zone}",)


def from_integers(numbers: pl.Series) -> TimeReading | None:
    """Integers that spell a date (20240131, 202401) or count (milli)seconds since 1970; None where they are plain steps."""
    low, high = numbers.min(), numbers.max()
    if not isinstance(low, int) or not isinstance(high, int):
        return None
    if 19000101 <= low <= high <= 21001231 or 190001 <= low <= high <= 210012:
        short = high <= 210012
        texts = numbers.cast(pl.String)
        dates = over_distinct(texts + "01" if short else texts, lambda text: text.str.to_date("%Y%m%d", strict=False))
        said = "read as year and month" if short else "read as year, month and day"
        return None if dates.null_count() > numbers.null_count() else TimeReading(dates.alias(numbers.name), (said,))
    for unit, factor in (("seconds", 1), ("milliseconds", 1000)):
        if 600_000_000 * factor <= low and high <= 4_000_000_000 * factor:
            micro = (numbers * (1_000_000 // factor)).cast(pl.Datetime("us"))
            return TimeReading(micro, (f"read as {unit} since 1970 in UTC",))
    return None
