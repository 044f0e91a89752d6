"""What is told of every picture, once for all candidates and folds: measured features, or the embedding of a person's model.

Both depend on that picture alone, so a fold sees nothing of another fold through them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset
from sevenstep.data.embedding.embedder import open_embedder
from sevenstep.data.embedding.files import TABLE, EmbeddingFiles
from sevenstep.data.pictures import UnreadablePicture
from sevenstep.tasks.tabular.images.features import GROUPS, describe, feature_names
from sevenstep.tasks.tabular.images.read import read_picture
from sevenstep.tasks.tabular.problem import Problem

__all__ = ["PictureFeatures", "build_stage", "picture_features", "picture_vectors"]

_THREADS = 2
_MOST_REMEMBERED = 20_000

Row = NDArray[np.float32]
_remembered: dict[bytes, Row] = {}


@dataclass(frozen=True)
class PictureFeatures:
    """What a stage of a ``kind``, ``pictures`` or ``embedding``, holds.

    ``frame`` has the rows of the data set and a column of Float32 for each number, NaN where there is no picture.
    """

    kind: str
    frame: pl.DataFrame

    def save(self, folder: Path) -> None:
        """Write the frame as ``pictures.arrow`` or ``embedding.arrow``."""
        self.frame.write_ipc(folder / f"{self.kind}.arrow", compression="uncompressed")

    @classmethod
    def load(cls, folder: Path) -> PictureFeatures:
        """Read back what `save` wrote."""
        (file,) = folder.glob("*.arrow")
        return cls(file.stem, pl.read_ipc(file))


@dataclass(frozen=True)
class _Measure:
    """One way to turn pictures into numbers: names of them, what tells it from other ways, and how it is done for many."""

    names: Sequence[str]
    tag: str
    of: Callable[[Sequence[bytes]], Sequence[Row]]


def build_stage(stage: Mapping[str, Any], data: Dataset) -> PictureFeatures:
    """What a stage asks for, of all pictures of a data set.

    Args:
        stage: of kind ``pictures``, where it may name ``groups`` of features (see `features.GROUPS`), or ``embedding``.
        data: its pictures, and for an embedding the files of its model.
    """
    columns = [name for name, kind in Problem.of(data).kinds.items() if kind == "picture"]
    if stage["kind"] == "embedding":
        return PictureFeatures("embedding", picture_vectors(data.items, columns, EmbeddingFiles.of_table(data.tables[TABLE])))
    return PictureFeatures("pictures", picture_features(data.items, columns, stage.get("groups", tuple(GROUPS))))


def picture_features(rows: pl.DataFrame, columns: Sequence[str], groups: Sequence[str] = tuple(GROUPS)) -> pl.DataFrame:
    """Features of the pictures of any rows, one column each, named by the column of pictures and the feature.

    A picture that was measured before in this process is not measured again. A column that is not there, or a picture that is
    null or cannot be read, gives NaN.

    Args:
        rows: rows with the columns of pictures, as bytes.
        columns: the columns of pictures.
        groups: what to measure, of `features.GROUPS`.
    """

    def side_by_side(contents: Sequence[bytes]) -> Sequence[Row]:
        workers = joblib.Parallel(n_jobs=min(_THREADS, joblib.cpu_count()), prefer="threads", batch_size=8)
        found: Sequence[Row] = workers(joblib.delayed(_features)(content, groups) for content in contents)
        return found

    return _told(rows, columns, _Measure(feature_names(groups), "+".join(groups), side_by_side))


def picture_vectors(rows: pl.DataFrame, columns: Sequence[str], files: EmbeddingFiles) -> pl.DataFrame:
    """Embeddings of the pictures of any rows, one column for each number; in all else as `picture_features`.

    Args:
        rows: rows with the columns of pictures, as bytes.
        columns: the columns of pictures.
        files: the model.
    """
    embedder = open_embedder(files)
    names = [f"embedding {number}" for number in range(1, embedder.width + 1)]
    return _told(rows, columns, _Measure(names, embedder.checksum, lambda contents: list(embedder.vectors(contents))))


def _told(rows: pl.DataFrame, columns: Sequence[str], measure: _Measure) -> pl.DataFrame:
    return pl.concat([_column(rows, column, measure) for column in columns], how="horizontal")


def _column(rows: pl.DataFrame, column: str, measure: _Measure) -> pl.DataFrame:
    contents = rows[column].to_list() if column in rows.columns else [None] * rows.height
    found = _measured([content for content in contents if content is not None], measure)
    table = np.full((rows.height, len(measure.names)), np.nan, dtype=np.float32)
    for row, content in enumerate(contents):
        if content is not None:
            table[row] = found[_key(content, measure)]
    return pl.DataFrame(table, schema=[f"{column} {name}" for name in measure.names])


def _measured(contents: Sequence[bytes], measure: _Measure) -> Mapping[bytes, Row]:
    """What is told of each picture by `_key`; new ones are measured, and remembered while there is room."""
    wanted = {_key(content, measure): content for content in contents}
    known = {key: _remembered[key] for key in wanted if key in _remembered}
    new = {key: content for key, content in wanted.items() if key not in known}
    made = dict(zip(new, measure.of(list(new.values())), strict=True))
    if len(_remembered) + len(made) > _MOST_REMEMBERED:
        _remembered.clear()
    _remembered.update(list(made.items())[:_MOST_REMEMBERED])
    return known | made


def _key(content: bytes, measure: _Measure) -> bytes:
    """What stands for a picture and what was measured of it, at a few bytes instead of the whole picture."""
    return hashlib.blake2b(content + measure.tag.encode(), digest_size=16).digest()


def _features(content: bytes, groups: Sequence[str]) -> Row:
    try:
        return describe(read_picture(content), groups)
    except UnreadablePicture:
        return np.full(len(feature_names(groups)), np.nan, dtype=np.float32)
