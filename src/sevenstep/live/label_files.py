"""Label files from one form to another: CSV, JSON lines and Label Studio's JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from sevenstep.data.labels.studio import LABEL, check_classes
from sevenstep.data.labels.table import label_text, read_labels
from sevenstep.engine.durable import replace_file
from sevenstep.errors import InputError

__all__ = ["labels_from", "write_labels"]


def labels_from(path: Path, *, label: str = LABEL, classes: Sequence[str] = ()) -> pl.DataFrame:
    """The labels of a file, each checked to be one of ``classes`` where those are given.

    Raises:
        InputError: see `read_labels` and `check_classes`.
    """
    frame = read_labels(path, label=label)
    if classes:
        check_classes(frame[LABEL], classes, path.name)
    return frame


def write_labels(rows: pl.DataFrame, output: Path) -> None:
    """Write a table of labels or of rows to be labelled: .csv, .jsonl, or .json for Label Studio; whole or not at all.

    Raises:
        InputError: ``LABELS-FORMAT``, another ending; ``LABELS-FOLDER``, the folder is not there.
    """
    content = label_text(rows, output.suffix.lower())
    if not output.resolve().parent.is_dir():
        raise InputError("LABELS-FOLDER", f"{output.parent} is not there", "labels go into a folder that exists", "make it first")
    replace_file(output, content)
