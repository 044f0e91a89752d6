"""What a rehearsal showed, as figures: error by lead, cadence against a refresh at every step, due refits against weekly ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import polars as pl

from sevenstep.data.dataset import Dataset
from sevenstep.live.cadence.curve import Curve, age_curve
from sevenstep.live.cadence.study import with_truth
from sevenstep.live.operation import Operation
from sevenstep.live.refreshing import read_versions
from sevenstep.search.leaderboard import leaderboard
from sevenstep.stats.metrics import METRICS
from sevenstep.stats.scored import Scored
from sevenstep.tasks.contract import Model
from sevenstep.tasks.lifts import lifted
from sevenstep.tasks.scoretable import ScoreTable, join_score_tables

__all__ = ["Beside", "Lifting", "beside", "in_force", "judged", "lifting", "lived_curve", "share_lost"]


@dataclass(frozen=True)
class Beside:
    """Two ways of operating on the same items.

    Args:
        first: loss of the one asked about.
        second: loss of the one it is held against.
        excess: share by which the first loses more (below 0: less), with its 95 % interval.
        low: lower end.
        high: upper end.
        n: items compared.
    """

    first: float
    second: float
    excess: float
    low: float
    high: float
    n: int

    def to_json(self) -> dict[str, Any]:
        """The comparison as JSON values."""
        return asdict(self)


def lived_curve(model: Model, made: pl.DataFrame, target: str, metric: str, leads: Sequence[int], seed: int) -> Curve:
    """Error by lead over the items that were forecast at each of them, from what was lived."""
    return age_curve(judged(model, made, target, leads), metric, leads, seed)


def judged(model: Model, made: pl.DataFrame, target: str, leads: Sequence[int]) -> ScoreTable:
    """Predictions of a target at some leads, with their truth, as a score table."""
    return model.judge(made.filter((pl.col("target") == target) & pl.col("lead").is_in(list(leads))))


def share_lost(made: pl.DataFrame) -> float:
    """Sum of absolute errors over the sum of sizes (WAPE) of predictions with their ``truth``."""
    own = Scored.of(truth=made["truth"].to_numpy(), prediction=made["prediction"].to_numpy())
    return float(METRICS["wape"].value(own))


def in_force(scores: ScoreTable, horizon: int, moments: Sequence[Any], period: int) -> tuple[ScoreTable, ScoreTable]:
    """The forecasts in force at each lead when all are made again every ``period`` moments, and those of a refresh at every one.

    Args:
        scores: forecasts of every moment, at every lead up to ``horizon``.
        horizon: longest lead in force.
        moments: the moments of refreshes, oldest first.
        period: moments between two refreshes that are kept.

    Both tables hold the same items at the same leads in force, which stand in ``fold``.
    """
    kept = [moment for place, moment in enumerate(moments) if place % period == 0]
    frame = scores.frame.filter(pl.col("lead") <= horizon)
    last = pl.DataFrame({"origin": pl.Series(list(moments), dtype=frame.schema["origin"])}).join_asof(
        pl.DataFrame({"origin": pl.Series(kept, dtype=frame.schema["origin"])}).with_columns(pl.col("origin").alias("used")),
        on="origin",
    )
    asked = frame.with_columns(pl.col("lead").cast(pl.Int32).alias("fold")).join(last, on="origin", how="inner")
    then = frame.select("target", "item", pl.col("origin").alias("used"), pl.col("lead").alias("own"), "prediction")
    both = asked.join(then, on=["target", "item", "used"], how="inner", suffix="_then")
    every = both.select(frame.columns)
    older = every.with_columns(both["prediction_then"].alias("prediction"), both["own"].alias("lead"))
    return ScoreTable(older), ScoreTable(every)


def beside(first: ScoreTable, second: ScoreTable, metric: str, seed: int) -> Beside:
    """Two ways of operating, paired item by item, whole clusters drawn."""
    named = [
        ScoreTable(table.frame.with_columns(pl.lit(name).alias("candidate")))
        for name, table in (("first", first), ("second", second))
    ]
    board = leaderboard(join_score_tables(named), metric, baseline="second", costs={"first": 1.0, "second": 1.0}, seed=seed)
    one, other = (next(row for row in board.standings if row.candidate == name) for name in ("first", "second"))
    gain = one.skill
    assert gain is not None and one.estimate.value is not None and other.estimate.value is not None
    excess = one.estimate.value / other.estimate.value - 1
    ends = [-end for end in (gain.high, gain.low) if end is not None] or [excess, excess]
    return Beside(one.estimate.value, other.estimate.value, excess, ends[0], ends[-1], one.estimate.n)


@dataclass(frozen=True)
class Lifting:
    """What lifting segments that moved came to.

    Args:
        versions: versions in which a segment was lifted.
        of: versions made.
        rows: forecasts that were lifted and have come true.
        loss: mean absolute error over mean size of those; None without any.
        plain: the same had they not been lifted.
    """

    versions: int
    of: int
    rows: int = 0
    loss: float | None = None
    plain: float | None = None


def lifting(operation: Operation, data: Dataset, made: Sequence[pl.DataFrame]) -> Lifting:
    """What became of the forecasts that were lifted, beside what they would have been otherwise.

    Args:
        operation: the project that was lived through.
        data: all that happened.
        made: forecasts of each of its versions, in their order.
    """
    with operation.ledger.reading() as connection:
        known = read_versions(connection)
    keys, segments = list(data.roles.keys), [name for name in data.roles.segments if name not in data.roles.keys]
    series = data.items.select(*keys, *segments).unique(keys, keep="last") if keys else data.items.select(segments).head(1)
    parts = []
    for version, rows in zip(known, made, strict=False):
        if version.lifts:
            back = [replace(one, factor=1 / one.factor) for one in version.lifts]
            plain = lifted(rows, back, series)["prediction"].alias("plain")
            parts.append(rows.with_columns(plain).filter((pl.col("plain") / pl.col("prediction") - 1).abs() > 1e-9))
    if not parts or not len(told := with_truth(pl.concat(parts), data)):
        return Lifting(len(parts), len(known))
    loss, otherwise = share_lost(told), share_lost(told.with_columns(pl.col("plain").alias("prediction")))
    return Lifting(len(parts), len(known), len(told), loss, otherwise)
