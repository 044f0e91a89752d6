"""How work is asked for, without knowing who does it.

A step or a search describes jobs; the engine runs them (cached, in parallel, on one machine or a cluster) and hands
back artifacts. This module holds only the words both sides share, so that steps never import the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sevenstep.chapter import Chapter

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Artifact", "Failure", "Job", "Leaves", "Saves", "Workbench"]


class Saves(Protocol):
    """Anything that writes itself into an empty folder as plain files (JSON, Parquet, model text; never pickle)."""

    def save(self, folder: Path) -> None:
        """Write into ``folder``, which exists and is empty."""
        ...


@dataclass(frozen=True)
class Leaves:
    """What a job or a step leaves: JSON values, frames and folders by name; a step adds its headline, gate and chapter.

    ``measured`` holds what differs from run to run on the same inputs (seconds, memory): it is stored and shown, and is
    no part of any hash.
    """

    json: Mapping[str, Any] = field(default_factory=dict)
    frames: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    folders: Mapping[str, Saves] = field(default_factory=dict)
    headline: str = ""
    gate: str = ""
    chapter: Chapter | None = None
    measured: Mapping[str, float] = field(default_factory=dict)


class Artifact(Protocol):
    """What was left, read back; ``fingerprint`` is the hash of all that made it."""

    fingerprint: str

    def json(self, name: str) -> Any:
        """The JSON value left under ``name``."""
        ...

    def frame(self, name: str) -> pl.DataFrame:
        """The frame left under ``name``."""
        ...

    def folder(self, name: str) -> Path:
        """The folder left under ``name``, to be read only."""
        ...

    def has(self, name: str) -> bool:
        """Whether anything was left under ``name``."""
        ...

    @property
    def measured(self) -> Mapping[str, float]:
        """Seconds and the like, as left by the job plus ``seconds`` for the job as a whole."""
        ...


@dataclass(frozen=True)
class Failure:
    """A job that did not give a result: ``reason`` is one sentence; ``skipped`` when the budget ended first."""

    name: str
    reason: str
    skipped: bool = False


@dataclass(frozen=True)
class Job:
    """One cached unit of work: ``function(arguments, inputs) -> Leaves``, a function at the top of a module.

    Args:
        name: for people and the journal ("fit boosting, fold 2").
        function: importable by its module and name; its result may depend on its arguments and inputs alone.
        arguments: JSON values; they are part of the cache key.
        inputs: artifacts it reads; their fingerprints are part of the cache key.
        rooms: the folders and files of the package, relative to ``sevenstep/``, whose source text is part of the cache key.
        weight: expected seconds, for progress and for the order (heaviest first, unless optional: then as asked for).
        optional: may be skipped when the time budget ends, and its failure does not fail the run.
        reserve: seconds of the budget that later work needs: an optional job does not start when fewer are left.
        threads: threads it may use; jobs run side by side as cores allow.
    """

    name: str
    function: Callable[[Mapping[str, Any], Mapping[str, Artifact]], Leaves]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Artifact] = field(default_factory=dict)
    rooms: Sequence[str] = ()
    weight: float = 1.0
    optional: bool = False
    reserve: float = 0.0
    threads: int = 1


class Workbench(Protocol):
    """What the engine lends to a step while it runs."""

    cores: int
    seed: int

    def run(self, jobs: Sequence[Job]) -> list[Artifact | Failure]:
        """Run the jobs in parallel, each from the cache where it was run before; results in the order of ``jobs``.

        A job that is not ``optional`` and fails raises; an optional one gives a `Failure`.
        """
        ...

    def say(self, text: str) -> None:
        """Tell the person watching what is being done, in a few words."""
        ...
