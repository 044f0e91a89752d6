"""What step 6 finds out about levels: out-of-fold scores that add up, and what a released model needs for forecasts that do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.chapter import Block, Column, Format, Table
from sevenstep.stats.compare import compare
from sevenstep.stats.metrics import METRICS
from sevenstep.stats.scored import Scored
from sevenstep.tasks.forecast.hierarchy.bounds import bounds_of, learn_bounds
from sevenstep.tasks.forecast.hierarchy.choosing import SERIES, Chosen, places_on, told
from sevenstep.tasks.forecast.hierarchy.reconcile import Errors
from sevenstep.tasks.forecast.hierarchy.tree import LEVEL, Tree, level_name
from sevenstep.tasks.scoretable import BOUNDS, ScoreTable

__all__ = ["Way", "coherent_scores", "level_scores", "level_tables"]

FEW_NODES = 5  # below, times are the independent groups of a comparison

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Way:
    """How the forecasts of one target are made to add up, as a release keeps it.

    Args:
        name: see `sevenstep.tasks.forecast.hierarchy.evidence.ways_of`.
        errors: covariance of out-of-fold errors; None where the way needs none.
        bounds: see `learn_bounds`.
    """

    name: str
    errors: Errors | None = None
    bounds: Sequence[Mapping[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, chosen: Chosen, tree: Tree) -> Way:
        """The way chosen, with bounds learnt from all folds."""
        bounds = learn_bounds(tree, tree.adds @ chosen.made, tree.adds @ chosen.side.truth, chosen.side.lead)
        return cls(chosen.way, chosen.errors if chosen.way == "mint_shrink" else None, bounds)

    def save(self, folder: Path) -> None:
        """Write as JSON and NumPy files into the empty ``folder``."""
        (folder / "way.json").write_text(json.dumps({"name": self.name, "bounds": list(self.bounds)}), encoding="utf-8")
        if self.errors is not None:
            for part in _PARTS:
                np.save(folder / f"{part}.npy", getattr(self.errors, part), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> Way:
        """Read back what `save` wrote."""
        about = json.loads((folder / "way.json").read_text(encoding="utf-8"))
        parts = {part: folder / f"{part}.npy" for part in _PARTS}
        known = all(path.is_file() for path in parts.values())
        errors = Errors(**{part: np.load(path, allow_pickle=False) for part, path in parts.items()}) if known else None
        return cls(about["name"], errors, about["bounds"])


def coherent_scores(own: ScoreTable, chosen: Chosen, *, floor: bool) -> ScoreTable:
    """The scores of the series with coherent forecasts; bounds move along with the forecast they belong to."""
    frame = own.frame.with_row_index(_ROW)
    known = frame.filter(pl.col("truth").is_finite() & pl.col("prediction").is_finite())
    made = chosen.made[places_on(known, chosen.side)]
    moved = known.select(_ROW, pl.Series(_MOVED, made - known["prediction"].to_numpy()))
    frame = frame.join(moved, on=_ROW, how="left", maintain_order="left")
    shift = pl.col(_MOVED).fill_null(0.0)
    least = 0.0 if floor else None
    frame = frame.with_columns((pl.col(name) + shift).clip(lower_bound=least) for name in ("prediction", *BOUNDS))
    return ScoreTable(frame.drop(_ROW, _MOVED))


def level_scores(own: ScoreTable, chosen: Chosen, tree: Tree, *, floor: bool) -> ScoreTable:
    """The scores of all nodes, with bounds that each fold has from the others; ``cluster`` and ``item`` count the nodes."""
    side = chosen.side
    made, truth = tree.adds @ chosen.made, tree.adds @ side.truth
    bounds = {name: np.full(made.shape, np.nan) for name in BOUNDS}
    for fold in side.folds:
        mine = side.fold == fold
        others = ~mine if len(side.folds) > 1 else mine
        learnt = learn_bounds(tree, made[:, others], truth[:, others], side.lead[others])
        for name, values in bounds_of(learnt, tree, made[:, mine], side.lead[mine], floor=floor).items():
            bounds[name][:, mine] = values
    columns = own.frame.filter(pl.col("truth").is_finite() & pl.col("prediction").is_finite())
    columns = columns.select("fold", "origin", "time", "lead").unique(["fold", "time"]).sort("fold", "time")
    node, at = (axis.ravel() for axis in np.indices(made.shape))
    frame = columns[at].with_columns(
        pl.lit("final model").alias("candidate"), pl.lit(own.frame["target"][0]).alias("target"),
        pl.Series("item", node * len(columns) + at, dtype=pl.Int64), pl.Series("cluster", node, dtype=pl.Int32),
        pl.lit(1.0).alias("weight"), pl.lit(None, dtype=pl.Float64).alias("scale"),
        pl.lit(None, dtype=pl.Float64).alias("root_scale"), pl.Series("truth", truth.ravel()),
        pl.Series("prediction", made.ravel()), *(pl.Series(name, values.ravel()) for name, values in bounds.items()),
        tree.nodes[LEVEL][node].alias(LEVEL),
    )  # fmt: skip
    return ScoreTable(frame)


def level_tables(target: str, chosen: Chosen, tree: Tree, levels: ScoreTable, seed: int) -> list[Block]:
    """How good each level is, and what each way of making forecasts add up came to."""
    rows = [_level_row(chosen, tree, levels, position, seed) for position in range(len(tree.levels))]
    columns = [
        Column("level", "Level"), Column("count", "Sums", "integer"), Column("own", "WAPE, forecast by itself", "percent"),
        Column("plain", "WAPE, series added up", "percent"), Column("wape", "WAPE, released", "percent"),
        Column("gain", "Better than added up (95 %)"), Column("bias", "Bias", "percent"),
        Column("inside_80", "Inside 80 % bounds", "percent"), Column("inside_95", "Inside 95 % bounds", "percent"),
    ]  # fmt: skip
    caption = (
        f"Released forecasts add up exactly ({chosen.way}: {chosen.why}). Figures are out of fold: choice, errors and bounds of "
        "each fold are those of the others. A sum has bounds of its own; those of its parts do not add up to it, because errors "
        "partly cancel."
    )
    percents: Format = "percent"
    names = [name for name in next(iter(chosen.losses.values())) if name != SERIES]
    ways = [Column("way", "Way"), Column("taken", "Taken"), Column(SERIES, "Series, by the KPI's metric", "number"),
            *(Column(name, f"WAPE of {name}", percents) for name in names)]  # fmt: skip
    return [
        Table(f"Levels of {target}", columns, rows, caption),
        Table(f"Ways of making forecasts of {target} add up", ways, told(chosen), "Out of fold, by the errors of other folds."),
    ]


def _level_row(chosen: Chosen, tree: Tree, levels: ScoreTable, position: int, seed: int) -> dict[str, Any]:
    own = np.flatnonzero(tree.level == position)
    side, adds = chosen.side, tree.adds[own]
    truth, made, plain, alone = adds @ side.truth, adds @ chosen.made, adds @ side.series, side.nodes[own]
    node, column = (axis.ravel() for axis in np.indices(truth.shape))
    wape, group = METRICS["wape"], column if len(own) < FEW_NODES else node
    gain = compare(wape, Scored.of(truth.ravel(), made.ravel()), Scored.of(truth.ravel(), plain.ravel()), group, seed,
                   relative=True)  # fmt: skip
    rows = levels.frame.filter(pl.col(LEVEL) == level_name(tree.levels[position]))
    size = float(np.abs(truth).sum())
    inside = {
        f"inside_{at}": rows.select(pl.col("truth").is_between(f"lower_{at}", f"upper_{at}").mean()).item() for at in (80, 95)
    }
    figures = {"own": alone, "plain": plain, "wape": made}
    return {
        "level": level_name(tree.levels[position]), "count": len(own),
        **{name: float(wape.value(Scored.of(truth.ravel(), values.ravel()))) for name, values in figures.items()},
        "gain": _interval(gain.gain, gain.low, gain.high),
        "bias": float((made - truth).sum()) / size if size else None, **inside,
    }  # fmt: skip


def _interval(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return ""
    ends = "" if low is None or high is None else f" ({100 * low:.1f} to {100 * high:.1f})"
    return f"{100 * value:.1f} %{ends}"


_PARTS = ("nodes", "series", "nodes_common", "series_common")
_ROW, _MOVED = "__row__", "__moved__"
