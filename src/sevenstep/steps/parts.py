"""Very many rows: which of them a task learns from, and what is to be said about it."""

from __future__ import annotations

from sevenstep.chapter import Block, Notes
from sevenstep.data.dataset import Dataset
from sevenstep.spec.brief import Brief
from sevenstep.tasks.abilities import LearnsFromParts
from sevenstep.tasks.contract import Task
from sevenstep.wording import counted

__all__ = ["in_parts", "parts_note"]


def in_parts(task: Task, data: Dataset, brief: Brief) -> Dataset:
    """The data set in parts where the task wants it so, else as it is."""
    return task.parted(data, brief) if isinstance(task, LearnsFromParts) else data


def parts_note(data: Dataset) -> list[Block]:
    """What is learnt from, where that is not everything."""
    if data.parts is None:
        return []
    keys = len(data.parts.of(data.parts.keys, 0))
    which = f"{counted(len(data.items), 'row')} of {keys:,} of {len(data.parts.keys):,} series"
    text = f"{which} are learnt from and judged, one of every {data.parts.count} in the order of their keys; all are predicted"
    return [Notes("Very many rows", [{"text": text, "evidence": "", "tone": "info"}])]
