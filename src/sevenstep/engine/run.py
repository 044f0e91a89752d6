"""Runs the steps in order: each from the store where nothing it depends on has changed, else anew.

A run that changes nothing loads neither Polars nor the task: it hashes, looks up and shows again.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sevenstep.endpoints.book import Limits
from sevenstep.endpoints.keeping import keep_calls
from sevenstep.engine.artifact import BrokenArtifact, StoredArtifact
from sevenstep.engine.contract import ContractFile
from sevenstep.engine.cores import usable_cores
from sevenstep.engine.fingerprints import code_version, environment, fingerprint, package_version
from sevenstep.engine.intake import Intake
from sevenstep.engine.journal import Journal
from sevenstep.engine.lock import run_lock
from sevenstep.engine.process import PROCESS, Process, Step
from sevenstep.engine.progress import open_progress
from sevenstep.engine.results import RunResult, Status, StepResult, Stopped
from sevenstep.engine.store import Store
from sevenstep.errors import InputError, SevenstepError
from sevenstep.spec.briefs import brief_for
from sevenstep.spec.problems import did_you_mean
from sevenstep.work import Artifact, Leaves

if TYPE_CHECKING:
    from sevenstep.engine.bench import EngineBench
    from sevenstep.spec.brief import Brief
    from sevenstep.spec.model import Spec
    from sevenstep.tasks.contract import Grammar, Task

__all__ = ["RunRequest", "run_steps", "run_then"]

OnStep = Callable[[StepResult], None]
Ended = TypeVar("Ended")

CUT_SHORT = "cut_short"
"""What a step leaves among its measures when the clock kept it from what its result needs: a later run makes it anew."""

REPAIRS = 3
"""How often one artifact is made again within a run before the disk is to blame."""


@dataclass(frozen=True)
class RunRequest:
    """What to run.

    Args:
        spec: the project file.
        grammar: of its task.
        load_task: gives the task; called only when a step must run, because tasks are heavy to load.
        store_root: folder of the store.
        until: the last step to run; all when None.
        anyway: go on although the verdict is ``no_go``.
        quiet: show no progress.
        backend: joblib's name of the backend that runs the jobs.
    """

    spec: Spec
    grammar: Grammar
    load_task: Callable[[], Task]
    store_root: Path
    until: str | None = None
    anyway: bool = False
    quiet: bool = False
    backend: str = "loky"


def run_steps(request: RunRequest, on_step: OnStep = lambda step: None, process: Process = PROCESS) -> RunResult:
    """Run the steps; ``on_step`` is told of each as it ends.

    Raises:
        InputError: another run holds the store, the step to stop at is unknown, or spec or data are at fault.
        Stopped: the run was interrupted.
        SevenstepError: whatever a step or a job that is not optional raises.
    """
    return run_then(request, lambda result: result, on_step, process)


def run_then(
    request: RunRequest, ending: Callable[[RunResult], Ended], on_step: OnStep = lambda step: None, process: Process = PROCESS
) -> Ended:
    """`run_steps`, and what ``ending`` makes of the result while the store is still held: no other run comes between."""
    chosen = replace(process, steps=_steps_until(process.steps, request.until))
    store = Store(request.store_root)
    with run_lock(store.root, request.spec.name), Journal(store.root) as journal:
        store.clean()
        budget = request.spec.budget
        keep_calls(store.root, journal.path.stem, Limits(budget.usd, budget.tokens))
        return ending(_journalled(_Runner(request, chosen, store, journal, on_step), journal, request.spec.name))


def _journalled(runner: _Runner, journal: Journal, project: str) -> RunResult:
    """Run between the journal's first and last line."""
    journal.note("run_started", project=project, **environment())
    end = {"status": "failed"}
    try:
        result = runner.run()
        end = {"status": result.status, "report_hash": result.report_hash}
        return result
    except KeyboardInterrupt:
        end = {"status": "stopped"}
        raise Stopped from None
    except SevenstepError as error:
        end["reason"] = error.sentence()
        raise
    finally:
        journal.note("run_ended", **end)


def _steps_until(steps: Sequence[Step], until: str | None) -> Sequence[Step]:
    names = [step.name for step in steps]
    if until is None:
        return steps
    if until not in names:
        fix = did_you_mean(until, names, "name one of them")
        raise InputError("RUN-NO-STEP", f"there is no step '{until}'", f"the steps are {', '.join(names)}", fix)
    return steps[: names.index(until) + 1]


@dataclass(frozen=True)
class _Due:
    """A step with all it may read: what its fingerprint hashes and its function is given."""

    step: Step
    brief: Brief
    sources: Mapping[str, str]
    inputs: Mapping[str, Artifact]

    def fingerprint(self, grammar: Grammar) -> str:
        return fingerprint({
            "step": self.step.name,
            "brief": self.brief.values(),
            "sources": dict(self.sources),
            "inputs": {name: artifact.fingerprint for name, artifact in self.inputs.items()},
            "code": code_version(self.step.rooms),
            "task": package_version(grammar.section.__module__),
            "environment": environment(),
        })  # fmt: skip


class _Runner:
    def __init__(self, request: RunRequest, process: Process, store: Store, journal: Journal, on_step: OnStep) -> None:
        self._request, self._process, self._store, self._journal, self._on_step = request, process, store, journal, on_step
        self._progress = open_progress(request.quiet, budget=request.spec.budget.time.seconds)
        by_time = request.grammar.one_row_per_time
        self._intake = Intake(process, request.spec.base, store, one_row_per_time=by_time)
        self._deadline = time.time() + request.spec.budget.time.seconds
        self._told: dict[str, StepResult] = {}
        self._cut_short = False

    @cached_property
    def _task(self) -> Task:
        return self._request.load_task()

    @cached_property
    def _cores(self) -> int:
        return usable_cores()

    def run(self) -> RunResult:
        """All steps; where a read finds an artifact damaged it has been set aside, so going through them again makes it anew."""
        for _ in range(REPAIRS):
            try:
                return self._pass()
            except BrokenArtifact as broken:
                self._journal.note("artifact_set_aside", fingerprint=broken.fingerprint, reason=broken.fault)
            finally:
                self._progress.rest()
        return self._pass()

    def _pass(self) -> RunResult:
        artifacts: dict[str, StoredArtifact] = {}
        for step in self._process.steps:
            artifact = self._artifact(step, artifacts)
            artifacts[step.name] = artifact
            if artifact.gate == "no_go" and not self._request.anyway:
                return self._result(artifacts, "no_go")
        return self._result(artifacts, "missed" if artifact.gate == "missed" else "done")

    def _result(self, artifacts: Mapping[str, StoredArtifact], status: Status) -> RunResult:
        report_hash = fingerprint([artifact.content_hash() for artifact in artifacts.values()])
        steps = [self._told[artifact.fingerprint] for artifact in artifacts.values()]
        return RunResult(steps, status, self._store.root, self._journal.path, report_hash)

    def _artifact(self, step: Step, earlier: Mapping[str, StoredArtifact]) -> StoredArtifact:
        brief = brief_for(step.name, self._request.spec, self._request.grammar)
        sources = self._intake.fingerprints(brief) if step.reads_sources else {}
        contract = ContractFile(self._store.root)
        kept = contract.in_force(sources) if step.keeps_contract else ""
        if step.keeps_contract:
            brief = brief.with_contract(kept)
        due = _Due(step, brief, sources, {name: earlier[name] for name in step.reads})
        key = due.fingerprint(self._request.grammar)
        found = self._complete(key)
        artifact = found or self._made(due, key)
        if step.keeps_contract and not kept and (found is None or not contract.exists()):
            contract.write(artifact.json("contract"), sources)
        self._tell(step, artifact, cached=found is not None)
        return artifact

    def _complete(self, key: str) -> StoredArtifact | None:
        """The artifact in the store; none where the clock kept it, or an earlier step of this run, from what it needs."""
        found = self._store.find(key)
        if found is not None and (self._cut_short or found.measured.get(CUT_SHORT)):
            self._cut_short = True
            self._store.set_aside(key)
            return None
        return found

    def _made(self, due: _Due, key: str) -> StoredArtifact:
        self._journal.note("step_started", step=due.step.name, fingerprint=key)
        self._progress.step(due.step.name)
        bench, start = self._bench(), time.perf_counter()
        leaves = self._leaves(due, bench)
        bench.close()
        measured = {"seconds": time.perf_counter() - start, "jobs_skipped": bench.skipped, "jobs_failed": bench.failed}
        self._progress.rest()
        return self._store.put(key, replace(leaves, measured={**leaves.measured, **measured}), "step", due.step.name)

    def _leaves(self, due: _Due, bench: EngineBench) -> Leaves:
        inputs = dict(due.inputs)
        if due.step.reads_sources:
            inputs["intake"] = self._intake.artifact(due.brief, due.sources, bench)
        leaves: Leaves = importlib.import_module(due.step.module).run(due.brief, inputs, self._task, bench)
        return leaves

    def _bench(self) -> EngineBench:
        from sevenstep.engine.bench import EngineBench  # late: a run that changes nothing starts no process

        seed, backend = self._request.spec.seed, self._request.backend
        return EngineBench(self._store, self._journal, self._progress, self._cores, seed, self._deadline, backend)

    def _tell(self, step: Step, artifact: StoredArtifact, *, cached: bool) -> None:
        """Tell of a step once, also when a repair goes through the steps again."""
        if artifact.fingerprint in self._told:
            return
        seconds = artifact.measured.get("seconds", 0.0)
        result = StepResult(step.name, artifact.headline, artifact.gate, cached, seconds, artifact.fingerprint)
        self._told[artifact.fingerprint] = result
        event = "step_cached" if cached else "step_ended"
        self._journal.note(event, step=step.name, fingerprint=artifact.fingerprint, gate=artifact.gate, seconds=seconds)
        self._on_step(result)
