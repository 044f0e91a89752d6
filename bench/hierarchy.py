"""Minimum trace over four levels and ten thousand series: seconds, coherence, and accuracy at every level beside adding up.

    python bench/hierarchy.py [--series 10000] [--times 42] [--folds 3] [--seed 0]

The world: regions, products and delivery types share courses of their own, each series has noise and some are always 0.
Forecasts of the series are made from their own past alone, forecasts of the sums from the past of the sums, as means of the same
weekday. Errors are learnt on all folds but one, which is judged. Prints one row a level: WAPE of adding up and of each way, and
the gain of the way with its 95 % interval, paired on the same sums and times.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset, Roles
from sevenstep.stats.compare import compare
from sevenstep.stats.metrics import METRICS
from sevenstep.stats.scored import Scored
from sevenstep.tasks.forecast.hierarchy.evidence import BOTTOM_UP, Side, left_out, ways_of
from sevenstep.tasks.forecast.hierarchy.tree import Tree, level_name
from sevenstep.tasks.forecast.panel import Settings, build_panel

Floats = NDArray[np.float64]
LEVELS = [(), ("region",), ("product",), ("region", "product")]
WEEKS = 8  # past weeks a forecast is the mean of


def make_world(series: int, days: int, seed: int) -> tuple[pl.DataFrame, Floats]:
    """Keys of the series, and their sales by day."""
    generator = np.random.default_rng(seed)
    region, product = np.arange(series) % 25, (np.arange(series) // 25) % 100
    delivery = np.arange(series) // 2_500 % 4
    day = np.arange(days)
    week = 0.3 * np.sin(2 * np.pi * (day[None, :] + generator.integers(0, 7, (series, 1))) / 7)
    courses = [np.cumsum(generator.normal(0, 0.03, (count, days)), axis=1) for count in (25, 100)]
    level = generator.lognormal(1.5, 1.0, (series, 1)) * (generator.random((series, 1)) > 0.02)
    mean = level * np.exp(week + courses[0][region] + courses[1][product])
    keys = pl.DataFrame({"region": region, "product": product, "delivery": delivery, "number": np.arange(series)})
    return keys, generator.poisson(mean).astype(np.float64)


def weekday_means(values: Floats, until: int, horizon: int) -> Floats:
    """Forecasts of the next days: the mean of the same weekday in the newest weeks."""
    past = values[:, until - 7 * WEEKS : until].reshape(len(values), WEEKS, 7).mean(axis=1)
    return np.tile(past, (1, -(-horizon // 7)))[:, :horizon]


def make_side(values: Floats, tree: Tree, folds: int, horizon: int) -> Side:
    """Forecasts of series and sums at the newest origins."""
    sums = tree.adds @ values
    untils = [values.shape[1] - horizon * back for back in range(folds, 0, -1)]
    truth = np.hstack([values[:, until : until + horizon] for until in untils])
    own = np.hstack([weekday_means(values, until, horizon) for until in untils])
    nodes = np.hstack([weekday_means(sums, until, horizon) for until in untils])
    fold, lead = np.repeat(np.arange(folds), horizon), np.tile(np.arange(1, horizon + 1), folds)
    return Side(fold, lead, truth, own, np.ones(truth.shape, dtype=bool), nodes + drifted(sums, untils, horizon))


def drifted(sums: Floats, untils: list[int], horizon: int) -> Floats:
    """Sums are calm enough to tell their newest level: half of what last week was above the mean of weeks is added."""
    parts = []
    for until in untils:
        newest, usual = sums[:, until - 7 : until].mean(axis=1), sums[:, until - 7 * WEEKS : until].mean(axis=1)
        parts.append(np.tile((newest - usual)[:, None] * 0.7, (1, horizon)))
    return np.hstack(parts)


def tree_of(keys: pl.DataFrame) -> Tree:
    """The sums of the levels, as a project would have them."""
    facts = {"frequency": "1d", "season": 7, "year": 0, "gaps": "missing", "clock": "common"}
    items = keys.with_columns(pl.lit("2024-01-01").str.to_date().alias("day"), pl.lit(1.0).alias("sales"))
    roles = Roles(("sales",), "day", keys=tuple(keys.columns))
    data = Dataset({"items": items}, roles, {name: {"value": value} for name, value in facts.items()})
    panel = build_panel(data, Settings.of(data))
    return Tree.of(panel, LEVELS)


def apart(keys: pl.DataFrame, tree: Tree, made: Floats) -> float:
    """How far the sums are from those that grouping the series gives, at most."""
    sums, found = tree.adds @ made, 0.0
    for position, columns in enumerate(tree.levels):
        named = keys.with_columns(pl.Series("made", made[:, 0]))
        grouped = named.group_by(columns).agg(pl.col("made").sum()).sort(columns) if columns else named.select(pl.sum("made"))
        found = max(found, float(np.abs(grouped["made"].to_numpy() - sums[tree.level == position, 0]).max()))
    return found


def main() -> None:
    """Make the world, reconcile it in every way, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=14)
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    keys, values = make_world(options.series, 7 * WEEKS + options.times * options.folds + 14, options.seed)
    keys = keys.sort(keys.columns).with_columns(pl.col("number").cast(pl.Int64))
    values = values[keys["number"].to_numpy()]
    tree = tree_of(keys)
    side = make_side(values, tree, options.folds, options.times)
    made = {}
    for way in ways_of(tree):
        start, used = time.monotonic(), time.process_time()
        made |= left_out(side, tree, [way], floor=True)
        took = f"{time.monotonic() - start:.1f} s ({time.process_time() - used:.1f} s of a core)"
        print(f"{way}: {took}, least forecast {made[way].min():.3g}, apart {apart(keys, tree, made[way]):.1g}", flush=True)
    print(f"{options.series:,} series, {len(tree.level):,} sums, {made[BOTTOM_UP].shape[1]} times in {options.folds} folds")
    for position, columns in enumerate([*tree.levels, None]):
        _print_level(tree, side, made, position, "series" if columns is None else level_name(columns))


def _print_level(tree: Tree, side: Side, made: dict[str, Floats], position: int, name: str) -> None:
    own = np.flatnonzero(tree.level == position)
    sums = {way: tree.adds[own] @ values if len(own) else values for way, values in made.items()}
    truth = tree.adds[own] @ side.truth if len(own) else side.truth
    node, column = (axis.ravel() for axis in np.indices(truth.shape))
    group = column if 0 < len(own) < 5 else node
    plain = Scored.of(truth.ravel(), sums[BOTTOM_UP].ravel())
    wape = METRICS["wape"]
    told = [f"{name:>18}: added up {wape.value(plain):.4f}"]
    for way, values in sums.items():
        if way.startswith("mint"):
            other = Scored.of(truth.ravel(), values.ravel())
            gain = compare(wape, other, plain, group, 0, relative=True)
            told.append(
                f"{way} {wape.value(other):.4f}, gain {100 * gain.gain:.1f} % ({100 * gain.low:.1f} to {100 * gain.high:.1f})"
            )
    print("; ".join(told), flush=True)


if __name__ == "__main__":
    main()
