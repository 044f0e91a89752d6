"""Learning again what a released model is made of, from newer data: the same members with the same settings and weights.

The dear part of a run is the comparison and the search; what they chose changes slowly. Whether it should be chosen anew is what
a whole run finds out (`sevenstep.live.retraining`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.contract import Candidate, Fitted, Fold, Model, Stage, Task
from sevenstep.work import Artifact

__all__ = ["Members", "Recipe", "learnt_members", "refitted"]

Members = Mapping[str, Sequence[tuple[Fitted, float]]]
"""For each target its fitted members with their weights."""


@dataclass(frozen=True)
class Recipe:
    """What a run chose.

    Args:
        members: for each target its candidates with their weights.
        everything: the fold that stood for all rows.
    """

    members: Mapping[str, Sequence[tuple[Candidate, float]]]
    everything: Fold

    @classmethod
    def of(cls, tune: Artifact) -> Recipe:
        """Read off what step 6 left."""
        members = {
            target: [(_candidate(target, row), float(row["weight"])) for row in rows]
            for target, rows in tune.json("members").items()
        }
        return cls(members, Fold(**tune.json("everything")))


def _candidate(target: str, row: Mapping[str, Any]) -> Candidate:
    return Candidate(row["name"], row["family"], target, "chosen by the run", row["parameters"], stage=row["stage"])


def refitted(task: Task, recipe: Recipe, model: Model, data: Dataset, seed: int) -> Model:
    """The model with its members fitted on all that is known in ``data``; its bounds stay until live errors say more."""
    return model.relearnt(learnt_members(task, recipe, data, seed), data)


def learnt_members(task: Task, recipe: Recipe, data: Dataset, seed: int) -> Members:
    """The members of ``recipe`` fitted on all that is known in ``data``."""
    whole = task.whole(recipe.everything, data)
    stages: dict[str, Stage] = {}
    return {
        target: [(_fit(task, candidate, whole, data, stages, seed), weight) for candidate, weight in chosen]
        for target, chosen in recipe.members.items()
    }


def _fit(task: Task, candidate: Candidate, whole: Fold, data: Dataset, stages: dict[str, Stage], seed: int) -> Fitted:
    """One member; what several share is prepared once."""
    if candidate.stage and repr(candidate.stage) not in stages:
        stages[repr(candidate.stage)] = task.stage(candidate.stage, data)
    return task.fit(candidate, whole, data, stages.get(repr(candidate.stage)), seed)
