"""The features of every picture, measured once for all candidates and folds.

A picture's features depend on that picture alone, so a fold sees nothing of another fold through them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset
from sevenstep.data.pictures import UnreadablePicture
from sevenstep.tasks.tabular.images.features import GROUPS, describe, feature_names
from sevenstep.tasks.tabular.images.read import read_picture
from sevenstep.tasks.tabular.problem import Problem

__all__ = ["PictureFeatures", "build_stage", "picture_features"]

_THREADS = 2
_MOST_REMEMBERED = 20_000
_FILE = "features.arrow"

Row = NDArray[np.float32]
_remembered: dict[bytes, Row] = {}


@dataclass(frozen=True)
class PictureFeatures:
    """``frame`` has the rows of the data set and a column of Float32 for each feature, NaN where there is no picture."""

    frame: pl.DataFrame

    def save(self, folder: Path) -> None:
        """Write ``features.arrow``."""
        self.frame.write_ipc(folder / _FILE, compression="uncompressed")

    @classmethod
    def load(cls, folder: Path) -> PictureFeatures:
        """Read back what `save` wrote."""
        return cls(pl.read_ipc(folder / _FILE))


def build_stage(stage: Mapping[str, Any], data: Dataset) -> PictureFeatures:
    """The features of all pictures of a data set; ``stage`` may name ``groups`` of them (see `features.GROUPS`)."""
    columns = [name for name, kind in Problem.of(data).kinds.items() if kind == "picture"]
    return PictureFeatures(picture_features(data.items, columns, stage.get("groups", tuple(GROUPS))))


def picture_features(rows: pl.DataFrame, columns: Sequence[str], groups: Sequence[str] = tuple(GROUPS)) -> pl.DataFrame:
    """Features of the pictures of any rows, one column each, named by the column of pictures and the feature.

    A picture that was measured before in this process is not measured again. A column that is not there, or a picture that is
    null or cannot be read, gives NaN.

    Args:
        rows: rows with the columns of pictures, as bytes.
        columns: the columns of pictures.
        groups: what to measure, of `features.GROUPS`.
    """
    names = feature_names(groups)
    return pl.concat([_column(rows, column, groups, names) for column in columns], how="horizontal")


def _column(rows: pl.DataFrame, column: str, groups: Sequence[str], names: Sequence[str]) -> pl.DataFrame:
    contents = rows[column].to_list() if column in rows.columns else [None] * rows.height
    found = _measured([content for content in contents if content is not None], groups)
    table = np.full((rows.height, len(names)), np.nan, dtype=np.float32)
    for row, content in enumerate(contents):
        if content is not None:
            table[row] = found[_key(content, groups)]
    return pl.DataFrame(table, schema=[f"{column} {name}" for name in names])


def _measured(contents: Sequence[bytes], groups: Sequence[str]) -> Mapping[bytes, Row]:
    """The features of each picture by `_key`; new ones are measured side by side, and remembered while there is room."""
    wanted = {_key(content, groups): content for content in contents}
    known = {key: _remembered[key] for key in wanted if key in _remembered}
    new = {key: content for key, content in wanted.items() if key not in known}
    workers = joblib.Parallel(n_jobs=min(_THREADS, joblib.cpu_count()), prefer="threads", batch_size=8)
    rows = workers(joblib.delayed(_features)(content, groups) for content in new.values())
    made = dict(zip(new, rows, strict=True))
    if len(_remembered) + len(made) > _MOST_REMEMBERED:
        _remembered.clear()
    _remembered.update(list(made.items())[:_MOST_REMEMBERED])
    return known | made


def _key(content: bytes, groups: Sequence[str]) -> bytes:
    """What stands for a picture and what was measured of it, at a few bytes instead of the whole picture."""
    return hashlib.blake2b(content + "+".join(groups).encode(), digest_size=16).digest()


def _features(content: bytes, groups: Sequence[str]) -> Row:
    try:
        return describe(read_picture(content), groups)
    except UnreadablePicture:
        return np.full(len(feature_names(groups)), np.nan, dtype=np.float32)
