"""The line as the files its systems would export: numbers as text, codes for missing values, and a few faulty rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from sevenstep.templates.quality.line import Line
from sevenstep.templates.streams import stream

__all__ = [
    "COAT_TOLERANCE", "FAIL", "HARDNESS_LEAST", "LIMITS", "NOT_MEASURED", "NO_SIGNAL", "PASS", "Fault", "future_table",
    "parts_table",
]  # fmt: skip

FAIL, PASS = "fail", "pass"
NO_SIGNAL, NOT_MEASURED = "-999", "n/a"
"""What the systems write where a sensor gave no signal, and where a value was not taken."""

LIMITS = (20.0, 80.0)
"""Coats in µm that the line can make at all: what lies outside was not measured right."""

COAT_TOLERANCE, HARDNESS_LEAST = (42.0, 58.0), 600.0
"""What a part has to keep: the coat in µm, its hardness in HV."""

_NO_SIGNAL_SHARE = 0.03
_NO_SUPPLIER_SHARE = 0.02
_NOTE_SHARE = 0.06
_NOTES = ("tool changed", "restart after jam", "operator change", "cleaned die", "sample taken to lab")
_IMPOSSIBLE = 4.2
_LEAVE_CLEAN = 0.2  # the newest rows stay as they are: what is scored should be true
_HEADER = 1


@dataclass(frozen=True)
class Fault:
    """A faulty line put in on purpose, counted from 1 with the header."""

    line: int
    kind: str
    column: str
    given: str
    was: str


def parts_table(line: Line) -> tuple[pl.DataFrame, tuple[Fault, ...]]:
    """All parts with a known outcome, in order of start, and the faults among them: two lines twice, one impossible coat."""
    table = _exported(line).head(line.route.known)
    result = pl.Series("result", np.where(line.defect[: line.route.known], FAIL, PASS))
    first, second, impossible = np.sort(
        stream(line.seed, "faults").choice(int(table.height * (1 - _LEAVE_CLEAN)), 3, replace=False)
    ).tolist()
    was = str(table["coat"][impossible])
    coat = table["coat"].scatter(impossible, _IMPOSSIBLE)
    order = np.sort(np.concatenate([np.arange(table.height), [first, second]]), kind="stable")
    faults = (
        Fault(first + 2 + _HEADER, "duplicate", "", "the line before, once more", "one line"),
        Fault(second + 3 + _HEADER, "duplicate", "", "the line before, once more", "one line"),
        Fault(impossible + 3 + _HEADER, "impossible", "coat", str(_IMPOSSIBLE), was),
    )
    return table.with_columns(coat, result)[order], faults


def future_table(line: Line) -> pl.DataFrame:
    """The newest parts, whose outcome is still to come: rows as ``sevenstep predict --input`` takes them."""
    return _exported(line)[line.route.known :]


def _exported(line: Line) -> pl.DataFrame:
    """Temperatures with a decimal comma and a thousands point, humidity with a code for missing, notes here and there."""
    generator, n = stream(line.seed, "export"), line.route.parts
    temperature = pl.Series("furnace_temperature", [_continental(value) for value in line.parts["furnace_temperature"]])
    humidity = line.parts["humidity"].cast(pl.String).to_list()
    silent, unnamed = generator.random(n) < _NO_SIGNAL_SHARE, generator.random(n) < _NO_SUPPLIER_SHARE
    notes = np.where(generator.random(n) < _NOTE_SHARE, generator.choice(_NOTES, n), "")
    hardness = line.parts["hardness"]
    return line.parts.with_columns(
        temperature,
        pl.Series("humidity", [NO_SIGNAL if missing else text for missing, text in zip(silent, humidity, strict=True)]),
        pl.when(pl.Series(unnamed)).then(None).otherwise(pl.col("supplier")).alias("supplier"),
        pl.when(hardness.is_nan())
        .then(pl.lit(NOT_MEASURED))
        .otherwise(hardness.cast(pl.Int64, strict=False).cast(pl.String))
        .alias("hardness"),
        pl.Series("note", notes),
    )


def _continental(value: float) -> str:
    """A number as the furnace's controller writes it: 1.118,4."""
    return f"{value:,.1f}".translate(str.maketrans(",.", ".,"))
