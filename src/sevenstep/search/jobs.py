"""The kinds of work a search asks for: add up levels, prepare a stage, fit and score one fold, fit on everything.

Names, reasons, planned costs and who asked for a candidate are no part of a job's key: the same fit under another name is not
done again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, cast

import polars as pl

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.abilities import AddsUp
from sevenstep.tasks.contract import Candidate, Fold, Stage, Task
from sevenstep.tasks.planning import candidate_from_json
from sevenstep.tasks.registry import load_task
from sevenstep.tasks.scoretable import ScoreTable
from sevenstep.work import Artifact, Failure, Job, Leaves, Workbench

__all__ = ["Fits", "fit_everything_job", "fit_score_job", "stage_job", "sum_job"]

_ROOMS = (
    "data", "stats", "spec", "tasks/contract.py", "tasks/abilities.py", "tasks/scoretable.py", "tasks/planning.py",
    "tasks/registry.py", "search/jobs.py", "work.py",
)  # fmt: skip
"""Source text a fit may depend on, besides its task's own."""

_NEWEST: dict[str, Dataset] = {}


def _dataset(artifact: Artifact) -> Dataset:
    """The data set of a step's artifact; a worker keeps the newest, because it does many jobs on the same one."""
    if artifact.fingerprint not in _NEWEST:
        _NEWEST.clear()
        _NEWEST[artifact.fingerprint] = Dataset.load(artifact.folder("dataset"))
    return _NEWEST[artifact.fingerprint]


def sum_job(arguments: Mapping[str, Any], inputs: Mapping[str, Artifact]) -> Leaves:
    """Make the data set of the sums."""
    task = cast(AddsUp, load_task(arguments["task"]))
    return Leaves(folders={"dataset": task.summed(_dataset(inputs["collect"]), arguments["how"])})


def stage_job(arguments: Mapping[str, Any], inputs: Mapping[str, Artifact]) -> Leaves:
    """Prepare what several candidates share."""
    task = load_task(arguments["task"])
    return Leaves(folders={"stage": task.stage(arguments["stage"], _dataset(inputs["collect"]))})


def fit_score_job(arguments: Mapping[str, Any], inputs: Mapping[str, Artifact]) -> Leaves:
    """Fit one candidate on one fold and score it there."""
    task, candidate, fold = _asked(arguments)
    data, stage = _dataset(inputs["collect"]), _stage(task, inputs)
    fitted = task.fit(candidate, fold, data, stage, arguments["seed"])
    return Leaves(frames={"scores": task.score(fitted, candidate, fold, data, stage).frame})


def fit_everything_job(arguments: Mapping[str, Any], inputs: Mapping[str, Artifact]) -> Leaves:
    """Fit one candidate on all rows, as a member of the final model."""
    task, candidate, fold = _asked(arguments)
    return Leaves(
        folders={"fitted": task.fit(candidate, fold, _dataset(inputs["collect"]), _stage(task, inputs), arguments["seed"])}
    )


def _asked(arguments: Mapping[str, Any]) -> tuple[Task, Candidate, Fold]:
    return load_task(arguments["task"]), candidate_from_json(arguments["candidate"]), Fold(**arguments["fold"])


def _stage(task: Task, inputs: Mapping[str, Artifact]) -> Stage | None:
    return task.load_stage(inputs["stage"].folder("stage")) if "stage" in inputs else None


class Fits:
    """Asks a workbench for stages and fits on one data set.

    ``seconds`` collects what the fits took, by candidate.

    Args:
        task: the kind of problem.
        collect: artifact that holds the data set, kept as ``data``.
        bench: what runs the jobs.
        seed: seed of every fit.
        pace: how many times longer than planned fits take on this machine; holds the clock off, and is part of no result.
    """

    def __init__(self, task: Task, collect: Artifact, bench: Workbench, seed: int, pace: float = 1.0) -> None:
        self.task, self.data, self._bench, self._seed = task, collect, bench, seed
        self._rooms = (*_own_room(type(task).__module__), *_ROOMS)
        self._stages: dict[str, Artifact] = {}
        self.seconds: dict[str, float] = {}
        self.pace = pace

    @classmethod
    def of_sums(cls, task: Task, collect: Artifact, bench: Workbench, seed: int, how: Mapping[str, Any]) -> Fits:
        """Fits on the sums of a data set, which are made first where they are not there yet."""
        arguments = {"task": task.grammar.task, "how": dict(how)}
        rooms = (*_own_room(type(task).__module__), *_ROOMS)
        (found,) = bench.run([Job("add up levels", sum_job, arguments, {"collect": collect}, rooms)])
        assert not isinstance(found, Failure)  # not optional: a failure would have raised
        return cls(task, found, bench, seed)

    def prepare(self, candidates: Sequence[Candidate]) -> None:
        """Have every stage the candidates need prepared."""
        wanted = {repr(candidate.stage): candidate.stage for candidate in candidates if candidate.stage}
        new = {key: stage for key, stage in wanted.items() if key not in self._stages}
        jobs = [
            Job(f"prepare {stage['kind']} {number + 1}", stage_job, self._arguments(stage=stage), {"collect": self.data},
                self._rooms, weight=10.0)
            for number, stage in enumerate(new.values())
        ]  # fmt: skip
        for key, found in zip(new, self._bench.run(jobs), strict=True):
            assert not isinstance(found, Failure)  # not optional: a failure would have raised
            self._stages[key] = found

    def score(self, candidates: Sequence[Candidate], folds: Sequence[Fold], *, reserve: float) -> list[ScoreTable | Failure]:
        """For each candidate its score table over all folds, or why there is none.

        Simple rules are always scored, and so is what a person asked for; other candidates only while the budget holds the time
        they are planned to take and ``reserve`` seconds for what comes after.
        """
        self.prepare(candidates)
        jobs = [self._job(candidate, fold, fit_score_job, reserve) for candidate in candidates for fold in folds]
        order = _in_turn(candidates, len(folds))
        results = dict(zip(order, self._bench.run([jobs[at] for at in order]), strict=True))
        found = [results[at] for at in range(len(jobs))]
        self._note_seconds(jobs, found)
        groups = [found[at * len(folds) : (at + 1) * len(folds)] for at in range(len(candidates))]
        return [_joined(candidate, group) for candidate, group in zip(candidates, groups, strict=True)]

    def _note_seconds(self, jobs: Sequence[Job], found: Sequence[Artifact | Failure]) -> None:
        """Measured seconds by candidate: shown, and no part of any hash."""
        for job, result in zip(jobs, found, strict=True):
            if not isinstance(result, Failure):
                name = f"seconds of {job.name.split(',')[0]}"
                self.seconds[name] = self.seconds.get(name, 0.0) + result.measured.get("seconds", 0.0)

    def fit_everything(self, candidates: Sequence[Candidate], everything: Fold) -> list[Artifact]:
        """Each candidate fitted on all rows; its folder ``fitted`` is what `Task.load_fitted` reads."""
        self.prepare(candidates)
        found = self._bench.run([self._job(candidate, everything, fit_everything_job, None) for candidate in candidates])
        return [artifact for artifact in found if not isinstance(artifact, Failure)]

    def _job(self, candidate: Candidate, fold: Fold, function: Any, reserve: float | None) -> Job:
        plain = asdict(replace(candidate, name="", reason="", space={}, cost=0.0, asked=False, searched=False))
        inputs = {"collect": self.data}
        if candidate.stage:
            inputs["stage"] = self._stages[repr(candidate.stage)]
        name = f"{candidate.name} of {candidate.target}, {fold.name}"
        words = asdict(replace(fold, name="", learns="", judged="", effort=1.0))
        arguments = self._arguments(candidate=plain, fold=words, seed=self._seed)
        optional, cost = reserve is not None and not candidate.baseline, candidate.cost * fold.effort
        kept = -math.inf if candidate.asked else (reserve or 0.0) + self.pace * cost
        return Job(name, function, arguments, inputs, self._rooms, cost, optional, kept)

    def _arguments(self, **more: Any) -> dict[str, Any]:
        return {"task": self.task.grammar.task, **more}


def _own_room(module: str) -> tuple[str, ...]:
    """The folder of the package a task of ours lives in (``tasks/forecast``); tasks of others have none here."""
    package, _, rest = module.partition(".")
    return ("/".join(rest.split(".")[:-1]),) if package == "sevenstep" else ()


def _in_turn(candidates: Sequence[Candidate], folds: int) -> list[int]:
    """Positions of the jobs with the targets taking turns: a budget that ends early leaves each with its first candidates."""
    seen: dict[str, int] = {}
    ranks = []
    for candidate in candidates:
        seen[candidate.target] = seen.get(candidate.target, -1) + 1
        ranks.append(seen[candidate.target])
    return sorted(range(len(candidates) * folds), key=lambda at: (ranks[at // folds], at))


def _joined(candidate: Candidate, found: Sequence[Artifact | Failure]) -> ScoreTable | Failure:
    failed = next((item for item in found if isinstance(item, Failure)), None)
    if failed is not None:
        return Failure(candidate.name, failed.reason, failed.skipped)
    frames = [item.frame("scores") for item in found if not isinstance(item, Failure)]
    return ScoreTable(pl.concat(frames, how="vertical_relaxed").with_columns(pl.lit(candidate.name).alias("candidate")))
