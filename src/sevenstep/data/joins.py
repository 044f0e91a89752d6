"""Joining further sources to the main one: on keys, or as of the time a row was published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from sevenstep.data.naming import did_you_mean
from sevenstep.data.quarantine import ROW
from sevenstep.data.record import Record
from sevenstep.errors import InputError
from sevenstep.wording import counted, percent

__all__ = ["Joined", "join_as_of", "join_on_keys"]

_ORDER = "__order__"
_ALIGNED = "__aligned__"


@dataclass(frozen=True)
class Joined:
    """The main rows, as many and in the order they were, with the columns ``added`` of another source."""

    items: pl.DataFrame
    added: tuple[str, ...]


def join_on_keys(
    items: pl.DataFrame, right: pl.DataFrame, name: str, on: Mapping[str, str], record: Record, *, must_match: bool = True
) -> Joined:
    """Left join of ``right`` on ``on`` (column of ``items``: column of ``right``), where each key may occur once.

    Rows of ``right`` that are equal in all columns count once; columns named as in ``items`` are left out where they say the
    same, else renamed to ``<column>_<source>``. The share of rows without a match is recorded.

    Raises:
        InputError: ``JOIN-NO-ON``, ``JOIN-NO-KEY`` (a key is not there), ``JOIN-TYPE``, ``JOIN-NOT-UNIQUE`` (with the key that
            occurs twice), ``JOIN-NO-MATCH`` (no row of the main source finds any, and ``must_match``), ``JOIN-CLASH``.
    """
    if not on:
        given = f"source '{name}' names no columns to join on"
        rule = "every source but the one that gives the rows must say 'on'"
        raise InputError("JOIN-NO-ON", given, rule, f"add on: [{_shared(items, right)}]")
    left_keys, right_keys = _checked_keys(items, right, name, on)
    items, right = _aligned(items, right.drop(ROW, strict=False), name, left_keys, right_keys, record)
    right = _one_per_key(right, name, right_keys, record)
    right = _named_apart(items, right, name, left_keys, right_keys, record)
    keyed = right.rename(dict(zip(right_keys, _temporary(left_keys), strict=True))).with_columns(pl.lit(True).alias(_ORDER))
    joined = items.with_columns(pl.col(key).alias(copy) for key, copy in zip(left_keys, _temporary(left_keys), strict=True))
    joined = joined.join(keyed, on=_temporary(left_keys), how="left", maintain_order="left")
    _record_unmatched(joined[_ORDER].is_null(), items, right, name, left_keys, right_keys, record, must_match)
    return _trimmed(joined, items, [column for column in right.columns if column not in right_keys], name, record)


def join_as_of(
    items: pl.DataFrame,
    right: pl.DataFrame,
    name: str,
    on: Mapping[str, str],
    time: str | None,
    published: str,
    record: Record,
    *,
    must_match: bool = True,
) -> Joined:
    """For each main row the latest row of ``right`` with its key that was published at or before the row's time.

    ``on`` may name the time column too: then ``right`` holds several publications for each time (the vintages of a weather
    forecast), and a row gets the newest one *for* its time.

    Raises:
        InputError: ``JOIN-NO-TIME`` (the main source has no time), ``JOIN-NO-KEY``, ``JOIN-TYPE``, ``JOIN-NOT-UNIQUE`` (a key
            has two unlike rows published at the same time), ``JOIN-NO-MATCH``, ``JOIN-CLASH``.
    """
    if time is None:
        given = f"source '{name}' names 'published', and the main source has no time"
        raise InputError("JOIN-NO-TIME", given, "an as-of join compares the two", "set data.time")
    _checked_keys(items, right, name, {time: published})
    left_keys, right_keys = _checked_keys(items, right, name, on)
    right = _one_per_key(right.drop(ROW, strict=False), name, [*right_keys, published], record)
    if left_keys:
        items, right = _aligned(items, right, name, left_keys, right_keys, record)
    right = _named_apart(items, right, name, left_keys, right_keys, record, keep=(published,))
    clock, said = _clock(items[time], time), _clock(right[published], published)
    left = items.with_columns(clock.alias("__at__")).with_row_index(_ORDER).sort("__at__")
    later = right.with_columns(said.alias("__published__"), pl.lit(True).alias("__found__"))
    later = later.sort("__published__", maintain_order=True)
    joined = left.join_asof(
        later,
        left_on="__at__",
        right_on="__published__",
        by_left=left_keys or None,
        by_right=right_keys or None,
        strategy="backward",
        check_sortedness=False,
    ).sort(_ORDER)
    _record_unmatched(joined["__found__"].is_null(), items, right, name, left_keys, right_keys, record, must_match)
    others = [column for column in right.columns if column not in (*right_keys, published)]
    return _trimmed(joined, items, others, name, record)


def _trimmed(joined: pl.DataFrame, items: pl.DataFrame, given: Sequence[str], name: str, record: Record) -> Joined:
    """Without what served the join, and without columns that repeat what the main source says."""
    added: list[str] = []
    for column in given:
        own = column.removesuffix(f"_{name}")
        if (
            own != column
            and own in items.columns
            and joined[column].dtype == joined[own].dtype
            and joined[column].equals(joined[own])
        ):
            record.add("dropped", f"'{column}' says the same as '{own}'", source=name, column=column)
        else:
            added.append(column)
    own_columns = [column for column in items.columns if not column.startswith(_ALIGNED)]
    return Joined(joined.select(*own_columns, *added), tuple(added))


def _shared(items: pl.DataFrame, right: pl.DataFrame) -> str:
    return ", ".join(column for column in right.columns if column in items.columns and column != ROW) or "..."


def _temporary(keys: Sequence[str]) -> list[str]:
    return [f"__key_{number}__" for number, _ in enumerate(keys)]


def _checked_keys(items: pl.DataFrame, right: pl.DataFrame, name: str, on: Mapping[str, str]) -> tuple[list[str], list[str]]:
    for key, other in on.items():
        if key not in items.columns:
            given = f"source '{name}' joins on '{key}', which the main source does not have"
            raise InputError("JOIN-NO-KEY", given, "keys must be columns of both", did_you_mean(key, _plain(items)))
        if other not in right.columns:
            given = f"source '{name}' has no column '{other}' to join on"
            raise InputError("JOIN-NO-KEY", given, "keys must be columns of both", did_you_mean(other, _plain(right)))
    return list(on), list(on.values())


def _plain(frame: pl.DataFrame) -> list[str]:
    return [column for column in frame.columns if column != ROW]


def _aligned(
    items: pl.DataFrame, right: pl.DataFrame, name: str, left_keys: list[str], right_keys: list[str], record: Record
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both frames with keys of equal types; a key of ``items`` may be replaced in ``left_keys`` by its day."""
    for place, (key, other) in enumerate(zip(list(left_keys), right_keys, strict=True)):
        left_type, right_type = items.schema[key], right.schema[other]
        if left_type == right_type:
            continue
        if isinstance(left_type, pl.Datetime) and right_type == pl.Date:
            left_keys[place] = f"{_ALIGNED}{key}"
            items = items.with_columns(pl.col(key).cast(pl.Date).alias(left_keys[place]))
            record.add("aligned", f"'{key}' joins '{name}' by its day", source=name, column=key)
        elif left_type == pl.Date and isinstance(right_type, pl.Datetime) and _midnights(right[other]):
            right = right.with_columns(pl.col(other).cast(pl.Date))
        elif {left_type, right_type} <= {pl.Int64(), pl.Float64(), pl.String()}:
            common = pl.String if pl.String in (left_type, right_type) else pl.Float64
            left_keys[place] = f"{_ALIGNED}{key}"
            items = items.with_columns(pl.col(key).cast(common).alias(left_keys[place]))
            right = right.with_columns(pl.col(other).cast(common))
        else:
            given = f"'{key}' is {left_type} in the main source and '{other}' is {right_type} in '{name}'"
            fix = f"set types: {{{key}: text}} or mend the source"
            raise InputError("JOIN-TYPE", given, "keys must be of one type to match", fix)
    return items, right


def _midnights(times: pl.Series) -> bool:
    return bool((times == times.dt.truncate("1d")).all())


def _one_per_key(right: pl.DataFrame, name: str, keys: Sequence[str], record: Record) -> pl.DataFrame:
    """``right`` without rows that lack a key and without copies; unlike rows under one key are an error."""
    whole = right.drop_nulls(list(keys))
    if whole.height < right.height:
        lost = right.height - whole.height
        record.add("dropped", f"{counted(lost, 'row')} of '{name}' without a key", source=name, rows=lost)
    if not whole.select(pl.struct(keys).is_duplicated().any()).item():
        return whole
    single = whole.unique(maintain_order=True)
    twice = single.filter(pl.struct(keys).is_duplicated())
    if twice.height:
        values = twice.select(keys).row(0, named=True)
        count = twice.filter(pl.struct(keys) == pl.struct(pl.lit(value).alias(key) for key, value in values.items())).height
        said = ", ".join(f"{key} = {value}" for key, value in values.items())
        fix = "add the columns that tell them apart to 'on', or aggregate the source to one row per key"
        given = f"source '{name}' has {count} unlike rows for {said}"
        raise InputError("JOIN-NOT-UNIQUE", given, "a key may occur once in a joined source", fix)
    lost = whole.height - single.height
    record.add("dropped", f"{counted(lost, 'copy')} of other rows of '{name}'", source=name, rows=lost)
    return single


def _named_apart(
    items: pl.DataFrame,
    right: pl.DataFrame,
    name: str,
    left_keys: Sequence[str],
    right_keys: Sequence[str],
    record: Record,
    keep: Sequence[str] = (),
) -> pl.DataFrame:
    """``right`` with columns that clash with those of ``items`` renamed to ``<column>_<source>``."""
    clashes = [column for column in right.columns if column in items.columns and column not in (*right_keys, *keep)]
    renamed = {column: f"{column}_{name}" for column in clashes}
    for column, new in renamed.items():
        if new in items.columns or new in right.columns:
            given = f"'{column}' is a column of both the main source and '{name}', and so is '{new}'"
            fix = "choose with 'columns' what the source gives"
            raise InputError("JOIN-CLASH", given, "columns of joined sources must differ", fix)
        record.add("renamed", f"'{column}' of '{name}' becomes '{new}'", source=name, column=new)
    return right.rename(renamed)


def _record_unmatched(
    unmatched: pl.Series,
    items: pl.DataFrame,
    right: pl.DataFrame,
    name: str,
    left_keys: Sequence[str],
    right_keys: Sequence[str],
    record: Record,
    must_match: bool,
) -> None:
    count = int(unmatched.sum())
    if must_match and count == items.height and items.height:
        here = _example(items, left_keys)
        there = _example(right, right_keys)
        given = f"no row of the main source finds its match in '{name}' (keys here like {here}, there like {there})"
        fix = "check 'on' and how the keys are written"
        raise InputError("JOIN-NO-MATCH", given, "keys must mean the same on both sides", fix)
    share = count / max(1, items.height)
    record.add("joined", f"'{name}' joined; {percent(share)} of the rows find no match", source=name, rows=count, unmatched=share)


def _example(frame: pl.DataFrame, keys: Sequence[str]) -> str:
    return ", ".join(str(value) for value in frame.select(keys).row(0)) if keys and frame.height else "none"


def _clock(times: pl.Series, column: str) -> pl.Series:
    """Times as Datetime, integer steps as they are."""
    if times.dtype == pl.Date:
        return times.cast(pl.Datetime("us"))
    if times.dtype in (pl.Int64, pl.Float64) or isinstance(times.dtype, pl.Datetime):
        return times
    given = f"'{column}' is text that holds no times"
    raise InputError("JOIN-TYPE", given, "an as-of join needs a time on both sides", f"set types: {{{column}: datetime}}")
