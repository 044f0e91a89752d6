"""What makes parts defective: one root cause and some lesser ones, drawn by seed, so that a search for them can be judged."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from sevenstep.templates.quality.route import PRODUCTS
from sevenstep.templates.streams import Floats, stream

__all__ = ["BASE", "LOT_NOISE", "ROOTS", "Planted", "exposed_to", "plant_causes"]

BASE = -4.3
"""Log odds of a defect where no cause is at work."""
LOT_NOISE = 0.35
"""Standard deviation of the log odds from lot to lot."""

ROOTS = ("press", "grinder", "supplier", "coolant", "pair")
"""Kinds of root cause; which one a line has depends on its seed."""


@dataclass(frozen=True)
class Planted:
    """A cause: the columns it is about, when a part is exposed, and by how much it raises the log odds of a defect.

    ``when`` reads the clean table of parts; ``share`` is the share of all defects that would not happen without it.
    """

    columns: tuple[str, ...]
    text: str
    when: pl.Expr
    log_odds: float
    share: float = 0.0


def plant_causes(seed: int) -> tuple[Planted, ...]:
    """The root cause first, then three lesser ones that are about other columns."""
    generator = stream(seed, "causes")
    kind = ROOTS[int(generator.integers(len(ROOTS)))]
    press, grinder, furnace = (int(generator.integers(1, levels + 1)) for levels in (4, 6, 3))
    supplier, product = int(generator.integers(1, 4)), PRODUCTS[int(generator.integers(2))]
    roots = {
        "press": _level("press", f"P{press}", 2.6),
        "grinder": _level("grinder", f"G{grinder}", 2.8),
        "supplier": _level("supplier", f"S{supplier:03}", 3.0),
        "coolant": _below("coolant_flow", 24.0, 2.8),
        "pair": _pair("furnace", f"F{furnace}", "product", product, 2.9),
    }
    lesser = {
        "night": _pair("shift", "night", "coater", "C2", 1.0),
        "vibration": _above("vibration", 2.4, 1.2),
        "force": _below("press_force", 408.0, 1.0),
    }
    return roots[kind], *lesser.values()


def _level(column: str, level: str, log_odds: float) -> Planted:
    return Planted((column,), f"{column} = {level}", pl.col(column) == level, log_odds)


def _below(column: str, cut: float, log_odds: float) -> Planted:
    return Planted((column,), f"{column} up to {cut:g}", pl.col(column) <= cut, log_odds)


def _above(column: str, cut: float, log_odds: float) -> Planted:
    return Planted((column,), f"{column} above {cut:g}", pl.col(column) > cut, log_odds)


def _pair(one: str, level: str, other: str, its_level: str, log_odds: float) -> Planted:
    both = (pl.col(one) == level) & (pl.col(other) == its_level)
    return Planted((one, other), f"{one} = {level} and {other} = {its_level}", both, log_odds)


def exposed_to(cause: Planted, parts: pl.DataFrame) -> Floats:
    """1 for parts the cause is at work on, else 0."""
    exposed: Floats = parts.select(cause.when.cast(pl.Float64)).to_series().to_numpy()
    return exposed
