"""The score table: one row per scored item, the same for every task, from cross-validation to production.

Leaderboards, intervals, slices, lead-time curves, gates and alarms are all aggregations of it.

Columns: ``candidate``, ``target``, ``fold`` (number), ``origin`` (when the prediction was made, or null), ``time`` (of the item,
or null), ``lead`` (steps from origin to time, 0 where there is no time), ``item`` (identity of the row within its fold),
``cluster`` (rows with the same cluster are not independent: a series, a lot, a document), ``weight``, ``scale`` (in-sample error
of the naive rule for scaled metrics, 1 where unused), ``root_scale`` (its root mean square), ``truth``, ``prediction``,
``lower_80``, ``upper_80``, ``lower_95``, ``upper_95`` (null until calibrated), then any number of segment columns.

Classified items have three more: ``unit`` (the item, which has one row, or one for each of more than two classes), ``label``
(number of the row's class) and ``cut`` (probability at which it is decided for); see `sevenstep.stats.classification`.

Items of which it is known beforehand how hard they are have `HARDNESS` as well.

An item scored by a figure of its own (nDCG of a ranking) has the figure as its ``prediction`` and 1 as its ``truth``; figures of
further such metrics stand in columns named as the metric is; see `sevenstep.stats.per_item`. Answered questions have
``abstained`` and ``confidence`` besides, judged ones ``judged_spread``; see `sevenstep.tasks.answers`.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from sevenstep.errors import InternalError
from sevenstep.stats.metric import Metric
from sevenstep.stats.metrics import METRICS
from sevenstep.stats.scored import Scored
from sevenstep.tasks.answers import ABSTAINED, CONFIDENCE, JUDGED_SPREAD

__all__ = [
    "BOUNDS",
    "CLASS_COLUMNS",
    "CORE_COLUMNS",
    "HARDNESS",
    "ScoreTable",
    "figure_columns",
    "join_score_tables",
    "scored_rows",
]

BOUNDS = ("lower_80", "upper_80", "lower_95", "upper_95")
CORE_COLUMNS = (
    "candidate", "target", "fold", "origin", "time", "lead", "item", "cluster", "weight", "scale", "root_scale", "truth",
    "prediction", *BOUNDS,
)  # fmt: skip
CLASS_COLUMNS = ("unit", "label", "cut")
HARDNESS = "__hardness__"
"""Of some items, how hard they are to predict, as was told beforehand: a number of any scale that bounds may follow."""
_OF_ANSWERS = (ABSTAINED, CONFIDENCE, JUDGED_SPREAD)


@dataclass(frozen=True)
class ScoreTable:
    """A frame known to have the columns of a score table; everything else is plain Polars on ``frame``."""

    frame: pl.DataFrame

    def __post_init__(self) -> None:
        missing = [column for column in CORE_COLUMNS if column not in self.frame.columns]
        if missing:
            raise InternalError(
                "SCORES-COLUMNS", f"a score table without {', '.join(missing)}", "all core columns must be there", "mend the task"
            )

    @property
    def segments(self) -> list[str]:
        """The segment columns, in order."""
        others = (*CORE_COLUMNS, *CLASS_COLUMNS, HARDNESS, *figure_columns(self.frame))
        return [column for column in self.frame.columns if column not in others]

    def of(self, *, candidate: str | None = None, target: str | None = None, fold: int | None = None) -> ScoreTable:
        """Only the rows of one candidate, target or fold."""
        frame = self.frame
        for column, value in (("candidate", candidate), ("target", target), ("fold", fold)):
            if value is not None:
                frame = frame.filter(pl.col(column) == value)
        return ScoreTable(frame)


def figure_columns(frame: pl.DataFrame) -> list[str]:
    """Columns that hold further figures of an item: of metrics, and whether and how surely it was answered."""
    return [name for name in frame.columns if name in _OF_ANSWERS or (name in METRICS and METRICS[name].per_item)]


def scored_rows(rows: pl.DataFrame, metric: Metric) -> Scored:
    """What a metric reads of the rows of a score table; NaN where it is not there."""
    own = {"prediction": metric.name} if metric.per_item and metric.name in rows.columns else {}
    columns = {name: rows[own.get(name, name)].cast(pl.Float64).fill_null(float("nan")) for name in metric.reads}
    return Scored.of(**{name: column.to_numpy() for name, column in columns.items()})


def join_score_tables(tables: list[ScoreTable]) -> ScoreTable:
    """All rows of several tables as one; a column one of them lacks is null there."""
    return ScoreTable(pl.concat([table.frame for table in tables], how="diagonal_relaxed"))
