"""The workbench the engine lends to a step: jobs come from the cache or are run side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

from sevenstep.engine.artifact import BrokenArtifact
from sevenstep.engine.fanout import FanOut, stop_workers
from sevenstep.engine.fingerprints import job_fingerprint
from sevenstep.engine.journal import Journal
from sevenstep.engine.progress import Progress
from sevenstep.engine.store import Store
from sevenstep.engine.worker import Outcome, ticket_for
from sevenstep.errors import InternalError
from sevenstep.work import Artifact, Failure, Job

__all__ = ["EngineBench"]

HEAVY = 600.0
"""Mebibytes at the peak of a job from which its worker is not kept waiting for the next step."""


@dataclass
class EngineBench:
    """Runs jobs for a step, implementing `sevenstep.work.Workbench`.

    Args:
        store: keeps what each job leaves, under the fingerprint of all it depends on.
        journal: is told how each job ended.
        progress: shows it.
        cores: cores to share among jobs; with one, everything runs in this process.
        seed: seed of everything random.
        deadline: end of the time budget in epoch seconds.
        backend: joblib's name of the backend.
    """

    store: Store
    journal: Journal
    progress: Progress
    cores: int
    seed: int = 0
    deadline: float = math.inf
    backend: str = "loky"
    skipped: int = field(default=0, init=False)
    failed: int = field(default=0, init=False)
    peak: float = field(default=0.0, init=False)

    def run(self, jobs: Sequence[Job]) -> list[Artifact | Failure]:
        """Run the jobs, each from the cache where it was run before; results in the order of ``jobs``.

        Raises:
            SevenstepError: a job that is not optional raised it.
            InternalError: ``JOB-FAILED``, a job that is not optional raised anything else or was killed.
        """
        return self.run_keyed([(job, job_fingerprint(job)) for job in jobs])

    def run_keyed(self, jobs: Sequence[tuple[Job, str]]) -> list[Artifact | Failure]:
        """`run` for jobs whose fingerprint is given; equal work is done once."""
        wanted = {fingerprint: job for job, fingerprint in jobs}
        results = self._cached(wanted)
        waiting = {fingerprint: job for fingerprint, job in wanted.items() if fingerprint not in results}
        results.update(self._made(waiting))
        return [results[fingerprint] for _, fingerprint in jobs]

    def close(self) -> None:
        """The step has ended: workers that have grown are stopped, as what comes next needs their memory in this process."""
        if self.peak >= HEAVY and self.backend == "loky" and self.cores > 1:
            stop_workers()

    def say(self, text: str) -> None:
        """Show what is being done."""
        self.progress.say(text)

    def _cached(self, wanted: dict[str, Job]) -> dict[str, Artifact | Failure]:
        found: dict[str, Artifact | Failure] = {}
        for fingerprint, job in wanted.items():
            artifact = self.store.find(fingerprint)
            if artifact is not None:
                found[fingerprint] = artifact
                self.journal.note("job_cached", job=job.name, fingerprint=fingerprint)
        return found

    def _made(self, waiting: dict[str, Job]) -> dict[str, Artifact | Failure]:
        if not waiting:
            return {}
        tickets = [ticket_for(job, fingerprint) for fingerprint, job in waiting.items()]
        outcomes = closing(FanOut(self.store.root, self.cores, self.deadline, self.backend).run(tickets))
        made: dict[str, Artifact | Failure] = {}
        with outcomes as ended, self.progress.jobs([self._planned(job) for job in waiting.values()]) as done:
            for outcome in ended:
                job = waiting[outcome.fingerprint]
                made[outcome.fingerprint] = self._settle(job, outcome)
                done(self._planned(job))
        return made

    def _planned(self, job: Job) -> float:
        """Seconds of wall time a job is planned to take of a batch that keeps all cores busy."""
        return job.weight * min(job.threads, self.cores) / self.cores

    def _settle(self, job: Job, outcome: Outcome) -> Artifact | Failure:
        if not outcome.reason:
            self.peak = max(self.peak, outcome.measured.get("peak_mebibytes", 0.0))
            self.journal.note("job_ended", job=job.name, fingerprint=outcome.fingerprint, **outcome.measured)
            return self.store.open(outcome.fingerprint)
        return self._without_result(job, outcome)

    def _without_result(self, job: Job, outcome: Outcome) -> Failure:
        event = "job_skipped" if outcome.skipped else "job_failed"
        self.journal.note(event, job=job.name, fingerprint=outcome.fingerprint, reason=outcome.reason, traceback=outcome.trace)
        if isinstance(outcome.error, BrokenArtifact):
            raise outcome.error  # an input is damaged: no fault of the job, and the run makes the input again
        if not job.optional:
            raise outcome.error or _job_failed(job, outcome)
        self.skipped += outcome.skipped
        self.failed += not outcome.skipped
        return Failure(job.name, outcome.reason, outcome.skipped)


def _job_failed(job: Job, outcome: Outcome) -> InternalError:
    given = f"'{job.name}' failed: {outcome.reason}"
    return InternalError("JOB-FAILED", given, "the step cannot go on without it", "the journal of the run holds the details")
