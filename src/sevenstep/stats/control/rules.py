"""Run rules: patterns within the limits that a process in control hardly ever shows.

Each rule reads distances from the centre in standard errors, ``[..., n]`` in order, and tells at which points its pattern is
complete. A missing value (NaN) is part of no pattern and ends every run. At the start, a rule that asks for "2 of 3" may be
met by the first two points, as in Champ and Woodall (1987).

Sources: Western Electric (1956), Statistical Quality Control Handbook; Nelson (1984), The Shewhart control chart: tests for
special causes, Journal of Quality Technology 16.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sevenstep.stats.control.charts import Chart
from sevenstep.stats.scored import BoolArray, FloatArray

__all__ = ["LIMITS_ALONE", "NELSON", "WESTERN_ELECTRIC", "Rule", "Violation", "fires", "violations"]


@dataclass(frozen=True)
class Rule:
    """A run rule: its ``number`` in its family, what it asks for, how many points it spans, and where it is met."""

    family: str
    number: int
    text: str
    span: int
    met: Callable[[FloatArray], BoolArray]

    @property
    def name(self) -> str:
        """As people cite it ("Nelson 3")."""
        return f"{self.family} {self.number}"


@dataclass(frozen=True)
class Violation:
    """A rule that fired on a chart: ``points`` are the positions at which its pattern was complete, in order."""

    chart: str
    rule: Rule
    points: tuple[int, ...]


def _windowed(hits: BoolArray, span: int) -> FloatArray:
    """How many of the last ``span`` points are hits, up to and with each point, ``[..., n]``."""
    sums = np.cumsum(hits, axis=-1, dtype=np.float64)
    sums[..., span:] -= sums[..., :-span].copy()
    return sums


def _several(needed: int, span: int, beyond: float) -> Callable[[FloatArray], BoolArray]:
    """``needed`` of ``span`` points farther than ``beyond`` on one side, the newest among them; NaN empties the window."""

    def met(z: FloatArray) -> BoolArray:
        fired = np.zeros(z.shape, np.bool_)
        for side in (z, -z):
            hits = side > beyond
            fired |= hits & (_windowed(hits, span) >= needed)
        return np.asarray(fired & (_windowed(np.isnan(z), span) == 0), np.bool_)

    return met


def _all_near(span: int, within: float) -> Callable[[FloatArray], BoolArray]:
    def met(z: FloatArray) -> BoolArray:
        return np.asarray(_windowed(np.abs(z) < within, span) == span, np.bool_)

    return met


def _none_near(span: int, beyond: float) -> Callable[[FloatArray], BoolArray]:
    """All of ``span`` points farther than ``beyond``, on either side or both."""

    def met(z: FloatArray) -> BoolArray:
        return np.asarray(_windowed(np.abs(z) > beyond, span) == span, np.bool_)

    return met


def _steps(z: FloatArray) -> FloatArray:
    """Change from the point before, NaN for the first."""
    first = np.full((*z.shape[:-1], 1), np.nan)
    return np.concatenate([first, np.diff(z, axis=-1)], axis=-1)


def _trend(span: int) -> Callable[[FloatArray], BoolArray]:
    """``span`` points in a row, each above (or each below) the one before."""

    def met(z: FloatArray) -> BoolArray:
        steps = _steps(z)
        rising, falling = (_windowed(side > 0, span - 1) == span - 1 for side in (steps, -steps))
        return np.asarray(rising | falling, np.bool_)

    return met


def _alternating(span: int) -> Callable[[FloatArray], BoolArray]:
    """``span`` points in a row that go up and down in turn."""

    def met(z: FloatArray) -> BoolArray:
        turns = -_steps(z) * np.roll(_steps(z), 1, axis=-1)
        return np.asarray(_windowed(turns > 0, span - 2) == span - 2, np.bool_)

    return met


def _family(name: str, rules: Sequence[tuple[str, int, Callable[[FloatArray], BoolArray]]]) -> Mapping[int, Rule]:
    return {number: Rule(name, number, *parts) for number, parts in enumerate(rules, start=1)}


_BEYOND = ("a point beyond 3 sigma", 1, _several(1, 1, 3.0))
_TWO_OF_THREE = ("2 of 3 points beyond 2 sigma on one side", 3, _several(2, 3, 2.0))
_FOUR_OF_FIVE = ("4 of 5 points beyond 1 sigma on one side", 5, _several(4, 5, 1.0))

WESTERN_ELECTRIC = _family(
    "Western Electric",
    [_BEYOND, _TWO_OF_THREE, _FOUR_OF_FIVE, ("8 points in a row on one side of the centre", 8, _several(8, 8, 0.0))],
)
"""The four rules of the Western Electric handbook, by number."""

NELSON = _family(
    "Nelson",
    [
        _BEYOND,
        ("9 points in a row on one side of the centre", 9, _several(9, 9, 0.0)),
        ("6 points in a row rising or falling", 6, _trend(6)),
        ("14 points in a row up and down in turn", 14, _alternating(14)),
        _TWO_OF_THREE,
        _FOUR_OF_FIVE,
        ("15 points in a row within 1 sigma", 15, _all_near(15, 1.0)),
        ("8 points in a row beyond 1 sigma on either side", 8, _none_near(8, 1.0)),
    ],
)
"""Nelson's eight rules, by number."""

LIMITS_ALONE = (WESTERN_ELECTRIC[1],)


def fires(z: FloatArray, rules: Iterable[Rule]) -> BoolArray:
    """At which points ``[..., n]`` any of the rules is met."""
    fired = np.zeros(z.shape, np.bool_)
    for rule in rules:
        fired |= rule.met(z)
    return fired


def violations(chart: Chart, rules: Iterable[Rule]) -> list[Violation]:
    """Which rules fire on a chart and where, in the order of the rules.

    The rule of one point (beyond the limits) reads the chart's own limits; other rules are read where the chart allows it.
    """
    found = []
    for rule in rules:
        if rule.span == 1:
            fired = chart.outside
        elif chart.runs:
            fired = rule.met(chart.standardised)
        else:
            continue
        if fired.any():
            found.append(Violation(chart.name, rule, tuple(int(place) for place in np.flatnonzero(fired))))
    return found
