"""The line as a whole: parts with their readings, the risk of each, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from sevenstep.templates.quality.causes import BASE, LOT_NOISE, Planted, exposed_to, plant_causes
from sevenstep.templates.quality.route import LINES, PRODUCTS, SHIFTS, Route, make_route
from sevenstep.templates.quality.sensors import Sensors, make_sensors
from sevenstep.templates.streams import Booleans, Floats, Integers, stream

__all__ = ["Line", "make_line"]


@dataclass(frozen=True)
class Line:
    """A production line with its hidden truth.

    Args:
        seed: of everything random.
        size: one of `route.SIZES`.
        route: where each part went.
        parts: the clean table: one row per part with names and readings, without the outcome.
        causes: what makes parts defective, the root cause first.
        risk: true chance of a defect of each part.
        defect: which parts are defective, those still to come included.
    """

    seed: int
    size: str
    route: Route
    parts: pl.DataFrame
    causes: tuple[Planted, ...]
    risk: Floats
    defect: Booleans


def make_line(seed: int = 0, size: str = "small") -> Line:
    """The line of a seed and a size; equal arguments give equal lines."""
    route = make_route(seed, size)
    parts = _table(route, make_sensors(seed, route))
    log_odds, causes = _log_odds(seed, route), plant_causes(seed)
    pushes = [cause.log_odds * exposed_to(cause, parts) for cause in causes]
    risk = _chance(log_odds + np.sum(pushes, axis=0))
    shares = [_share(risk, log_odds, pushes, without) for without in range(len(causes))]
    told = tuple(replace(cause, share=share) for cause, share in zip(causes, shares, strict=True))
    return Line(seed, size, route, parts, told, risk, stream(seed, "defects").random(route.parts) < risk)


def _log_odds(seed: int, route: Route) -> Floats:
    """Log odds of each part before any cause: lots differ for reasons nobody recorded."""
    lots = stream(seed, "lots").normal(0, LOT_NOISE, route.lot.max() + 1)
    return np.asarray(BASE + lots[route.lot], np.float64)


def _chance(log_odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-log_odds)), np.float64)


def _share(risk: Floats, log_odds: Floats, pushes: list[Floats], without: int) -> float:
    """Share of the defects that would not happen without one of the causes."""
    others = np.sum([push for place, push in enumerate(pushes) if place != without], axis=0)
    return float(1 - _chance(log_odds + others).sum() / risk.sum())


def _table(route: Route, sensors: Sensors) -> pl.DataFrame:
    return pl.DataFrame([
        pl.Series("part", [f"{number:06}" for number in range(1, route.parts + 1)]),
        pl.Series("started", route.started),
        pl.Series("lot", [f"L{number + 1:04}" for number in route.lot]),
        _named("line", LINES, route.line),
        _named("product", PRODUCTS, route.product),
        _named("shift", SHIFTS, route.shift),
        _numbered("supplier", "S{:03}", route.supplier),
        _numbered("press", "P{}", route.press),
        _numbered("furnace", "F{}", route.furnace),
        _numbered("grinder", "G{}", route.grinder),
        _numbered("coater", "C{}", route.coater),
        *(pl.Series(name, getattr(sensors, name).round(digits)) for name, digits in _DIGITS.items()),
    ])  # fmt: skip


_DIGITS = {
    "press_force": 1, "furnace_temperature": 1, "soak": 1, "humidity": 1, "coolant_flow": 2, "spindle": 0, "vibration": 2,
    "coat": 1, "hardness": 0,
}  # fmt: skip
"""Sensor columns in their order, with the digits after the point that their instruments show."""


def _named(column: str, names: Sequence[str], numbers: Integers) -> pl.Series:
    return pl.Series(column, names, dtype=pl.String).gather(numbers)


def _numbered(column: str, pattern: str, numbers: Integers) -> pl.Series:
    return pl.Series(column, [pattern.format(number + 1) for number in numbers])
