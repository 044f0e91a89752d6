"""What a run gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sevenstep.errors import SevenstepError

__all__ = ["RunResult", "Status", "StepResult", "Stopped"]

Status = Literal["done", "missed", "no_go"]


@dataclass(frozen=True)
class StepResult:
    """One step's outcome; ``seconds`` is what it took when it was made, also where it now comes from the cache."""

    name: str
    headline: str
    gate: str
    cached: bool
    seconds: float
    fingerprint: str


@dataclass(frozen=True)
class RunResult:
    """What a run came to.

    ``status`` is ``no_go`` when the verdict stopped it, ``missed`` when the gate of its last step is missed, else ``done``.
    ``report_hash`` covers what the steps say and not how long they took: it is equal for equal spec, data and code.
    """

    steps: Sequence[StepResult]
    status: Status
    store_root: Path
    journal: Path
    report_hash: str

    @property
    def exit_code(self) -> int:
        """0 when all is well, 1 when a KPI is missed or the verdict is ``no_go``."""
        return 0 if self.status == "done" else 1


class Stopped(SevenstepError):
    """The person stopped the run; what had ended is kept."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("RUN-STOPPED", "stopped", "what had ended is kept", "run again to resume")

    def sentence(self) -> str:
        """The sentence without place and code: stopping is no fault."""
        return "stopped; run again to resume"

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild without arguments."""
        return Stopped, ()
