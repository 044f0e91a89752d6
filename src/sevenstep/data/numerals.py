"""Numbers written as text: thousands separators, decimal commas, currency signs and stray spaces."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

__all__ = ["NumberReading", "read_numbers"]

_PLAIN = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_POINT_GROUPS = r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$"
_COMMA_DECIMAL = r"^[+-]?\d*,\d+([eE][+-]?\d+)?$"
_COMMA_GROUPS = r"^[+-]?\d{1,3}(\.\d{3})+(,\d*)?$"
_WHOLE = r"^[+-]?\d{1,18}$"
_CURRENCY = r"^(?:[€$£¥₩]|EUR|USD|GBP|JPY|KRW|CHF)\s*|\s*(?:[€$£¥₩]|EUR|USD|GBP|JPY|KRW|CHF|원)$"


@dataclass(frozen=True)
class NumberReading:
    """Numbers read from text: ``values`` (Int64 where all are whole, else Float64; null where a text is no number).

    ``style`` is ``plain``, ``point`` (1,234.5) or ``comma`` (1.234,5); ``ambiguous`` says that both fit and ``point`` was taken.
    """

    values: pl.Series
    style: str
    ambiguous: bool


def read_numbers(texts: pl.Series) -> NumberReading:
    """Read stripped texts as numbers in the one style that fits most of them, so that "1,234" means one thing in a column."""
    quick = _machine_written(texts)
    if quick is not None:
        return NumberReading(quick, "plain", ambiguous=False)
    bare = _bare(texts)
    by_point = bare.str.contains(_PLAIN) | bare.str.contains(_POINT_GROUPS)
    by_comma = bare.str.contains(r"^[+-]?\d+$") | bare.str.contains(_COMMA_DECIMAL) | bare.str.contains(_COMMA_GROUPS)
    separated = bare.str.contains(r"[.,]") & (by_point | by_comma)
    comma = int((by_comma & separated).sum()) > int((by_point & separated).sum())
    ambiguous = bool((by_point & by_comma & separated).any()) and not ((by_point ^ by_comma) & separated).any() and _commas(bare)
    fits = by_comma if comma else by_point
    digits = _digits(bare, comma)
    style = "comma" if comma else "point" if _commas(bare.filter(fits.fill_null(False))) else "plain"
    return NumberReading(_cast(digits, fits.fill_null(False)), style, ambiguous)


def _machine_written(texts: pl.Series) -> pl.Series | None:
    """The numbers where every text is one as programs write them: the common case, and many times faster."""
    for dtype in (pl.Int64, pl.Float64):
        made = texts.cast(dtype, strict=False)
        if made.null_count() == texts.null_count():
            return made
    return None


def _bare(texts: pl.Series) -> pl.Series:
    """Without currency and spaces between digits; an accountant's (12) or 12- becomes -12."""
    return (
        texts.str.replace(_CURRENCY, "")
        .str.replace_all(r"(\d)[\s\u00a0\u202f']+(\d{3})", "$1$2")
        .str.replace(r"^\((.+)\)$", "-$1")
        .str.replace(r"^(\d.*)-$", "-$1")
    )


def _commas(texts: pl.Series) -> bool:
    return bool(texts.str.contains(",", literal=True).any())


def _digits(bare: pl.Series, comma: bool) -> pl.Series:
    if comma:
        return bare.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    return bare.str.replace_all(",", "", literal=True)


def _cast(digits: pl.Series, fits: pl.Series) -> pl.Series:
    kept = digits.zip_with(fits, pl.repeat(None, digits.len(), dtype=pl.String, eager=True))
    if bool(kept.str.contains(_WHOLE).all()):
        return kept.str.strip_prefix("+").cast(pl.Int64, strict=False)
    return kept.str.strip_prefix("+").cast(pl.Float64, strict=False)
