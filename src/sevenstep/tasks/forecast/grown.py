"""The history a forecast starts from, grown by rows that came later."""

from __future__ import annotations

import polars as pl

from sevenstep.data.dataset import Dataset, Roles
from sevenstep.tasks.forecast.given import check_columns, typed_as

__all__ = ["of_history", "refreshed", "with_rows"]


def with_rows(history: Dataset, rows: pl.DataFrame) -> pl.DataFrame:
    """The items of a history with ``rows`` in place of those at the same series and time.

    Raises InputError where a column that says which series and when is not there, or a value does not fit its column.
    """
    items, names = history.items, _names(history.roles)
    new = of_history(rows, history)
    kept = items.join(new, on=names, how="anti", nulls_equal=True)
    return pl.concat([kept, _fill_static(new, items, history.roles)], how="diagonal").sort(names)


def refreshed(history: Dataset, rows: pl.DataFrame) -> pl.DataFrame:
    """The items of a history with what ``rows`` say taken in; a value they leave empty stays as it was.

    Most rows that arrive are of times that were open: they are filled in where they stand, without sorting anything anew.
    """
    items, names = history.items, _names(history.roles)
    said, time = of_history(rows, history), names[-1]
    near = items.select(names).with_row_index(_ROW).filter(pl.col(time).is_in(said[time].unique().implode()))
    said = said.join(near, on=names, how="left", nulls_equal=True)
    there, new = said.filter(pl.col(_ROW).is_not_null()), said.filter(pl.col(_ROW).is_null()).drop(_ROW)
    filled = items.with_columns(
        _filled_in(items[name], there[name], there[_ROW]) for name in there.columns[:-1] if name not in names
    )
    if new.is_empty():
        return filled
    return pl.concat([filled, _fill_static(new, items, history.roles)], how="diagonal").sort(names)


def _filled_in(column: pl.Series, values: pl.Series, rows: pl.Series) -> pl.Series:
    """The column with values in some rows; those that are null change nothing."""
    told = values.is_not_null() & values.ne_missing(column.gather(rows))  # most say again what is known ahead
    return column.clone().scatter(rows.filter(told), values.filter(told)) if told.any() else column


def _names(roles: Roles) -> list[str]:
    return [*roles.keys, str(roles.time)]


def of_history(rows: pl.DataFrame, history: Dataset) -> pl.DataFrame:
    """Rows in the types of the history, each series and time once, the last of several."""
    names = _names(history.roles)
    check_columns(rows, names, ())
    known = [name for name in history.items.columns if name in rows.columns]
    return typed_as(rows.select(known), history.items).unique(names, keep="last", maintain_order=True)


def _fill_static(new: pl.DataFrame, items: pl.DataFrame, roles: Roles) -> pl.DataFrame:
    """Attributes of a series that new rows do not bring are those it always had."""
    names = dict.fromkeys((*roles.static, *roles.segments))
    absent = [name for name in names if name in items.columns and (name not in new.columns or new[name].has_nulls())]
    if not absent or not roles.keys:
        return new
    known = items.group_by(roles.keys).agg(pl.col(absent).drop_nulls().first().name.suffix(_KNOWN))
    filled = new.join(known, on=list(roles.keys), how="left", nulls_equal=True, maintain_order="left")
    given = [pl.coalesce(name, name + _KNOWN) if name in new.columns else pl.col(name + _KNOWN) for name in absent]
    return filled.with_columns(one.alias(name) for one, name in zip(given, absent, strict=True)).drop(
        [name + _KNOWN for name in absent]
    )


_KNOWN, _ROW = " of its series", "row of the history"
