"""A class told by flag columns: one column a class, true in the rows of that class."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from sevenstep.data.quarantine import Quarantine
from sevenstep.data.record import Record
from sevenstep.errors import InputError

__all__ = ["compose_class"]


def compose_class(
    items: pl.DataFrame, source: str, flags: Sequence[str], name: str, record: Record, quarantine: Quarantine
) -> pl.DataFrame:
    """``items`` with the flag columns replaced by one text column ``name``, whose value is the flag that is set.

    Rows in which every flag is null wait for a prediction; rows with no flag set, or several, go to the quarantine.

    Raises:
        InputError: ``DATA-FLAGS``, another column is called ``name``, or a flag holds anything but 0 and 1 (true and false).
    """
    if name in items.columns:
        given = f"the flags {', '.join(flags)} make up a column '{name}', and the data has one already"
        raise InputError("DATA-FLAGS", given, "a composed column needs a name of its own", f"rename '{name}' in the source")
    for flag in flags:
        _check(items[flag], flag)
    made = items.with_columns(pl.col(flag).cast(pl.Float64).alias(flag) for flag in flags)
    count = pl.sum_horizontal(pl.col(flag).fill_null(0.0) for flag in flags)
    waiting = pl.all_horizontal(pl.col(flag).is_null() for flag in flags)
    for wrong, reason in ((count == 0, "no flag of the class is set"), (count > 1, "several flags of the class are set")):
        rows = items.filter(made.select(wrong & ~waiting).to_series())
        quarantine.set_aside(source, rows, code="DATA-FLAGS", column=flags[0], reason=reason)
    chosen = pl.coalesce(pl.when(pl.col(flag) == 1).then(pl.lit(flag)) for flag in flags).alias(name)
    kept = made.filter((count == 1) | waiting).with_columns(chosen).drop(flags)
    record.add("composed", f"'{name}' is the one of {', '.join(flags)} that is set", source=source, column=name)
    return kept


def _check(values: pl.Series, flag: str) -> None:
    known = values.drop_nulls()
    odd = known.filter(~known.cast(pl.Float64, strict=False).is_in([0.0, 1.0]).fill_null(False))
    if len(odd):
        given = f"the flag '{flag}' holds {odd[0]!r}"
        raise InputError("DATA-FLAGS", given, "a flag is 0 or 1", "mend the column, or leave it out of target.one_of")
