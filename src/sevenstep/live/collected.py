"""The data set that the champion learnt from: what its columns are for and of which types, as live rows must be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from sevenstep.data.contract import TYPES
from sevenstep.data.dataset import Roles
from sevenstep.engine.artifact import StoredArtifact
from sevenstep.engine.store import Store
from sevenstep.errors import InputError
from sevenstep.live.releases import Release, champion
from sevenstep.tasks.answers import DOCUMENT, FEEDBACK

__all__ = ["Collected", "collected"]


@dataclass(frozen=True)
class Collected:
    """What step 2 of a release's run left, read as far as it is asked for."""

    artifact: StoredArtifact

    @cached_property
    def items_file(self) -> Path:
        """The Parquet file of the rows."""
        return self.artifact.folder("dataset") / "items.parquet"

    @cached_property
    def schema(self) -> Mapping[str, pl.DataType]:
        """Columns of the items with their types."""
        return dict(pl.read_parquet_schema(self.items_file))

    @cached_property
    def beside(self) -> Mapping[str, str]:
        """Columns that an observation may tell beside those of the items, with their types in words: where documents belong to
        the data set, those of a document and of what is thought of an answer.
        """
        return {**DOCUMENT, **FEEDBACK} if (self.items_file.parent / "documents.parquet").is_file() else {}

    @property
    def observable(self) -> dict[str, pl.DataType]:
        """Columns that observations are read back in, with their types."""
        own = {name: self.schema[name] for name in self.types}
        return own | {name: pl.Boolean() if word == "boolean" else pl.String() for name, word in self.beside.items()}

    @cached_property
    def roles(self) -> Roles:
        """What each column is for."""
        told: Mapping[str, Any] = self.artifact.json("roles")
        parts: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
        return Roles(**parts)

    @property
    def types(self) -> dict[str, str]:
        """Type of each column under the names the spec uses, but for lists, structures and bytes."""
        found = {name: next((word for kind, word in TYPES if dtype == kind), None) for name, dtype in self.schema.items()}
        return {name: word for name, word in found.items() if word is not None}


def collected(store: Path, release: Release | None = None) -> Collected:
    """The data set of a release, of the champion when not given.

    Raises:
        InputError: as `champion` does; ``RELEASE-NO-DATA``, the release does not say what it learnt from or that is gone.
    """
    release = release or champion(store)
    named = str(release.manifest.get("collect", ""))
    artifact = Store(store).find(named) if named else None
    if artifact is None:
        given = f"the data set of release {release.number} is not in {store}"
        raise InputError("RELEASE-NO-DATA", given, "live rows are typed as those it learnt from", "run sevenstep run again")
    return Collected(artifact)
