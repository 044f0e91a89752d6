"""An artifact read back from the store, checked against its manifest as it is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sevenstep.chapter import Chapter, chapter_from_json
from sevenstep.engine.canonical import canonical_json
from sevenstep.engine.durable import resolve_under
from sevenstep.engine.manifest import Manifest, record_file
from sevenstep.errors import InternalError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["CHAPTER", "BrokenArtifact", "StoredArtifact"]

CHAPTER = "chapter.json"

_State = tuple[str, int, int, int]
_VERIFIED: set[_State] = set()
"""Files this process has verified, by path, size, time of change and inode: a stage that hundreds of fits read is hashed once."""


class BrokenArtifact(InternalError):
    """The artifact ``fingerprint`` is missing or damaged; it has been set aside, so a run makes it again."""

    def __init__(self, fingerprint: str, fault: str) -> None:
        self.fingerprint, self.fault = fingerprint, fault
        given = f"artifact {fingerprint[:12]} is damaged ({fault})"
        super().__init__("STORE-BROKEN", given, "every file must match its checksum", "run again: it is made anew")

    def __reduce__(self) -> tuple[object, ...]:
        """Let the error travel back from a worker process with its fingerprint."""
        return BrokenArtifact, (self.fingerprint, self.fault)


class StoredArtifact:
    """What a step or job left, implementing `sevenstep.work.Artifact`; made by `Store.open`.

    Each file's checksum is verified when it is first read; on a mismatch the artifact is set aside and `BrokenArtifact` raised.
    """

    def __init__(self, path: Path, manifest: Manifest, set_aside: Callable[[str], None]) -> None:
        self.fingerprint = manifest.fingerprint
        self._path, self._manifest, self._set_aside = path, manifest, set_aside

    @property
    def name(self) -> str:
        """Name of the step or job that left it."""
        return self._manifest.name

    @property
    def headline(self) -> str:
        """The step's result in one line; empty for a job."""
        return self._manifest.headline

    @property
    def gate(self) -> str:
        """The step's gate state; empty for a job."""
        return self._manifest.gate

    @property
    def measured(self) -> Mapping[str, float]:
        """Seconds, peak memory and the like; part of no hash."""
        return self._manifest.measured

    def has(self, name: str) -> bool:
        """Whether a JSON value, frame or folder was left under ``name``."""
        return any(path.startswith(f"{name}/") or path in (f"{name}.json", f"{name}.parquet") for path in self._manifest.files)

    def json(self, name: str) -> Any:
        """The JSON value left under ``name``."""
        return json.loads(self._checked(f"{name}.json").read_bytes())

    def frame(self, name: str) -> pl.DataFrame:
        """The frame left under ``name``."""
        import polars as pl  # late: a run that changes nothing must not load it

        return pl.read_parquet(self._checked(f"{name}.parquet"))

    def folder(self, name: str) -> Path:
        """The folder left under ``name``, all its files verified; to be read only."""
        inside = [path for path in self._manifest.files if path.startswith(f"{name}/")]
        if not inside:
            raise self._unknown(f"{name}/")
        for path in inside:
            self._checked(path)
        return resolve_under(self._path, name)

    def chapter(self) -> Chapter | None:
        """The step's chapter; None for a job."""
        if CHAPTER not in self._manifest.files:
            return None
        return chapter_from_json(json.loads(self._checked(CHAPTER).read_bytes()))

    def content_hash(self) -> str:
        """Hash of what the artifact says: headline, gate, chapter, JSON values and frames, by their checksums.

        What was measured is no part of it, nor are folders, whose files are written by libraries that may note a time or a path.
        """
        said = {path: record.sha256 for path, record in self._manifest.files.items() if "/" not in path}
        parts = [self._manifest.name, self._manifest.headline, self._manifest.gate, said]
        return hashlib.sha256(canonical_json(parts, "contents")).hexdigest()

    def verify(self) -> None:
        """Check every file now, also those read before; raises BrokenArtifact for the first that is damaged."""
        for path in self._manifest.files:
            self._verify_file(resolve_under(self._path, path), path)

    def has_all_sizes(self) -> bool:
        """Whether every file is there with its size: a quick look that reads no file."""
        return all(_size(self._path / path) == record.size for path, record in self._manifest.files.items())

    def _checked(self, path: str) -> Path:
        if path not in self._manifest.files:
            raise self._unknown(path)
        full = resolve_under(self._path, path)
        if _state(full) not in _VERIFIED:
            self._verify_file(full, path)
        return full

    def _verify_file(self, full: Path, path: str) -> None:
        try:
            fault = "" if record_file(full) == self._manifest.files[path] else f"{path} does not match its checksum"
        except OSError as error:
            fault = f"{path}: {error.strerror}"
        if fault:
            self._set_aside(self.fingerprint)
            raise BrokenArtifact(self.fingerprint, fault)
        _VERIFIED.add(_state(full))

    def _unknown(self, path: str) -> InternalError:
        given = f"'{path}' is read from the artifact of '{self.name}'"
        rule = f"it left only {', '.join(sorted(self._manifest.files)) or 'nothing'}"
        return InternalError("STORE-NO-LEAF", given, rule, "leave it there or ask 'has' first")


def _size(path: Path) -> int:
    return _state(path)[1]


def _state(path: Path) -> _State:
    try:
        found = path.stat()
    except OSError:
        return str(path), -1, -1, -1
    return str(path), found.st_size, found.st_mtime_ns, found.st_ino
