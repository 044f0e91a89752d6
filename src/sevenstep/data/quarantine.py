"""Rows set aside with the reason, instead of dropped in silence or allowed to spoil a fit.

All rows share one shape whatever source they came from, so that one file holds them all and a person can filter it.
"""

from __future__ import annotations

import polars as pl

__all__ = ["ROW", "SCHEMA", "Quarantine"]

ROW = "__row__"
"""Name of the column that carries a row's number within its source (from 1) through intake."""

SCHEMA = pl.Schema(
    {"source": pl.String, "row": pl.Int64, "column": pl.String, "code": pl.String, "reason": pl.String, "values": pl.String}
)
"""``row`` is null where a row has no number; ``values`` holds the row as JSON text, as it was when it was set aside."""


class Quarantine:
    """Collects rows; `frame` gives them all, in the order they were set aside."""

    def __init__(self) -> None:
        self._parts: list[pl.DataFrame] = []

    def set_aside(self, source: str, rows: pl.DataFrame, *, code: str, column: str, reason: str) -> None:
        """Keep ``rows`` (with or without the column `ROW`) under a stable ``code`` and a ``reason`` in words."""
        if rows.is_empty():
            return
        number = rows[ROW].cast(pl.Int64) if ROW in rows.columns else pl.repeat(None, rows.height, dtype=pl.Int64, eager=True)
        values = _as_json(rows.drop(ROW, strict=False))
        part = pl.DataFrame({"row": number, "values": values}).with_columns(
            source=pl.lit(source), column=pl.lit(column), code=pl.lit(code), reason=pl.lit(reason)
        )
        self._parts.append(part.select(SCHEMA.names()))

    def set_aside_text(self, source: str, lines: list[tuple[int, str, str]], *, code: str) -> None:
        """Keep lines that are no rows at all: each ``(line number, reason, text)``."""
        frame = pl.DataFrame(lines, schema={"row": pl.Int64, "reason": pl.String, "values": pl.String}, orient="row")
        frame = frame.with_columns(source=pl.lit(source), column=pl.lit(""), code=pl.lit(code))
        self._parts.append(frame.select(SCHEMA.names()))

    def frame(self) -> pl.DataFrame:
        """All rows set aside so far, in the columns of `SCHEMA`."""
        return pl.concat([pl.DataFrame(schema=SCHEMA), *self._parts])


def _as_json(rows: pl.DataFrame) -> pl.Series:
    """Each row as JSON text; bytes (images) are told by their length."""
    if not rows.columns:
        return pl.repeat("{}", rows.height, dtype=pl.String, eager=True)
    short = [pl.col(name).bin.size().alias(name) for name, dtype in rows.schema.items() if dtype == pl.Binary]
    return rows.with_columns(short).select(values=pl.struct(pl.all()).struct.json_encode()).to_series()
