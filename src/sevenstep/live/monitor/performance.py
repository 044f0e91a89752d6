"""KPIs on live rows: their value and state, overall and by segment and lead, and whether they are worse than at release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa

from sevenstep.live.check import Check
from sevenstep.live.kept import AHEAD
from sevenstep.live.ledger.tables import live_scores
from sevenstep.live.monitor.against import Against, against, figure_of
from sevenstep.live.monitor.daily import newest_days
from sevenstep.live.monitor.released import Released
from sevenstep.search.groups import groups_of
from sevenstep.search.kpis import KpiState, kpi_states
from sevenstep.search.leaderboard import kpi_estimate, metric_named
from sevenstep.spec.model import Kpi, Spec
from sevenstep.stats.compare import holm
from sevenstep.stats.intervals import Estimate, cluster_estimate
from sevenstep.stats.wording import figure, interval
from sevenstep.tasks.leading import goal_of, leading_kpi
from sevenstep.tasks.scoretable import BOUNDS, CLASS_COLUMNS, ScoreTable, scored_rows

__all__ = ["LiveKpi", "Slice", "coverage_checks", "keep_figures", "kpi_checks", "live_kpis", "watched_rows"]

_COVERED = {"coverage_80": 0.80, "coverage_95": 0.95}
_RESAMPLES = 200
_FEWEST = 5  # rows of a segment below which it is not blamed


@dataclass(frozen=True)
class Slice:
    """A KPI on part of the live rows: ``name`` says which ("State HE", "lead 14")."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    method: str


@dataclass(frozen=True)
class LiveKpi:
    """A KPI on live rows.

    Args:
        state: value, interval and state, as at release.
        released: the figure at release.
        since: first time of the data; ``until`` the last one, as ISO 8601 text.
        slices: by segment and lead.
    """

    state: KpiState
    released: float | None
    since: str
    until: str
    slices: tuple[Slice, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The figures as JSON values."""
        parts = [vars(one) for one in self.slices]
        return {**self.state.to_json(), "released": self.released, "since": self.since, "until": self.until, "slices": parts}


def watched_rows(live: pl.DataFrame, released: Released) -> pl.DataFrame:
    """The rows that KPIs are told over: those of the newest window at the lead that is watched; all where there is no lead."""
    if AHEAD not in live.columns or live.is_empty():
        return live
    return newest_days(live, released.window).filter(pl.col(AHEAD) == released.lead).drop(AHEAD)


def live_kpis(spec: Spec, live: pl.DataFrame, released: Released) -> list[LiveKpi]:
    """Every KPI on the newest rows; ``not_measured`` where there are none."""
    rows = watched_rows(live, released)
    tables = {} if rows.is_empty() else {target: ScoreTable(rows).of(target=target) for target in spec.targets}
    states = kpi_states(spec.kpis, spec.targets, {name: one for name, one in tables.items() if len(one.frame)}, {}, spec.seed)
    since, until = (_text(rows["time"].min()), _text(rows["time"].max())) if len(rows) else ("", "")
    return [
        LiveKpi(state, _then(state, released), since, until, _slices(state, live, rows, released, spec.seed)) for state in states
    ]


def _then(state: KpiState, released: Released) -> float | None:
    told: Sequence[Mapping[str, Any]] = released.release.manifest.get("kpis", [])
    return next((one["value"] for one in told if one["id"] == state.id), None)


def _slices(state: KpiState, live: pl.DataFrame, rows: pl.DataFrame, released: Released, seed: int) -> tuple[Slice, ...]:
    own = rows.filter(pl.col("target") == state.target) if len(rows) else rows
    if own.is_empty():
        return ()
    columns = [name for name in released.segments if name in own.columns]
    found = [one for name in columns for one in _by(own, state.metric, name, f"{name} ", seed)]
    if AHEAD in live.columns:
        ahead = newest_days(live, released.window).filter(pl.col("target") == state.target)
        found += _by(ahead, state.metric, AHEAD, "lead ", seed)
    return tuple(found)


def _by(rows: pl.DataFrame, metric: str, column: str, before: str, seed: int) -> Iterator[Slice]:
    """The metric for each value of a column; with fewer resamples than the KPI, as there are many and nothing is decided."""
    measure = metric_named(metric)
    for part in rows.sort(column, maintain_order=True).partition_by(column, maintain_order=True):
        value = part[column][0]
        groups = groups_of(part)
        found = groups.noted(cluster_estimate(measure, scored_rows(part, measure), groups.codes, seed, _RESAMPLES))
        yield Slice(f"{before}{value}", found.value, found.low, found.high, found.n, found.method)


def kpi_checks(spec: Spec, found: Sequence[LiveKpi], live: pl.DataFrame, released: Released, alpha: float) -> list[Check]:
    """Alarm where a KPI surely misses its goal and does measurably worse than the release did.

    A KPI that was missed at release is no news, and one that got worse within its goal no alarm.
    """
    rows = watched_rows(live, released)
    told = [one for one in found if one.state.value is not None]
    held = [_against(spec, one, released) for one in told]
    corrected = holm([one.p for one in held])
    pairs = zip(told, held, corrected, strict=True)
    return [_kpi_check(spec, one, usual.usual, usual.method, float(p), rows, released, alpha) for one, usual, p in pairs]


def _against(spec: Spec, one: LiveKpi, released: Released) -> Against:
    state, then = one.state, released.of_target(one.state.target)
    if then is None:
        return Against(one.released, 1.0, "nothing: the scores of the release are gone")
    live = Estimate(state.value, state.low, state.high, state.n, state.clusters, state.method)
    return against(metric_named(state.metric), live, then, released.windows.get(state.target, []), spec.seed)


def _kpi_check(
    spec: Spec, one: LiveKpi, usual: float | None, method: str, p: float, rows: pl.DataFrame, released: Released, alpha: float
) -> Check:
    state, kpi = one.state, next(kpi for kpi in spec.kpis if kpi.id == one.state.id)
    alarm = state.state == "missed" and state.sure and p <= alpha
    told = interval(state.value, state.low, state.high, state.metric)
    text = f"{state.id} is {told} on live rows, its goal {goal_of(kpi)}; at release it was {figure(usual, state.metric)}"
    evidence = {"since": one.since, "until": one.until, "goal": state.goal, "at_release": usual, "held_against": method}
    return Check(
        "kpi", state.id, "", text, alarm, state.value, state.low, state.high, state.n, state.method, p,
        cause=_worst(state, rows, released) if alarm else "", evidence=evidence,
    )  # fmt: skip


def _worst(state: KpiState, rows: pl.DataFrame, released: Released) -> str:
    """The segment that got worse the most since release."""
    then = released.of_target(state.target)
    if then is None:
        return ""
    metric, own, worst = metric_named(state.metric), rows.filter(pl.col("target") == state.target), (0.0, "")
    for column in released.segments:
        before = {key: figure_of(part, metric) for (key,), part in then.partition_by(column, as_dict=True).items()}
        for (key,), part in own.partition_by(column, as_dict=True).items():
            now, usual = figure_of(part, metric), before.get(key, float("nan"))
            more = metric.lack(now) - metric.lack(usual)
            if len(part) >= _FEWEST and more > worst[0]:
                said = f"{column} {key} above all: {figure(now, state.metric)}, {figure(usual, state.metric)} at release"
                worst = more, said
    return worst[1]


def coverage_checks(spec: Spec, live: pl.DataFrame, released: Released, alpha: float) -> list[Check]:
    """Alarm where bounds hold measurably more or fewer actuals than they promise, and than they did at release."""
    rows = watched_rows(live, released)
    if released.scores is None or rows.is_empty() or set(CLASS_COLUMNS) <= set(released.scores.columns):
        return []
    found: list[Check] = []
    for target in spec.targets:
        own, then = rows.filter(pl.col("target") == target), released.of_target(target)
        kpi = leading_kpi(spec.kpis, target, spec.targets)
        if then is not None and len(own) and not any(own[bound].null_count() == len(own) for bound in BOUNDS):
            found += [_coverage(spec, kpi or spec.kpis[0], name, own, then, released) for name in _COVERED]
    corrected = holm([one.p if one.p is not None else 1.0 for one in found])
    return [replace(one, p=float(p), alarm=bool(one.alarm and p <= alpha)) for one, p in zip(found, corrected, strict=True)]


def _coverage(spec: Spec, kpi: Kpi, name: str, own: pl.DataFrame, then: pl.DataFrame, released: Released) -> Check:
    promised, metric = _COVERED[name], metric_named(name)
    now = kpi_estimate(ScoreTable(own), name, spec.seed)
    usual = against(metric, now, then, released.windows.get(str(own["target"][0]), []), spec.seed, two_sided=True)
    beyond = now.low is not None and now.high is not None and not now.low <= promised <= now.high
    target = str(own["target"][0])
    told = interval(now.value, now.low, now.high, name)
    text = f"the {promised:.0%} bounds of {target} hold {told} of the actuals; at release they held {figure(usual.usual, name)}"
    evidence = {"promised": promised, "at_release": usual.usual, "held_against": usual.method}
    subject = f"{target} {promised:.0%}"
    return Check(
        "coverage", kpi.id, subject, text, beyond, now.value, now.low, now.high, now.n, now.method, usual.p, evidence=evidence
    )


def keep_figures(connection: sa.Connection, found: Sequence[LiveKpi], release: int, now: datetime) -> None:
    """Write the figures into the ledger; those of the same release and times are replaced."""
    for one in found:
        if one.state.value is None:
            continue
        place = {"kpi": one.state.id, "release": release, "since": one.since, "until": one.until}
        same = [live_scores.c[name] == value for name, value in place.items()]
        connection.execute(live_scores.delete().where(*same))
        whole = Slice("", one.state.value, one.state.low, one.state.high, one.state.n, one.state.method)
        rows = [
            {**place, "made": now, "slice": part.name, "value": part.value, "low": part.low, "high": part.high, "n": part.n,
             "method": part.method, "state": one.state.state if part is whole else ""}
            for part in (whole, *one.slices)
        ]  # fmt: skip
        connection.execute(live_scores.insert(), rows)


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else "" if value is None else str(value)
