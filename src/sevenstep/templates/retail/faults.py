"""A few faulty rows put into the orders on purpose, each written down, so that taking in the data has something to find."""

from __future__ import annotations

import numpy as np
import polars as pl

from sevenstep.templates.retail.effects import Planted
from sevenstep.templates.streams import Integers, stream

__all__ = ["plant_faults"]

_DUPLICATES = 2
_TEXTS = ("{} ea", "see note", "{} boxes")
_NEGATIVE = -4
_LEAVE_CLEAN = 0.2  # the newest rows stay as they are: what is scored should be true
_HEADER = 1


def plant_faults(seed: int, orders: pl.DataFrame, file: str) -> tuple[pl.DataFrame, tuple[Planted, ...]]:
    """``orders`` with two rows twice, three texts in ``quantity`` (then a text column) and one negative count of orders."""
    count = _DUPLICATES + len(_TEXTS) + 1
    rows = stream(seed, "faults").choice(int(orders.height * (1 - _LEAVE_CLEAN)), count, replace=False)
    twice, texts, negative = rows[:_DUPLICATES], rows[_DUPLICATES:-1], int(rows[-1])
    faulty, planted = _with_texts(orders, texts, file)
    was = orders["orders"][negative]
    faulty = faulty.with_columns(pl.Series("orders", _replaced(faulty["orders"], {negative: _NEGATIVE})))
    planted.append(Planted(file, negative, "negative", "orders", str(_NEGATIVE), str(was)))
    planted += [Planted(file, int(row), "duplicate", "", "the line before, once more", "one line") for row in twice]
    order = np.sort(np.concatenate([np.arange(orders.height), twice]), kind="stable")
    return faulty[order], tuple(sorted((_on_its_line(fault, twice) for fault in planted), key=lambda fault: fault.line))


def _with_texts(orders: pl.DataFrame, rows: Integers, file: str) -> tuple[pl.DataFrame, list[Planted]]:
    quantity = orders["quantity"].cast(pl.String)
    texts = {int(row): text.format(quantity[int(row)]) for row, text in zip(rows, _TEXTS, strict=True)}
    planted = [Planted(file, row, "text", "quantity", text, quantity[row]) for row, text in texts.items()]
    return orders.with_columns(pl.Series("quantity", _replaced(quantity, texts))), planted


def _replaced(column: pl.Series, changes: dict[int, int] | dict[int, str]) -> pl.Series:
    return column.scatter(list(changes), list(changes.values()))


def _on_its_line(fault: Planted, twice: Integers) -> Planted:
    """From a row of the clean table to a line of the file: header, counting from 1, and the copies written before it."""
    copies = int((twice < fault.line).sum()) + (fault.kind == "duplicate")
    return Planted(fault.file, fault.line + 1 + _HEADER + copies, fault.kind, fault.column, fault.given, fault.was)
