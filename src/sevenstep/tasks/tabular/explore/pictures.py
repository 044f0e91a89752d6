"""The pictures of the third chapter: the target, what each input says, how the strongest separate, drift over time, gaps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from sevenstep.chapter import Block, Figure
from sevenstep.tasks.tabular.explore.findings import Findings
from sevenstep.tasks.tabular.explore.separation import level_estimates
from sevenstep.tasks.tabular.explore.view import Floats, short

__all__ = ["drift_figure", "gap_figure", "separation_figures", "strength_figure", "target_figure"]

_MOST_INPUTS, _SEPARATED, _BINS = 20, 4, 32
_SKEWED = 20.0  # quotient of the 95th and 5th percentile from which a logarithmic axis shows more


def target_figure(found: Findings) -> Block:
    """How often each class occurs, or how the number is distributed."""
    target = found.view.problem.target
    counts = found.counts()
    if counts:
        total = max(sum(counts.values()), 1)
        rows = [{"x": name, "y": count / total} for name, count in counts.items()]
        return Figure(
            f"Classes of {target}", "bars", rows, target, "share of rows", format="percent", caption=_counted(found, total)
        )
    return _histogram(found.view.values, target, found.view.note())


def _counted(found: Findings, total: int) -> str:
    counts = found.counts()
    name = min(counts, key=lambda one: counts[one])
    return f"{total:,} rows; the rarest class, {name}, has {counts[name]:,}.{found.view.note()}"


def _histogram(values: Floats, target: str, note: str) -> Block:
    low, high = np.quantile(values, [0.05, 0.95])
    logarithmic = float(values.min()) > 0 and high > _SKEWED * low
    drawn = np.log10(values) if logarithmic else values
    ends = np.quantile(drawn, [0.0005, 0.9995])
    heights, edges = np.histogram(np.clip(drawn, *ends), bins=_BINS)
    bins = zip(edges[:-1].tolist(), edges[1:].tolist(), heights.tolist(), strict=True)
    rows = [{"x0": start, "x1": end, "y": height} for start, end, height in bins if end > start]
    axis = f"log10 of {target} (3 is 1,000)" if logarithmic else target
    caption = f"{len(values):,} rows, median {short(float(np.median(values)))}; the outermost bins hold what lies beyond.{note}"
    return Figure(f"Distribution of {target}", "histogram", rows, axis, "rows", "number", caption=caption)


def strength_figure(found: Findings) -> Iterator[Block]:
    """The inputs that say most about the target."""
    rows = [{"x": one.column, "y": one.share} for one in found.told[:_MOST_INPUTS]]
    if rows:
        caption = (
            f"Share of the uncertainty about the target that each input explains alone, less that of chance; {len(found.told)} "
            f"of {len(found.strengths)} inputs say more than chance at a false discovery rate of 1 %.{found.view.note()}"
        )
        yield Figure(
            "What each input says about the target", "bars", rows, "input", "explained", format="percent", caption=caption
        )


def separation_figures(found: Findings) -> Iterator[Block]:
    """The share of the class told, or the median of the number, over the bins of the strongest inputs."""
    problem = found.view.problem
    measured = "median" if not problem.classes else f"share of {_class_name(found)}"
    for one in found.told[:_SEPARATED]:
        estimates = level_estimates(found.view, found.view.inputs[one.column])
        rows = [_bar(*estimate[:4]) for estimate in estimates]
        caption = (
            f"With 95 % intervals; bins hold {min(row[4] for row in estimates):,} rows and more.{found.view.note()}"
            if rows
            else ""
        )
        if len(rows) > 1:
            kind = "percent" if problem.classes else "number"
            yield Figure(
                f"{problem.target} by {one.column}", "bars", rows, one.column, measured,
                format=kind, caption=caption,  # type: ignore[arg-type]
            )  # fmt: skip


def _class_name(found: Findings) -> str:
    problem = found.view.problem
    counts = found.counts()
    return problem.classes[1] if problem.binary else max(counts, key=lambda name: counts[name])


def _bar(label: str, value: float, low: float, high: float) -> dict[str, Any]:
    return {"x": label, "y": value, "low": low, "high": high}


def drift_figure(found: Findings) -> Iterator[Block]:
    """The target over time."""
    if found.drift is None or len(found.drift.stretches) < 2:
        return
    rows = [_bar(*stretch[:4]) for stretch in found.drift.stretches]
    what = f"share of {_class_name(found)}" if found.view.problem.classes else "median"
    kind = "percent" if found.view.problem.classes else "number"
    caption = "Stretches of equally many rows from the time shown, with 95 % intervals; a level line would be no drift."
    yield Figure(
        f"{found.view.problem.target} over time", "bars", rows, "from", what, format=kind, caption=caption,  # type: ignore[arg-type]
    )  # fmt: skip


def gap_figure(found: Findings) -> Iterator[Block]:
    """Inputs with missing values."""
    rows = [{"x": gap.column, "y": gap.missing} for gap in sorted(found.gaps, key=lambda gap: -gap.missing)[:_MOST_INPUTS]]
    if rows:
        caption = f"Share of rows without a value; codes for missing counted.{found.view.note()}"
        yield Figure("Missing values", "bars", rows, "input", "missing", format="percent", caption=caption)
