"""Live rows that were scored, kept beside the ledger: one Parquet file for each release, which can be lost and made again."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import polars as pl

from sevenstep.engine.durable import PARTIAL, make_folder, remove_abandoned, replace_file

__all__ = ["AHEAD", "FOLDER", "keep_rows", "kept_rows"]

FOLDER = "scored"
AHEAD = "ahead"
"""Column beside those of a score table: the lead that the row stands for. It was in force that long before, and may be older."""

_SEEN = "observed"  # note in the file: number of the newest observation it has taken in


def kept_rows(store: Path, release: int) -> tuple[pl.DataFrame, int]:
    """The rows kept of a release, and up to which observation; nothing where the file is gone or is none."""
    path = _path(store, release)
    try:
        return pl.read_parquet(path), int(pl.read_parquet_metadata(path)[_SEEN])
    except (OSError, pl.exceptions.PolarsError, KeyError, ValueError):
        return pl.DataFrame(schema={"time": pl.Date}), 0


def keep_rows(store: Path, release: int, rows: pl.DataFrame, seen: int) -> None:
    """Keep the rows of a release in place of those kept before."""
    content, path = BytesIO(), _path(store, release)
    rows.write_parquet(content, compression="zstd", compression_level=1, metadata={_SEEN: str(seen)})
    remove_abandoned(make_folder(path.parent).glob(f"*{PARTIAL}"))
    replace_file(path, content.getvalue())


def _path(store: Path, release: int) -> Path:
    return store / FOLDER / f"{release:04d}.parquet"
