"""Which row is which: rows need a time and a key, and a series has one row at a time."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from sevenstep.data.quarantine import ROW, Quarantine
from sevenstep.data.record import Record
from sevenstep.data.vast import in_order
from sevenstep.wording import counted

__all__ = ["ordered", "with_identity", "without_duplicates"]


def with_identity(items: pl.DataFrame, name: str, needed: Sequence[str], quarantine: Quarantine) -> pl.DataFrame:
    """Only the rows that have a value in every column of ``needed`` (keys and time); the others go to the quarantine."""
    for column in needed:
        if not items[column].has_nulls():
            continue
        absent = pl.col(column).is_null()
        reason = f"the row has no '{column}'"
        quarantine.set_aside(name, items.filter(absent), code="DATA-NO-IDENTITY", column=column, reason=reason)
        items = items.filter(~absent)
    return items


def without_duplicates(
    items: pl.DataFrame, name: str, identity: Sequence[str], targets: Sequence[str], record: Record, quarantine: Quarantine
) -> pl.DataFrame:
    """One row per ``identity``: copies are dropped with a record, a later row that says otherwise goes to the quarantine.

    A row that lacks every target gives way to one that has them, wherever it stands: files with the rows to predict often repeat
    the last known ones.
    """
    values = [column for column in items.columns if column != ROW]
    if not _repeated(items, identity):
        return items
    open_row = pl.all_horizontal(pl.col(target).is_null() for target in targets) if targets else pl.lit(False)
    ranked = items.with_columns(open_row.alias("__open__")).sort("__open__", maintain_order=True).drop("__open__")
    single = ranked.unique(values, keep="first", maintain_order=True)
    copies = items.height - single.height
    if copies:
        record.add("dropped", f"{counted(copies, 'copy')} of other rows", source=name, rows=copies)
    first = single.unique(list(identity), keep="first", maintain_order=True)
    later = single.join(first.select(ROW), on=ROW, how="anti", maintain_order="left")
    reason = f"an earlier row has the same {' and '.join(identity)} with other values"
    quarantine.set_aside(name, later, code="DATA-DUPLICATE", column=identity[-1], reason=reason)
    return first


def _repeated(items: pl.DataFrame, identity: Sequence[str]) -> bool:
    """Whether two rows share an identity: neighbours once sorted, which takes a fraction of the memory that hashing rows does."""
    if in_order(items, identity, strictly=True):
        return False
    rows = items.select(identity).sort(identity)
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in identity)
    return bool(rows.select(same.slice(1).any()).item())


def ordered(items: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Rows sorted by ``by``, then by their place in the source."""
    return items if in_order(items, [*by, ROW]) else items.sort([*by, ROW])
