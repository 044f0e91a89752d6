"""What some tasks can do beyond the contract: sums that add up, identities among targets, questions what would be, parts.

A step or a command asks with ``isinstance`` whether a task or a model has the ability; nothing else needs to know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from sevenstep.chapter import Block

if TYPE_CHECKING:
    import polars as pl

    from sevenstep.data.dataset import Dataset
    from sevenstep.spec.brief import Brief
    from sevenstep.tasks.contract import Fitted, Model
    from sevenstep.tasks.scoretable import ScoreTable

__all__ = ["AddsUp", "AsksWhatIf", "Binds", "Bound", "Coherence", "LearnsFromParts", "WhatIf"]


class Coherence(Protocol):
    """What step 6 found out about predictions that owe each other something: items and their sums."""

    @property
    def scores(self) -> Mapping[str, ScoreTable]:
        """For each target the judged scores, made coherent."""
        ...

    @property
    def sums(self) -> Mapping[str, ScoreTable]:
        """For each target the judged scores of its sums."""
        ...

    @property
    def blocks(self) -> Sequence[Block]:
        """For the chapter of step 6."""
        ...

    @property
    def needs(self) -> Sequence[str]:
        """Targets whose sums need fitted members in the final model."""
        ...

    def taken_in(self, model: Model, members: Mapping[str, Sequence[tuple[Fitted, Mapping[str, float]]]]) -> Model:
        """The final model with what makes it coherent; members of sums come with their weight for each value of `SumsPlan.by`."""
        ...


@runtime_checkable
class AddsUp(Protocol):
    """A task that predicts sums of items as well, where the spec asks for it: its plan then has `Plan.sums`."""

    def summed(self, data: Dataset, how: Mapping[str, Any]) -> Dataset:
        """The sums as a data set of the same task."""
        ...

    def cohere(self, own: Mapping[str, ScoreTable], sums: Mapping[str, ScoreTable], data: Dataset, brief: Brief) -> Coherence:
        """Step 6: how the predictions of items and sums, both judged out of fold, are made coherent."""
        ...


class Bound(Protocol):
    """What step 6 found out about identities among targets."""

    @property
    def scores(self) -> Mapping[str, ScoreTable]:
        """For each target the judged scores, as they are once the identities hold."""
        ...

    @property
    def blocks(self) -> Sequence[Block]:
        """For the chapter of step 6."""
        ...

    def taken_in(self, model: Model) -> Model:
        """The final model, whose predictions keep the identities."""
        ...


@runtime_checkable
class Binds(Protocol):
    """A task whose targets may be bound by identities that the spec states."""

    def bind(self, own: Mapping[str, ScoreTable], data: Dataset, brief: Brief) -> Bound | None:
        """Step 6: what follows from what, from scores judged out of fold; None where no identity is stated."""
        ...


@runtime_checkable
class LearnsFromParts(Protocol):
    """A task that learns from some of the keys where there are very many rows, and predicts the others part by part."""

    def parted(self, data: Dataset, brief: Brief) -> Dataset:
        """The data set in parts, where its rows are that many; else as it is."""
        ...


@dataclass(frozen=True)
class WhatIf:
    """Predictions with inputs changed beside those without.

    Args:
        rows: keys, time, ``target``, ``prediction`` and bounds as they stand, the same with ``_changed``, and ``difference``.
        totals: sums of them by target, with ``rows`` added up; bounds of sums are sums of bounds, at least as wide as need be.
        warnings: what history cannot tell about the question, one sentence each.
    """

    rows: pl.DataFrame
    totals: pl.DataFrame
    warnings: Sequence[str]


@runtime_checkable
class AsksWhatIf(Protocol):
    """A task whose models can be asked what they would predict if inputs known ahead were others."""

    def what_if(self, model: Model, changes: Mapping[str, Any], series: Mapping[str, Any], first: Any, last: Any) -> WhatIf:
        """Predict the open rows of some series between two times (None for no limit) with inputs changed."""
        ...
