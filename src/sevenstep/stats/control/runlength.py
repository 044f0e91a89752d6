"""How many points a chart takes to signal, on average: how often it alarms wrongly, how soon it finds a shift."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

from sevenstep.stats.control.rules import Rule, fires
from sevenstep.stats.scored import BoolArray, FloatArray

__all__ = ["RunLength", "chance_of_signals", "cusum_run_length", "ewma_run_length", "rules_run_length", "shewhart_run_length"]

_STATES = 401
_CHUNK = 256
_LONGEST = 200_000
_LEAST_RUNS, _MOST_DRAWN, _AT_ONCE = 200, 4_000_000, 1_000_000


@dataclass(frozen=True)
class RunLength:
    """A simulated average run length with its 95 % interval; ``runs`` were simulated."""

    mean: float
    low: float
    high: float
    runs: int


def shewhart_run_length(shift: float = 0.0, *, width: float = 3.0, size: int = 1) -> float:
    """Average run length of means of ``size`` values with limits ``width`` standard errors away: 1 over the chance of a signal.

    ``shift`` is in standard deviations of single values. At 3 sigma and no shift it is 370.4.
    """
    moved = shift * np.sqrt(size)
    return float(1 / (special.ndtr(-width - moved) + special.ndtr(-width + moved)))


def ewma_run_length(weight: float, width: float, shift: float = 0.0) -> float:
    """Average run length of an EWMA with asymptotic limits, from a Markov chain that cuts the space between them into cells.

    Source: Lucas and Saccucci (1990), Exponentially weighted moving average control schemes, Technometrics 32. ``weight`` 0.1 and
    ``width`` 2.814 give 500 points without a shift (``shift`` in standard deviations of the plotted values).
    """
    limit = width * np.sqrt(weight / (2 - weight))
    edges = limit * np.linspace(-1.0, 1.0, _STATES + 1)
    middles = (edges[1:] + edges[:-1]) / 2
    reach = (edges - (1 - weight) * middles[:, None]) / weight - shift
    lengths = _lengths(np.diff(special.ndtr(reach), axis=1))
    return float(lengths[_STATES // 2])


def cusum_run_length(slack: float, interval: float, shift: float = 0.0, *, head_start: float = 0.0, sides: int = 2) -> float:
    """Average run length of a tabular CUSUM, from a Markov chain over the sum (Brook and Evans 1972, Biometrika 59).

    Two sides, of lengths ``A`` and ``B`` (``A0``, ``B0`` without the head start), combine as
    ``(A B0 + B A0 - A0 B0) / (A0 + B0)`` (Lucas and Crosier 1982, Technometrics 24). ``slack`` 0.5 and ``interval`` 5 give 465
    points without a shift and 10.4 at one standard deviation.

    Args:
        slack: taken off each distance, in standard errors.
        interval: decision interval.
        shift: of the mean, in standard errors.
        head_start: value the sums start at.
        sides: 2 to watch both sides, 1 for shifts upwards alone.
    """
    above, above_0 = _one_sided(slack, interval, shift, head_start)
    if sides == 1:
        return above
    below, below_0 = _one_sided(slack, interval, -shift, head_start)
    return (above * below_0 + below * above_0 - above_0 * below_0) / (above_0 + below_0)


def _one_sided(slack: float, interval: float, shift: float, head_start: float) -> tuple[float, float]:
    """Run length from the head start and from 0. States are 0 and equal cells up to the decision interval."""
    cell = 2 * interval / (2 * _STATES - 1)
    middles = cell * np.arange(_STATES)
    upper = special.ndtr(middles + cell / 2 - middles[:, None] + slack - shift)
    chances = np.diff(upper, axis=1, prepend=0.0)
    lengths = _lengths(chances)
    return float(np.interp(head_start, middles, lengths)), float(lengths[0])


def _lengths(chances: FloatArray) -> FloatArray:
    """Expected steps until a chain leaves its states, from each of them; ``chances[i, j]`` leads from i to j."""
    return np.asarray(np.linalg.solve(np.eye(len(chances)) - chances, np.ones(len(chances))), np.float64)


def rules_run_length(rules: Iterable[Rule], shift: float = 0.0, *, runs: int = 4000, seed: int = 0) -> RunLength:
    """Average run length of several rules read together, by simulation: each rule more makes false alarms more frequent.

    With independent normal points. Use it to say honestly how often a chart alarms while nothing is wrong: Western Electric's
    four rules together do so every 92 points (Champ and Woodall 1987), not every 370.
    """
    return _simulated(tuple(rules), shift, runs, seed)


def chance_of_signals(rules: Iterable[Rule], points: int, signals: int, *, runs: int = 2000, seed: int = 0) -> float:
    """Chance that a process in control has ``signals`` or more signalling points among ``points``, by simulation.

    Use it before calling a process out of control: among 60 points, four rules read together signal somewhere as often as not.
    With independent normal points and known limits; never below ``1 / (1 + runs)``. Of more than 2,000 points fewer runs are
    made, 200 at least, so that long charts take no longer.
    """
    made = min(runs, max(_LEAST_RUNS, _MOST_DRAWN // max(points, 1)))
    counts = _signals(tuple(rules), points, made, seed)
    return float((1 + (counts >= signals).sum()) / (1 + made))


@lru_cache(maxsize=64)
def _signals(rules: tuple[Rule, ...], points: int, runs: int, seed: int) -> FloatArray:
    random, counts = np.random.default_rng(seed), np.empty(runs)
    at_once = max(1, _AT_ONCE // max(points, 1))
    for start in range(0, runs, at_once):
        z = random.standard_normal((min(at_once, runs - start), points))
        counts[start : start + at_once] = fires(z, rules).sum(axis=1)
    return counts


@lru_cache(maxsize=64)
def _simulated(rules: tuple[Rule, ...], shift: float, runs: int, seed: int) -> RunLength:
    generator = np.random.default_rng(seed)
    memory = max(rule.span for rule in rules)
    lengths = np.zeros(runs)
    going, past = np.arange(runs), np.full((runs, memory), np.nan)
    for start in range(0, _LONGEST, _CHUNK):
        z = np.concatenate([past, generator.standard_normal((len(going), _CHUNK)) + shift], axis=1)
        fired = _fired(z, rules, memory, at_start=start == 0)
        ended = fired.any(axis=1)
        lengths[going[ended]] = start + fired[ended].argmax(axis=1) + 1
        going, past = going[~ended], z[~ended, -memory:]
        if not len(going):
            break
    lengths[going] = _LONGEST
    mean, reach = float(lengths.mean()), float(1.96 * lengths.std(ddof=1) / np.sqrt(runs))
    return RunLength(mean, mean - reach, mean + reach, runs)


def _fired(z: FloatArray, rules: tuple[Rule, ...], memory: int, *, at_start: bool) -> BoolArray:
    """Where the new points complete a pattern; at the start there are none before them."""
    return fires(z[:, memory:], rules) if at_start else fires(z, rules)[:, memory:]
