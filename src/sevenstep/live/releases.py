"""Numbered, immutable releases and the champion pointer.

A release is a folder that never changes: its manifest and a copy of its model, so that it serves on whatever becomes of the
rest of the store. The champion is a small file with a number; it moves by one atomic rename. Whoever publishes holds the store.
"""

from __future__ import annotations

import json
import shlex
import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sevenstep.engine.durable import PARTIAL, claimed_folder, make_folder, remove_abandoned, replace_file, sync
from sevenstep.engine.fingerprints import environment, library_versions
from sevenstep.engine.manifest import record_file
from sevenstep.errors import InputError, InputWarning
from sevenstep.spec.secrets import masked
from sevenstep.tasks.contract import Model
from sevenstep.work import Artifact

__all__ = [
    "CHAMPION", "Crown", "Release", "as_flags", "champion", "noted", "point", "publish", "release_beside", "release_relearnt",
    "releases", "serving", "sound_release",
]  # fmt: skip

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


Crown = Callable[[Release, bool], None]
"""Makes a release the champion; told whether it was made just now."""


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
    best, wanted = champion(store), noted(overrides)
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


def noted(overrides: Sequence[str]) -> tuple[str, ...]:
    """Overrides as a manifest holds them: a password in a URL is no part of a release."""
    return tuple(masked(override) for override in overrides)


def publish(
    store: Path,
    operate: Artifact,
    tune: Artifact,
    overrides: Sequence[str] = (),
    collect: str = "",
    crown: Crown | None = None,
) -> Release:
    """Release the model of a finished run; the caller holds the store. What is released already is not released again.

    A run of the spec as it stands makes its release the champion, whatever its KPIs: a person ran it. A what-if, a run with
    overrides, is released beside the champion and takes its place only where there is none, or where the champion was made with
    the same overrides. Comparing a challenger with the champion on live rows is the retraining rule's work.

    Args:
        store: folder of the store.
        operate: what step 7 left.
        tune: what step 6 left, with the model.
        overrides: what ``--set`` changed in the run.
        collect: fingerprint of what step 2 left: the data set the model learnt from.
        crown: makes a release the champion, given whether it was made just now; by default the pointer alone moves.
    """
    release, new = release_beside(store, operate, tune, overrides, collect)
    serves, own = _champion(store), noted(overrides)
    if serves is None or (serves.number != release.number and (not own or serves.overrides == own)):
        (crown or (lambda made, _: point(store, made.number)))(release, new)
    return release


def release_beside(
    store: Path, operate: Artifact, tune: Artifact, overrides: Sequence[str] = (), collect: str = ""
) -> tuple[Release, bool]:
    """`publish` without a look at the champion: the release, and whether it was made just now."""
    folder = make_folder(store / "releases")
    remove_abandoned(folder.glob(f"*{PARTIAL}"))
    own = noted(overrides)
    made_of = {"operate": operate.fingerprint, "overrides": list(own), "collect": collect}
    alike = (release for release in releases(store) if _is_of(release, made_of))
    found = next(alike, None)
    return (found, False) if found is not None else (_write(store, operate, tune, made_of), True)


def release_relearnt(store: Path, base: Release, model: Model, until: str) -> Release:
    """Release a model whose members were learnt anew from newer data, beside the release it comes from.

    Args:
        store: folder of the store.
        base: the release whose members these are.
        model: the model.
        until: newest time it has learnt from.
    """
    known = {name: value for name, value in base.manifest.items() if name not in ("number", "made", "files")}
    return _released(store, model.save, {**known, "relearnt": {"from": base.number, "until": until}})


def point(store: Path, number: int) -> None:
    """Let the pointer name another release: readers see the old number or the new one."""
    replace_file(store / "releases" / CHAMPION, str(number).encode())


def sound_release(store: Path, number: int) -> Release:
    """The release of this number, every file of its model checked.

    Raises:
        InputError: ``RELEASE-NO-SUCH``, there is none; ``RELEASE-DAMAGED``.
    """
    found = _read(store, number)
    if found is None:
        there = ", ".join(str(one.number) for one in releases(store)) or "none"
        raise InputError("RELEASE-NO-SUCH", f"there is no release {number}", f"the releases are {there}", "name one of them")
    return found.verified()


def _is_of(release: Release, made_of: Mapping[str, Any]) -> bool:
    """Whether this is the release of a run, and still whole."""
    return all(release.manifest.get(name, "") == value for name, value in made_of.items()) and not release.damage()


def _write(store: Path, operate: Artifact, tune: Artifact, made_of: Mapping[str, Any]) -> Release:
    """Release what a run made."""
    model = tune.folder("model")
    return _released(store, lambda folder: _copied(model, folder), {**made_of, **operate.json("release")})


def _copied(source: Path, folder: Path) -> None:
    shutil.copytree(source, folder, dirs_exist_ok=True)


def _released(store: Path, save: Callable[[Path], None], told: Mapping[str, Any]) -> Release:
    """A draft is filled and synced, then renamed to its number: a crash leaves no half release."""
    number = max(_numbers(store), default=0) + 1
    final = _folder(store, number)
    with claimed_folder(final.parent) as draft:
        (draft / MODEL).mkdir()
        save(draft / MODEL)
        manifest = _manifest(number, told, draft / MODEL)
        (draft / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1), encoding="utf-8")
        for path in sorted(draft.rglob("*")):
            sync(path)
        sync(draft)
        draft.rename(final)
        sync(final.parent)
    return Release(number, final, manifest)


def _manifest(number: int, told: Mapping[str, Any], model: Path) -> dict[str, Any]:
    """What a release says of itself: what it was made of, when and with what, and the checksum of every file of its model."""
    return {
        **told,
        "number": number,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        **dict(library_versions(("sevenstep",))),
        **environment(),
        "files": _records(model),
    }
