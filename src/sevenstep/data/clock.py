"""The time of a row when it is spread over several columns, such as a date and an hour."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from sevenstep.data.quarantine import ROW, Quarantine
from sevenstep.data.record import Record
from sevenstep.data.times import read_times
from sevenstep.errors import InputError

__all__ = ["TIME", "compose_time"]

TIME = "time"
"""Name of the composed column."""

_BOUNDS = {"hour": (0, 24), "minute": (0, 59), "second": (0, 59)}


def compose_time(
    items: pl.DataFrame, name: str, parts: Mapping[str, str], record: Record, quarantine: Quarantine
) -> pl.DataFrame:
    """``items`` with the column ``time`` made from ``parts`` (part: column); hour 24 is midnight of the next day.

    Rows whose parts make no time go to the quarantine. The result is a Date where there is no time of day.

    Args:
        items: the main source in canonical types.
        name: its name.
        parts: any of date, year, quarter, month, week, day, time, hour, minute, second.
        record: what was composed is added here.
        quarantine: rows without a possible time are added here.

    Raises:
        InputError: ``DATA-TIME-PARTS`` when neither a date nor a year is among the parts, or another column is called ``time``.
    """
    if TIME in items.columns and TIME not in parts.values():
        given = "the parts of data.time make up a column 'time', and the data has one already"
        raise InputError("DATA-TIME-PARTS", given, "there can be one", "rename the column, or use it as data.time")
    if "date" not in parts and "year" not in parts:
        given = f"data.time has only {', '.join(parts)}"
        raise InputError("DATA-TIME-PARTS", given, "a time needs a date or a year", "add date: or year:")
    day, clock = _day(items, parts), _clock(items, parts)
    made = items.select(made=day if clock is None else day.cast(pl.Datetime("us")) + clock).to_series()
    reason = f"its {' and '.join(parts.values())} make no time"
    quarantine.set_aside(name, items.filter(made.is_null()), code="DATA-UNREADABLE", column=TIME, reason=reason)
    record.add("composed", f"'{TIME}' from {', '.join(parts.values())}", source=name, column=TIME, rows=int(made.is_null().sum()))
    return items.with_columns(made.alias(TIME)).filter(made.is_not_null()).sort(ROW)


def _day(items: pl.DataFrame, parts: Mapping[str, str]) -> pl.Expr:
    if "date" in parts:
        column = parts["date"]
        if isinstance(items.schema[column], (pl.Date, pl.Datetime)):
            return pl.col(column).dt.truncate("1d").cast(pl.Date)
        return pl.lit(read_times(items[column].cast(pl.String)).values.cast(pl.Date))
    year = _text(parts["year"], 4)
    if "week" in parts:
        weekday = _text(parts["day"], 1) if "day" in parts else pl.lit("1")
        text = pl.concat_str(year, pl.lit("-W"), _text(parts["week"], 2), pl.lit("-"), weekday)
        return text.str.to_date("%G-W%V-%u", strict=False)
    month = pl.lit("01")
    if "month" in parts:
        month = _text(parts["month"], 2)
    elif "quarter" in parts:
        month = (_whole(parts["quarter"]) * 3 - 2).cast(pl.String).str.zfill(2)
    day = _text(parts["day"], 2) if "day" in parts else pl.lit("01")
    return pl.concat_str(year, month, day, separator="-").str.to_date("%Y-%m-%d", strict=False)


def _whole(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Int64, strict=False)


def _text(column: str, width: int) -> pl.Expr:
    return _whole(column).cast(pl.String).str.zfill(width)


def _clock(items: pl.DataFrame, parts: Mapping[str, str]) -> pl.Expr | None:
    """Time of day as a duration; null where it is none; None where no part tells one."""
    fine = [part for part in _BOUNDS if part in parts]
    if "time" in parts:
        texts = pl.lit("2000-01-01 ") + pl.col(parts["time"]).cast(pl.String)
        moments = read_times(items.select(texts).to_series()).values.cast(pl.Datetime("us"))
        return pl.lit(moments) - pl.lit(moments).dt.truncate("1d")
    if not fine:
        return None
    possible = pl.all_horizontal(_whole(parts[part]).is_between(*_BOUNDS[part]) for part in fine)
    hours, minutes, seconds = (_whole(parts[part]) if part in parts else pl.lit(0) for part in _BOUNDS)
    return pl.when(possible).then(pl.duration(hours=hours, minutes=minutes, seconds=seconds))
