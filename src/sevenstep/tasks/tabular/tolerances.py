"""What the tolerances of the spec ask of the data: columns of measured numbers."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from sevenstep.errors import InputError
from sevenstep.spec.brief import Brief

__all__ = ["must_be_measured"]


def must_be_measured(items: pl.DataFrame, kinds: Mapping[str, str], brief: Brief, *, classes: bool) -> None:
    """Raise `InputError` where ``data.tolerances`` names a column of ``items`` that holds no numbers.

    Args:
        items: the rows.
        kinds: kind of each input, as `roles.find_roles` told them: a text may be read as a number.
        brief: with ``data`` and ``targets``.
        classes: whether the target is a class, which no tolerance holds for.
    """
    for column in brief.data.tolerances:
        told = _not_a_number(items, kinds, column, is_class=classes and column in brief.targets)
        if told:
            rule = "a tolerance is kept or missed by a measured number"
            fix = f"take '{column}' out of data.tolerances, or set data.types: {{{column}: number}} if it holds numbers"
            raise InputError("TABULAR-TOLERANCE", f"data.tolerances names '{column}', {told}", rule, fix)


def _not_a_number(items: pl.DataFrame, kinds: Mapping[str, str], column: str, *, is_class: bool) -> str:
    """What a column is instead of a number; empty for a number."""
    if column not in items.columns:
        return "which is left out of the data"
    if is_class:
        return "the class to be predicted"
    if kinds.get(column) == "number" or items[column].dtype.is_numeric():
        return ""
    kind = items[column].dtype
    held = {pl.Boolean: "yes and no", pl.Binary: "pictures", pl.Null: "nothing"}.get(kind.base_type(), "texts")
    return f"a column of {'times' if kind.is_temporal() or kinds.get(column) == 'time' else held}"
