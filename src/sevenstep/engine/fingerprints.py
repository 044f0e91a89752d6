"""Hashes of everything a result depends on: values, source text and library versions."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sevenstep.engine.canonical import canonical_json
from sevenstep.engine.durable import resolve_under
from sevenstep.errors import InternalError
from sevenstep.work import Job

__all__ = [
    "LIBRARIES",
    "PACKAGE",
    "code_version",
    "environment",
    "fingerprint",
    "job_fingerprint",
    "library_versions",
    "package_version",
]

PACKAGE = Path(__file__).resolve().parent.parent

LIBRARIES = (
    "catboost", "holidays", "lightgbm", "numpy", "onnxruntime", "optuna", "pillow", "polars", "scikit-learn", "scipy",
    "statsforecast", "torch", "xgboost", "xgboost-cpu",
)  # fmt: skip
"""Libraries whose version may change a result; those that are not installed are left out."""


def fingerprint(parts: Any) -> str:
    """SHA-256 of the canonical JSON of ``parts``, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(parts, "fingerprint")).hexdigest()


def job_fingerprint(job: Job, arguments: Any = None) -> str:
    """The cache key of a job: its function, arguments, inputs, source text and environment.

    ``arguments`` stands in for the job's own where those hold what its result does not depend on, such as the folder of the data.
    """
    function = job.function
    module = sys.modules[function.__module__]
    return fingerprint({
        "function": f"{function.__module__}:{function.__qualname__}",
        "arguments": job.arguments if arguments is None else arguments,
        "inputs": {name: artifact.fingerprint for name, artifact in job.inputs.items()},
        "module": _file_hash(Path(module.__file__ or "")),
        "code": code_version(tuple(job.rooms)),
        "environment": environment(),
    })  # fmt: skip


def environment() -> dict[str, Any]:
    """Versions of Python (without the patch level) and of the libraries that results depend on."""
    return {"python": f"{sys.version_info.major}.{sys.version_info.minor}", "libraries": dict(library_versions(LIBRARIES))}


def code_version(rooms: Sequence[str]) -> str:
    """Hash of the source text in the given folders and files of the package, relative to ``sevenstep/``.

    Read once per process. Raises InternalError for a room that is not there, because a misspelt one would never change.
    """
    return fingerprint({room: _room_hash(room) for room in sorted(set(rooms))})


def package_version(module: str) -> str:
    """Hash of the source text of the package folder a loaded module lies in; of its file alone where it lies in none."""
    file = Path(sys.modules[module].__file__ or "")
    return _tree_hash(file.parent if "." in module else file)


@cache
def library_versions(names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Name and version of each library that is installed, in the order of ``names``."""
    return tuple((name, found) for name in names if (found := _version(name)))


@cache
def _room_hash(room: str) -> str:
    path = resolve_under(PACKAGE, room)
    if not path.exists():
        raise InternalError(
            "ENGINE-ROOM", f"the room '{room}' is not in the package", "a cache key hashes its source", "mend its name"
        )
    return _tree_hash(path)


@cache
def _tree_hash(path: Path) -> str:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    return fingerprint({file.relative_to(path.parent).as_posix(): _file_hash(file) for file in files})


@cache
def _file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
