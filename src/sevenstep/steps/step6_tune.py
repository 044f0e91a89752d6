"""Step 6, tune: how much better can it get within the budget, and does it meet the goals?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import polars as pl

from sevenstep.chapter import Block
from sevenstep.data.dataset import Dataset
from sevenstep.search.ensemble import select
from sevenstep.search.jobs import Fits
from sevenstep.search.judge import judge
from sevenstep.search.kpis import KpiState, gate_of, kpi_states, leading_kpi, leading_metric
from sevenstep.search.leaderboard import kpi_estimate, metric_named
from sevenstep.search.library import Library
from sevenstep.search.losses import loss_of
from sevenstep.search.thrift import Rule
from sevenstep.search.tune import Trial, plan_trials, search, trial_cost
from sevenstep.spec.brief import Brief
from sevenstep.steps.sums import Sums
from sevenstep.steps.tuned import Outcome, chapter, headline
from sevenstep.tasks.abilities import Binds, Bound, Coherence
from sevenstep.tasks.contract import Candidate, Plan, Task
from sevenstep.tasks.planning import CORES, plan_from_json, planned_seconds, seconds_for_the_end
from sevenstep.tasks.scoretable import ScoreTable, scored_rows
from sevenstep.work import Artifact, Leaves, Workbench

__all__ = ["run"]

SEARCH_SHARE = 0.30  # of the time budget at most for the search
FITS_SHARE = 0.66  # of the time budget for comparison and search together; the other steps and the final fits take the rest
KEPT_SHARE = 0.08  # of the time budget that stays unused where the machine keeps to the plan
LONG, MOST_PACE = 20.0, 2.5  # planned seconds from which fits tell the pace of the machine, and the slowest pace believed
SEARCHED = 1  # candidates of each target whose hyperparameters are searched, besides those a person gave a space: the best ones


def run(brief: Brief, inputs: Mapping[str, Artifact], task: Task, bench: Workbench) -> Leaves:
    """Search, ensemble, calibration, the final fit on all rows, and where every KPI stands."""
    plan = plan_from_json(inputs["design"].json("plan"))
    scores = inputs["train"].frame("scores")
    fits = Fits(task, inputs["collect"], bench, brief.seed, pace=_pace(plan, inputs["train"].measured))
    outcomes = [_tuned(brief, task, target, plan, scores, fits, bench) for target in brief.targets]
    data = Dataset.load(inputs["collect"].folder("dataset"))
    sums = None
    if plan.sums is not None:
        bench.say("making items and sums add up")
        judged = {outcome.target: outcome.judgement.scores for outcome in outcomes}
        sums = Sums.of(brief, task, plan.sums, inputs["train"].frame("sums"), judged, data)
        outcomes = [_coherent(outcome, sums.coherence, brief) for outcome in outcomes]
    bound = _bound(task, outcomes, data, brief)
    if bound is not None:
        outcomes = [_coherent(outcome, bound, brief) for outcome in outcomes]
    bench.say("fitting the final model on all rows")
    model = _final(brief, task, plan, outcomes, fits, data)
    if sums is not None:
        model = sums.taken_in(task, model, inputs["collect"], bench, brief.seed)
    if bound is not None:
        model = bound.taken_in(model)
    final = {outcome.target: outcome.judgement.scores for outcome in outcomes}
    states = kpi_states(brief.kpis, brief.targets, final, _baselines(brief, plan, scores), brief.seed)
    segmented = [task.segment(table, data)[0].frame for table in final.values()]
    return Leaves(
        json={
            "kpis": [state.to_json() for state in states],
            "members": {outcome.target: _member_rows(outcome) for outcome in outcomes},
            "everything": asdict(plan.everything),
            "card": _card(brief, plan, outcomes, states),
        },
        frames={"scores": pl.concat(segmented, how="diagonal_relaxed"), **_sums_frame(sums)},
        folders={"model": model},
        headline=headline(states),
        gate=gate_of(states),
        chapter=chapter(brief, task, data, outcomes, states, _further(sums, bound)),
        measured=fits.seconds,
    )


def _bound(task: Task, outcomes: Sequence[Outcome], data: Dataset, brief: Brief) -> Bound | None:
    """What identities among the targets ask for, where there are some."""
    judged = {outcome.target: outcome.judgement.scores for outcome in outcomes}
    return task.bind(judged, data, brief) if isinstance(task, Binds) else None


def _further(sums: Sums | None, bound: Bound | None) -> list[Block]:
    """What is to be said about sums and identities."""
    return [*([] if sums is None else sums.coherence.blocks), *([] if bound is None else bound.blocks)]


def _coherent(outcome: Outcome, coherence: Coherence | Bound, brief: Brief) -> Outcome:
    """The outcome with scores as they are once items and sums add up, or identities hold."""
    scores = coherence.scores[outcome.target]
    judgement = replace(outcome.judgement, scores=scores)
    return replace(outcome, judgement=judgement, judged=kpi_estimate(scores, outcome.metric, brief.seed))


def _sums_frame(sums: Sums | None) -> dict[str, pl.DataFrame]:
    """The scores of the sums, where there are some."""
    return {} if sums is None else {"sums": pl.concat([table.frame for table in sums.coherence.sums.values()])}


def _pace(plan: Plan, measured: Mapping[str, float]) -> float:
    """How many times longer than planned the fits of step 5 took: only ever used to stop early enough, and from 1 to `MOST_PACE`.

    A few seconds say nothing: they measure how long a worker takes to load its libraries.
    """
    models = [item for item in plan.candidates if not item.baseline]
    planned = {f"seconds of {item.name} of {item.target}": item.cost * len(plan.folds) for item in models}
    known = [name for name in planned if name in measured]
    whole = sum(planned[name] for name in known)
    if whole < LONG:
        return 1.0
    return min(max(1.0, sum(measured[name] for name in known) / whole), MOST_PACE)


def _tuned(brief: Brief, task: Task, target: str, plan: Plan, scores: pl.DataFrame, fits: Fits, bench: Workbench) -> Outcome:
    """Search around the best candidates of a target, then choose members and judge them."""
    kpi = leading_kpi(brief.kpis, target, brief.targets) or brief.kpis[0]
    metric = leading_metric(kpi)
    measured = ScoreTable(scores).of(target=target).frame.partition_by("candidate", as_dict=True)
    tables = {str(name): ScoreTable(part) for (name,), part in measured.items()}
    candidates = {candidate.name: candidate for candidate in plan.candidates if candidate.target == target}
    rule = Rule(metric_named(metric), kpi.min_gain if metric == kpi.metric else None, brief.seed)
    trials, planned = _searched(brief, target, plan, rule, tables, candidates, fits, bench)
    done = {trial.candidate.name: trial for trial in trials if trial.scores is not None}
    tables |= {name: trial.scores for name, trial in done.items() if trial.scores is not None}
    candidates |= {name: trial.candidate for name, trial in done.items()}
    bench.say(f"choosing members for {target}")
    library = Library.of(tables, {name: candidates[name].cost for name in tables})
    selection = select(library, rule, task.blend, blends=task.grammar.blends)
    weights = zip(library.names, selection.weights.tolist(), strict=True)
    members = sorted(((candidates[name], weight) for name, weight in weights if weight > 0), key=lambda member: -member[1])
    main = members[0][0].name
    judgement = judge(task, library, selection, brief)
    return Outcome(
        target, metric, rule.guide.name, members, judgement, selection, trials, planned, len(tables), main,
        compared=kpi_estimate(tables[main], metric, brief.seed),
        judged=kpi_estimate(judgement.scores, metric, brief.seed),
    )  # fmt: skip


def _searched(
    brief: Brief, target: str, plan: Plan, rule: Rule, tables: Mapping[str, ScoreTable],
    candidates: Mapping[str, Candidate], fits: Fits, bench: Workbench,
) -> tuple[list[Trial], int]:  # fmt: skip
    """Trials around the best candidates and around those a person said how to search; and how many were planned."""
    able = [
        candidates[name]
        for name in sorted(tables, key=lambda name: loss_of(tables[name], rule.metric.name))
        if candidates[name].space
    ]
    starts = [candidate for place, candidate in enumerate(able) if place < SEARCHED or candidate.searched]
    counts = plan_trials(starts, len(plan.folds), _search_seconds(brief, plan) / len(brief.targets), CORES)
    reserve = _reserve(brief, plan, starts, fits.pace)
    trials: list[Trial] = []
    for start in starts:
        bench.say(f"searching around {start.name} of {target}")
        trials += search(start, tables[start.name], counts[start.name], plan.folds, rule.guide.name, fits, brief.seed, reserve)
    return trials, sum(counts.values())


def _search_seconds(brief: Brief, plan: Plan) -> float:
    """What the comparison was not planned to take of the time for fits, within the share of the search."""
    return min(SEARCH_SHARE * brief.budget, max(0.0, FITS_SHARE * brief.budget - planned_seconds(plan)))


def _reserve(brief: Brief, plan: Plan, starts: Sequence[Candidate], pace: float) -> float:
    """Seconds the search leaves: those of the end, with the dearest fit it may find, and a margin."""
    dearest = max((trial_cost(start) for start in starts), default=0.0)
    return KEPT_SHARE * brief.budget + pace * seconds_for_the_end(plan, dearest)


def _final(brief: Brief, task: Task, plan: Plan, outcomes: Sequence[Outcome], fits: Fits, data: Dataset) -> Any:
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
                value = metric.value(scored_rows(frame, metric))
                result[kpi.id][rule] = float(value) if np.isfinite(value) else None
    return result


def _member_rows(outcome: Outcome) -> list[dict[str, Any]]:
    return [
        {
            "name": candidate.name,
            "family": candidate.family,
            "weight": weight,
            "parameters": dict(candidate.parameters),
            "stage": candidate.stage,
        }
        for candidate, weight in outcome.members
    ]


def _card(brief: Brief, plan: Plan, outcomes: Sequence[Outcome], states: Sequence[KpiState]) -> dict[str, Any]:
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
