"""What the champion knows at a moment: its model with every observation taken in that was published by then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from sevenstep.live.observing import newest, observed
from sevenstep.live.operation import Operation
from sevenstep.live.releases import Release, champion
from sevenstep.tasks.contract import Model

__all__ = ["Standing", "standing"]


@dataclass(frozen=True)
class Standing:
    """A release's model up to date.

    Args:
        release: which release.
        model: its model with what was observed.
        observed: number of the newest observation it knows.
    """

    release: Release
    model: Model
    observed: int


def standing(operation: Operation, connection: sa.Connection, now: datetime, last: Standing | None = None) -> Standing:
    """Bring the champion up to date; from ``last``, where that is of the same release, only what came since is taken in.

    Nothing published after ``now`` is read, so that a replay of history sees what could be seen then.
    """
    release = champion(operation.store)
    if last is None or last.release.number != release.number:
        last = Standing(release, operation.task.load_model(release.verified().model_folder), 0)
    until = newest(connection, now)
    if until <= last.observed:
        return last
    rows = observed(operation, connection, last.observed, now)
    return Standing(release, last.model.refresh(rows) if len(rows) else last.model, until)
