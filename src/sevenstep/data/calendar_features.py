"""What the calendar says about a day or a week, as columns a model can learn from; all of it is known years ahead."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Literal, cast

import polars as pl

from sevenstep.data.calendars import country_code, holiday_table, weekend_of

__all__ = ["BIG_EVENTS", "calendar_features", "week_features", "week_labels"]

_CAP = 14
"""Days to a holiday are counted up to two weeks; beyond that one is as far as another."""

_WEEKS_CAP = 8
_MONDAY, _FRIDAY = 1, 5
_RUN_UP = 7
"""Days before and after a feast that are compared with the same days around it last year; those before it belong to it."""
_AFTER = 3
"""Days after a feast on which it is still felt."""

_LOOK = 400
"""Days looked at before and after the given ones, so that the same event of last year is among them."""

BIG_EVENTS: Mapping[str, tuple[str, ...]] = {
    "US": ("super_bowl", "easter_sunday", "labor_day", "thanksgiving_day", "christmas_day"),
    "KR": ("korean_new_year", "childrens_day", "chuseok", "christmas_day"),
}
"""Events that shift a week's sales by country; elsewhere Easter, Christmas and the New Year."""
_ANYWHERE = ("new_years_day", "easter_sunday", "christmas_day")
_FIXED = {"new_years_day", "childrens_day", "christmas_day"}
"""Those of the big events that are on the same date every year."""


def calendar_features(
    dates: pl.Series, country: str, subdivision: str | None = None, extra: Mapping[date, str] | None = None
) -> pl.DataFrame:
    """Calendar columns of each of ``dates`` (Date or Datetime), one row each and in their order.

    Columns: ``date``; place in the week, month and year (``weekday`` with Monday 1, ``day``, ``days_to_month_end``,
    ``days_from_payday``: days to the nearest turn of the month, ``week_of_month``, ``week``, ``month``, ``quarter``,
    ``day_of_year``); ``weekend``, ``holiday``, ``holiday_name``, ``event`` and ``event_day`` (see `holiday_table`);
    ``days_since_holiday`` and ``days_until_holiday`` (0 on one, 14 at most), and the same for each big event that moves
    through the year (``days_until_easter_sunday``: the days before Easter are not those before any day off); ``feast`` (from
    a week before to three days after a big event); ``before_holiday``, ``after_holiday``; ``bridge_day`` (a single working
    day between days off, one of them a holiday); ``free_run`` (length of the run of days off it lies in, 0 on a working day);
    ``last_year`` (the same day of the same event last year; in the week before and after one that keeps its weekday, as
    Easter does, the same day beside it; else 52 weeks ago).

    Args:
        dates: days; a null gives nulls.
        country: ISO 3166 code or English name.
        subdivision: state or province, or None.
        extra: further days off by date.

    Raises:
        InputError: ``CALENDAR-COUNTRY``, ``CALENDAR-SUBDIVISION``.
    """
    days = dates.cast(pl.Date).alias("date")
    low, high = cast("date | None", days.min()), cast("date | None", days.max())
    first, last = low or date(2000, 1, 1), high or date(2000, 1, 1)
    table = holiday_table(country, subdivision, first - timedelta(_LOOK), last + timedelta(_LOOK), extra)
    every = _every_day(table, weekend_of(country, subdivision), first - timedelta(60), last + timedelta(60))
    every = _with_events(every, table, country_code(country))
    pairs = _pairs(table)
    own = pairs.select("date", "event", "last_year")
    known = _with_place(every).join(own, on=["date", "event"], how="left", maintain_order="left")
    known = known.join(_beside_last_year(pairs), on="date", how="left", maintain_order="left")
    plain = pl.col("date") - pl.duration(days=364)
    known = known.with_columns(last_year=pl.coalesce("last_year", "beside", plain)).drop("beside")
    return days.to_frame().join(known, on="date", how="left", maintain_order="left")


def _every_day(table: pl.DataFrame, weekend: frozenset[int], first: date, last: date) -> pl.DataFrame:
    """One row per day with its holiday, the distances to the nearest ones and the runs of days off."""
    named = table.sort("date", ~pl.col("day_off"), "substitute", "event").unique("date", keep="first", maintain_order=True)
    days = (
        pl.date_range(first, last, eager=True).alias("date").to_frame().join(named, on="date", how="left", maintain_order="left")
    )
    holiday = pl.col("day_off").fill_null(False)
    days = days.with_columns(
        weekday=pl.col("date").dt.weekday().cast(pl.Int64),
        holiday=holiday,
        holiday_name=pl.when(holiday).then("name"),
        weekend=pl.col("date").dt.weekday().is_in(sorted(weekend)),
    ).with_columns(free=pl.col("weekend") | pl.col("holiday"))
    return _with_runs(_with_distances(days)).drop("name", "day_off", "substitute", "free")


def _with_distances(days: pl.DataFrame) -> pl.DataFrame:
    return days.with_columns(
        *_distances(pl.col("holiday"), "holiday"),
        before_holiday=pl.col("holiday").shift(-1, fill_value=False) & ~pl.col("holiday"),
        after_holiday=pl.col("holiday").shift(1, fill_value=False) & ~pl.col("holiday"),
    )


def _distances(is_one: pl.Expr, name: str) -> list[pl.Expr]:
    """``days_since_`` and ``days_until_`` the nearest day that is one, `_CAP` at most."""
    that_day = pl.when(is_one).then("date")
    since = (pl.col("date") - that_day.forward_fill()).dt.total_days().alias(f"days_since_{name}")
    until = (that_day.backward_fill() - pl.col("date")).dt.total_days().alias(f"days_until_{name}")
    return [distance.fill_null(_CAP).clip(0, _CAP) for distance in (since, until)]


def _with_events(days: pl.DataFrame, table: pl.DataFrame, code: str) -> pl.DataFrame:
    """Whether a big event is felt, and the distances to those that move through the year: its day tells the others. The columns
    are those of the country, whatever days are asked for.
    """
    events = BIG_EVENTS.get(code, _ANYWHERE)
    days = days.with_columns(feast=pl.col("date").is_in(_around(table, events).implode()))
    moving = [event for event in events if event not in _FIXED]
    return days.with_columns(
        distance for event in moving for distance in _distances(pl.col("date").is_in(_mains(table, event).implode()), event)
    )


def _mains(table: pl.DataFrame, event: str) -> pl.Series:
    """The main days of an event, oldest first."""
    return table.filter((pl.col("event") == event) & (pl.col("event_day") == 0))["date"].unique().sort()


def _around(table: pl.DataFrame, events: tuple[str, ...]) -> pl.Series:
    """The days on which one of the events is felt."""
    mains = pl.concat([_mains(table, event) for event in events])
    return pl.concat([mains + timedelta(away) for away in range(-_RUN_UP, _AFTER + 1)]).unique()


def _with_runs(days: pl.DataFrame) -> pl.DataFrame:
    between = pl.col("free").shift(1, fill_value=False) & pl.col("free").shift(-1, fill_value=False) & ~pl.col("free")
    beside = pl.col("holiday").shift(1, fill_value=False) | pl.col("holiday").shift(-1, fill_value=False)
    length = pl.len().over(pl.col("free").rle_id()).cast(pl.Int64)
    return days.with_columns(bridge_day=between & beside, free_run=pl.when("free").then(length).otherwise(0))


def _with_place(days: pl.DataFrame) -> pl.DataFrame:
    day = pl.col("date").dt
    to_end = (day.month_end() - pl.col("date")).dt.total_days()
    return days.with_columns(
        day=day.day().cast(pl.Int64),
        days_to_month_end=to_end,
        days_from_payday=pl.min_horizontal(day.day().cast(pl.Int64) - 1, to_end),
        week_of_month=((day.day().cast(pl.Int64) - 1) // 7 + 1),
        week=day.week().cast(pl.Int64),
        month=day.month().cast(pl.Int64),
        quarter=day.quarter().cast(pl.Int64),
        day_of_year=day.ordinal_day().cast(pl.Int64),
    )


def _pairs(table: pl.DataFrame) -> pl.DataFrame:
    """Each day of an event beside the same day of that event a year before (``last_year``), and the ``gap`` between the main days
    of both: 330 to 400 days, as Seollal moves by up to 30.
    """
    anchors = table.select("event", "event_day", "date", anchor=pl.col("date") - pl.duration(days=pl.col("event_day")))
    earlier = anchors.select("event", "event_day", last_year="date", before="anchor")
    pairs = anchors.join(earlier, on=["event", "event_day"]).with_columns(
        gap=(pl.col("anchor") - pl.col("before")).dt.total_days()
    )
    pairs = pairs.filter(pl.col("gap").is_between(330, 400)).sort("date", "event", "last_year")
    return pairs.unique(["date", "event"], keep="last", maintain_order=True)


def _beside_last_year(pairs: pl.DataFrame) -> pl.DataFrame:
    """For each day of the week before and after an event that keeps its weekday, the same day beside that event last year.

    The nearest event decides, of two the one to come. Where the weekday changes from year to year, the 52 weeks tell more.
    """
    keeping = pairs.filter((pl.col("event_day") == 0) & (pl.col("gap") % 7 == 0)).select("anchor", "gap")
    away = pl.DataFrame({"away": list(range(-_RUN_UP, _RUN_UP + 1))})
    near = keeping.join(away, how="cross").with_columns(date=pl.col("anchor") + pl.duration(days=pl.col("away")))
    near = near.sort("date", pl.col("away").abs(), "away").unique("date", keep="first", maintain_order=True)
    return near.select("date", beside=pl.col("date") - pl.duration(days=pl.col("gap")))


def week_features(
    weeks: pl.Series,
    country: str,
    subdivision: str | None = None,
    extra: Mapping[date, str] | None = None,
    *,
    label: Literal["start", "end"] = "start",
    events: tuple[str, ...] | None = None,
) -> pl.DataFrame:
    """Calendar columns of weeks named by their first or last day, one row each and in their order.

    Columns: ``date``; ``week``, ``month``, ``quarter`` of its middle; ``week_of_month``; ``holidays`` (days off beside the
    weekend), ``working_days``; ``event`` (the big event in it, or null); for each big event ``weeks_until_<event>`` and
    ``weeks_since_<event>`` (0 in its week, 8 at most) and ``<event>_weekday`` (place in the week, 0 without it):
    Christmas on the first or on the last day of a week makes two different weeks.

    Args:
        weeks: the day each week is named by.
        country: ISO 3166 code or English name.
        subdivision: state or province, or None.
        extra: further days off by date.
        label: whether weeks are named by their first or their last day.
        events: ids of the big events; by default those of `BIG_EVENTS`.
    """
    named = weeks.cast(pl.Date).alias("date")
    starts = (named if label == "start" else named - timedelta(6)).alias("start")
    low, high = cast("date | None", starts.min()), cast("date | None", starts.max())
    first, last = low or date(2000, 1, 1), high or date(2000, 1, 1)
    table = holiday_table(country, subdivision, first - timedelta(_LOOK), last + timedelta(_LOOK), extra)
    big = events or BIG_EVENTS.get(country_code(country), _ANYWHERE)
    frame = starts.drop_nulls().unique().sort().to_frame().with_columns(_place_of_week())
    frame = _with_days_off(frame, table, weekend_of(country, subdivision))
    for event in big:
        frame = _with_event(frame, table, event)
    inside = [pl.when(pl.col(f"{event}_weekday") > 0).then(pl.lit(event)) for event in big]
    frame = frame.with_columns(event=pl.coalesce(inside))
    return pl.DataFrame([named, starts]).join(frame, on="start", how="left", maintain_order="left").drop("start")


def week_labels(weeks: pl.Series) -> tuple[Literal["start", "end"], ...]:
    """How weeks may be named, by their first or last day: Mondays begin weeks and Fridays end them; otherwise either may be.

    Args:
        weeks: the day each week is named by, at least one.
    """
    weekday = int(weeks.dt.weekday().mode()[0])
    labels: dict[int, tuple[Literal["start", "end"], ...]] = {_MONDAY: ("start",), _FRIDAY: ("end",)}
    return labels.get(weekday, ("start", "end"))


def _place_of_week() -> list[pl.Expr]:
    middle = (pl.col("start") + pl.duration(days=3)).dt
    return [
        middle.week().cast(pl.Int64).alias("week"),
        middle.month().cast(pl.Int64).alias("month"),
        middle.quarter().cast(pl.Int64).alias("quarter"),
        ((middle.day().cast(pl.Int64) - 1) // 7 + 1).alias("week_of_month"),
    ]


def _with_days_off(frame: pl.DataFrame, table: pl.DataFrame, weekend: frozenset[int]) -> pl.DataFrame:
    working_off = table.filter(pl.col("day_off") & ~pl.col("date").dt.weekday().is_in(sorted(weekend)))["date"].unique()
    inside = pl.sum_horizontal(_day(number).is_in(working_off.implode()).cast(pl.Int64) for number in range(7))
    return frame.with_columns(holidays=inside, working_days=7 - len(weekend) - inside)


def _day(number: int) -> pl.Expr:
    return pl.col("start") + pl.duration(days=number)


def _with_event(frame: pl.DataFrame, table: pl.DataFrame, event: str) -> pl.DataFrame:
    """Distance of each week from the main days of one event."""
    mains = table.filter((pl.col("event") == event) & (pl.col("event_day") == 0))["date"].unique().sort()
    until, since, place = [], [], []
    for start in frame["start"]:
        ahead = [(day - start).days for day in mains]
        until.append(min([days // 7 for days in ahead if days >= 0] + [_WEEKS_CAP]))
        since.append(min([-(days // 7) for days in ahead if days < 7] + [_WEEKS_CAP]))
        place.append(next((days + 1 for days in ahead if 0 <= days < 7), 0))
    return frame.with_columns(
        pl.Series(f"weeks_until_{event}", until, dtype=pl.Int64),
        pl.Series(f"weeks_since_{event}", since, dtype=pl.Int64),
        pl.Series(f"{event}_weekday", place, dtype=pl.Int64),
    )
