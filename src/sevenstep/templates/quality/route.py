"""Which part went where and when: lots, lines, tools, products, suppliers of powder, shifts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sevenstep.templates.streams import Floats, Integers, stream

__all__ = ["LINES", "PARTS", "PRODUCTS", "SHIFTS", "SIZES", "Extent", "Route", "make_route"]

PARTS = 40
"""Parts of a lot."""

LINES = ("A", "B")
PRODUCTS = ("seat", "guide", "bush")
SHIFTS = ("early", "late", "night")
_PRESSES = 4  # two on each line, so that a bad press makes its line look bad
_FURNACES, _GRINDERS, _COATERS = 3, 6, 2
_FIRST = np.datetime64("2026-01-05T06:00", "us")  # a Monday, at the start of the early shift
_SECONDS = 150  # between two parts of a lot
_LOTS_AT_ONCE = 2  # one on each line


@dataclass(frozen=True)
class Extent:
    """How much of the line a size takes in: lots with a known outcome, and suppliers of powder."""

    lots: int
    suppliers: int


SIZES: Mapping[str, Extent] = {"small": Extent(120, 40), "medium": Extent(500, 80), "large": Extent(2000, 160)}
AHEAD = 5
"""Lots made after those, whose outcome is still to come."""


@dataclass(frozen=True)
class Route:
    """The way of each part, arrays ``[n]`` in order of start: numbers from 0 of its lot and of where it went.

    ``started`` is when its pressing began; ``known`` is how many parts have an outcome.
    """

    lot: Integers
    started: np.ndarray[tuple[int], np.dtype[np.datetime64]]
    line: Integers
    product: Integers
    shift: Integers
    press: Integers
    furnace: Integers
    grinder: Integers
    coater: Integers
    supplier: Integers
    known: int

    @property
    def parts(self) -> int:
        """How many parts there are, those with an outcome to come included."""
        return len(self.lot)

    @property
    def hours(self) -> Floats:
        """Hours since the first part."""
        return np.asarray((self.started - _FIRST) / np.timedelta64(1, "h"), np.float64)


def make_route(seed: int, size: str) -> Route:
    """Draw the way of every part: some things are one for a lot (line, product, furnace, supplier), others go by part."""
    generator, extent = stream(seed, "route"), SIZES[size]
    lots = extent.lots + AHEAD
    lot = np.repeat(np.arange(lots), PARTS)
    line_of_lot = np.arange(lots) % len(LINES)
    started = _started(lots)
    return Route(
        lot=lot,
        started=started,
        line=line_of_lot[lot],
        product=generator.choice(len(PRODUCTS), lots, p=(0.5, 0.3, 0.2))[lot],
        shift=_shift(started),
        press=2 * line_of_lot[lot] + generator.integers(0, _PRESSES // len(LINES), len(lot)),
        furnace=generator.integers(0, _FURNACES, lots)[lot],
        grinder=generator.integers(0, _GRINDERS, len(lot)),
        coater=generator.integers(0, _COATERS, lots)[lot],
        supplier=_suppliers(generator, lots, extent.suppliers)[lot],
        known=extent.lots * PARTS,
    )


def _started(lots: int) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    """Two lots at a time; the line runs day and night."""
    first = (np.arange(lots) // _LOTS_AT_ONCE) * PARTS * _SECONDS
    seconds = first[:, None] + np.arange(PARTS) * _SECONDS
    return _FIRST + seconds.ravel().astype("timedelta64[s]")


def _shift(started: np.ndarray[tuple[int], np.dtype[np.datetime64]]) -> Integers:
    """Early from 6, late from 14, night from 22 o'clock."""
    hours = (started - _FIRST) // np.timedelta64(1, "h")
    return (hours % 24) // 8


def _suppliers(generator: np.random.Generator, lots: int, suppliers: int) -> Integers:
    """A few suppliers deliver most of the powder, as everywhere."""
    popularity = (np.arange(suppliers) + 3.0) ** -0.9
    return generator.choice(suppliers, lots, p=popularity / popularity.sum())
