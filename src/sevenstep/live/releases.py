"""Numbered, immutable releases and the champion pointer.

A release is a folder that never changes: its manifest and a copy of its model, so that it serves on whatever becomes of the
rest of the store. The champion is a small file with a number; it moves by one atomic rename. Whoever publishes holds the store.
"""

from __future__ import annotations

import json
import shlex
import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sevenstep.engine.durable import PARTIAL, claimed_folder, make_folder, remove_abandoned, replace_file, sync
from sevenstep.engine.fingerprints import environment, library_versions
from sevenstep.engine.manifest import record_file
from sevenstep.errors import InputError, InputWarning
from sevenstep.spec.secrets import masked
from sevenstep.work import Artifact

__all__ = ["Release", "as_flags", "champion", "publish", "releases", "serving"]

CHAMPION = "champion"
MANIFEST, MODEL = "manifest.json", "model"
AGAIN = "run sevenstep run: it makes a new one"


@dataclass(frozen=True)
class Release:
    """One release: its number, the folder it lies in and what it says of itself."""

    number: int
    folder: Path
    manifest: Mapping[str, Any]

    @property
    def model_folder(self) -> Path:
        """Folder of the model."""
        return self.folder / MODEL

    @property
    def overrides(self) -> tuple[str, ...]:
        """What ``--set`` changed in the run that made it, as it was given."""
        return tuple(self.manifest["overrides"])

    def damage(self) -> str:
        """The first file of the model that is not as it was released, in words; empty where all are."""
        expected, found = self.manifest["files"], _records(self.model_folder)
        differing = (name for name in sorted({*expected, *found}) if expected.get(name) != found.get(name))
        return next((_difference(name, expected, found) for name in differing), "")

    def verified(self) -> Release:
        """The release itself, every file of its model checked; raises InputError where one is not as it was released."""
        fault = self.damage()
        if fault:
            raise InputError("RELEASE-DAMAGED", f"release {self.number} is damaged: {fault}", "a release never changes", AGAIN)
        return self


def _difference(name: str, expected: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    if name not in found:
        return f"{name} is missing"
    return f"{name} does not match its checksum" if name in expected else f"{name} was added"


def _records(folder: Path) -> dict[str, Any]:
    """Size and SHA-256 of every file below a folder, by its path there."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): asdict(record_file(path)) for path in files}


def releases(store: Path) -> Sequence[Release]:
    """All releases of a store whose manifest can be read, oldest first."""
    found = (_read(store, number) for number in _numbers(store))
    return [release for release in found if release is not None]


def _numbers(store: Path) -> list[int]:
    folder = store / "releases"
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdecimal()) if folder.is_dir() else []


def _folder(store: Path, number: int) -> Path:
    return store / "releases" / f"{number:04d}"


def _read(store: Path, number: int) -> Release | None:
    """The release of this number; None where it is not there or its manifest is none."""
    folder = _folder(store, number)
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        return Release(number, folder, {**manifest, "files": dict(manifest["files"]), "overrides": list(manifest["overrides"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def champion(store: Path) -> Release:
    """The release that serves.

    Raises:
        InputError: ``RELEASE-NONE``, nothing was released yet; ``RELEASE-GONE``, what the pointer names is not there.
    """
    pointer = store / "releases" / CHAMPION
    if not pointer.is_file():
        raise InputError(
            "RELEASE-NONE", f"{store} holds no release", "predicting needs a released model", "run sevenstep run first"
        )
    found = _champion(store)
    if found is None:
        said = pointer.read_text(encoding="utf-8", errors="replace")
        given = f"the champion of {store} is release '{said}', which is not there or has no manifest"
        raise InputError("RELEASE-GONE", given, "the champion is a release of the store", AGAIN)
    return found


def _champion(store: Path) -> Release | None:
    """The release the pointer names, where there is one."""
    try:
        return _read(store, int((store / "releases" / CHAMPION).read_bytes()))
    except (OSError, ValueError):
        return None


def serving(store: Path, overrides: Sequence[str] = ()) -> Release:
    """The release that predicts for a project: the newest one made with the same overrides, else the champion.

    Args:
        store: folder of the store.
        overrides: as ``--set`` takes them; without any, the champion serves.

    Raises InputError as `champion` does; warns where no release was made with the overrides.
    """
    best, wanted = champion(store), _noted(overrides)
    if not wanted or best.overrides == wanted:
        return best
    own = [release for release in releases(store) if release.overrides == wanted]
    if own:
        return own[-1]
    flags = as_flags(wanted)
    text = f"no release was made with {flags}, so release {best.number}, the champion, serves; sevenstep run {flags} makes one"
    warnings.warn(InputWarning(text), stacklevel=2)
    return best


def as_flags(overrides: Sequence[str]) -> str:
    """Overrides as they are typed after a command."""
    return " ".join(f"--set {shlex.quote(override)}" for override in overrides)


def _noted(overrides: Sequence[str]) -> tuple[str, ...]:
    """Overrides as a manifest holds them: a password in a URL is no part of a release."""
    return tuple(masked(override) for override in overrides)


def publish(store: Path, operate: Artifact, tune: Artifact, overrides: Sequence[str] = ()) -> Release:
    """Release the model of a finished run; the caller holds the store. What is released already is not released again.

    A run of the spec as it stands makes its release the champion, whatever its KPIs: a person ran it. A what-if, a run with
    overrides, is released beside the champion and takes its place only where there is none, or where the champion was made with
    the same overrides. Comparing a challenger with the champion on live rows is the retraining rule's work.
    """
    folder = make_folder(store / "releases")
    remove_abandoned(folder.glob(f"*{PARTIAL}"))
    noted = _noted(overrides)
    alike = (release for release in releases(store) if _is_of(release, operate, noted))
    release = next(alike, None) or _write(store, operate, tune, noted)
    serves = _champion(store)
    if serves is None or (serves.number != release.number and (not noted or serves.overrides == noted)):
        replace_file(folder / CHAMPION, str(release.number).encode())
    return release


def _is_of(release: Release, operate: Artifact, overrides: tuple[str, ...]) -> bool:
    """Whether this is the release of a run, and still whole."""
    return release.manifest["operate"] == operate.fingerprint and release.overrides == overrides and not release.damage()


def _write(store: Path, operate: Artifact, tune: Artifact, overrides: Sequence[str]) -> Release:
    """A draft is filled and synced, then renamed to its number: a crash leaves no half release."""
    number = max(_numbers(store), default=0) + 1
    final = _folder(store, number)
    with claimed_folder(final.parent) as draft:
        shutil.copytree(tune.folder("model"), draft / MODEL)
        manifest = _manifest(number, operate, overrides, draft / MODEL)
        (draft / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1), encoding="utf-8")
        for path in sorted(draft.rglob("*")):
            sync(path)
        sync(draft)
        draft.rename(final)
        sync(final.parent)
    return Release(number, final, manifest)


def _manifest(number: int, operate: Artifact, overrides: Sequence[str], model: Path) -> dict[str, Any]:
    """What a release says of itself: what it was made of, when and with what, and the checksum of every file of its model."""
    return {
        "number": number,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        **dict(library_versions(("sevenstep",))),
        **environment(),
        "overrides": list(overrides),
        "operate": operate.fingerprint,
        **operate.json("release"),
        "files": _records(model),
    }
