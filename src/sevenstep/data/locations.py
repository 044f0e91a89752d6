"""Where the files of a source are: relative paths, folders, patterns and URLs become a list of places, before anything is read.

Kept free of Polars: fingerprints need it on every start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sevenstep.data.naming import did_you_mean
from sevenstep.errors import InputError

if TYPE_CHECKING:
    from sevenstep.spec.sources import FromEnvironment

__all__ = ["DATA_SUFFIXES", "PICTURE_SUFFIXES", "Place", "database_url", "file_system", "is_picture", "locate", "plain_suffix"]

DATA_SUFFIXES = {
    ".csv": "csv", ".tsv": "csv", ".tab": "csv", ".txt": "csv", ".psv": "csv", ".parquet": "parquet", ".pq": "parquet",
    ".arrow": "arrow", ".feather": "arrow", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json",
    ".xlsx": "excel", ".xls": "excel", ".xlsm": "excel", ".xlsb": "excel", ".ods": "excel",
}  # fmt: skip
"""Format by the end of a file's name (after ``.gz``, ``.bz2`` or ``.xz`` is taken off)."""

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".pgm", ".ppm")
"""Ends of the names of picture files."""

_PACKED = (".gz", ".bz2", ".xz")


@dataclass(frozen=True)
class Place:
    """One file: a local ``path``, or a ``url`` that fsspec opens; ``label`` names it in sentences.

    ``inside`` is the path of a picture or a document within the folder that was given; ``content`` what was read already, of a
    file in an archive.
    """

    label: str
    path: Path | None = None
    url: str = ""
    inside: str = ""
    content: bytes | None = None


def is_picture(place: Place) -> bool:
    """Whether it is a local file that by its name holds a picture."""
    return place.path is not None and place.path.suffix.lower() in PICTURE_SUFFIXES


def plain_suffix(name: str) -> str:
    """The suffix that tells the format: ``.csv`` of ``orders.csv.gz``."""
    lowered = name.lower()
    for packed in _PACKED:
        lowered = lowered.removesuffix(packed)
    return Path(lowered).suffix


def locate(paths: str | Sequence[str], base: Path) -> list[Place]:
    """The files that ``paths`` name, in the order given; those of a folder or a pattern sorted by name.

    A folder without tables is one of pictures, and so are its sub-folders.

    Args:
        paths: a file, a folder, a pattern (``sales-*.csv``) or an fsspec URL, or a list of them; relative to ``base``.
        base: folder of the spec.

    Raises:
        InputError: ``DATA-NO-FILE`` when nothing is there, ``DATA-NO-BACKEND`` when a URL needs a package that is not installed.
    """
    given = [paths] if isinstance(paths, str) else list(paths)
    return [place for path in given for place in (_remote(path) if _is_remote(path) else _local(path, base))]


def _is_remote(path: str) -> bool:
    return "://" in path and not path.startswith("file://")


def _local(given: str, base: Path) -> list[Place]:
    path = base / Path(given.removeprefix("file://")).expanduser()
    if path.is_file():
        return [Place(given, path)]
    if path.is_dir():
        found = [child for child in sorted(path.iterdir()) if child.is_file() and plain_suffix(child.name) in DATA_SUFFIXES]
        if not found and (pictures := _pictures(path)):
            return pictures
    else:
        found = [child for child in sorted(path.parent.glob(path.name)) if child.is_file()] if _is_pattern(path.name) else []
    if not found:
        raise InputError("DATA-NO-FILE", f"there is no file '{given}'", _rule(path), _near(path))
    return [Place(child.name, child) for child in found]


def _pictures(folder: Path) -> list[Place]:
    """The pictures in a folder and in those within it, but for hidden files, sorted by path."""
    found = (child.relative_to(folder) for child in folder.rglob("*") if child.suffix.lower() in PICTURE_SUFFIXES)
    kept = sorted(path.as_posix() for path in found if not any(part.startswith(".") for part in path.parts))
    return [Place(inside, folder / inside, inside=inside) for inside in kept if (folder / inside).is_file()]


def _is_pattern(name: str) -> bool:
    return any(sign in name for sign in "*?[")


def _rule(path: Path) -> str:
    if path.is_dir():
        return f"a folder given as a source must hold files ending in {', '.join(sorted(DATA_SUFFIXES))}, or pictures"
    return "a source must be a file, a folder or a pattern relative to the spec"


def _near(path: Path) -> str:
    if not path.parent.is_dir():
        return f"there is no folder '{path.parent.name}' either: check the path, which starts from the spec's folder"
    siblings = sorted(child.name for child in path.parent.iterdir())
    return did_you_mean(path.name, siblings) if siblings else "put a file there"


def _remote(url: str) -> list[Place]:
    system, path = file_system(url)
    if _is_pattern(url):
        found = sorted(system.glob(path))
    elif system.isdir(path):
        found = sorted(child for child in system.ls(path, detail=False) if plain_suffix(child) in DATA_SUFFIXES)
    else:
        found = [path] if system.exists(path) else []
    if not found:
        given, rule = f"there is nothing at '{url}'", "a URL must lead to a file"
        raise InputError("DATA-NO-FILE", given, rule, "check the address and the rights")
    return [Place(child.rsplit("/", 1)[-1], url=system.unstrip_protocol(child)) for child in found]


def file_system(url: str) -> tuple[Any, str]:
    """The fsspec file system for ``url`` and the path within it; raises InputError when its package is not installed."""
    from fsspec.core import url_to_fs
    from fsspec.registry import available_protocols, known_implementations

    try:
        system, path = url_to_fs(url)
    except ImportError as error:
        hint = known_implementations.get(url.split("://")[0], {}).get("err", str(error))
        raise InputError("DATA-NO-BACKEND", f"'{url}' cannot be opened", "its kind of store needs a package", hint) from error
    except ValueError as error:
        known = available_protocols()
        scheme = url.split("://")[0]
        given = f"'{url}' has the unknown scheme '{scheme}'"
        raise InputError("DATA-NO-BACKEND", given, "fsspec must know it", did_you_mean(scheme, known)) from error
    return system, path


def database_url(url: str | FromEnvironment, base: Path) -> str:
    """The SQLAlchemy URL, read from the environment where the spec says so; a SQLite file is relative to ``base``.

    Raises:
        InputError: ``SPEC-ENV-MISSING`` when the variable is not set, ``DATA-NO-FILE`` when the SQLite file is not there.
    """
    text = url if isinstance(url, str) else url.read()
    kind, sep, rest = text.partition(":///")
    if not kind.startswith("sqlite") or not sep or rest in ("", ":memory:"):
        return text
    path = base / rest
    if not path.is_file():
        raise InputError("DATA-NO-FILE", f"there is no database '{rest}'", "a SQLite URL must name an existing file", _near(path))
    return f"{kind}:///{path}"
