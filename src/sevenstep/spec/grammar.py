"""What the spec asks of a task, so that this room reads any task's section without importing one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["Grammar", "Grammars"]


class Grammar(Protocol):
    """What a task adds to the spec language; `sevenstep.tasks.contract.Grammar` says what each part means."""

    @property
    def task(self) -> str:
        """Name of the task and of its section."""
        ...

    @property
    def section(self) -> type[BaseModel]:
        """Closed model of its section."""
        ...

    @property
    def data_keys(self) -> tuple[str, ...]:
        """Keys of ``data`` it understands besides those every task shares."""
        ...

    @property
    def metrics(self) -> tuple[str, ...]:
        """Metrics a KPI may name; a name ending in ``@k`` takes a number."""
        ...

    @property
    def baselines(self) -> tuple[str, ...]:
        """Baselines a KPI may name."""
        ...

    @property
    def sees(self) -> Mapping[str, tuple[str, ...]]:
        """For each step, the keys of the section it may read."""
        ...

    @property
    def targets(self) -> Literal["one", "many", "none"]:
        """How many targets it takes."""
        ...

    @property
    def measures(self) -> Mapping[str, str]:
        """Where the task takes no target, the target each metric is measured on."""
        ...

    @property
    def spends(self) -> bool:
        """Whether its work may be billed, so that a budget may bound money and tokens."""
        ...

    @property
    def takes_flags(self) -> bool:
        """Whether a target may be composed of flag columns (``{one_of: [...]}``)."""
        ...

    @property
    def one_row_per_time(self) -> bool:
        """Whether keys and time name a row, so that a second row of the same is a duplicate."""
        ...


Grammars = Mapping[str, Grammar]
