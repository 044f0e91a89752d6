"""What steps 1 and 2 share: the data as it came in, with roles."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from sevenstep.data.dataset import Dataset
from sevenstep.data.documents.parsing import Kept
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
    those that stand beside the rows. What files of documents say is kept for the next intake in the file ``kept``, by the version
    of the ``code`` that reads them.
    """
    kept = Kept(Path(arguments["kept"]) if arguments.get("kept") else None, str(arguments.get("code", "")))
    data = Data.model_validate(arguments["data"])
    how = {"flags": tuple(arguments["flags"]), "one_row_per_time": arguments["one_row_per_time"]}
    taken = intake(data, Path(arguments["base"]), tuple(arguments["targets"]), kept=kept, **how)
    kept.save()
    vintages = {f"vintages_{name}": table for name, table in taken.tables.items()}
    columns = {name: list(columns) for name, columns in taken.source_columns.items()}
    return Leaves(
        json={"record": taken.record, "source_columns": columns, "beside": list(taken.beside)},
        frames={"items": taken.items, "rows": taken.rows.to_frame(), "quarantine": taken.quarantine, **vintages, **taken.beside},
        measured={"files_read": kept.read},
    )


def as_taken_in(taken: Artifact, items: pl.DataFrame, task: Task, brief: Brief) -> Dataset:
    """The rows of an intake with the roles and facts the task reads off them; not yet fingerprinted."""
    roles, facts = task.roles(items, brief, taken.json("source_columns"))
    beside = {name: taken.frame(name) for name in taken.json("beside")}
    told = facts.get(PUBLISHED, {}).get("value", {})
    vintages = {name: taken.frame(f"vintages_{name}") for name in told}
    return Dataset({"items": items, **beside, **vintages}, roles, facts)
