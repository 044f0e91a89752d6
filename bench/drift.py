"""Measures drift checks: speed and memory beside a plain NumPy pass over the same columns, and how often they alarm wrongly.

    python bench/drift.py [--rows 1000000] [--repeats 5] [--resamples 200] [--seed 0]

Fifteen columns of numbers (normal, skewed, mostly zero, counts, with missing values, single precision) and five of categories
are drawn twice: the values a model learnt from, and a window. The plain pass sorts both sides of each column of numbers for an
exact Kolmogorov-Smirnov distance and a stability index over deciles, and counts categories for theirs; ours holds the window
against references that were stored before. Both run in turn in one process, so that neither has the quieter machine. Where a
reference keeps order statistics in place of all values, the largest difference to the exact distance is printed beside what it
may be at most.

Then nothing changes, over and over: the share of checks of twenty columns that alarm at all, with its exact interval, for
independent rows and for rows that are alike within blocks and from block to block.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import numpy as np
from scipy import signal, special

from sevenstep.stats.drift import ALPHA, Categories, Drifted, NumberReference, Reference, Values, check_all, reference_of

Columns = dict[str, Values]
Random = np.random.Generator
T = TypeVar("T")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--resamples", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    _speed(options.rows, options.repeats, options.seed)
    for name, draw in (("independent rows", independent), ("rows alike in blocks", blocked)):
        _false_alarms(name, draw, options.resamples, options.seed)


def _speed(rows: int, repeats: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    learnt, window = columns(random, rows), columns(random, rows)
    data = _peak()
    begun = time.process_time()
    references = {name: reference_of(values) for name, values in learnt.items()}
    print(f"{rows:,} rows x {len(window)} columns; references stored once: {time.process_time() - begun:.2f} CPU s")
    found = check_all(references, window)
    print(f"peak memory of the process: {data:,.0f} MiB with both sides of the data, {_peak():,.0f} MiB after the first check")
    ours: list[float] = []
    plain: list[float] = []
    for _ in range(repeats):
        exact = _timed(lambda: plain_pass(learnt, window), plain)
        found = _timed(lambda: check_all(references, window), ours)
    for name, seconds in (("plain NumPy pass", plain), ("check_all", ours)):
        median, least, most = statistics.median(seconds), min(seconds), max(seconds)
        print(f"{name:<20} {median:6.2f} CPU s (median of {repeats}; {least:.2f} to {most:.2f})")
    print(f"{'ratio':<20} {statistics.median(plain) / statistics.median(ours):6.1f}")
    _compare(references, found, exact)


def _timed(work: Callable[[], T], seconds: list[float]) -> T:
    begun = time.process_time()
    done = work()
    seconds.append(time.process_time() - begun)
    return done


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _compare(references: Mapping[str, Reference], found: Mapping[str, Drifted], exact: Mapping[str, tuple[float, float]]) -> None:
    """Ours beside the plain figures, for numbers: categories beyond the 50 most frequent ours takes together."""
    numbers = [name for name, reference in references.items() if isinstance(reference, NumberReference)]
    gaps = [exact[name][1] - (found[name].distance or 0.0) for name in numbers]
    unsure, psi = (
        max(one) for one in zip(*((found[name].unsure, _apart(found[name], exact[name])) for name in numbers), strict=True)
    )
    print(f"distance of numbers: exact less ours {min(gaps):.1e} to {max(gaps):.1e}, stated to be 0 to {unsure:.1e}")
    print(f"stability index of numbers: at most {psi:.1e} apart (a value that fills a tenth has a bin of its own in ours)")
    print(f"columns that alarm: {sum(one.alarm for one in found.values())} of {len(found)}, none has drifted")


def _apart(found: Drifted, exact: tuple[float, float]) -> float:
    return abs((found.psi or 0.0) - exact[0])


def columns(random: Random, rows: int) -> Columns:
    """Fifteen columns of numbers and five of categories."""
    made: Columns = {f"normal {number}": random.normal(number, 1 + number, rows) for number in range(5)}
    made |= {f"skewed {number}": np.exp(random.normal(0, 0.5 + number, rows)) for number in range(3)}
    made |= {f"zeros {number}": random.poisson(0.3 + number, rows) * random.exponential(1.0, rows) for number in range(2)}
    made |= {
        "count": random.poisson(4, rows),
        "constant": np.full(rows, 3.0),
        "single": random.normal(size=rows).astype(np.float32),
    }
    for number, share in enumerate((0.05, 0.4)):
        made[f"missing {number}"] = np.where(random.random(rows) < share, np.nan, random.normal(size=rows))
    shares = np.random.default_rng(1)
    for levels in (2, 5, 30, 300, 3000):
        drawn = random.choice(levels, rows, p=shares.dirichlet(np.full(levels, 0.7))).astype(np.int32)
        made[f"category {levels}"] = Categories(drawn, tuple(map(str, range(levels))))
    return made


def plain_pass(learnt: Columns, window: Columns) -> dict[str, tuple[float, float]]:
    """Stability index and distance of each column as a page of NumPy has them."""
    return {name: _plain(learnt[name], values) for name, values in window.items()}


def _plain(before: Values, now: Values) -> tuple[float, float]:
    if isinstance(before, Categories) or isinstance(now, Categories):
        assert isinstance(before, Categories) and isinstance(now, Categories)
        counts = [np.bincount(one.codes, minlength=len(one.names)) for one in (before, now)]
        p, q = (one / one.sum() for one in counts)
        return _index(p, q), float(np.abs(p - q).sum() / 2)
    first, second = (np.sort(one[~np.isnan(one)]) for one in (before, now))
    both = np.concatenate([first, second])
    gaps = np.searchsorted(first, both, side="right") / len(first) - np.searchsorted(second, both, side="right") / len(second)
    edges = np.unique(np.quantile(first, np.linspace(0.1, 0.9, 9)))
    p, q = (np.bincount(np.searchsorted(edges, one), minlength=len(edges) + 1) / len(one) for one in (first, second))
    return _index(p, q), float(np.abs(gaps).max())


def _index(p: np.ndarray, q: np.ndarray) -> float:
    p, q = np.maximum(p, 1e-4), np.maximum(q, 1e-4)
    return float(((q - p) * np.log(q / p)).sum())


Drawn = tuple[Columns, Columns, np.ndarray | None, np.ndarray | None]
"""The values a model learnt from, a window, and the blocks of both."""


def independent(random: Random) -> Drawn:
    """20,000 rows and a window of 1,000, of the same kinds of columns as for speed."""
    return columns(random, 20_000), columns(random, 1_000), None, None


def blocked(random: Random) -> Drawn:
    """60 blocks of 100 rows and a window of 5: waves shorter and longer than one, blocks with a mean or shares of their own."""
    known, new, size = 60, 5, 100
    blocks, rows = known + new, (known + new) * size
    of = np.repeat(np.arange(blocks), size)
    made: Columns = {f"wave {memory}": _wave(random, memory, rows) for memory in (0.5, 0.8, 0.9, 0.95, 0.98, 0.99)}
    made |= {f"lots {spread}": random.normal(0, spread, blocks)[of] + random.normal(size=rows) for spread in (0.2, 0.5, 1.0, 3.0)}
    made |= {f"wild lots {free}": random.standard_t(free, blocks)[of] + random.normal(size=rows) for free in (2, 3, 5)}
    made["zeros"] = np.where(random.random(rows) < random.beta(2, 2, blocks)[of], 0.0, random.exponential(1.0, rows))
    made["missing"] = np.where(random.random(rows) < random.beta(2, 8, blocks)[of], np.nan, random.normal(size=rows))
    made["constant"] = np.ones(rows)
    for levels in (2, 5, 20, 100):
        shares = random.dirichlet(np.full(levels, 1.0), blocks).cumsum(axis=1)
        drawn = (random.random(rows)[:, None] > shares[of]).sum(axis=1).clip(0, levels - 1)
        made[f"category {levels}"] = Categories(drawn, tuple(map(str, range(levels))))
    cut = known * size
    before, after = ({name: _rows(values, part) for name, values in made.items()} for part in (slice(cut), slice(cut, None)))
    return before, after, of[:cut], of[cut:]


def _wave(random: Random, memory: float, rows: int) -> np.ndarray:
    """An autoregression of order one, in its steady state."""
    return np.asarray(signal.lfilter([1.0], [1.0, -memory], random.normal(size=rows + 1_000))[1_000:])


def _rows(values: Values, part: slice) -> Values:
    return Categories(values.codes[part], values.names) if isinstance(values, Categories) else values[part]


def _false_alarms(name: str, draw: Callable[[Random], Drawn], resamples: int, seed: int) -> None:
    runs = list(_alarms(draw, resamples, seed))
    for what, alarms in (
        ("alarms", sum(alarm for alarm, _ in runs)),
        ("p values alone, whatever the size", sum(p for _, p in runs)),
    ):
        low = float(special.betaincinv(alarms, resamples - alarms + 1, 0.025)) if alarms else 0.0
        high = float(special.betaincinv(alarms + 1, resamples - alarms, 0.975)) if alarms < resamples else 1.0
        print(
            f"nothing changes, {name}: {what}: {alarms} of {resamples} checks = {alarms / resamples:.3f}, "
            f"95 % interval {low:.4f} to {high:.4f}, stated {ALPHA:g}: {'holds' if low <= ALPHA else 'MISSED'}"
        )


def _alarms(draw: Callable[[Random], Drawn], resamples: int, seed: int) -> Iterator[tuple[bool, bool]]:
    """Whether a check alarms, and whether any corrected p value of it would do so without a size that matters."""
    for number in range(resamples):
        learnt, window, blocks, new_blocks = draw(np.random.default_rng([seed, number]))
        references = {name: reference_of(values, blocks) for name, values in learnt.items()}
        found = check_all(references, window, new_blocks).values()
        least = min((one.p_holm or 0.0) for drifted in found for one in drifted.evidence)
        yield any(drifted.alarm for drifted in found), least <= ALPHA


if __name__ == "__main__":
    main()
