"""The files of an embedding: found in the folder a spec names, kept beside the rows, and copied into a release.

Free of Polars when it is loaded: fingerprints need the list of files on every start.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sevenstep.data.naming import did_you_mean, listed
from sevenstep.errors import InputError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["PREPROCESSING", "TABLE", "EmbeddingFiles", "embedding_paths"]

TABLE = "embedding"
"""Name of the table of a data set that holds the files of its embedding."""

PREPROCESSING = "preprocessing.json"
"""Says how a picture is prepared for the model, where its input shape alone does not."""

_SUFFIX = ".onnx"


def embedding_paths(folder: str, base: Path) -> list[Path]:
    """The model of a folder, then the files that hold its weights (named after it), then ``preprocessing.json``.

    Other files are of no account, so a note beside the model changes nothing.

    Args:
        folder: as the spec names it.
        base: folder of the spec, which relative paths start from.

    Raises:
        InputError: ``EMBEDDING-FOLDER`` where it is none, ``EMBEDDING-FILES`` where it does not hold one model.
    """
    place = base / Path(folder).expanduser()
    if not place.is_dir():
        siblings = sorted(path.name for path in place.parent.iterdir() if path.is_dir()) if place.parent.is_dir() else []
        fix = did_you_mean(place.name, siblings) if siblings else "check the path, which starts from the spec's folder"
        what = "is a file" if place.is_file() else "is not there"
        raise InputError("EMBEDDING-FOLDER", f"data.embedding '{folder}' {what}", "it names the folder of an ONNX model", fix)
    files = sorted(path for path in place.iterdir() if path.is_file() and not path.name.startswith("."))
    models = [path for path in files if path.suffix.lower() == _SUFFIX]
    if len(models) != 1:
        held = f"the models {listed(path.name for path in models)}" if models else f"no file that ends in {_SUFFIX}"
        fix = "keep the one to use there, and move the others" if models else "put the model there"
        raise InputError("EMBEDDING-FILES", f"data.embedding '{folder}' holds {held}", "it holds one model", fix)
    weights = [path for path in files if path.name.startswith(models[0].name) and path != models[0]]
    return [*models, *weights, *(path for path in files if path.name == PREPROCESSING)]


@dataclass(frozen=True)
class EmbeddingFiles:
    """The files of an embedding by name, as bytes; the first is the model."""

    contents: Mapping[str, bytes]

    @property
    def model(self) -> str:
        """Name of the model's file."""
        return next(iter(self.contents))

    @cached_property
    def checksum(self) -> str:
        """SHA-256 over names and contents: what vectors of this model are told by."""
        whole = hashlib.sha256()
        for name, content in self.contents.items():
            whole.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
        return whole.hexdigest()

    @classmethod
    def read(cls, folder: str | Path, base: Path = Path()) -> EmbeddingFiles:
        """The files of a folder; raises `InputError` as `embedding_paths` does."""
        return cls({path.name: path.read_bytes() for path in embedding_paths(str(folder), base)})

    def save(self, folder: Path) -> None:
        """Write the files as they are; `read` reads them back."""
        for name, content in self.contents.items():
            (folder / name).write_bytes(content)

    def table(self) -> pl.DataFrame:
        """One row a file, ``file`` and ``content``: the shape in which it goes with a data set."""
        import polars as pl

        return pl.DataFrame(
            {"file": list(self.contents), "content": list(self.contents.values())},
            schema={"file": pl.String, "content": pl.Binary},
        )

    @classmethod
    def of_table(cls, table: pl.DataFrame) -> EmbeddingFiles:
        """Back from `table`."""
        return cls(dict(zip(table["file"].to_list(), table["content"].to_list(), strict=True)))
