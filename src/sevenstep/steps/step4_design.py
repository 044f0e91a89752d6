"""Step 4, design: which models, and how will they be judged?"""

from __future__ import annotations

from collections.abc import Mapping

from sevenstep.chapter import Block, Chapter, Column, Notes, Table
from sevenstep.data.dataset import Dataset
from sevenstep.spec.brief import Brief
from sevenstep.steps.words import times
from sevenstep.tasks.contract import Plan, Task
from sevenstep.tasks.planning import plan_to_json
from sevenstep.wording import counted
from sevenstep.work import Artifact, Leaves, Workbench

__all__ = ["run"]


def run(brief: Brief, inputs: Mapping[str, Artifact], task: Task, bench: Workbench) -> Leaves:
    """The plan: candidates with reasons, search spaces and folds."""
    bench.say("choosing candidates and folds")
    data = Dataset.load(inputs["collect"].folder("dataset"))
    plan = task.plan(data, inputs["prepare"].json("profile"), inputs["prepare"].json("recipe"), brief)
    return Leaves(json={"plan": plan_to_json(plan)}, headline=_headline(plan), chapter=_chapter(plan))


def _planned(plan: Plan) -> float:
    return sum(candidate.cost for candidate in plan.candidates) * len(plan.folds)


def _headline(plan: Plan) -> str:
    models = [candidate for candidate in plan.candidates if not candidate.baseline]
    rules = len(plan.candidates) - len(models)
    fits = counted(len(plan.candidates) * len(plan.folds), "fit")
    candidates = f"{counted(len(models), 'candidate')} and {counted(rules, 'simple rule')}"
    return f"{candidates} x {counted(len(plan.folds), 'fold')} = {fits}, about {times(_planned(plan))} of one core"


def _chapter(plan: Plan) -> Chapter:
    families = list(dict.fromkeys(candidate.family for candidate in plan.candidates))
    tried = f"{counted(len(plan.candidates), 'candidate')} of {counted(len(families), 'family')} ({', '.join(families)})"
    answer = f"{tried} will be judged on {counted(len(plan.folds), 'fold')}: {plan.fold_reason}."
    folds = [{"name": fold.name, "learns": fold.learns, "judged": fold.judged} for fold in plan.folds]
    columns = [Column("name", "Fold"), Column("learns", "Learns from"), Column("judged", "Judged on")]
    blocks: list[Block] = [*plan.blocks, Table("Folds", columns, folds, plan.fold_reason)]
    if plan.notes:
        items = [{"text": note, "evidence": "", "tone": "warn"} for note in plan.notes]
        blocks.append(Notes("What the time budget does not carry", items))
    return Chapter("design", "Design", answer, "", [*blocks, _spaces(plan)])


def _spaces(plan: Plan) -> Table:
    rows = []
    for candidate in plan.candidates:
        for name, item in candidate.space.items():
            tried = (
                ", ".join(map(str, item.choices))
                if item.choices
                else f"{item.low:g} to {item.high:g}{' (log)' if item.log else ''}"
            )
            start = candidate.parameters.get(name)
            rows.append(
                {"candidate": f"{candidate.name} of {candidate.target}", "name": name, "start": str(start), "tried": tried}
            )
    columns = [
        Column("candidate", "Candidate"),
        Column("name", "Hyperparameter"),
        Column("start", "Start"),
        Column("tried", "May be tried"),
    ]
    return Table("Hyperparameters and what the search may try", columns, rows)
