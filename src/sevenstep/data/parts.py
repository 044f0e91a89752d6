"""Very many rows in parts of whole keys: one part is the table that is learnt from, the others are read one at a time.

Keys are dealt out in turn, in the order they are sorted by: each part is a systematic sample of all of them.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.vast import stretches

__all__ = ["PART", "Parts", "dealt_out"]

PART = "__part__"
"""Column that tells the part of each key."""

Taking = Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame]
"""Makes of the rows of a part, and of rows that came later, the rows of the part as they are now."""


@dataclass(frozen=True)
class Parts:
    """The parts of a table.

    Args:
        count: how many there are; part 0 is the table that whoever knows of no parts reads.
        keys: every key once, with its part in the column `PART`.
        reads: gives the rows of a part by its number, as they were taken in.
        later: rows that came later, oldest first, and how they are taken in.
        folder: where the parts were read from, whose files can be copied as they are; None where they were made.
    """

    count: int
    keys: pl.DataFrame
    reads: Callable[[int], pl.DataFrame]
    later: tuple[tuple[pl.DataFrame, Taking], ...] = ()
    folder: Path | None = None

    def read(self, number: int) -> pl.DataFrame:
        """The rows of one part, with what came later."""
        found = self.reads(number)
        for rows, take in self.later:
            own = self.of(rows, number)
            found = found if own.is_empty() else take(found, own)
        return found

    def of(self, rows: pl.DataFrame, number: int) -> pl.DataFrame:
        """Those of some rows with the keys of one part."""
        return rows.filter(self.numbers(rows) == number)

    def numbers(self, rows: pl.DataFrame) -> pl.Series:
        """For each of some rows the number of its part; a new key belongs to part 0."""
        names = [name for name in self.keys.columns if name != PART]
        asked = rows.select(pl.col(name).cast(self.keys.schema[name], strict=False) for name in names)
        return asked.join(self.keys, on=names, how="left", nulls_equal=True, maintain_order="left")[PART].fill_null(0)

    def grown(self, rows: pl.DataFrame, take: Taking) -> Parts:
        """The parts with rows that came later; they are taken in when a part is read."""
        return replace(self, later=(*self.later, (rows, take)), folder=None)

    def save(self, folder: Path) -> None:
        """Write the keys, and all parts but the first."""
        own = folder / _FOLDER
        own.mkdir()
        self.keys.write_parquet(own / _KEYS)
        for number in range(1, self.count):
            if self.folder is None:
                self.read(number).write_parquet(own / _file(number), compression="zstd")
            else:
                shutil.copyfile(self.folder / _FOLDER / _file(number), own / _file(number))

    @classmethod
    def load(cls, folder: Path) -> Parts | None:
        """Read back what `save` wrote, the rows when they are asked for; None where nothing was in parts."""
        own = folder / _FOLDER
        if not own.is_dir():
            return None
        keys = pl.read_parquet(own / _KEYS)
        count = int(keys[PART].max()) + 1  # type: ignore[arg-type]
        return cls(count, keys, lambda number: pl.read_parquet(own / _file(number)), folder=folder)


def dealt_out(table: pl.DataFrame, keys: Sequence[str], count: int) -> tuple[pl.DataFrame, Parts]:
    """Part 0 of a table that is sorted by its keys, and all its parts."""
    part = _part_of_rows(table, keys, count)
    firsts = np.flatnonzero(np.diff(part, prepend=np.uint16(count)))  # neighbouring keys lie in unlike parts
    each = table.select(keys)[firsts].with_columns(pl.Series(PART, part[firsts]))

    def read(number: int) -> pl.DataFrame:
        return table.filter(pl.Series(part == number))

    return read(0), Parts(count, each, read)


def _part_of_rows(table: pl.DataFrame, keys: Sequence[str], count: int) -> NDArray[np.uint16]:
    """For each row the number of its key, modulo ``count``."""
    part = np.empty(len(table), dtype=np.uint16)
    new = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in keys)
    number = 0
    for first, rows in stretches(len(table)):
        before = min(first, 1)
        begins = table.select(keys).slice(first - before, rows + before).select(new).to_series()[before:].to_numpy().copy()
        begins[0] &= before  # the very first row begins key 0
        numbers = number + np.cumsum(begins)
        part[first : first + rows], number = numbers % count, int(numbers[-1])
    return part


def _file(number: int) -> str:
    return f"{number}.parquet"


_FOLDER, _KEYS = "in_parts", "keys.parquet"  # a folder of its own: a table may have any name
