"""How a column's values are read, in training and ever after: numbers with their unit, their decimal sign and codes for missing.

What was learnt from the training rows is kept, so that a single row to be predicted is read the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.coercion import MISSING_MARKS
from sevenstep.data.distinct import over_distinct
from sevenstep.data.numerals import read_numbers
from sevenstep.data.times import read_times
from sevenstep.tasks.tabular.problem import class_texts

__all__ = ["JOINED", "Columns", "Combined", "NumberForm", "missing_codes", "number_form"]

Combined = tuple[str, str, str]
"""Two columns with the operation between them: ``*``, ``/``, ``-`` or ``+`` of numbers, or `JOINED` for their values together."""

JOINED = " & "

_WITH_UNIT = r"^([+-]?\d[\d.,'\s\u00a0\u202f]*?)\s*([^\d\s.,'+-][^\d]{0,11})$"
_PLAIN = r"^[+-]?\d[\d.,'\s\u00a0\u202f]*$"
_MOST = 0.95
_LEAST_ROWS = 10
_LEAST_SHARE = 0.005
_FAR = {True: 3.0, False: 1.5}  # how many ranges of the other values a code lies above or below them
_WIDE = 20  # distinct values a count must have before -1 among them is taken for a code


@dataclass(frozen=True)
class NumberForm:
    """How numbers of a column are written.

    Args:
        unit: what follows each number in a column of text, lower case; empty where nothing does.
        comma: whether texts have decimal commas.
        codes: numbers that mean a missing value.
    """

    unit: str = ""
    comma: bool = False
    codes: tuple[float, ...] = ()

    def read(self, values: pl.Series) -> NDArray[np.float64]:
        """The numbers of a column of any type; NaN where there is none, or one in another unit."""
        kind = values.dtype
        if type(kind) is pl.Float64:  # types are compared by class where a server asks thousands of times a second
            made = values
        elif kind == pl.String:
            made = over_distinct(values, self._from_texts)
        elif kind.is_numeric() or kind == pl.Boolean:
            made = values.cast(pl.Float64)
        else:
            return np.full(len(values), np.nan)
        numbers: NDArray[np.float64] = made.to_numpy(writable=True)  # null becomes NaN
        known = np.isfinite(numbers)
        if not known.all():
            numbers[~known] = np.nan
        for code in self.codes:
            numbers[numbers == code] = np.nan
        return numbers

    def _from_texts(self, texts: pl.Series) -> pl.Series:
        bare = texts.str.strip_chars().str.to_lowercase()
        bare = bare.str.strip_suffix(self.unit).str.replace_all(r"['\s\u00a0\u202f]", "") if self.unit else bare
        signs = bare.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True) if self.comma else bare
        return signs.str.replace_all(",", "", literal=True).cast(pl.Float64, strict=False)


def number_form(texts: pl.Series) -> NumberForm | None:
    """How the numbers of a column of text are written, or None where it holds words, or numbers of several units."""
    distinct = texts.drop_nulls().unique().str.strip_chars().str.to_lowercase()
    distinct = distinct.filter(~distinct.is_in(sorted(MISSING_MARKS)))
    if len(distinct) < 2:
        return None
    parts = distinct.str.extract_groups(_WITH_UNIT).struct.unnest()
    numbers, units = parts["1"].fill_null(distinct.str.extract(f"({_PLAIN})", 1)), parts["2"].str.strip_chars().drop_nulls()
    if numbers.null_count() > (1 - _MOST) * len(distinct) or units.n_unique() > 1 or not _quantities(distinct):
        return None
    reading = read_numbers(numbers.str.strip_chars())
    if reading.values.null_count() > (1 - _MOST) * len(distinct):
        return None
    return NumberForm(units[0] if len(units) else "", reading.style == "comma")


def _quantities(texts: pl.Series) -> bool:
    """Whether no text is a code of digits with a leading zero."""
    return not bool(texts.str.contains(r"^0\d").any())


def missing_codes(numbers: NDArray[np.float64]) -> tuple[float, ...]:
    """Numbers that stand for "no value", told only on strong evidence.

    A code is the smallest or largest number, repeated, spelled in nines (99, 999, -99, ...) and far from all others; or -1 in a
    column of counts.
    """
    known = numbers[np.isfinite(numbers)]
    return tuple(code for code in _ends(known) if _is_code(code, known))


def _ends(known: NDArray[np.float64]) -> list[float]:
    return sorted({float(known.min()), float(known.max())}) if len(known) else []


def _is_code(code: float, known: NDArray[np.float64]) -> bool:
    others, count = known[known != code], int((known == code).sum())
    if count < max(_LEAST_ROWS, _LEAST_SHARE * len(known)) or len(others) < _LEAST_ROWS:
        return False
    low, high = float(others.min()), float(others.max())
    if code == -1.0:
        whole = bool((others == np.round(others)).all())
        return whole and low >= 0 and len(np.unique(others)) >= _WIDE and float(np.median(others)) >= _WIDE / 2
    digits = f"{abs(code):.0f}"
    if abs(code) < 99 or code != round(code) or set(digits) != {"9"}:
        return False
    gap = code - high if code > high else low - code
    return gap >= _FAR[code > high] * max(high - low, 1.0)


_OPERATIONS = {"*": np.multiply, "-": np.subtract, "+": np.add, "/": np.divide}
_PLAIN_FORM = NumberForm()


class Columns:
    """Rows of any shape, read as the kinds they were learnt with; a column that is not there is missing in every row.

    Args:
        rows: the rows.
        forms: how each column of numbers is written.
        combined: further columns, by name, made of two others: of numbers, or of texts where values are joined.
    """

    def __init__(
        self, rows: pl.DataFrame, forms: Mapping[str, NumberForm], combined: Mapping[str, Combined] = MappingProxyType({})
    ) -> None:
        self.rows, self.forms, self.combined = rows, forms, combined
        self.height = rows.height
        self._given = dict(zip(rows.columns, rows.get_columns(), strict=True))
        self._numbers: dict[str, NDArray[np.float64]] = {}

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A column as numbers, NaN where there is none."""
        made = self._numbers.get(name)
        if made is None:
            own = self.combined.get(name)
            made = self._combination(*own) if own else self.forms.get(name, _PLAIN_FORM).read(self._column(name))
            self._numbers[name] = made
        return made

    def listed(self, name: str) -> list[float | None]:
        """A column as a list of numbers, None or NaN where there is none; codes for a missing value are left as they are."""
        given = self._given.get(name)
        if given is not None and type(given.dtype) is pl.Float64:
            held: list[float | None] = given.to_list()
            return held
        numbers: list[float | None] = self.numbers(name).tolist()
        return numbers

    def _combination(self, first: str, operation: str, second: str) -> NDArray[np.float64]:
        """Numbers of two columns combined; NaN where one is missing, or divided by 0."""
        a, b = self.numbers(first), self.numbers(second)
        if operation == "/":
            b = np.where(b == 0, np.nan, b)
        made: NDArray[np.float64] = _OPERATIONS[operation](a, b)
        return made

    def texts(self, name: str) -> pl.Series:
        """A column as texts, null where there is none; whole numbers are written without a point."""
        if own := self.combined.get(name):
            return self.as_texts(own[0]) + JOINED + self.as_texts(own[2])
        values = self._column(name)
        kind = type(values.dtype)
        if kind is pl.String:
            return values
        return values.cast(pl.String) if kind is pl.Null else class_texts(values)

    def as_texts(self, name: str) -> pl.Series:
        """A column of numbers or of a category as texts, null where there is none: for values that name something."""
        return pl.Series(self.numbers(name)).fill_nan(None).cast(pl.String) if name in self.forms else self.texts(name)

    def seconds(self, name: str) -> NDArray[np.float64]:
        """A column of times as seconds since 1970, NaN where there is none."""
        values = self._column(name)
        if values.dtype == pl.String:
            values = read_times(values, "UTC").values
        if values.dtype != pl.Date and not isinstance(values.dtype, pl.Datetime):
            return np.full(self.height, np.nan)
        moments = values.cast(pl.Datetime("us")).dt.epoch("us").cast(pl.Float64) / 1e6
        return moments.fill_null(float("nan")).to_numpy()

    def _column(self, name: str) -> pl.Series:
        given = self._given.get(name)
        return pl.repeat(None, self.height, dtype=pl.Null, eager=True) if given is None else given
