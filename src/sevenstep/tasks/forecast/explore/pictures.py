"""The pictures of the third chapter: season, year, history, effects, gaps and sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.chapter import Block, Figure
from sevenstep.data.dataset import Dataset
from sevenstep.tasks.forecast.clock import Clock
from sevenstep.tasks.forecast.explore.findings import TargetFindings
from sevenstep.tasks.forecast.explore.profiles import Course
from sevenstep.tasks.forecast.explore.sample import Sample
from sevenstep.tasks.forecast.explore.view import step_word
from sevenstep.wording import roughly, short

__all__ = ["course_figures", "effect_figure", "gaps_figure", "history_figure", "size_figure", "value_figures"]

MOST_POINTS, MOST_EFFECTS, PERIODS, BINS, MOST_COLUMNS = 180, 24, 12, 32, 16
MANY_PHASES = 12
SKEWED = 20.0  # quotient of the 95th and 5th percentile from which a logarithmic axis shows more


def course_figures(found: Sequence[TargetFindings], courses: Sequence[Sequence[Course]], sample: Sample) -> Iterator[Block]:
    """One figure for each season and for the year, with all targets in it."""
    names = dict.fromkeys(course.name for its_courses in courses for course in its_courses)
    for name in names:
        rows = []
        for item, its_courses in zip(found, courses, strict=True):
            rows += [
                row for course in its_courses if course.name == name for row in _course_rows(course, item.target, len(found))
            ]
        method = found[0].view.method
        caption = f"Mean distance from the usual level around it, with 95 % intervals, {method}.{sample.note()}"
        yield Figure(
            title=f"Course by {name}", form="line", rows=rows, x_label=name, y_label="distance from the usual level",
            format="percent", goal=0.0, goal_label="usual", caption=caption,
        )  # fmt: skip


def _course_rows(course: Course, target: str, targets: int) -> Iterator[dict[str, Any]]:
    for label, value, low, high in zip(course.labels, course.value, course.low, course.high, strict=True):
        group = {"group": target} if targets > 1 else {}
        yield {"x": label, "y": float(value), **_bounds(low, high), **group}


def _bounds(low: float, high: float) -> dict[str, float]:
    return {"low": float(low), "high": float(high)} if np.isfinite(low) and np.isfinite(high) else {}


def history_figure(data: Dataset, sample: Sample) -> Block:
    """Mean of each target over time from all rows, indexed to 100 where there are several."""
    time, targets = str(data.roles.time), list(data.roles.targets)
    known = data.items.filter(pl.any_horizontal(pl.col(target).is_not_null() for target in targets))
    clock = Clock.of(known[time], sample.settings.frequency)
    steps = known.select(clock.steps(pl.col(time)).alias("step"), *targets)
    width = _width(_last(steps["step"]) + 1, sample)
    table = steps.group_by(pl.col("step") // width * width).agg(pl.col(targets).cast(pl.Float64).mean()).sort("step")
    table = table.with_columns(clock.times(pl.col("step")).alias("time"))
    rows = [row for target in targets for row in _history_rows(table, target, len(targets) > 1)]
    span = f"{width} {step_word(sample)}s" if width > 1 else step_word(sample)
    label = "index, whole history = 100" if len(targets) > 1 else f"mean {targets[0]}"
    times = "number" if known[time].dtype.is_integer() else "time"
    caption = f"Mean over all series with a value, by {span}; look for breaks, trends and returning peaks."
    return Figure("History", "line", rows, "time", label, times, caption=caption)  # type: ignore[arg-type]


def _last(steps: pl.Series) -> int:
    return int(steps.to_numpy().max())


def _width(steps: int, sample: Sample) -> int:
    """Steps drawn as one point: whole seasons where there are too many."""
    season = max(sample.settings.season, 1)
    width = 1 if steps <= MOST_POINTS else season
    return width * max(1, -(-steps // (width * MOST_POINTS)))


def _history_rows(table: pl.DataFrame, target: str, indexed: bool) -> Iterator[dict[str, Any]]:
    mean = float(table[target].mean() or 0.0)  # type: ignore[arg-type]
    for time, value in zip(table["time"], table[target], strict=True):
        if value is not None:
            shown = 100 * value / mean if indexed and mean else value
            moment = time if isinstance(time, int) else time.isoformat()
            yield {"x": moment, "y": shown, **({"group": target} if indexed else {})}


def effect_figure(found: Sequence[TargetFindings], sample: Sample) -> Iterator[Block]:
    """All measured effects with their intervals, largest first."""
    rows = [row for item in found for row in _effect_rows(item, len(found) > 1)]
    if not rows:
        return
    names = list(dict.fromkeys(row["y"] for row in sorted(rows, key=lambda row: -abs(row["x"]))))[:MOST_EFFECTS]
    kept = sorted((row for row in rows if row["y"] in names), key=lambda row: names.index(row["y"]))
    caption = (
        f"Compared within {found[0].view.cells.words}; numbers: effect of one standard deviation more. 95 % intervals, "
        f"{found[0].view.method}, the widest of one-way and two-way." + sample.note()
    )
    yield Figure(
        title="What moves the target", form="dots", rows=kept, x_label="effect", y_label="input", format="percent",
        goal=0.0, goal_label="no effect", caption=caption,
    )  # fmt: skip


def _effect_rows(found: TargetFindings, grouped: bool) -> Iterator[dict[str, Any]]:
    relative = found.view.measure.relative
    group = {"group": found.target} if grouped else {}
    for event in found.effects:
        for level in event.effects:
            name = f"{event.column} = {level.level}"
            yield {"y": name, "x": level.relative, **_bounds(relative(level.low), relative(level.high)), **group}
    for number in found.numbers:
        yield {"y": number.column, "x": number.relative, **_bounds(*sorted((number.relative_low, number.relative_high))), **group}
    for holiday in found.holidays:
        yield {"y": holiday.name, "x": holiday.relative, **_bounds(relative(holiday.low), relative(holiday.high)), **group}


def gaps_figure(data: Dataset, sample: Sample) -> Iterator[Block]:
    """Share missing by column and stretch of time, and of the steps without a row."""
    time = str(data.roles.time)
    clock = Clock.of(data.items[time], sample.settings.frequency)
    steps = data.items.select(clock.steps(pl.col(time)))[time]
    width = max(1, -(-(_last(steps) + 1) // PERIODS))
    roles = data.roles
    columns = list(dict.fromkeys([*roles.targets, *roles.known_ahead, *roles.observed, *roles.static]))
    lacking = [name for name in columns if data.items[name].null_count()][:MOST_COLUMNS]
    if not lacking:
        return
    shares = data.items.group_by((steps // width).alias("period")).agg(pl.col(lacking).is_null().mean()).sort("period")
    starts = [str(clock.time_at(int(period) * width)).removesuffix(" 00:00:00") for period in shares["period"]]
    rows = [
        {"x": start, "y": name, "value": float(share)}
        for name in lacking
        for start, share in zip(starts, shares[name], strict=True)
    ]
    caption = (
        "Share of rows without a value, by stretch of time from the date shown; the target is missing where it is to be forecast."
    )
    yield Figure("Missing values", "heatmap", rows, "from", "column", format="percent", caption=caption)


def value_figures(found: Sequence[TargetFindings], sample: Sample) -> Iterator[Block]:
    """How the values of each target are distributed, on a logarithmic axis where that shows more."""
    for item in found:
        yield _histogram(item.view.raw, f"Distribution of {item.target}", item.target, "values", sample.note())


def size_figure(found: Sequence[TargetFindings]) -> Iterator[Block]:
    """How large the series of the first target are."""
    sizes = found[0].series["mean"].drop_nulls().to_numpy()
    if len(sizes) > 8:
        ordered = np.sort(np.abs(found[0].series["mean"].fill_null(0.0).to_numpy() * found[0].series["n"].to_numpy()))[::-1]
        top = float(ordered[: max(1, len(ordered) // 10)].sum() / max(ordered.sum(), 1e-12))
        note = f" The largest tenth of the series holds {roughly(top)} of the total."
        yield _histogram(sizes, "Size of the series", f"mean {found[0].target} of a series", "series", note)


def _histogram(values: NDArray[np.float64], title: str, label: str, counted: str, note: str) -> Block:
    positive = values[values > 0]
    spread = np.quantile(positive, [0.05, 0.95]) if len(positive) else np.array([1.0, 1.0])
    logarithmic = len(positive) >= 0.99 * len(values) and spread[1] > SKEWED * spread[0]
    drawn = np.log10(positive) if logarithmic else values
    low, high = np.quantile(drawn, [0.0005, 0.9995])
    counts, edges = np.histogram(np.clip(drawn, low, high), bins=BINS)
    rows = [
        {"x0": float(edges[k]), "x1": float(edges[k + 1]), "y": int(count)}
        for k, count in enumerate(counts)
        if edges[k + 1] > edges[k]
    ]
    axis = f"log10 of {label} (3 is 1,000)" if logarithmic else label
    middle = short(float(np.median(values)))
    caption = f"{len(values):,} {counted}, median {middle}; the outermost bins hold what lies beyond.{note}"
    return Figure(title, "histogram", rows, axis, counted, "number", caption=caption)
