"""Rows as points, so that "unlike" has a meaning: every input column has the same say, whatever its unit.

This is a measure of distance for choosing rows to label, and no feature for a model: nothing of it is ever learnt from.
"""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import numpy as np
import numpy.typing as npt
import polars as pl

__all__ = ["codes_of", "points_of", "texts_of"]

MOST_VALUES = 24  # of a category that get a place of their own; the rarer share one
MANY_VALUES = 200  # from which a column of texts is read as words
WORD_PLACES = 32

Floats = npt.NDArray[np.float64]


def points_of(rows: pl.DataFrame, columns: Sequence[str]) -> Floats:
    """Rows as points ``[row, coordinate]`` of the named columns; two rows differ by at most 1 in each column.

    Numbers and times become their rank (from 0 to 1, missing ones in the middle), few texts one coordinate a value, many texts
    their words. Pictures and nested values have no distance here and are left out.
    """
    parts = [_coordinates(rows[name]) for name in columns]
    usable = [part for part in parts if part.shape[1]]
    return np.hstack(usable) if usable else np.zeros((len(rows), 0))


def texts_of(values: pl.Series) -> pl.Series:
    """Classes as texts; a whole number is written without a decimal point."""
    whole = values.dtype.is_float() and bool((values.drop_nulls() == values.drop_nulls().round()).all())
    return (values.cast(pl.Int64) if whole else values).cast(pl.String)


def codes_of(values: pl.Series, classes: Sequence[str]) -> npt.NDArray[np.int64]:
    """Number of the class of each value, -1 where it is missing or none of the classes."""
    places = {name: place for place, name in enumerate(classes)}
    return texts_of(values).replace_strict(places, default=-1, return_dtype=pl.Int64).fill_null(-1).to_numpy()


def _coordinates(values: pl.Series) -> Floats:
    if values.dtype.is_numeric() or values.dtype.is_temporal():
        return _ranks(values)
    if values.dtype in (pl.Boolean, pl.String, pl.Categorical, pl.Enum):
        texts = values.cast(pl.String).fill_null("")
        return _words(texts) if texts.n_unique() > MANY_VALUES else _categories(texts)
    return np.zeros((len(values), 0))


def _ranks(values: pl.Series) -> Floats:
    known = values.fill_nan(None) if values.dtype.is_float() else values
    ranks = known.rank("average").cast(pl.Float64)
    most = max(float(known.len() - known.null_count()), 1.0)
    return ((ranks - 0.5) / most).fill_null(0.5).to_numpy()[:, None]


def _categories(texts: pl.Series) -> Floats:
    """One coordinate for each frequent value; two rows of different values are 1 apart."""
    counts = texts.value_counts(sort=True)
    frequent = counts[texts.name].head(MOST_VALUES).to_list()
    places = {value: place for place, value in enumerate(sorted(frequent))}
    codes = texts.replace_strict(places, default=len(places), return_dtype=pl.Int64).to_numpy()
    return np.asarray(np.eye(len(places) + 1)[codes] * np.sqrt(0.5))


def _words(texts: pl.Series) -> Floats:
    """Counts of hashed words, scaled to length 1: two texts without a word in common are 1 apart."""
    table = np.zeros((len(texts), WORD_PLACES))
    for row, text in enumerate(texts):
        for word in text.casefold().split():
            table[row, crc32(word.encode()) % WORD_PLACES] += 1.0
    length = np.linalg.norm(table, axis=1, keepdims=True)
    return np.asarray(table / np.where(length > 0, length, 1.0) * np.sqrt(0.5))
