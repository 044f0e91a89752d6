"""A project in operation: its spec, where its results lie, and its ledger; what every command after release works on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sevenstep.data.clock import TIME
from sevenstep.live.ledger.ledger import Ledger, open_ledger
from sevenstep.spec.model import Spec
from sevenstep.spec.sources import FromEnvironment
from sevenstep.tasks.contract import Task

__all__ = ["Operation"]


@dataclass(frozen=True)
class Operation:
    """A project after release.

    Args:
        spec: the project file.
        store: folder of the store, with the releases.
        load_task: gives the task; called when it is first needed.
        ledger: what happened after release.
    """

    spec: Spec
    store: Path
    load_task: Callable[[], Task]
    ledger: Ledger

    @classmethod
    def of(cls, spec: Spec, store: Path, load_task: Callable[[], Task]) -> Operation:
        """Open the ledger the spec names, or that of the store; raises InputError as `open_ledger` does."""
        named = spec.operate.ledger
        url = named.read() if isinstance(named, FromEnvironment) else named or ""
        return cls(spec, store, load_task, open_ledger(store, spec.name, url))

    @property
    def time(self) -> str:
        """Name of the time column of the data; empty where there is none."""
        named = self.spec.data.time
        return named if isinstance(named, str) else TIME if named is not None else ""

    @cached_property
    def task(self) -> Task:
        """The task of the spec."""
        return self.load_task()
