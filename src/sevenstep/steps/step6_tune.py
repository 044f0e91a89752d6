"""Step 6, tune: how much better can it get within the budget, and does it meet the goals?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from sevenstep.chapter import Block, Chapter, Column, Notes, Table
from sevenstep.data.dataset import Dataset
from sevenstep.search.ensemble import Library, Selection, select
from sevenstep.search.jobs import Fits
from sevenstep.search.judge import Judgement, judge
from sevenstep.search.kpis import KpiState, gate_of, kpi_states, leading_kpi, leading_metric
from sevenstep.search.leaderboard import metric_named
from sevenstep.search.tune import Trial, loss_of, plan_trials, search
from sevenstep.spec.brief import Brief
from sevenstep.stats.scored import Scored
from sevenstep.steps.words import counted, figure, goal_text, interval, money
from sevenstep.tasks.contract import Candidate, Plan, Task
from sevenstep.tasks.planning import plan_from_json, seconds_for_the_end
from sevenstep.tasks.scoretable import ScoreTable
from sevenstep.work import Artifact, Leaves, Workbench

__all__ = ["run"]

SEARCH_SHARE = 0.22  # of the time budget
PLANNED_CORES = 2  # the machine a search is planned for, so that equal inputs give an equal search everywhere
_SAYS = {"met": "meets", "missed": "misses", "not_measured": "not measured against"}
SEARCHED = 1  # candidates of each target whose hyperparameters are searched: the best ones


@dataclass(frozen=True)
class _Outcome:
    """What tuning came to for one target."""

    target: str
    members: Sequence[tuple[Candidate, float]]
    judgement: Judgement
    selection: Selection
    trials: Sequence[Trial]
    planned: int


def run(brief: Brief, inputs: Mapping[str, Artifact], task: Task, bench: Workbench) -> Leaves:
    """Search, ensemble, calibration, the final fit on all rows, and where every KPI stands."""
    plan = plan_from_json(inputs["design"].json("plan"))
    scores = inputs["train"].frame("scores")
    fits = Fits(task, inputs["collect"], bench, brief.seed)
    outcomes = [_tuned(brief, task, target, plan, scores, fits, bench) for target in brief.targets]
    bench.say("fitting the final model on all rows")
    data = Dataset.load(inputs["collect"].folder("dataset"))
    model = _final(brief, task, plan, outcomes, fits, data)
    final = {outcome.target: outcome.judgement.scores for outcome in outcomes}
    states = kpi_states(brief.kpis, brief.targets, final, _baselines(brief, plan, scores), brief.seed)
    segmented = [task.segment(table, data)[0].frame for table in final.values()]
    return Leaves(
        json={
            "kpis": [state.to_json() for state in states],
            "members": {outcome.target: _member_rows(outcome) for outcome in outcomes},
            "card": _card(brief, plan, outcomes, states),
        },
        frames={"scores": pl.concat(segmented, how="diagonal_relaxed")},
        folders={"model": model},
        headline=_headline(states),
        gate=gate_of(states),
        chapter=_chapter(brief, task, data, outcomes, states),
        measured=fits.seconds,
    )


def _tuned(brief: Brief, task: Task, target: str, plan: Plan, scores: pl.DataFrame, fits: Fits, bench: Workbench) -> _Outcome:
    """Search around the best candidates of a target, then choose members and judge them."""
    metric = leading_metric(leading_kpi(brief.kpis, target, brief.targets) or brief.kpis[0])
    measured = ScoreTable(scores).of(target=target).frame.partition_by("candidate", as_dict=True)
    tables = {str(name): ScoreTable(part) for (name,), part in measured.items()}
    candidates = {candidate.name: candidate for candidate in plan.candidates if candidate.target == target}
    ranked = sorted(tables, key=lambda name: loss_of(tables[name], metric))
    able = [candidates[name] for name in ranked if candidates[name].space][:SEARCHED]
    seconds = SEARCH_SHARE * brief.budget / len(brief.targets)
    counts = plan_trials(able, len(plan.folds), seconds, PLANNED_CORES)
    trials: list[Trial] = []
    reserve = seconds_for_the_end(plan)
    for start in able:
        bench.say(f"searching around {start.name} of {target}")
        trials += search(start, tables[start.name], counts[start.name], plan.folds, metric, fits, brief.seed, reserve)
    done = {trial.candidate.name: trial for trial in trials if trial.scores is not None}
    tables |= {name: trial.scores for name, trial in done.items() if trial.scores is not None}
    candidates |= {name: trial.candidate for name, trial in done.items()}
    bench.say(f"choosing members for {target}")
    library = Library.of(tables, {name: candidates[name].cost for name in tables})
    selection = select(library, metric_named(metric), task.blend)
    members = [
        (candidates[name], float(weight)) for name, weight in zip(library.names, selection.weights, strict=True) if weight > 0
    ]
    members.sort(key=lambda member: -member[1])
    return _Outcome(target, members, judge(task, library, selection, brief), selection, trials, sum(counts.values()))


def _final(brief: Brief, task: Task, plan: Plan, outcomes: Sequence[_Outcome], fits: Fits, data: Dataset) -> Any:
    wanted = [candidate for outcome in outcomes for candidate, _ in outcome.members]
    fitted = iter(fits.fit_everything(wanted, plan.everything))
    members = {
        outcome.target: [(task.load_fitted(next(fitted).folder("fitted")), weight) for _, weight in outcome.members]
        for outcome in outcomes
    }
    calibration = {outcome.target: outcome.judgement.calibration for outcome in outcomes}
    return task.combine(members, calibration, data, brief)


def _baselines(brief: Brief, plan: Plan, scores: pl.DataFrame) -> dict[str, dict[str, float | None]]:
    """What each simple rule reached, for every KPI whose metric needs no bounds."""
    rules = {candidate.name for candidate in plan.candidates if candidate.baseline}
    result: dict[str, dict[str, float | None]] = {}
    for kpi in brief.kpis:
        metric = metric_named(kpi.metric)
        target = kpi.target or brief.targets[0]
        result[kpi.id] = {}
        for rule in sorted(rules):
            frame = ScoreTable(scores).of(candidate=rule, target=target).frame
            if len(frame):
                value = metric.value(Scored.of(**{name: frame[name].cast(pl.Float64).to_numpy() for name in metric.reads}))
                result[kpi.id][rule] = float(value) if np.isfinite(value) else None
    return result


def _member_rows(outcome: _Outcome) -> list[dict[str, Any]]:
    return [
        {"name": candidate.name, "family": candidate.family, "weight": weight, "parameters": dict(candidate.parameters)}
        for candidate, weight in outcome.members
    ]


def _card(brief: Brief, plan: Plan, outcomes: Sequence[_Outcome], states: Sequence[KpiState]) -> dict[str, Any]:
    """The model card: what it is for, what it is made of, how good it is and how that was found out, what it is not good for."""
    return {
        "targets": list(brief.targets),
        "members": {outcome.target: {candidate.name: weight for candidate, weight in outcome.members} for outcome in outcomes},
        "kpis": [state.to_json() for state in states],
        "judged": {outcome.target: outcome.judgement.method for outcome in outcomes},
        "folds": plan.fold_reason,
        "limits": [
            "figures hold for data like those of the folds; a break in the data shows in step 7 only",
            "bounds are calibrated on past errors; they do not know what has never happened",
        ],
    }


def _headline(states: Sequence[KpiState]) -> str:
    parts = [
        f"{state.id} {interval(state.value, state.low, state.high, state.metric)} {_SAYS[state.state]} {_goal(state)}"
        for state in states
    ]
    return "; ".join(parts)


def _chapter(brief: Brief, task: Task, data: Dataset, outcomes: Sequence[_Outcome], states: Sequence[KpiState]) -> Chapter:
    blocks: list[Block] = [_kpi_table(states, outcomes)]
    blocks += [_members_table(outcome) for outcome in outcomes]
    blocks += [_trials_table(outcome) for outcome in outcomes if outcome.trials]
    for outcome in outcomes:
        blocks += task.pictures("tune", data, outcome.judgement.scores, brief, None)
    blocks.append(_judged(outcomes))
    return Chapter("tune", "Tune", _answer(states), gate_of(states), blocks)


def _answer(states: Sequence[KpiState]) -> str:
    met = [state for state in states if state.state == "met"]
    told = [
        f"{state.metric.upper()} of {state.target} {figure(state.value, state.metric)} (goal {_goal(state)})" for state in states
    ]
    text = f"{len(met)} of {counted(len(states), 'KPI')} met: {', '.join(told)}."
    near = [state.id for state in states if not state.sure and state.low is not None]
    text += f" The interval of {' and '.join(near)} spans the goal." if near else ""
    worth = [f"{money(state.worth, state.worth_unit)} against {state.baseline}" for state in states if state.worth]
    return text + (f" That is worth {worth[0]}." if worth else "")


def _goal(state: KpiState) -> str:
    return goal_text(state.goal.split()[0], state.goal_value, state.metric)


def _kpi_table(states: Sequence[KpiState], outcomes: Sequence[_Outcome]) -> Table:
    left_out = all(outcome.selection.unseen is not None for outcome in outcomes)
    caption = "Measured out of fold: fits, weights, shift and bounds are those made without the rows they are judged on."
    if not left_out:
        caption = (
            "There is one fold: the fits have not seen its rows, but the choice, the shift and the bounds have, which flatters."
        )
    rows = [
        {
            "id": state.id,
            "metric": f"{state.metric} of {state.target}",
            "goal": _goal(state),
            "value": interval(state.value, state.low, state.high, state.metric),
            "state": state.state,
            "baseline": f"{state.baseline}: {figure(state.baseline_value, state.metric)}" if state.baseline else "",
            "n": state.n,
            "method": state.method,
        }
        for state in states
    ]
    columns = [
        Column("id", "KPI"), Column("metric", "Metric"), Column("goal", "Goal"), Column("value", "Reached"),
        Column("state", "State", "state"), Column("baseline", "Simple rule"), Column("n", "n", "integer"),
        Column("method", "Interval by"),
    ]  # fmt: skip
    return Table("Where each KPI stands", columns, rows, caption)


def _members_table(outcome: _Outcome) -> Table:
    rows = [
        {"name": candidate.name, "family": candidate.family, "weight": weight, "reason": candidate.reason}
        for candidate, weight in outcome.members
    ]
    trace = outcome.selection.trace
    losses = trace.get("loss_unseen")
    caption = f"A {trace['taken']} was taken."
    if losses:
        seen = f"the blend loses {losses['blend']:.5g} and the best single candidate {losses['single']:.5g}"
        caption = f"On folds not used for choosing, {seen}: a {trace['taken']} was taken."
    columns = [
        Column("name", "Member"),
        Column("family", "Family"),
        Column("weight", "Weight", "percent"),
        Column("reason", "What it is"),
    ]
    return Table(f"The final model of {outcome.target}", columns, rows, caption)


def _trials_table(outcome: _Outcome) -> Table:
    rows = [
        {"name": trial.candidate.name, "loss": trial.loss, "what": trial.note or trial.candidate.reason}
        for trial in sorted(outcome.trials, key=lambda trial: (trial.loss is None, trial.loss or 0.0))
    ]
    done = sum(trial.loss is not None for trial in outcome.trials)
    caption = f"{done} of {counted(outcome.planned, 'planned trial')} were finished."
    columns = [Column("name", "Trial"), Column("loss", "Mean loss over folds", "number"), Column("what", "Hyperparameters")]
    return Table(f"Search for {outcome.target}", columns, rows, caption, 6)


def _judged(outcomes: Sequence[_Outcome]) -> Notes:
    searched = "; hyperparameters were searched for on all folds, which flatters the figures a little"
    items = [
        {
            "text": f"{outcome.target}: {outcome.judgement.method}{searched if outcome.trials else ''}.",
            "evidence": "",
            "tone": "info",
        }
        for outcome in outcomes
    ]
    return Notes("How the figures were found", items)
