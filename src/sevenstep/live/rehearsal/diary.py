"""What a rehearsal has lived through, kept day by day, so that one that was stopped goes on where it was.

The rows of a day are written first, then the state, which names how many days there are: a crash between the two leaves rows that
are written again. The state of the project itself is its ledger and its releases; what is here is only what they do not hold.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl

from sevenstep.engine.durable import claimed_folder, make_folder, replace_file, sync
from sevenstep.tasks.contract import Model

__all__ = ["Diary"]

STATE = "state.json"
MADE, WEEKLY = "made", "weekly"


class Diary:
    """The kept days of one life.

    Args:
        folder: where they lie; made where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = make_folder(folder)

    def state(self) -> Mapping[str, Any]:
        """What was written last; empty before the first day."""
        path = self.folder / STATE
        found: Mapping[str, Any] = json.loads(path.read_bytes()) if path.is_file() else {}
        return found

    def write(self, state: Mapping[str, Any]) -> None:
        """Keep the state in place of the one before."""
        replace_file(self.folder / STATE, json.dumps(state, ensure_ascii=False, default=str).encode())

    def keep(self, kind: str, place: int, rows: pl.DataFrame) -> None:
        """Keep the rows of a day."""
        content = BytesIO()
        rows.write_parquet(content, compression="zstd", compression_level=1)
        replace_file(self.folder / f"{kind}-{place:04d}.parquet", content.getvalue())

    def rows(self, kind: str, days: int) -> list[pl.DataFrame]:
        """The rows of the first days, in their order; days without any are left out."""
        paths = (self.folder / f"{kind}-{place:04d}.parquet" for place in range(days))
        return [pl.read_parquet(path) for path in paths if path.is_file()]

    def keep_model(self, name: str, model: Model) -> None:
        """Keep a model; one of that name that is there already stays."""
        final = self.folder / name
        if final.is_dir():
            return
        with claimed_folder(self.folder) as draft:
            model.save(draft)
            for path in sorted(draft.rglob("*")):
                sync(path)
            draft.rename(final)
            sync(self.folder)

    def model_folder(self, name: str) -> Path:
        """Where a model lies."""
        return self.folder / name
