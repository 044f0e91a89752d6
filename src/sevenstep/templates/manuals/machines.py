"""The machines: models of some kind with their figures, torques, intervals and error codes, and what an older edition told."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sevenstep.templates.manuals.words import KINDS, Kind
from sevenstep.templates.streams import stream

__all__ = ["Machine", "make_machines", "older_edition"]

_HOURS = (50, 100, 250, 500, 1000, 2000, 4000, 8000)
_CODES = 6


@dataclass(frozen=True)
class Machine:
    """One model.

    Args:
        model: its name, such as ``HP-212``.
        kind: what it is.
        figures: value of each of the kind's figures, as printed, with its unit.
        torques: of each fastening, as printed.
        intervals: operating hours of each upkeep.
        codes: error codes with the number of the kind's fault each means.
        warm_up: minutes it runs without load before it is used first.
        edition: year of the manual.
    """

    model: str
    kind: Kind
    figures: tuple[str, ...]
    torques: tuple[str, ...]
    intervals: tuple[int, ...]
    codes: tuple[tuple[str, int], ...]
    warm_up: int
    edition: int


def make_machines(seed: int, count: int) -> list[Machine]:
    """``count`` models, the kinds in turns, each drawn from a stream of its own."""
    numbers = stream(seed, "models").permutation(np.arange(100, 1000))[:count]
    return [_machine(seed, KINDS[at % len(KINDS)], int(number)) for at, number in enumerate(numbers)]


def _machine(seed: int, kind: Kind, number: int) -> Machine:
    rng = stream(seed, f"{kind.prefix}-{number}")
    figures = tuple(_printed(rng, one.low, one.high, one.step, one.unit) for one in kind.figures)
    torques = tuple(f"{int(rng.integers(2, 60)) * 5} Nm" for _ in kind.fastenings)
    intervals = tuple(int(hours) for hours in rng.choice(_HOURS, len(kind.upkeep), replace=False))
    faults = rng.permutation(len(kind.faults))[:_CODES]
    numbers = np.sort(rng.choice(np.arange(1, 100), _CODES, replace=False))
    codes = tuple((f"E{code:02}", int(fault)) for code, fault in zip(numbers, faults, strict=True))
    warm_up = int(rng.integers(1, 13)) * 5
    return Machine(f"{kind.prefix}-{number}", kind, figures, torques, intervals, codes, warm_up, int(rng.integers(2023, 2027)))


def _printed(rng: np.random.Generator, low: float, high: float, step: float, unit: str) -> str:
    value = low + step * int(rng.integers(0, round((high - low) / step) + 1))
    return f"{round(value, 2):g} {unit}"


def older_edition(machine: Machine, seed: int) -> Machine:
    """The same machine as an edition three years before told it: one torque and one interval were others."""
    rng = stream(seed, f"older {machine.model}")
    torques, intervals = list(machine.torques), list(machine.intervals)
    at = int(rng.integers(len(torques)))
    torques[at] = f"{int(torques[at].split()[0]) + 15} Nm"
    other = int(rng.integers(len(intervals)))
    intervals[other] = intervals[other] * 2
    return replace(machine, torques=tuple(torques), intervals=tuple(intervals), edition=machine.edition - 3)
