"""The one place that turns score tables into figures: KPI values, leaderboards, slices and lead-time curves.

Rows become arrays here and the statistics are left to `sevenstep.stats`; results are plain JSON values or small frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from sevenstep.errors import InputError, InternalError
from sevenstep.search.groups import Groups, codes_of, groups_of
from sevenstep.spec.problems import did_you_mean
from sevenstep.stats.choice import Choice, prefer_cheaper, tolerated_loss
from sevenstep.stats.compare import Comparison, compare, corrected_p_values
from sevenstep.stats.intervals import Estimate, cluster_estimate
from sevenstep.stats.metric import Metric
from sevenstep.stats.metrics import METRICS
from sevenstep.stats.scored import Scored
from sevenstep.tasks.scoretable import ScoreTable, figure_columns, scored_rows

__all__ = ["Leaderboard", "Standing", "kpi_estimate", "lead_curve", "leaderboard", "metric_named", "slices"]

# Rows are the same item when these agree.
_KEY = ("target", "fold", "item")
# A candidate measured on a smaller share of the rows than this (a fold was skipped, say) is listed but cannot be chosen.
_ENOUGH = 0.9

_NO_CHOICE = Choice("", "", (), {}, "not measured: no candidate has a figure")


@dataclass(frozen=True)
class Standing:
    """One candidate on a leaderboard.

    Args:
        candidate: its name.
        estimate: the metric over all rows it was measured on.
        cost: its cost, in the unit the caller uses.
        skill: share of the baseline's loss it saves, paired on common rows; None for the baseline itself or without one.
        p_skill: p value of "no better or worse than the baseline", Holm-corrected over the candidates.
        against_best: gain of the best candidate over this one, paired on common rows; None for the best and outside the race.
        p_best: p value of "as good as the best", Holm-corrected over the candidates.
        same_as_best: cannot be told apart from the best.
        in_race: measured on enough of the rows to be chosen.
    """

    candidate: str
    estimate: Estimate
    cost: float
    skill: Comparison | None
    p_skill: float | None
    against_best: Comparison | None
    p_best: float | None
    same_as_best: bool
    in_race: bool


@dataclass(frozen=True)
class Leaderboard:
    """Candidates by figure, best first, and which to take; ``dataclasses.asdict`` gives JSON values.

    ``best`` has the best figure over the rows common to all in the race; ``chosen`` is the cheapest that cannot be told apart
    from it and loses little (see `prefer_cheaper`); both are None when nothing could be measured. ``baseline`` is None when it
    has no rows.
    """

    metric: str
    unit: str
    baseline: str | None
    best: str | None
    chosen: str | None
    reason: str
    min_gain: float | None
    standings: tuple[Standing, ...]


@dataclass(frozen=True)
class _Field:
    """All candidates' rows brought into one order (NaN where a candidate has no row), so that they can be paired."""

    metric: Metric
    rows: Mapping[str, Scored]
    clusters: Groups
    seed: int

    def estimate(self, name: str) -> Estimate:
        return self.clusters.noted(cluster_estimate(self.metric, self.rows[name], self.clusters.codes, self.seed))

    def compare(self, first: str, second: str, *, relative: bool = False) -> Comparison:
        one, other = self.rows[first], self.rows[second]
        return self.clusters.noted(compare(self.metric, one, other, self.clusters.codes, self.seed, relative=relative))


def metric_named(name: str) -> Metric:
    """The metric a KPI names; raises `InputError` ``METRIC-UNKNOWN`` with the nearest name."""
    if name in METRICS:
        return METRICS[name]
    fix = did_you_mean(name, list(METRICS), "choose one of them")
    raise InputError("METRIC-UNKNOWN", f"metric '{name}'", f"a metric of numbers is one of {', '.join(METRICS)}", fix)


def kpi_estimate(table: ScoreTable, metric: str, seed: int, *, balanced: bool = False) -> Estimate:
    """A metric over a table with its interval; meant for the rows of one candidate and one target.

    Args:
        table: scored rows.
        metric: name of the metric.
        seed: seed of the resamples.
        balanced: mean of the clusters' own figures (see `cluster_estimate`).

    Raises:
        InputError: for an unknown metric.
    """
    measure = metric_named(metric)
    clusters = Groups(codes_of(table.frame["cluster"])) if balanced else groups_of(table.frame)
    found = clusters.noted(cluster_estimate(measure, scored_rows(table.frame, measure), clusters.codes, seed, balanced=balanced))
    return replace(found, method=found.method + _of_repeats(table.frame, measure))


def _of_repeats(frame: pl.DataFrame, metric: Metric) -> str:
    """What repeats of one item's figure differ by, for a metric that is not the same each time."""
    if not metric.spread or metric.spread not in frame.columns:
        return ""
    spreads = frame[metric.spread].cast(pl.Float64).fill_nan(None).drop_nulls().to_numpy()
    return f"; repeats of one item have a variance of {np.square(spreads).mean():.4f}" if len(spreads) else ""


def leaderboard(
    table: ScoreTable, metric: str, *, baseline: str | None, costs: Mapping[str, float], seed: int, min_gain: float | None = None
) -> Leaderboard:
    """Compare all candidates of a table on one metric and choose: what cannot be told apart goes to the cheaper.

    Args:
        table: rows of many candidates for one target (`join_score_tables`).
        metric: name of the metric.
        baseline: candidate the skill is measured against.
        costs: cost of each candidate (`Candidate.cost`).
        seed: seed of the resamples.
        min_gain: smallest gain worth a dearer candidate, in the metric's unit, as the KPI states it; None when it states none.

    Raises:
        InputError: for an unknown metric.
        InternalError: when a candidate has two rows for one item.
        KeyError: when a candidate has no cost.
    """
    field = _aligned(table, metric_named(metric), seed)
    estimates = {name: field.estimate(name) for name in field.rows}
    race = _race(estimates)
    known_baseline = baseline if baseline in field.rows else None
    skills = _skills(field, known_baseline)
    p_skill = corrected_p_values(skills)
    best = _best(field, race)
    against_best = {name: field.compare(best, name) for name in race if name != best} if best is not None else {}
    choice = _choice(field, best, against_best, costs, min_gain) if best is not None else _NO_CHOICE
    standings = [
        Standing(
            candidate=name,
            estimate=found,
            cost=costs[name],
            skill=skills.get(name),
            p_skill=p_skill.get(name),
            against_best=against_best.get(name),
            p_best=choice.p_holm.get(name),
            same_as_best=name in choice.same_as_best,
            in_race=name in race,
        )
        for name, found in estimates.items()
    ]
    ranked = _ranked(field.metric, standings)
    return Leaderboard(metric, field.metric.unit, known_baseline, best, choice.name or None, choice.reason, min_gain, ranked)


def _choice(
    field: _Field, best: str, against_best: Mapping[str, Comparison], costs: Mapping[str, float], min_gain: float | None
) -> Choice:
    tolerance = tolerated_loss(field.metric, field.metric.value(field.rows[best]), min_gain)
    return prefer_cheaper(best, against_best, costs, tolerance=tolerance, min_gain=min_gain, metric=field.metric.name)


def slices(table: ScoreTable, metric: str, column: str, seed: int) -> pl.DataFrame:
    """A metric for each value of a column (a segment, ``fold``, ``target``), sorted by that column.

    Returns:
        One row per value: ``column``, ``value``, ``low``, ``high``, ``n``, ``clusters``, ``method``.

    Raises:
        InputError: for an unknown metric or column.
    """
    if column not in table.frame.columns:
        known = ", ".join(table.segments) or "none"
        raise InputError(
            "SLICE-UNKNOWN", f"slice by '{column}'", f"the segments of these scores are: {known}", "name one of them"
        )
    frame = table.frame.sort(column, maintain_order=True)
    parts = frame.partition_by(column, maintain_order=True)
    estimates = [kpi_estimate(ScoreTable(part), metric, seed) for part in parts]
    return frame.select(column).unique(maintain_order=True).hstack(_frame_of(estimates))


def lead_curve(table: ScoreTable, metric: str, seed: int, *, max_points: int = 60) -> pl.DataFrame:
    """A metric by lead time: how accuracy falls as the forecast looks further ahead.

    Leads are bucketed into at most ``max_points`` runs of neighbours when there are more. Rows without lead (0) are left out.

    Returns:
        One row per run: ``lead`` (first), ``lead_to`` (last), ``value``, ``low``, ``high``, ``n``, ``clusters``, ``method``.

    Raises:
        InputError: for an unknown metric.
    """
    frame = table.frame.filter(pl.col("lead") > 0)
    distinct = frame["lead"].n_unique()
    points = min(max_points, max(distinct, 1))
    run = (pl.col("lead").rank("dense").cast(pl.Int64) - 1) * points // max(distinct, 1)
    parts = (
        frame.with_columns(run.alias("lead_run"))
        .sort("lead_run", maintain_order=True)
        .partition_by("lead_run", maintain_order=True)
    )
    estimates = [kpi_estimate(ScoreTable(part), metric, seed) for part in parts]
    ends = {"lead": [part["lead"].min() for part in parts], "lead_to": [part["lead"].max() for part in parts]}
    return pl.DataFrame(ends, schema={"lead": pl.Int64, "lead_to": pl.Int64}).hstack(_frame_of(estimates))


def _frame_of(estimates: Sequence[Estimate]) -> pl.DataFrame:
    schema = {
        "value": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "n": pl.Int64,
        "clusters": pl.Int64,
        "method": pl.String,
    }
    return pl.DataFrame({name: [getattr(found, name) for found in estimates] for name in schema}, schema=schema)


def _aligned(table: ScoreTable, metric: Metric, seed: int) -> _Field:
    items = table.frame.select(*_KEY, "cluster").unique(subset=_KEY, keep="first").sort(_KEY)
    figures = [name for name in figure_columns(table.frame) if name == metric.name]
    parts = table.frame.select("candidate", *_KEY, *metric.reads, *figures).partition_by("candidate", as_dict=True)
    rows = {str(name): _in_order(items, part, str(name), metric) for (name,), part in sorted(parts.items())}
    return _Field(metric, rows, groups_of(items), seed)


def _in_order(items: pl.DataFrame, part: pl.DataFrame, name: str, metric: Metric) -> Scored:
    joined = items.select(_KEY).join(part, on=_KEY, how="left", nulls_equal=True, maintain_order="left")
    if joined.height > items.height:
        raise InternalError(
            "SCORES-TWICE", f"candidate '{name}' has two rows for one item", "an item is scored once", "mend the task"
        )
    return scored_rows(joined, metric)


def _race(estimates: Mapping[str, Estimate]) -> list[str]:
    most = max((found.n for found in estimates.values() if found.value is not None), default=0)
    return [name for name, found in estimates.items() if found.value is not None and found.n >= _ENOUGH * most]


def _best(field: _Field, race: Sequence[str]) -> str | None:
    """Least loss over the rows that all in the race have, so that nobody wins by leaving out what is hard."""
    if not race:
        return None
    common = np.logical_and.reduce([field.metric.measured(field.rows[name]) for name in race])
    if not common.any():
        common[:] = True
    return min(race, key=lambda name: float(field.metric.loss(np.asarray(field.metric.value(field.rows[name].at(common))))))


def _skills(field: _Field, baseline: str | None) -> dict[str, Comparison]:
    if baseline is None:
        return {}
    return {name: field.compare(name, baseline, relative=True) for name in field.rows if name != baseline}


def _ranked(metric: Metric, standings: Sequence[Standing]) -> tuple[Standing, ...]:
    def key(standing: Standing) -> tuple[bool, float, str]:
        value = standing.estimate.value
        loss = np.inf if value is None else float(metric.loss(np.asarray(value)))
        return not standing.in_race, loss, standing.candidate

    return tuple(sorted(standings, key=key))
