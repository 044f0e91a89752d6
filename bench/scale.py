"""How time and memory grow with the number of series: the whole run on generated series, one size after the other.

    python bench/scale.py [--sizes 1000,10000] [--days 730] [--budget 5min] [--folder DIR]

Every series has a level, a week, a year, a slow trend and noise of its own; a tenth of the days of promotion are known ahead.
Prints for each size the seconds of the run and those of its processors, the peak memory of its process tree, and all of them per
series. On a machine that does other work too, the seconds of the processors are what the run takes.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from memory import TreeMemory

HORIZON = 14
CHUNK = 5_000  # series made and written at once, so that making them takes little memory
SPEC = """spec: 1
name: scale
task: forecast
data:
  source: sales.parquet
  time: date
  series: [sku]
target: sales
forecast: {{horizon: {horizon}, frequency: 1d, known_ahead: [promotion]}}
kpis:
  - {{id: accuracy, metric: wape, goal: "<= 0.3"}}
budget: {{time: {budget}}}
"""


def make_world(folder: Path, series: int, days: int, budget: str) -> None:
    """Write the spec and the rows of so many series."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    (folder / "sevenstep.yaml").write_text(SPEC.format(horizon=HORIZON, budget=budget), encoding="utf-8")
    with pq.ParquetWriter(folder / "sales.parquet", _rows(0, 1, days).to_arrow().schema) as writer:
        for first in range(0, series, CHUNK):
            writer.write_table(pa.table(_rows(first, min(CHUNK, series - first), days).to_arrow()))


def _rows(first: int, count: int, days: int) -> pl.DataFrame:
    generator = np.random.default_rng([7, first])
    day = np.arange(days + HORIZON)
    level = generator.lognormal(3.0, 1.0, (count, 1))
    week = 0.3 * np.sin(2 * np.pi * (day / 7 + generator.random((count, 1))))
    year = 0.2 * np.sin(2 * np.pi * (day / 365.25 + generator.random((count, 1))))
    trend = generator.normal(0, 0.2, (count, 1)) * day / days
    promotion = generator.random((count, len(day))) < 0.1
    mean = level * np.exp(week + year + trend + 0.4 * promotion + generator.normal(0, 0.15, promotion.shape))
    sales = generator.poisson(mean).astype(np.float32)
    frame = pl.DataFrame({
        "sku": np.repeat(np.arange(first, first + count, dtype=np.int32), len(day)),
        "date": np.tile(np.array([date(2023, 1, 2) + timedelta(int(one)) for one in day], dtype="datetime64[D]"), count),
        "promotion": promotion.ravel(),
        "sales": sales.ravel(),
    })  # fmt: skip
    known = pl.Series(np.tile(day < days, count))
    return frame.with_columns(pl.when(known).then(pl.col("sales")))


def measure(series: int, days: int, budget: str, folder: Path) -> tuple[float, float, float, str]:
    """Seconds, seconds of processors and peak MiB of one whole run, and what it said."""
    make_world(folder, series, days, budget)
    start, before = time.monotonic(), _processors()
    process = subprocess.Popen(
        [sys.executable, "-c", "from sevenstep.cli.main import main; main()", "run", str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    memory = TreeMemory(process.pid)
    said, _ = process.communicate()
    return time.monotonic() - start, _processors() - before, memory.peak, f"exit {process.returncode}\n{said}"


def _processors() -> float:
    """Seconds of processors that ended children, and theirs, have taken."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure every size asked for and print one row each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,10000")
    parser.add_argument("--days", type=int, default=730)
    parser.add_argument("--budget", default="5min")
    parser.add_argument("--folder", type=Path, help="where to keep the projects; a temporary folder when not given")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for size in map(int, options.sizes.split(",")):
            folder = (options.folder or Path(temporary)) / str(size)
            folder.mkdir(parents=True, exist_ok=True)
            seconds, processors, peak, said = measure(size, options.days, options.budget, folder)
            print(said)
            print(f"{size:>8,} series: {seconds:7.0f} s, {processors:.0f} s of processors, {peak:6.0f} MiB peak", end="; ")
            each = f"{1e3 * seconds / size:.1f} ms, {1e3 * processors / size:.1f} ms of processors, {1024 * peak / size:.1f} KiB"
            print(f"a series {each}", flush=True)


if __name__ == "__main__":
    main()
