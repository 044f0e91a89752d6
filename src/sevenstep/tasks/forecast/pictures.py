"""Pictures only a forecast can draw: coverage by lead, and the explorer of forecasts by series and segment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.chapter import Block, Explorer, Figure
from sevenstep.data.dataset import Dataset
from sevenstep.errors import InputError
from sevenstep.spec.brief import Brief
from sevenstep.tasks.forecast.hierarchy.tree import LEVEL, leaf_level
from sevenstep.tasks.forecast.model import ForecastModel
from sevenstep.tasks.forecast.optimism import optimism
from sevenstep.tasks.forecast.panel import Panel
from sevenstep.tasks.forecast.scoring import key_labels
from sevenstep.tasks.scoretable import BOUNDS, ScoreTable

__all__ = ["pictures"]

MOST_SERIES = 48
LEVELS = {"lower_80": 0.10, "upper_80": 0.90, "lower_95": 0.025, "upper_95": 0.975}
SIGNIFICANT = 5


def pictures(
    step: str, data: Dataset, scores: ScoreTable | None, brief: Brief, model: ForecastModel | None, panel: Panel
) -> Sequence[Block]:
    """Blocks for the chapters of ``train`` (what final values would have added), ``tune`` (coverage), ``operate`` (explorer)."""
    if step == "train" and scores is not None and panel.published:
        return optimism(data, scores, brief)
    if step == "tune" and scores is not None:
        return [_coverage(scores)]
    if step == "operate" and scores is not None and model is not None:
        return [_Drawing(data, scores, model, panel).explorer()]
    return []


def _coverage(scores: ScoreTable) -> Figure:
    """Share of actual values inside the bounds, by lead."""
    frame = scores.frame.filter(pl.col("truth").is_not_null())
    target = frame["target"][0]
    leads = frame["lead"].n_unique()
    bucket = (pl.col("lead").rank("dense") - 1) * min(leads, 14) // max(leads, 1)
    rows = []
    for name, level in (("80 %", "80"), ("95 %", "95")):
        inside = pl.col("truth").is_between(pl.col(f"lower_{level}"), pl.col(f"upper_{level}"))
        found = frame.group_by(bucket.alias("bucket")).agg(pl.col("lead").max().alias("x"), inside.mean().alias("y")).sort("x")
        rows += [{"x": row["x"], "y": row["y"], "group": f"{name} bounds"} for row in found.iter_rows(named=True)]
    others = scores.frame["fold"].n_unique() > 1
    made = "on folds the bounds were not made from" if others else "on the one fold the bounds were made from, which flatters"
    caption = f"Share of actual values inside the bounds, {made}. The lines should lie at 80 % and 95 %."
    return Figure(f"Coverage of the bounds by lead: {target}", "line", rows, "Lead (steps ahead)", "Inside the bounds", "number",
                  "percent", goal=0.8, goal_label="80 %", caption=caption)  # fmt: skip


@dataclass(frozen=True)
class _Drawing:
    """Gathers what the explorer shows: the newest past, the newest fold's forecasts, and the forecasts ahead."""

    data: Dataset
    scores: ScoreTable
    model: ForecastModel
    panel: Panel

    def explorer(self) -> Explorer:
        options: list[dict[str, str]] = []
        series: dict[str, dict[str, list[Any]]] = {}
        origin: dict[str, Any] = {}
        ahead = self._ahead()
        for target in self.data.roles.targets:
            long = self._long(target, ahead)
            start = _shown(self._time_of(self.panel.end))
            for label, group, frame in self._choices(target, long):
                name = f"{target}: {label}"
                options.append({"id": name, "label": label, "group": f"{target}, {group}"})
                series[name] = _columns(frame)
                origin[name] = start
        time = str(self.data.roles.time)
        caption = (
            "Before the line: actual values, and what the newest fold would have forecast. "
            "After it: forecasts with 80 % and 95 % bounds."
        )
        if self.data.parts is not None:
            caption += f" The {self.panel.shape[0]:,} series judged of {len(self.data.parts.keys):,}; totals are theirs."
        kind: Any = "number" if self.panel.clock.kind == "integer" else "time"
        return Explorer("Forecasts", options, series, origin, time, "", kind, caption=caption)

    def _time_of(self, step: int) -> Any:
        return self.panel.clock.time_at(step + int(self.panel.offsets.max()))

    def _ahead(self) -> pl.DataFrame | None:
        try:
            ahead = self.model.predict()
            return ahead.filter(pl.col(LEVEL) == leaf_level(self.data.roles)) if LEVEL in ahead.columns else ahead
        except InputError:  # no open rows: the explorer shows the newest fold alone
            return None

    def _long(self, target: str, ahead: pl.DataFrame | None) -> pl.DataFrame:
        """One row per series and time: actual, prediction and bounds, the newest three horizons of the past."""
        panel, horizon = self.panel, self.model.horizon
        rows = panel.rows.filter((pl.col("step") > panel.end - 3 * horizon) & (pl.col("step") <= panel.end))
        time = str(self.data.roles.time)
        actual = rows.select("series", pl.col(time).alias("time"), pl.col(target).cast(pl.Float64).alias("actual"))
        newest = self.scores.of(target=target).frame
        newest = newest.filter(pl.col("fold") == newest["fold"].max())
        past = newest.select(pl.col("cluster").alias("series"), "time", "prediction", *BOUNDS)
        parts = [past]
        if ahead is not None:
            parts.append(self._numbered(ahead.filter(pl.col("target") == target)))
        forecasts = pl.concat(parts, how="vertical_relaxed")
        return actual.join(forecasts, on=["series", "time"], how="full", coalesce=True).sort("series", "time")

    def _numbered(self, ahead: pl.DataFrame) -> pl.DataFrame:
        roles, panel = self.data.roles, self.panel
        parts = list(roles.time_parts.values())
        if parts and all(name in ahead.columns for name in parts):
            open_ = panel.rows.select("series", str(roles.time), *parts, *roles.keys)
            ahead = ahead.join(open_, on=[*roles.keys, *parts], how="inner", nulls_equal=True, maintain_order="left")
        elif roles.keys:
            numbers = panel.keys.with_row_index("series").with_columns(pl.col("series").cast(pl.Int32))
            ahead = ahead.join(numbers, on=list(roles.keys), how="inner", nulls_equal=True, maintain_order="left")
        else:
            ahead = ahead.with_columns(pl.lit(0, dtype=pl.Int32).alias("series"))
        return ahead.select("series", pl.col(str(roles.time)).alias("time"), "prediction", *BOUNDS)

    def _choices(self, target: str, long: pl.DataFrame) -> Iterator[tuple[str, str, pl.DataFrame]]:
        if self.panel.shape[0] > 1:
            everything = pl.DataFrame({"series": np.arange(self.panel.shape[0], dtype=np.int32), "part": "total"})
            yield "Total", "total", self._parts(target, long, everything).drop("part")
            for segment in self.data.roles.segments:
                yield from self._segment(target, long, segment)
        labels = key_labels(self.panel)
        for number in self._picked(target, long):
            yield labels[number], "series", long.filter(pl.col("series") == number)

    def _segment(self, target: str, long: pl.DataFrame, segment: str) -> Iterator[tuple[str, str, pl.DataFrame]]:
        parts = self.panel.rows.group_by("series").agg(pl.col(segment).drop_nulls().first().cast(pl.String).alias("part"))
        if not 2 <= parts["part"].n_unique() <= 30:
            return
        for (part,), frame in self._parts(target, long, parts).partition_by("part", as_dict=True, maintain_order=True).items():
            yield f"{segment} = {part}", segment, frame.drop("part").sort("time")

    def _parts(self, target: str, long: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
        """Sums over the series of each part, with bounds from the relative errors such sums had on all folds."""
        judged = self.scores.of(target=target).frame.rename({"cluster": "series"}).join(parts, on="series", how="left")
        sums = judged.group_by("part", "fold", "time").agg(pl.col("truth").sum(), pl.col("prediction").sum())
        error = sums.filter(pl.col("prediction") > 0).select((pl.col("truth") / pl.col("prediction") - 1.0).alias("error"))
        summed = _summed(long.join(parts, on="series", how="left"))
        return summed.with_columns(_bound(name, level, error["error"].drop_nulls().to_numpy()) for name, level in LEVELS.items())

    def _picked(self, target: str, long: pl.DataFrame) -> list[int]:
        """The largest series, some of the middle, and those forecast worst."""
        error = (pl.col("truth") - pl.col("prediction")).abs().sum() / pl.col("truth").abs().sum()
        found = (
            self.scores.of(target=target).frame.group_by("cluster").agg(pl.col("truth").sum().alias("size"), error.alias("error"))
        )
        if len(found) <= MOST_SERIES:
            return sorted(found["cluster"].to_list())
        third = MOST_SERIES // 3
        by_size = found.sort("size", "cluster", descending=[True, False])["cluster"].to_list()
        worst = found.filter(pl.col("error").is_finite()).sort("error", "cluster", descending=[True, False])["cluster"].to_list()
        middle = by_size[len(by_size) // 2 :][:third]
        return list(dict.fromkeys([*by_size[:third], *middle, *worst[:third]]))


def _summed(long: pl.DataFrame) -> pl.DataFrame:
    """Sums of each part and time; a sum counts only where something was observed or forecast."""
    sums = [pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()).alias(name) for name in ("actual", "prediction")]
    return long.group_by("part", "time").agg(sums).sort("part", "time")


def _bound(name: str, level: float, error: NDArray[np.float64]) -> pl.Expr:
    """A bound of a sum from past relative errors, none where there are fewer than twenty."""
    if len(error) < 20:
        return pl.lit(None, dtype=pl.Float64).alias(name)
    return (pl.col("prediction") + pl.col("prediction").abs() * float(np.quantile(error, level))).alias(name)


def _columns(frame: pl.DataFrame) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {"time": [_shown(value) for value in frame["time"]]}
    for name in ("actual", "prediction", *BOUNDS):
        columns[name] = [_rounded(value) for value in frame[name]]
    return columns


def _shown(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _rounded(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(f"{value:.{SIGNIFICANT}g}")
