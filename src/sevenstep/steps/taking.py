"""What steps 1 and 2 share: the data as it came in, with roles."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from sevenstep.data.dataset import Dataset
from sevenstep.data.embedding.files import TABLE
from sevenstep.data.intake import intake
from sevenstep.data.vintages import PUBLISHED
from sevenstep.spec.brief import Brief
from sevenstep.spec.sources import Data
from sevenstep.tasks.contract import Task
from sevenstep.work import Artifact, Leaves

__all__ = ["as_taken_in", "intake_job"]


def intake_job(arguments: Mapping[str, Any], inputs: Mapping[str, Artifact]) -> Leaves:
    """Read and join the sources.

    Leaves ``items`` with their ``rows`` in the source, ``quarantine``, ``record``, ``source_columns``, all tables of vintages and
    the files of an embedding.
    """
    data = Data.model_validate(arguments["data"])
    how = {"flags": tuple(arguments["flags"]), "one_row_per_time": arguments["one_row_per_time"]}
    taken = intake(data, Path(arguments["base"]), tuple(arguments["targets"]), **how)
    vintages = {f"vintages_{name}": table for name, table in taken.tables.items()}
    embedding = {TABLE: taken.embedding.table()} if taken.embedding else {}
    return Leaves(
        json={"record": taken.record, "source_columns": {name: list(columns) for name, columns in taken.source_columns.items()}},
        frames={"items": taken.items, "rows": taken.rows.to_frame(), "quarantine": taken.quarantine, **vintages, **embedding},
    )


def as_taken_in(taken: Artifact, items: pl.DataFrame, task: Task, brief: Brief) -> Dataset:
    """The rows of an intake with the roles and facts the task reads off them; not yet fingerprinted."""
    roles, facts = task.roles(items, brief, taken.json("source_columns"))
    embedding = {TABLE: taken.frame(TABLE)} if taken.has(TABLE) else {}
    told = facts.get(PUBLISHED, {}).get("value", {})
    vintages = {name: taken.frame(f"vintages_{name}") for name in told}
    return Dataset({"items": items, **embedding, **vintages}, roles, facts)
