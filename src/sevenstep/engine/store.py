"""The content-addressed store of artifacts on the local file system: written once, whole, and checked when read.

Every artifact lies in ``objects/ab/abcdef…``, named by the fingerprint of all that made it. It is written in a temporary
folder and appears with one rename, so that a crash or a second process never shows half of one.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sevenstep.engine.artifact import BrokenArtifact, StoredArtifact
from sevenstep.engine.durable import PARTIAL, claimed_folder, make_folder, remove_abandoned, resolve_under, sync, write_synced
from sevenstep.engine.leaves import MANIFEST, write_leaves
from sevenstep.engine.manifest import Manifest, read_manifest
from sevenstep.errors import InternalError
from sevenstep.work import Leaves

__all__ = ["Store"]

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


class Store:
    """Artifacts by fingerprint below ``root``, which is made (for its owner alone) where it is missing.

    Safe to use from several processes at once. A damaged artifact counts as absent: it is moved to ``broken/`` and made again.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        if not root.is_dir():
            root.parent.mkdir(parents=True, exist_ok=True)
            make_folder(root)
        self._objects = make_folder(root / "objects")
        self._temporary = make_folder(root / "temporary")

    def has(self, fingerprint: str) -> bool:
        """Whether the artifact is there, with every file at its full size."""
        return self.find(fingerprint) is not None

    def find(self, fingerprint: str) -> StoredArtifact | None:
        """The artifact, or None where it is absent; one whose manifest or sizes do not hold is set aside and absent."""
        path = self._place(fingerprint)
        if not path.is_dir():
            return None
        manifest = read_manifest(path / MANIFEST)
        if manifest is not None and manifest.fingerprint == fingerprint:
            artifact = StoredArtifact(path, manifest, self.set_aside)
            if artifact.has_all_sizes():
                return artifact
        self.set_aside(fingerprint)
        return None

    def open(self, fingerprint: str) -> StoredArtifact:
        """The artifact; raises `BrokenArtifact` where it is absent or damaged, upon which the run makes it again."""
        found = self.find(fingerprint)
        if found is None:
            raise BrokenArtifact(fingerprint, "it is missing")
        return found

    def put(self, fingerprint: str, leaves: Leaves, kind: str, name: str) -> StoredArtifact:
        """Keep ``leaves`` under ``fingerprint``, synced to the disk; where it is already there, that one stays.

        Args:
            fingerprint: hash of all that made it, 64 hexadecimal digits.
            leaves: what to keep.
            kind: ``step`` or ``job``.
            name: of the step or job, for people.

        Raises:
            InternalError: a value has no JSON form, or a name is no file name.
        """
        place = self._place(fingerprint)
        make_folder(place.parent)
        with claimed_folder(self._temporary) as folder:
            files = write_leaves(leaves, folder)
            manifest = Manifest(fingerprint, kind, name, leaves.headline, leaves.gate, dict(leaves.measured), files)
            write_synced(folder / MANIFEST, manifest.to_bytes())
            sync(folder)
            return self._publish(folder, fingerprint)

    def set_aside(self, fingerprint: str) -> None:
        """Move an artifact to ``broken/``, so that it counts as absent and can still be looked at."""
        place = self._place(fingerprint)
        broken = make_folder(self.root / "broken") / f"{fingerprint}-{secrets.token_hex(4)}"
        with suppress(FileNotFoundError):  # another process was faster
            place.rename(broken)
            sync(place.parent)

    def verify(self) -> list[str]:
        """Check every file of every artifact; the fingerprints of those found damaged, which have been set aside."""
        return [fingerprint for fingerprint in self._fingerprints() if not self._is_sound(fingerprint)]

    def clean(self) -> None:
        """Remove temporary files and folders that a killed process left behind."""
        remove_abandoned([*self._temporary.glob(f"*{PARTIAL}"), *self.root.glob(f".*{PARTIAL}")])

    def _publish(self, folder: Path, fingerprint: str) -> StoredArtifact:
        """Give the finished folder its place; where another process has put its own there first, that one stays."""
        place = self._place(fingerprint)
        while True:
            try:
                folder.rename(place)
            except OSError:
                if not place.is_dir():
                    raise
            else:
                sync(place.parent)
            found = self.find(fingerprint)  # sets a damaged one aside, upon which the rename is tried again
            if found is not None:
                return found

    def _place(self, fingerprint: str) -> Path:
        if not _FINGERPRINT.fullmatch(fingerprint):
            raise InternalError(
                "STORE-FINGERPRINT", f"'{fingerprint}' is no fingerprint", "it is a SHA-256", "give 64 hex digits"
            )
        return resolve_under(self._objects, fingerprint[:2], fingerprint)

    def _fingerprints(self) -> Iterator[str]:
        return (path.name for path in sorted(self._objects.glob("??/*")) if _FINGERPRINT.fullmatch(path.name))

    def _is_sound(self, fingerprint: str) -> bool:
        artifact = self.find(fingerprint)
        if artifact is None:
            return False
        try:
            artifact.verify()
        except BrokenArtifact:
            return False
        return True
