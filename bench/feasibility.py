"""How well step 1 foretells: the reachable KPI it stated before any training, beside what the finished model reached.

    python bench/feasibility.py DIR [DIR ...]         # projects kept by bench/tabular.py or bench/forecast.py --keep
    python bench/feasibility.py --make retail quality --count 3 --keep DIR     # generated projects, seeds 0, 1, 2, run first

For each KPI: what was expected with its 90 % interval, what step 6 measured on folds each model had not learnt from, and what was
reached on rows no part of the run has seen, where some were set aside. Then for both how many of the reached values lie inside,
with a 95 % interval (Wilson), and by which factor and spread the loss differed from the expected one: what
``feasibility/calibration.py`` and ``feasibility/experience.py`` hold as data. Rows set aside are of another time or fewer, so
they differ more; the part of the spread that the interval of the reached value explains is taken off.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from reached import read_reached
from running import run_command
from scipy.stats import binomtest

from sevenstep.project import Project
from sevenstep.spec.model import Kpi
from sevenstep.stats.intervals import Estimate
from sevenstep.stats.metric import Metric
from sevenstep.stats.metrics import METRICS
from sevenstep.stats.wording import interval, spoken

WHERE = ("on folds", "on unseen rows")
COLUMNS = 4 + 2 * len(WHERE)


@dataclass(frozen=True)
class Foretold:
    """One KPI of one project: what was expected, what came."""

    project: str
    task: str
    kpi: Kpi
    expected: Estimate
    reached: Estimate
    where: str

    @property
    def metric(self) -> Metric:
        """That of the KPI."""
        return METRICS[self.kpi.metric]

    @property
    def inside(self) -> bool:
        """Whether what was reached lies in the interval of what was expected."""
        assert None not in (self.expected.low, self.expected.high, self.reached.value)
        return self.expected.low <= self.reached.value <= self.expected.high  # type: ignore[operator]

    @property
    def better(self) -> bool:
        """Whether what was reached is better than all that was expected."""
        end = self.expected.low if self.metric.direction == "lower" else self.expected.high
        return not self.inside and (self.reached.value < end) == (self.metric.direction == "lower")  # type: ignore[operator]

    @property
    def ratio(self) -> float:
        """Logarithm of the reached loss over the expected one: above 0 where less was reached than was promised."""
        return math.log(self._loss(self.reached.value) / self._loss(self.expected.value))

    @property
    def noise(self) -> float:
        """Standard deviation of `ratio` that the rows behind what was reached explain."""
        if self.reached.low is None or self.reached.high is None:
            return 0.0
        ends = sorted((self._loss(self.reached.low), self._loss(self.reached.high)))
        return math.log(ends[1] / ends[0]) / (2 * 1.96)

    def _loss(self, value: float | None) -> float:
        assert value is not None
        return max(value if self.metric.direction == "lower" else self.metric.limits[1] - value, 1e-9)


def main() -> None:
    """Print a row for each KPI and a summary."""
    options = _options()
    folders = [*options.folders, *_made(options)]
    found = [row for folder in folders for row in _foretold(folder)]
    print("| project | KPI | metric | expected (90 %) | on folds (95 %) | | on unseen rows (95 %) | |")
    print("|---|---|---|---|---|---|---|---|")
    for before, *reached in _by_kpi(found):
        cells = [before.project, before.kpi.id, spoken(before.kpi.metric), _told(before.expected, before.kpi.metric)]
        cells += [cell for row in reached for cell in (_told(row.reached, row.kpi.metric), _place(row))]
        print(f"| {' | '.join([*cells, *[''] * (COLUMNS - len(cells))])} |")
    print()
    for where in WHERE:
        there = [row for row in found if row.where == where]
        _summary(f"all, {where}", there)
        for task in dict.fromkeys(row.task for row in there):
            _summary(f"{task}, {where}", [row for row in there if row.task == task])


def _by_kpi(found: Sequence[Foretold]) -> list[tuple[Foretold, ...]]:
    """For each KPI of each project one of its rows for what was expected, then all of them."""
    together: dict[tuple[str, str], list[Foretold]] = {}
    for row in found:
        together.setdefault((row.project, row.kpi.id), []).append(row)
    return [(rows[0], *rows) for rows in together.values()]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--make", nargs="+", default=[], metavar="TEMPLATE", help="generated projects to run first")
    parser.add_argument("--count", type=int, default=3, help="so many of each, with seeds from 0")
    parser.add_argument("--keep", type=Path, help="folder the generated projects are kept in")
    options = parser.parse_args()
    if options.make and options.keep is None:
        parser.error("--make needs --keep")
    return options


def _made(options: argparse.Namespace) -> list[Path]:
    """Generated projects, run where they have not been."""
    folders = []
    for template in options.make:
        for seed in range(options.count):
            folder = options.keep / f"{template}-{seed}"
            if not (folder / "sevenstep.yaml").exists():
                run_command("init", template, str(folder), "--seed", str(seed))
            run_command("run", str(folder), "--anyway", "--quiet", "--store", str(folder / "store"))
            folders.append(folder)
    return folders


def _foretold(folder: Path) -> list[Foretold]:
    project = Project(folder / "sevenstep.yaml", folder / "store")
    run = project.run(anyway=True, report=False)
    before = {one["kpi"]: one for one in run.step("define").json("charter")["kpis"]}
    after = {one["id"]: one for one in run.step("tune").json("kpis")}
    unseen = read_reached(folder)
    found = []
    for kpi in project.spec.kpis:
        said, own = before[kpi.id], after[kpi.id]
        expected = Estimate(said["reachable"], said["low"], said["high"], 0, 0, "step 1", 0.9)
        reached = {WHERE[0]: Estimate(own["value"], own["low"], own["high"], 0, 0, "step 6")}
        reached |= {WHERE[1]: unseen[kpi.id]} if kpi.id in unseen else {}
        if METRICS[kpi.metric].direction == "target" or None in (expected.value, expected.low, own["value"]):
            continue
        found += [Foretold(folder.name, project.spec.task, kpi, expected, one, where) for where, one in reached.items()]
    return found


def _told(estimate: Estimate, metric: str) -> str:
    return interval(estimate.value, estimate.low, estimate.high, metric)


def _place(row: Foretold) -> str:
    return "inside" if row.inside else "better" if row.better else "worse"


def _summary(name: str, rows: Sequence[Foretold]) -> None:
    if not rows:
        return
    inside, count = sum(row.inside for row in rows), len(rows)
    ends = binomtest(inside, count).proportion_ci(method="wilson")
    ratios, noise = np.array([row.ratio for row in rows]), np.array([row.noise for row in rows])
    own = math.sqrt(max(float(np.mean((ratios - ratios.mean()) ** 2)) - float(np.mean(noise**2)), 0.0))
    projects = len({row.project for row in rows})
    print(
        f"{name}: {inside} of {count} KPIs of {projects} projects inside ({100 * ends.low:.0f} to {100 * ends.high:.0f} %); "
        f"better than expected {sum(row.better for row in rows)}; reached / expected loss: geometric mean "
        f"{math.exp(ratios.mean()):.3f}, spread of the logarithm {ratios.std():.3f}, without the noise of what was reached "
        f"{own:.3f}"
    )


if __name__ == "__main__":
    main()
