"""Pictures of the chapters that only this task can draw."""

from __future__ import annotations

from collections.abc import Sequence

from sevenstep.chapter import Block
from sevenstep.data.dataset import Dataset
from sevenstep.spec.brief import Brief
from sevenstep.tasks.contract import Model
from sevenstep.tasks.scoretable import ScoreTable

__all__ = ["pictures"]


def pictures(step: str, data: Dataset, scores: ScoreTable | None, brief: Brief, model: Model | None) -> Sequence[Block]:
    """Blocks for the chapter of ``step``; see `Task.pictures`."""
    return ()
