"""What an artifact holds, written beside its files: names, sizes, checksums and the words shown when it comes from the cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sevenstep.engine.canonical import canonical_json

__all__ = ["FileRecord", "Manifest", "read_manifest", "record_file"]

_CHUNK = 1 << 20


@dataclass(frozen=True)
class FileRecord:
    """Size in bytes and SHA-256 of one file."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """An artifact's table of contents; ``files`` maps paths below the artifact's folder to their records.

    ``seal`` is the hash of all the rest, so that a damaged manifest is noticed as well as a damaged file.
    """

    fingerprint: str
    kind: str
    name: str
    headline: str
    gate: str
    measured: Mapping[str, float]
    files: Mapping[str, FileRecord]
    seal: str = ""

    def to_bytes(self) -> bytes:
        """The manifest as it is written, sealed."""
        return canonical_json(asdict(replace(self, seal=self.computed_seal())), "manifest")

    def computed_seal(self) -> str:
        """SHA-256 of everything but the seal."""
        return hashlib.sha256(canonical_json(asdict(replace(self, seal="")), "manifest")).hexdigest()


def read_manifest(path: Path) -> Manifest | None:
    """The manifest at ``path``, or None where it is missing or damaged."""
    try:
        values: dict[str, Any] = json.loads(path.read_bytes())
        values["files"] = {name: FileRecord(**record) for name, record in values["files"].items()}
        manifest = Manifest(**values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return manifest if manifest.seal == manifest.computed_seal() else None


def record_file(path: Path) -> FileRecord:
    """Size and SHA-256 of a file, read in pieces."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            digest.update(piece)
            size += len(piece)
    return FileRecord(size, digest.hexdigest())
