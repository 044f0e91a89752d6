"""What kind of input a column is, told from its values with the reason."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from sevenstep.data.locations import PICTURE_SUFFIXES
from sevenstep.tasks.tabular.encode.reading import number_form

__all__ = ["Kind", "kind_of"]

_WORDS = 3.5
_DISTINCT = 0.3
_UNIQUE = 0.99
_COUNTED = 2.0
_FEW = 20
_PICTURE_FILE = rf"\S({'|'.join(map(re.escape, PICTURE_SUFFIXES))})$"


@dataclass(frozen=True)
class Kind:
    """Kind of an input column (see `problem.KINDS`), or None where the column is left out; ``reason`` says why."""

    kind: str | None
    reason: str


def kind_of(values: pl.Series) -> Kind:
    """Tell the kind of a column from its type and its values."""
    dtype = values.dtype
    if dtype.is_nested() or dtype == pl.Object:
        return Kind(None, "holds lists or structures, which no candidate reads")
    if dtype == pl.Binary:
        return Kind("picture", "holds bytes")
    distinct = values.n_unique()
    if distinct <= 1:
        return Kind(None, "has one value in all rows")
    if dtype == pl.Date or isinstance(dtype, pl.Datetime):
        return Kind("time", "holds times")
    if dtype == pl.Boolean:
        return Kind("category", "true or false")
    if dtype.is_numeric():
        return _numeric(values, distinct)
    return _texts(values.cast(pl.String), distinct)


def _numeric(values: pl.Series, distinct: int) -> Kind:
    """A number, unless it counts the rows: random whole numbers this dense would repeat."""
    if values.dtype.is_integer() and distinct == len(values) >= _FEW:
        low, high = values.to_physical().cast(pl.Float64).min(), values.to_physical().cast(pl.Float64).max()
        assert isinstance(low, float) and isinstance(high, float)
        if high - low + 1 <= _COUNTED * distinct:
            return Kind(None, "counts the rows: each has a number of its own")
    return Kind("number", "holds numbers")


def _texts(texts: pl.Series, distinct: int) -> Kind:
    form = number_form(texts)
    if form is not None:
        writing = f"in '{form.unit}'" if form.unit else "with decimal commas" if form.comma else "as text"
        return Kind("number", f"holds numbers written {writing}")
    known = texts.drop_nulls()
    if known.str.to_lowercase().str.contains(_PICTURE_FILE).all():
        return Kind(None, "names the picture's file, and such names tell what somebody already knew of it")
    words = (known.str.count_matches(r"\s+") + 1).mean()
    assert isinstance(words, float)
    if words >= _WORDS and known.n_unique() >= max(_DISTINCT * len(known), _FEW):
        return Kind("text", f"free text of {words:.0f} words in the mean")
    if known.n_unique() >= _UNIQUE * len(texts) and len(texts) >= _FEW:
        return Kind(None, "names the row: nearly every row has a value of its own")
    return Kind("category", f"{distinct:,} different texts")
