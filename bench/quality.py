"""Measures the quality tools against published figures and planted truths, one table with n and a 95 % interval.

    python bench/quality.py [--lines 20] [--coverage 2000] [--seed 0]

Constants of control charts against the published tables, average run lengths against theory and published figures, coverage of
the intervals of capability and of the share outside, and planted root causes of simulated production lines: how often the ranking
puts them first, at full strength, at 70 % of it, and how often it names a cause where there is none; the same for a measured
outcome that the causes shift, and whether the interval of the shift holds the planted one.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import special

from sevenstep.stats.causes import Ranking, Shift, rank_causes, rank_number_causes
from sevenstep.stats.control.capability import capability
from sevenstep.stats.control.constants import constants
from sevenstep.stats.control.memory import cusum_chart, ewma_chart
from sevenstep.stats.control.process import Process
from sevenstep.stats.control.rules import NELSON, WESTERN_ELECTRIC, Rule
from sevenstep.stats.control.runlength import (
    cusum_run_length,
    ewma_run_length,
    rules_run_length,
    shewhart_run_length,
)
from sevenstep.stats.control.specification import Specification
from sevenstep.templates.quality.causes import exposed_to
from sevenstep.templates.quality.line import Line, make_line

# ASTM MNL 7, table 50, and NIST handbook, section 6.3.2: d2, d3 and c4 by subgroup size.
D2 = (
    1.128, 1.693, 2.059, 2.326, 2.534, 2.704, 2.847, 2.970, 3.078, 3.173, 3.258, 3.336, 3.407, 3.472, 3.532, 3.588, 3.640, 3.689,
    3.735, 3.778, 3.819, 3.858, 3.895, 3.931,
)  # fmt: skip
D3 = (
    0.8525, 0.8884, 0.8798, 0.8641, 0.8480, 0.8332, 0.8198, 0.8078, 0.7971, 0.7873, 0.7785, 0.7704, 0.7630, 0.7562, 0.7499,
    0.7441, 0.7386, 0.7335, 0.7287, 0.7242, 0.7199, 0.7159, 0.7121, 0.7084,
)  # fmt: skip
C4 = (
    0.7979, 0.8862, 0.9213, 0.9400, 0.9515, 0.9594, 0.9650, 0.9693, 0.9727, 0.9754, 0.9776, 0.9794, 0.9810, 0.9823, 0.9835,
    0.9845, 0.9854, 0.9862, 0.9869, 0.9876, 0.9882, 0.9887, 0.9892, 0.9896,
)  # fmt: skip
A2_OF_5, A3_OF_5, B4_OF_5, D4_OF_5 = 0.577, 1.427, 2.089, 2.114
UNIT = Process(0.0, 1.0, 100)
LIMITS = Specification(-4.0, 4.5)
WEAKER = 0.7
SHIFT, LOTS = 0.35, 0.3
"""Of a measured outcome in standard deviations of like parts: per log odds of a planted cause, and between lots."""


@dataclass(frozen=True)
class Row:
    """One line of the table: what, what was to be met, what was measured with its interval, n, and whether it holds."""

    what: str
    expected: str
    found: float
    low: float
    high: float
    n: int
    holds: bool


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=20, help="simulated production lines")
    parser.add_argument("--coverage", type=int, default=2000, help="simulated samples for each interval")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.perf_counter()
    print(f"{'what':<58} {'expected':>14} {'found':>9} {'95 % interval':>20} {'n':>6}")
    for row in _rows(options):
        interval = f"{row.low:.4g} to {row.high:.4g}"
        print(f"{row.what:<58} {row.expected:>14} {row.found:>9.4g} {interval:>20} {row.n:>6}  {'' if row.holds else 'MISSED'}")
    print(f"{time.perf_counter() - started:.0f} s")


def _rows(options: argparse.Namespace) -> Iterator[Row]:
    yield from _constants()
    yield from _run_lengths(options.seed)
    yield from _coverage(options.coverage, options.seed)
    yield from _expected_shares(options.coverage // 4, options.seed)
    yield from _root_causes(options.lines, options.seed)
    yield from _number_causes(options.lines, options.seed)


def _constants() -> Iterator[Row]:
    """Largest difference to the published figures; half a unit of their last digit is what rounding explains."""
    for name, published, digits in (("d2", D2, 3), ("d3", D3, 4), ("c4", C4, 4)):
        misses = [abs(getattr(constants(n), name) - value) for n, value in enumerate(published, start=2)]
        worst, most = max(misses), 0.51 * 10**-digits
        yield Row(f"{name}, n = 2 to 25: largest difference", f"<= {most:.1g}", worst, worst, worst, len(misses), worst <= most)
    five = constants(5)
    for name, published in (("A2", A2_OF_5), ("A3", A3_OF_5), ("B4", B4_OF_5), ("D4", D4_OF_5)):
        found = float(getattr(five, name))
        yield Row(f"{name}, n = 5", f"{published}", found, found, found, 1, abs(found - published) < 0.00051)


def _run_lengths(seed: int) -> Iterator[Row]:
    """Theory against published figures, then simulation against theory."""
    published: Mapping[str, tuple[float, float]] = {
        "Shewhart, 3 sigma": (shewhart_run_length(), 370.4),
        "Shewhart, 3 sigma, shift 1": (shewhart_run_length(1), 43.9),
        "CUSUM 0.5, 5": (cusum_run_length(0.5, 5), 465),
        "CUSUM 0.5, 5, shift 1": (cusum_run_length(0.5, 5, 1), 10.4),
        "CUSUM 0.5, 4, head start 2": (cusum_run_length(0.5, 4, head_start=2), 149),
        "EWMA 0.1, 2.814": (ewma_run_length(0.1, 2.814), 500),
        "EWMA 0.1, 2.814, shift 1": (ewma_run_length(0.1, 2.814, 1), 10.3),
    }
    for name, (found, stated) in published.items():
        yield Row(f"run length by theory: {name}", f"{stated:g}", found, found, found, 1, abs(found / stated - 1) < 0.006)
    random = np.random.default_rng(seed)
    simulated: Mapping[str, tuple[Callable[[np.ndarray], np.ndarray], float, float]] = {
        "CUSUM 0.5, 5, shift 1": (lambda run: cusum_chart(run, UNIT).outside, 1.0, cusum_run_length(0.5, 5, 1)),
        "CUSUM 0.5, 5": (lambda run: cusum_chart(run, UNIT).outside, 0.0, cusum_run_length(0.5, 5)),
        "EWMA 0.4, 3.054": (lambda run: ewma_chart(run, UNIT, weight=0.4, width=3.054).outside, 0.0, ewma_run_length(0.4, 3.054)),
    }
    for name, (signals, shift, theory) in simulated.items():
        yield _simulated(f"run length by simulation: {name}", signals, shift, theory, random)
    yield from _together()


def _simulated(
    what: str, signals: Callable[[np.ndarray], np.ndarray], shift: float, theory: float, random: np.random.Generator
) -> Row:
    lengths = np.array([_first(signals, random, shift, int(8 * theory) + 50) for _ in range(300)], float)
    reach = 1.96 * lengths.std(ddof=1) / np.sqrt(len(lengths))
    mean = float(lengths.mean())
    return Row(what, f"{theory:.1f}", mean, mean - reach, mean + reach, len(lengths), abs(mean - theory) < 2 * reach)


def _first(signals: Callable[[np.ndarray], np.ndarray], random: np.random.Generator, shift: float, longest: int) -> int:
    """Points until the first signal; a run without one counts as its whole length, which at eight times the mean is rare."""
    found = np.flatnonzero(signals(random.normal(shift, 1.0, longest)))
    return int(found[0]) + 1 if len(found) else longest


def _together() -> Iterator[Row]:
    """Champ and Woodall (1987): rules read together alarm more often than each alone."""
    published = {(1,): 370.40, (1, 2): 225.44, (1, 3): 166.05, (1, 4): 152.73, (1, 2, 3, 4): 91.75}
    for numbers, stated in published.items():
        yield _rules(f"Western Electric {', '.join(map(str, numbers))}", [WESTERN_ELECTRIC[n] for n in numbers], stated)
    yield _rules("Nelson 1 to 8", NELSON.values(), None)


def _rules(name: str, rules: Iterable[Rule], stated: float | None) -> Row:
    found = rules_run_length(rules, runs=6000)
    holds = stated is None or abs(found.mean - stated) < 1.5 * (found.high - found.low) / 2
    what = f"run length by simulation: {name}"
    return Row(what, "" if stated is None else f"{stated:g}", found.mean, found.low, found.high, found.runs, holds)


def _coverage(samples: int, seed: int) -> Iterator[Row]:
    """Share of 95 % intervals that hold the true index, for normal and for skewed values."""
    random = np.random.default_rng(seed)
    drawn: Mapping[str, Callable[[], np.ndarray]] = {
        "normal, 40 single values": lambda: random.standard_normal(40),
        "normal, 20 subgroups of 5": lambda: random.standard_normal((20, 5)),
        "skewed (gamma 4), 400 values": lambda: random.gamma(4.0, 0.5, 400) - 2.0,
    }
    truth = {"cp": 8.5 / 6, "cpk": 4 / 3, "pp": 8.5 / 6, "ppk": 4 / 3, "cpm": 8.5 / 6 / np.sqrt(1 + 0.25**2)}
    for name, draw in drawn.items():
        found = [capability(draw(), LIMITS) for _ in range(samples)]
        for index, true in truth.items():
            covered = [getattr(one, index).low <= true <= getattr(one, index).high for one in found]
            yield _share(f"interval of {index} covers: {name}", "0.92 to 0.98", int(sum(covered)), samples, 0.92, 0.985)


def _expected_shares(samples: int, seed: int) -> Iterator[Row]:
    """Share of intervals that hold the true share outside, 0.5 %, of normal and skewed values and of lots that differ."""
    random, z = np.random.default_rng(seed), -float(special.ndtri(0.005))
    drawn: Mapping[str, tuple[Callable[[], np.ndarray], float]] = {
        "normal, 100 single values": (lambda: random.standard_normal(100), z),
        "lognormal, 300 values": (lambda: np.exp(random.normal(0, 0.4, 300)), float(np.exp(0.4 * z))),
        "30 lots of 10": (lambda: random.normal(0, 0.8, (30, 1)) + random.normal(0, 0.6, (30, 10)), z),
    }
    for name, (draw, upper) in drawn.items():
        found = [capability(draw(), Specification(upper=upper)).expected for _ in range(samples)]
        told = [(one.low, one.high) for one in found if one.low is not None and one.high is not None]
        covered = sum(low <= 0.005 <= high for low, high in told)
        yield _share(f"interval of the share outside covers: {name}", "0.92 to 0.98", covered, len(told), 0.92, 0.985)


def _root_causes(lines: int, seed: int) -> Iterator[Row]:
    """A root cause is found when the first rank has its columns and levels."""
    made = [make_line(1000 * (seed + 1) + number) for number in range(lines)]
    least = 0.9 * lines
    for name, defects in (("", _as_made), (f", at {WEAKER:.0%} of its strength", _weaker), (", among its first three", _as_made)):
        ranks = 3 if "three" in name else 1
        hits = sum(_found(line, _ranking(line, defects(line), ranks)) for line in made)
        yield _share(f"planted root cause ranked first{name}", f">= {least:g} of {lines}", hits, lines, 0.9, 1.0)
    false = sum(bool(_ranking(line, _without_cause(line), 1).causes) for line in made)
    yield _share("a cause named where there is none", "about 0.05", false, lines, 0.0, 0.15)


def _number_causes(lines: int, seed: int) -> Iterator[Row]:
    """The same lines with a number that every planted cause shifts, the root cause most, and that lots differ in."""
    made = [make_line(1000 * (seed + 1) + number) for number in range(lines)]
    for name, strength, share in (("", 1.0, 0.9), (f", at {WEAKER:.0%} of its strength", WEAKER, 0.75)):
        ranked = [_ranking(line, _measured(line, strength), 1) for line in made]
        hits = sum(_found(line, ranking) for line, ranking in zip(made, ranked, strict=True))
        expected = f">= {share * lines:g} of {lines}"
        yield _share(f"cause of a shifted number ranked first{name}", expected, hits, lines, share, 1.0)
        held = [_holds(line, ranking, strength) for line, ranking in zip(made, ranked, strict=True) if _found(line, ranking)]
        yield _share(f"interval of its shift holds the planted one{name}", ">= 0.95", sum(held), len(held), 0.85, 1.0)
    false = sum(bool(_ranking(line, _measured(line, 0.0, lesser=0.0), 1).causes) for line in made)
    yield _share("a cause named where nothing shifts the number", "about 0.05", false, lines, 0.0, 0.15)


def _measured(line: Line, strength: float, lesser: float = 1.0) -> np.ndarray:
    """A number that the causes shift, lots differ in, and that has the heavy tails of a measured one."""
    random, parts = np.random.default_rng([line.seed, 11]), line.parts.head(line.route.known)
    strengths = [strength, *[lesser] * (len(line.causes) - 1)]
    shifts = sum(of * SHIFT * cause.log_odds * exposed_to(cause, parts) for of, cause in zip(strengths, line.causes, strict=True))
    lot = line.route.lot[: line.route.known]
    return np.asarray(100 + shifts + random.normal(0, LOTS, lot.max() + 1)[lot] + random.standard_t(6, len(lot)) / np.sqrt(1.5))


def _holds(line: Line, ranking: Ranking, strength: float) -> bool:
    effect = ranking.causes[0].effect
    assert isinstance(effect, Shift)
    return effect.difference_low <= strength * SHIFT * line.causes[0].log_odds <= effect.difference_high


def _as_made(line: Line) -> np.ndarray:
    return np.asarray(line.defect[: line.route.known], float)


def _weaker(line: Line) -> np.ndarray:
    """New defects with a weaker root cause and all else as it was."""
    root = line.causes[0]
    odds = line.risk / (1 - line.risk) * np.exp(-(1 - WEAKER) * root.log_odds * exposed_to(root, line.parts))
    return _drawn(line, odds)


def _without_cause(line: Line) -> np.ndarray:
    """New defects from what differs between lots alone, at the same mean rate."""
    log_odds = np.log(line.risk / (1 - line.risk)) - sum(cause.log_odds * exposed_to(cause, line.parts) for cause in line.causes)
    return _drawn(line, np.exp(log_odds + 1.2))


def _drawn(line: Line, odds: np.ndarray) -> np.ndarray:
    random = np.random.default_rng([line.seed, 7])
    return np.asarray(random.random(len(odds)) < odds / (1 + odds), float)[: line.route.known]


def _ranking(line: Line, outcome: np.ndarray, most: int) -> Ranking:
    """Causes of defects, or of a number where ``outcome`` is more than 0 and 1."""
    parts = line.parts.head(line.route.known).drop("part", "started")
    texts = {name: parts[name].to_numpy().astype(object) for name in parts.columns if parts.schema[name] == pl.String}
    numbers = {name: parts[name].to_numpy() for name in parts.columns if parts.schema[name] == pl.Float64}
    rank = rank_causes if set(np.unique(outcome)) <= {0.0, 1.0} else rank_number_causes
    return rank(outcome, texts, numbers, cluster=parts["lot"].to_numpy(), most=most)


def _found(line: Line, ranking: Ranking) -> bool:
    """Whether a ranked cause is the planted one: the same levels, or the same side of the same number."""
    return any(_levels(cause.text) == _levels(line.causes[0].text) for cause in ranking.causes)


def _levels(text: str) -> set[str]:
    """The parts of a cause; where a number is cut is an estimate, so that only its side counts."""
    return {part.rsplit(" ", 1)[0] if " up to " in part else part for part in text.split(" and ")}


def _share(what: str, expected: str, hits: int, n: int, least: float, most: float) -> Row:
    """A share with its exact binomial interval; it holds while what is expected is not ruled out by being too low or too high."""
    low = float(special.betaincinv(hits, n - hits + 1, 0.025)) if hits else 0.0
    high = float(special.betaincinv(hits + 1, n - hits, 0.975)) if hits < n else 1.0
    return Row(what, expected, hits / n, low, high, n, least <= hits / n <= most)


if __name__ == "__main__":
    main()
