"""What forecasts made earlier came to, as a score table like that of the comparison."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.forecast.features.table import row_weights
from sevenstep.tasks.forecast.panel import Panel, Settings, build_panel
from sevenstep.tasks.forecast.scoring import naive_scale, segment_scores, segments_of
from sevenstep.tasks.scoretable import BOUNDS, ScoreTable

__all__ = ["judged"]

Weights = Mapping[str, Mapping[str, float]]


def judged(made: pl.DataFrame, history: Dataset, settings: Settings, weights: Weights) -> ScoreTable:
    """Score forecasts against their ``truth``, which is in the history by now.

    Args:
        made: keys, time, ``target``, ``origin``, ``lead``, ``prediction``, bounds and ``truth``; ``version``, where there, keeps
            apart forecasts of one item made at different times. Rows of series or times the history does not know are left out.
        history: the data set with the actuals in it.
        settings: frequency, season and the like.
        weights: what the error of a row counts, for each target.

    The segments of the rows are added, see `segment_scores`; ``cluster`` is the series in the order of the history.
    """
    panel = build_panel(history, settings)
    names = [*history.roles.keys, str(history.roles.time)]
    placed = panel.rows.select(*names, "series", "step").with_row_index("item")
    joined = made.join(placed, on=names, how="inner", nulls_equal=True, maintain_order="left")
    labels = segments_of(history)
    parts = [_of_target(part, labels, panel, settings, weights) for part in joined.partition_by("target", maintain_order=True)]
    return ScoreTable(pl.concat(parts, how="diagonal_relaxed")) if parts else _nothing()


def _of_target(made: pl.DataFrame, labels: Mapping[str, str], panel: Panel, settings: Settings, weights: Weights) -> pl.DataFrame:
    target = str(made["target"][0])
    judged = panel.rows[target].is_not_null()[made["item"]]  # what was sold out tells nothing of what was wanted
    made = made.filter(judged) if judged.any() else made
    series = made["series"].to_numpy()
    first = int((made["step"] - made["lead"]).min())  # type: ignore[arg-type]  # a partition has rows
    scale, root_scale = naive_scale(panel.exact_grid(target), first, settings.season)
    row = made["item"].to_numpy().astype(np.int64)
    frame = made.select(
        pl.lit("final").alias("candidate"),
        "target",
        (pl.col("version") if "version" in made.columns else pl.lit(0)).cast(pl.Int32).alias("fold"),
        "origin",
        panel.times(series, made["step"].to_numpy()).alias("time"),
        pl.col("lead").cast(pl.Int32),
        pl.col("item").cast(pl.Int64),
        pl.col("series").alias("cluster"),
        _column("weight", row_weights(panel, weights.get(target, {}))[row]),
        _column("scale", scale[series]),
        _column("root_scale", root_scale[series]),
        pl.col("truth", "prediction", *BOUNDS).cast(pl.Float64),
    )
    return segment_scores(ScoreTable(frame), labels, panel, settings)[0].frame


def _column(name: str, values: NDArray[np.floating]) -> pl.Series:
    return pl.Series(name, values.astype(np.float64))


def _nothing() -> ScoreTable:
    kinds = dict.fromkeys(("weight", "scale", "root_scale", "truth", "prediction", *BOUNDS), pl.Float64)
    words = {"candidate": pl.String, "target": pl.String, "fold": pl.Int32, "origin": pl.Date, "time": pl.Date}
    return ScoreTable(pl.DataFrame(schema={**words, "lead": pl.Int32, "item": pl.Int64, "cluster": pl.Int32, **kinds}))
