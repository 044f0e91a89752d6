"""What step 6 has to say: where each KPI stands, what the final model is made of and why, and how the figures were found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sevenstep.chapter import Block, Chapter, Column, Format, Notes, Table
from sevenstep.data.dataset import Dataset
from sevenstep.search.ensemble import Selection
from sevenstep.search.judge import Judgement
from sevenstep.search.kpis import KpiState, gate_of
from sevenstep.search.leaderboard import metric_named
from sevenstep.search.tune import Trial
from sevenstep.spec.brief import Brief
from sevenstep.stats.intervals import Estimate
from sevenstep.stats.wording import figure, goal_text, interval, is_share, spoken, titled
from sevenstep.steps.words import money
from sevenstep.tasks.contract import Candidate, Task
from sevenstep.wording import DASH, counted

__all__ = ["Outcome", "chapter", "headline"]

_SAYS = {"met": "meets", "missed": "misses", "not_measured": "not measured against"}


@dataclass(frozen=True)
class Outcome:
    """What tuning came to for one target.

    Args:
        target: the target.
        metric: what candidates were compared on.
        guide: the metric hyperparameters were searched by.
        members: the candidates of the final model with their weights, heaviest first.
        judgement: its scores, made without the fold they are of, and its calibration.
        selection: how the members were chosen.
        trials: the search.
        planned: how many trials were planned.
        among: how many candidates and trials the members were chosen among.
        main: name of the heaviest member.
        compared: that member's own figure on all folds, as step 5 states it.
        judged: the figure of the final model.
    """

    target: str
    metric: str
    guide: str
    members: Sequence[tuple[Candidate, float]]
    judgement: Judgement
    selection: Selection
    trials: Sequence[Trial]
    planned: int
    among: int
    main: str
    compared: Estimate
    judged: Estimate


def headline(states: Sequence[KpiState]) -> str:
    """Every KPI with its interval, and whether it meets its goal."""
    parts = [
        f"{state.id} {interval(state.value, state.low, state.high, state.metric)} {_SAYS[state.state]} {_goal(state)}"
        for state in states
    ]
    return "; ".join(parts)


def chapter(
    brief: Brief, task: Task, data: Dataset, outcomes: Sequence[Outcome], states: Sequence[KpiState], further: Sequence[Block]
) -> Chapter:
    """The chapter of step 6; ``further`` is what is said about sums."""
    blocks: list[Block] = [_kpi_table(states, outcomes)]
    blocks += [_members_table(outcome) for outcome in outcomes]
    blocks += [_figures_table(outcome) for outcome in outcomes]
    blocks += [_trials_table(outcome) for outcome in outcomes if outcome.trials]
    for outcome in outcomes:
        blocks += task.pictures("tune", data, outcome.judgement.scores, brief, None)
    blocks += further
    blocks.append(_judged(outcomes))
    return Chapter("tune", "Tune", _answer(states, outcomes), gate_of(states), blocks)


def _answer(states: Sequence[KpiState], outcomes: Sequence[Outcome]) -> str:
    met = [state for state in states if state.state == "met"]
    told = [
        f"{spoken(state.metric)} of {state.target} {figure(state.value, state.metric)} (goal {_goal(state)})" for state in states
    ]
    text = f"{len(met)} of {counted(len(states), 'KPI')} met: {', '.join(told)}."
    near = [state.id for state in states if not state.sure and state.low is not None]
    text += f" Not sure: the goal lies within the interval of {' and of '.join(near)}." if near else ""
    worth = [f"{money(state.worth, state.worth_unit)} against {state.baseline}" for state in states if state.worth]
    text += f" That is worth {worth[0]}." if worth else ""
    return text


def _is_worse(outcome: Outcome) -> bool:
    """Whether the final model's figure is worse, as shown, than that of its main member in the comparison."""
    metric = metric_named(outcome.metric)
    shown = [figure(found.value, outcome.metric) for found in (outcome.judged, outcome.compared)]
    if outcome.judged.value is None or outcome.compared.value is None or shown[0] == shown[1]:
        return False
    judged, compared = metric.loss(np.array([outcome.judged.value, outcome.compared.value]))
    return bool(judged > compared)


def _why_worse(outcome: Outcome) -> str:
    compared, judged = (figure(found.value, outcome.metric) for found in (outcome.compared, outcome.judged))
    return (
        f"{titled(outcome.metric)} {judged} is worse than the {compared} of {outcome.main} on all folds, "
        f"because that one was chosen among {outcome.among} on the folds it is shown for, while here all choices were made anew "
        "without each fold."
    )


def _figures_table(outcome: Outcome) -> Table:
    """The figures of one model, each named by the question it answers."""
    flattered = f"Its fits have not seen these rows, but it was chosen among {outcome.among} on them, which flatters a little."
    nested = "Choice, weights, shift and bounds were made anew without each fold: the figure to rely on, and the one of the KPI."
    later = "No rows were kept back: what step 7 measures on actuals that arrive later is the test."
    rows = [
        {"name": f"cross-validation of {outcome.main}", "value": _said(outcome.compared, outcome.metric), "what": flattered},
        {"name": "nested estimate of the final model", "value": _said(outcome.judged, outcome.metric), "what": nested},
        {"name": "hold-out", "value": DASH, "what": later},
    ]
    columns = [Column("name", "Figure"), Column("value", titled(outcome.metric)), Column("what", "What it says")]
    return Table(f"One model of {outcome.target}, and which figure says what", columns, rows)


def _said(found: Estimate, metric: str) -> str:
    return interval(found.value, found.low, found.high, metric)


def _goal(state: KpiState) -> str:
    return goal_text(state.goal.split()[0], state.goal_value, state.metric)


def _kpi_table(states: Sequence[KpiState], outcomes: Sequence[Outcome]) -> Table:
    left_out = all(outcome.selection.unseen is not None for outcome in outcomes)
    caption = "Measured out of fold: fits, weights, shift and bounds are those made without the rows they are judged on."
    if not left_out:
        caption = (
            "There is one fold: the fits have not seen its rows, but the choice, the shift and the bounds have, which flatters."
        )
    rows = [
        {
            "id": state.id,
            "metric": f"{spoken(state.metric)} of {state.target}",
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


def _members_table(outcome: Outcome) -> Table:
    rows = [
        {"name": candidate.name, "family": candidate.family, "weight": weight, "reason": candidate.reason}
        for candidate, weight in outcome.members
    ]
    trace = outcome.selection.trace
    why = trace["why"]
    caption = f"{why[0].upper()}{why[1:]}."
    if "loss_unseen" in trace:
        shown = {name: metric_named(outcome.metric).of_loss(loss) for name, loss in trace["loss_unseen"].items()}
        seen = ", ".join(f"{name} {figure(value, outcome.metric)}" for name, value in shown.items())
        caption += f" {_mean_of(outcome.metric)} on folds not used for choosing: {seen}."
    columns = [
        Column("name", "Member"),
        Column("family", "Family"),
        Column("weight", "Weight", "percent"),
        Column("reason", "What it is"),
    ]
    return Table(f"The final model of {outcome.target}", columns, rows, caption)


def _trials_table(outcome: Outcome) -> Table:
    rows = [
        {"name": trial.candidate.name, "value": _reached(trial, outcome.guide), "what": trial.note or trial.candidate.reason}
        for trial in sorted(outcome.trials, key=lambda trial: (trial.loss is None, trial.loss or 0.0))
    ]
    done = sum(trial.loss is not None for trial in outcome.trials)
    caption = f"Trials finished: {done} of {outcome.planned} planned."
    kind: Format = "percent" if is_share(outcome.guide) else "number"
    label = f"{_mean_of(outcome.guide)} over folds"
    columns = [Column("name", "Trial"), Column("value", label, kind), Column("what", "Hyperparameters")]
    return Table(f"Search for {outcome.target}", columns, rows, caption, 6)


def _mean_of(metric: str) -> str:
    if metric_named(metric).direction == "target":
        return f"Mean distance of {spoken(metric)} from its best"
    return f"Mean {spoken(metric)}"


def _reached(trial: Trial, guide: str) -> float | None:
    return None if trial.loss is None else metric_named(guide).of_loss(trial.loss)


def _has_searched(outcome: Outcome) -> bool:
    return any(trial.loss is not None for trial in outcome.trials)


def _judged(outcomes: Sequence[Outcome]) -> Notes:
    searched = "; hyperparameters were searched for on all folds, which flatters the figures a little"
    items = [
        {
            "text": f"{outcome.target}: {outcome.judgement.method}{searched if _has_searched(outcome) else ''}.",
            "evidence": _why_worse(outcome) if _is_worse(outcome) else "",
            "tone": "info",
        }
        for outcome in outcomes
    ]
    return Notes("How the figures were found", items)
