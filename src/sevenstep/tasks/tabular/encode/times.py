"""Times as features: elapsed days, the phase of each cycle that was seen often enough, and how far two times lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.tabular.encode.numbers import stacked
from sevenstep.tasks.tabular.encode.part import Matrix
from sevenstep.tasks.tabular.encode.reading import Columns

__all__ = ["Times"]

_DAY = 86_400.0
_CYCLES = (("hour", 1.0, 24.0), ("weekday", 7.0, 7.0), ("day of year", 365.25, 365.25))
_SEEN = 2.0  # cycles the rows must span: one that is seen once cannot be told from a trend


@dataclass(frozen=True)
class Times:
    """Parts of each time.

    Args:
        columns: the columns of times.
        cycles: of each column, the cycles of which the phase is a feature.
        elapsed: whether days since 1970 are a feature; not where newer rows are to be predicted, whose days no tree has seen.
    """

    columns: tuple[str, ...]
    cycles: tuple[tuple[str, ...], ...]
    elapsed: bool

    @property
    def names(self) -> list[str]:
        """Column and part."""
        names = [f"{name} {part}" for name, cycles in zip(self.columns, self.cycles, strict=True) for part in self._parts(cycles)]
        return names + [f"days from {first} to {second}" for first, second in combinations(self.columns, 2)]

    def _parts(self, cycles: Sequence[str]) -> list[str]:
        return [*(["days"] if self.elapsed else []), *cycles]

    def transform(self, columns: Columns) -> Matrix:
        """Days, phases (from 0 to the length of the cycle in its usual unit), then days between columns."""
        days = {name: columns.seconds(name) / _DAY for name in self.columns}
        made = []
        for name, cycles in zip(self.columns, self.cycles, strict=True):
            made += [days[name]] if self.elapsed else []
            made += [_phase(days[name], length, units) for cycle, length, units in _CYCLES if cycle in cycles]
        made += [days[second] - days[first] for first, second in combinations(self.columns, 2)]
        return stacked(made, columns.height)

    @classmethod
    def learn(cls, columns: Columns, times: Sequence[str], elapsed: bool) -> Times:
        """Cycles that the training rows span at least twice, the hour only where a time of day is given."""
        return cls(tuple(times), tuple(_seen(columns.seconds(name) / _DAY) for name in times), elapsed)


def _seen(days: NDArray[np.float64]) -> tuple[str, ...]:
    known = days[np.isfinite(days)]
    span = float(np.ptp(known)) if len(known) else 0.0
    whole = bool((known == np.floor(known)).all())
    return tuple(cycle for cycle, length, _ in _CYCLES if span >= _SEEN * length and not (cycle == "hour" and whole))


def _phase(days: NDArray[np.float64], length: float, units: float) -> NDArray[np.float64]:
    """Place in the cycle; day 4 since 1970 was a Monday."""
    start = 4.0 if length == 7.0 else 0.0
    place = np.mod(days - start, length) / length * units
    return place if units == 24.0 else np.floor(place)
