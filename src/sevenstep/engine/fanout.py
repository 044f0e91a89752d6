"""Runs tickets side by side through one joblib call, so that another backend (a cluster) is a name and nothing else."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from sevenstep.endpoints.keeping import calls_place
from sevenstep.engine.worker import Outcome, Ticket, run_in_worker, run_ticket

__all__ = ["FanOut", "stop_workers"]

SMALL = 2.0
"""Seconds below which a job alone is not worth the start of a worker."""


def stop_workers() -> None:
    """Stop the workers that wait for more jobs in this process; the next jobs start new ones."""
    from joblib.externals.loky import get_reusable_executor  # late: loads NumPy

    get_reusable_executor(reuse=True).shutdown(wait=True)


@dataclass(frozen=True)
class FanOut:
    """Where and how tickets are run.

    Args:
        root: root of the store, which every worker opens itself.
        cores: cores to share among jobs; with one, everything runs in this process.
        deadline: epoch seconds after which optional jobs are no longer started.
        backend: joblib's name of the backend.
    """

    root: Path
    cores: int
    deadline: float
    backend: str = "loky"

    def run(self, tickets: Sequence[Ticket]) -> Generator[Outcome]:
        """Outcomes as they come.

        Jobs that must be done start first, the heaviest before the others so that no long one is left for last; then the
        optional ones in the order they were asked for, which is the order of their importance when the budget ends early.
        """
        ordered = sorted(tickets, key=_turn)
        for threads, group in groupby(ordered, key=lambda ticket: ticket.threads):
            yield from self._run_alike(list(group), max(1, self.cores // threads))

    def _run_alike(self, tickets: list[Ticket], side_by_side: int) -> Iterator[Outcome]:
        alone = len(tickets) == 1 and tickets[0].weight <= SMALL
        if side_by_side == 1 or alone:
            return (run_ticket(ticket, str(self.root), self.deadline) for ticket in tickets)
        return self._run_surviving(tickets, side_by_side)

    def _run_surviving(self, tickets: list[Ticket], side_by_side: int) -> Iterator[Outcome]:
        """When a worker is killed, what had not ended is run again one by one: it shows who is to blame and saves the others."""
        waiting = {ticket.fingerprint: ticket for ticket in tickets}
        try:
            with self._workers(tickets, side_by_side) as outcomes:
                for outcome in outcomes:
                    del waiting[outcome.fingerprint]
                    yield outcome
        except BrokenProcessPool:
            for ticket in waiting.values():
                yield self._run_suspect(ticket)

    def _run_suspect(self, ticket: Ticket) -> Outcome:
        try:
            with self._workers([ticket], 2) as outcomes:  # with one worker joblib would stay in this process
                return next(outcomes)
        except BrokenProcessPool:
            reason = "its process was killed from outside, most often because the machine ran out of memory"
            return Outcome(ticket.fingerprint, reason=reason)

    @contextmanager
    def _workers(self, tickets: Sequence[Ticket], side_by_side: int) -> Iterator[Iterator[Outcome]]:
        """The outcomes of tickets handed to workers, which are stopped when the caller leaves before the last one."""
        import joblib  # late: loads NumPy

        limits = {"inner_max_num_threads": tickets[0].threads} if self.backend == "loky" else {}
        place = calls_place()
        calls = [joblib.delayed(run_in_worker)(ticket, str(self.root), self.deadline, place) for ticket in tickets]
        with joblib.parallel_config(backend=self.backend, **limits):
            outcomes = joblib.Parallel(n_jobs=side_by_side, return_as="generator_unordered", batch_size=1)(calls)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="A worker stopped while", category=UserWarning)  # a grown one is replaced
            warnings.filterwarnings("ignore", message=r".*tasks (have been|which were)", category=UserWarning)  # meant here
            try:
                yield outcomes
            finally:
                outcomes.close()


def _turn(ticket: Ticket) -> tuple[int, bool, float]:
    return -ticket.threads, ticket.optional, 0.0 if ticket.optional else -ticket.weight
