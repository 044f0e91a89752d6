"""The ability to propose questions from documents: what a command asks a task for, whichever task that is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import polars as pl

    from sevenstep.data.documents.golden import Proposal

__all__ = ["Proposes"]


@runtime_checkable
class Proposes(Protocol):
    """A task that can make questions with their answers from documents, for a person to accept or reject."""

    def propose(self, documents: pl.DataFrame, parts: pl.DataFrame, count: int, known: Iterable[Proposal]) -> Sequence[Proposal]:
        """At most ``count`` new proposals; the same documents give the same ones, and none of ``known`` is made again.

        Args:
            documents: in the columns of `sevenstep.data.documents.tables.DOCUMENTS`.
            parts: in those of `PARTS`.
            count: how many at most.
            known: proposals there are already.
        """
        ...
