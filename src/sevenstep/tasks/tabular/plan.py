"""Step 4 for a table: candidates with reasons, folds, and how much work the time budget carries.

The budget becomes planned work through a cost model that knows only the data (rows, inputs, classes), never a clock, so that
equal inputs give an equal plan on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sevenstep.chapter import Block, Column, Table
from sevenstep.data.dataset import Dataset
from sevenstep.data.embedding.files import TABLE, EmbeddingFiles
from sevenstep.spec.brief import Brief
from sevenstep.stats.metrics import METRICS
from sevenstep.tasks.contract import Candidate, Fold, Plan
from sevenstep.tasks.planning import CORES, MEMBERS
from sevenstep.tasks.tabular.candidates import Entry, Situation, catalog_of, menu_of, planned_cost
from sevenstep.tasks.tabular.folds import USUAL_FOLDS, known_rows, plan_folds, rows_of
from sevenstep.tasks.tabular.images.convnet import missing_note
from sevenstep.tasks.tabular.problem import Problem
from sevenstep.tasks.wanted import wanted

if TYPE_CHECKING:
    from sevenstep.data.embedding.embedder import Embedder

__all__ = ["make_plan"]

CV_SHARE = 0.48  # of the time budget for cross-validation; search, final fit and the other steps take the rest
DEAREST_SHARE = 0.25  # of a fold's seconds for one candidate: room for a few that differ
FEWEST_ROWS = 5_000  # a candidate learns from so many at least, however short the budget
END_SHARE = 0.15  # of the time budget for the fits on all rows
MOST_SEEDS = 3  # fits of each member on all rows whose mean predicts
PICTURE_INPUTS = 60  # what the features of a picture cost, in columns
PICTURE_FEATURES = 647  # how many features those are
MOST_EMBEDDING = 0.5  # of the time of the comparison: beyond it a sentence says so
UNPREPARED = ("rules", "convnet")  # families that read the rows themselves


def make_plan(data: Dataset, recipe: Mapping[str, Any], brief: Brief) -> Plan:
    """Candidates, folds, and the reasons for both.

    Few rows have more folds than usual where the time budget carries all candidates even so.
    """
    plan, complete = _plan(data, brief, brief.design.folds)
    if complete or brief.design.folds is not None or len(plan.folds) <= USUAL_FOLDS:
        return plan
    return _plan(data, brief, USUAL_FOLDS)[0]


def _plan(data: Dataset, brief: Brief, count: int | None) -> tuple[Plan, bool]:
    """The plan with so many folds, and whether the budget carries every candidate on all rows."""
    problem = Problem.of(data)
    folds, everything, reason = plan_folds(data, problem, data.facts["split"]["reason"], count, brief.seed)
    seconds = CV_SHARE * brief.budget * CORES / len(folds)
    situation = _situation(data, problem, folds, brief)
    catalog = catalog_of(situation)
    entries = wanted(menu_of(catalog), brief, problem.target, catalog, lambda entry: entry.fits(situation))
    spent, told = _embedding_seconds(data, problem, len(folds), seconds)
    candidates, notes = _affordable(entries, situation, problem, seconds, spent)
    complete = not notes
    notes = [*told, *notes]
    if situation.images and missing_note():
        notes = [*notes, missing_note()]
    seeds, more = _seeds(candidates, brief.budget), len(known_rows(data, problem)) / max(situation.rows, 1)
    everything = replace(everything, train={**everything.train, "seeds": seeds}, effort=round(seeds * more, 2))
    return Plan(candidates, folds, everything, reason, notes, [_table(candidates, len(folds))]), complete


def _situation(data: Dataset, problem: Problem, folds: Sequence[Fold], brief: Brief) -> Situation:
    kinds = list(problem.kinds.values())
    others, pictures = len(kinds) - kinds.count("picture"), kinds.count("picture")
    width = _embedder(data).width if TABLE in data.tables else 0
    return Situation(
        rows=max(len(rows_of(fold, data, problem)[0]) for fold in folds),
        inputs=others + PICTURE_INPUTS * pictures,
        classes=len(problem.classes),
        priced=problem.priced,
        decides=any("cut" in METRICS[kpi.metric].needs for kpi in brief.kpis if kpi.metric in METRICS),
        images="picture" in kinds,
        categories=kinds.count("category"),
        embedded=others + pictures * -(-PICTURE_INPUTS * width // PICTURE_FEATURES) if width else 0,
    )


def _embedder(data: Dataset) -> Embedder:
    from sevenstep.data.embedding.embedder import open_embedder  # late: few projects have one

    return open_embedder(EmbeddingFiles.of_table(data.tables[TABLE]))


def _embedding_seconds(data: Dataset, problem: Problem, folds: int, seconds: float) -> tuple[float, list[str]]:
    """What embedding every picture once takes, for each fold; and a sentence where that is most of the time there is."""
    if TABLE not in data.tables:
        return 0.0, []
    pictures = len(data.items) * list(problem.kinds.values()).count("picture")
    whole = round(pictures * _embedder(data).seconds, 2)
    spent = whole / folds
    if spent <= MOST_EMBEDDING * seconds:
        return spent, []
    takes = f"embedding {pictures:,} pictures takes about {whole:.0f} s, and the comparison has {seconds * folds:.0f} s in all"
    return spent, [f"{takes}; it is run because the spec names the model"]


def _affordable(
    entries: Sequence[Entry], situation: Situation, problem: Problem, seconds: float, spent: float
) -> tuple[list[Candidate], list[str]]:
    """Candidates in order until the planned time is used up; rules, and what the person asked for, are always in.

    What learns from an embedding is asked for by naming its model.
    """
    chosen, notes = [], []
    for entry in entries:
        candidate, fewer = _candidate(entry, situation, problem, DEAREST_SHARE * seconds)
        if not entry.baseline and spent + candidate.cost > seconds:
            takes = f"{entry.name} takes about {candidate.cost:.0f} s a fold, and {max(seconds - spent, 0):.0f} s of it are left"
            notes.append(f"{takes}; it is run because the spec asks for it" if _asked(entry) else f"{takes}: it is left out")
            if not _asked(entry):
                continue
        notes += fewer
        spent += candidate.cost
        chosen.append(candidate)
    return chosen, notes


def _asked(entry: Entry) -> bool:
    return entry.asked or entry.embedding


def _candidate(entry: Entry, situation: Situation, problem: Problem, dearest: float) -> tuple[Candidate, list[str]]:
    """The candidate, on a sample of the rows where all of them would cost too much; and a note that says so."""
    rows, parameters, notes = int(entry.parameters.get("most_rows", situation.rows)), dict(entry.parameters), []
    cost = planned_cost(entry, situation, rows)
    if cost > dearest and entry.family != "rules" and not _asked(entry) and rows > FEWEST_ROWS:
        rows = max(FEWEST_ROWS, int(rows * dearest / cost))
        cost, parameters["most_rows"] = planned_cost(entry, situation, rows), rows
        notes = [f"{entry.name} learns from {rows:,} of {situation.rows:,} rows, drawn at random: more would not fit the budget"]
    stage = _stage(entry) if situation.images else None
    made = Candidate(
        entry.name, entry.family, problem.target, entry.reason, parameters, entry.space, stage, cost, entry.baseline,
        _asked(entry), entry.searched,
    )  # fmt: skip
    return made, notes


def _stage(entry: Entry) -> dict[str, str] | None:
    if entry.family in UNPREPARED:
        return None
    return {"kind": "embedding" if entry.embedding else "pictures"}


def _seeds(candidates: Sequence[Candidate], budget: float) -> int:
    """How many seeds each member of the final model is fitted with."""
    dearest = max((candidate.cost for candidate in candidates if not candidate.asked), default=1.0)
    return max(1, min(MOST_SEEDS, int(END_SHARE * budget * CORES / (MEMBERS * dearest))))


def _table(candidates: Sequence[Candidate], folds: int) -> Block:
    rows = [{"name": item.name, "family": item.family, "reason": item.reason, "cost": item.cost * folds} for item in candidates]
    columns = [
        Column("name", "Candidate"), Column("family", "Family"), Column("reason", "Why"), Column("cost", "Planned", "seconds")
    ]  # fmt: skip
    return Table("Candidates", columns, rows, "Planned seconds are for one core, over all folds.")
