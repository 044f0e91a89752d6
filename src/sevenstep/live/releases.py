"""Numbered, immutable releases and the champion pointer.

A release is a folder that never changes: its manifest and a copy of its model, so that it serves on whatever becomes of the
rest of the store. The champion is a small file with a number; it moves by one atomic rename.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sevenstep.engine.durable import claimed_folder, make_folder, replace_file, sync
from sevenstep.errors import InputError
from sevenstep.work import Artifact

__all__ = ["Release", "champion", "publish", "releases"]

CHAMPION = "champion"


@dataclass(frozen=True)
class Release:
    """One release: its number, the folder it lies in and what it says of itself."""

    number: int
    folder: Path
    manifest: Mapping[str, Any]

    @property
    def model_folder(self) -> Path:
        """Folder of the model."""
        return self.folder / "model"


def releases(store: Path) -> Sequence[Release]:
    """All releases of a store, oldest first."""
    folder = store / "releases"
    numbered = sorted(path for path in folder.glob("[0-9]" * 4) if path.is_dir()) if folder.is_dir() else []
    return [Release(int(path.name), path, json.loads((path / "manifest.json").read_text(encoding="utf-8"))) for path in numbered]


def champion(store: Path) -> Release:
    """The release that serves; raises InputError where nothing was released yet."""
    pointer = store / "releases" / CHAMPION
    if not pointer.is_file():
        raise InputError(
            "RELEASE-NONE", f"{store} holds no release", "predicting needs a released model", "run sevenstep run first"
        )
    number = int(pointer.read_text(encoding="utf-8"))
    return next(release for release in releases(store) if release.number == number)


def publish(store: Path, operate: Artifact, tune: Artifact) -> Release:
    """Release the model of a finished run and make it champion; a model that is released already is not released again.

    The newest release becomes champion, whatever its KPIs: a person ran it. Comparing a challenger with the champion on live
    rows is the retraining rule's work.
    """
    folder = make_folder(store / "releases")
    known = next((release for release in releases(store) if release.manifest["operate"] == operate.fingerprint), None)
    release = known or _write(folder, operate, tune)
    pointer = folder / CHAMPION
    if not pointer.is_file() or pointer.read_text(encoding="utf-8") != str(release.number):
        replace_file(pointer, str(release.number).encode())
    return release


def _write(folder: Path, operate: Artifact, tune: Artifact) -> Release:
    """A draft is filled and synced, then renamed to its number: a crash leaves no half release."""
    number = max((release.number for release in releases(folder.parent)), default=0) + 1
    manifest = {"number": number, "operate": operate.fingerprint, **operate.json("release")}
    final = folder / f"{number:04d}"
    with claimed_folder(folder) as draft:
        shutil.copytree(tune.folder("model"), draft / "model")
        (draft / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=1), encoding="utf-8")
        for path in sorted(draft.rglob("*")):
            sync(path)
        sync(draft)
        draft.rename(final)
        sync(folder)
    return Release(number, final, manifest)
