"""Which files the documents lie in: folders with all that is in them, patterns and archives become a list, before any is read.

Kept free of Polars and of the readers: fingerprints need it on every start.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sevenstep.data.locations import Place, locate
from sevenstep.data.naming import did_you_mean
from sevenstep.errors import InputError

__all__ = ["FORMATS", "RECORDS", "SIDECAR", "File", "document_files", "format_of", "is_archive", "sidecars"]

FORMATS = {
    ".pdf": "pdf", ".docx": "docx", ".xlsx": "xlsx", ".xlsm": "xlsx", ".pptx": "pptx",
    ".html": "html", ".htm": "html", ".xhtml": "html", ".md": "markdown", ".markdown": "markdown",
    ".txt": "text", ".text": "text", ".log": "text", ".rst": "text",
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv", ".tsv": "tsv", ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
"""Format by the end of a file's name, after ``.gz``, ``.bz2`` or ``.xz`` is taken off."""

RECORDS = ("jsonl", "json", "csv", "tsv", "parquet")
"""Formats of which one file holds many documents."""

SIDECAR = ".meta.yaml"
"""End of the name of a file that tells about the one beside it: ``pump.pdf.meta.yaml`` about ``pump.pdf``."""

_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_PACKED = (".gz", ".bz2", ".xz")


@dataclass(frozen=True)
class File:
    """A file with documents, or an archive of such: where it lies, and ``name``, by which it is known to the reader and cited."""

    name: str
    place: Place


def is_archive(name: str) -> bool:
    """Whether a file by its name is an archive of files."""
    return name.lower().endswith(_ARCHIVES)


def format_of(name: str) -> str:
    """The format a file's name tells; empty where it tells none that is read."""
    lowered = name.lower()
    for packed in _PACKED:
        lowered = lowered.removesuffix(packed)
    return FORMATS.get(PurePosixPath(lowered).suffix, "")


def document_files(paths: Sequence[str], base: Path) -> list[File]:
    """The files that ``paths`` name, those of a folder sorted by their path in it; hidden ones and sidecars are left out.

    Args:
        paths: files, patterns, folders or archives relative to ``base``, or URLs of single files.
        base: folder of the spec.

    Raises:
        InputError: ``DATA-NO-FILE`` when nothing is there.
    """
    return [file for path in paths for file in _found(path, base)]


def _found(given: str, base: Path) -> list[File]:
    path = base / Path(given.removeprefix("file://")).expanduser()
    if "://" in given and not given.startswith("file://"):
        return [File(place.label, place) for place in locate(given, base)]
    if path.is_dir():
        return _listed(given, path, path.rglob("*"))
    if path.is_file():
        return [File(path.name, Place(path.name, path))]
    root, pattern = _pattern(given, base)
    found = _listed(given, root, root.glob(pattern)) if pattern and root.is_dir() else []
    if not found:
        siblings = sorted(child.name for child in path.parent.iterdir()) if path.parent.is_dir() else []
        fix = did_you_mean(path.name, siblings) if siblings else "check the path, which starts from the spec's folder"
        rule = "documents are files, folders, patterns or archives relative to the spec"
        raise InputError("DATA-NO-FILE", f"there is no file '{given}'", rule, fix)
    return found


def _pattern(given: str, base: Path) -> tuple[Path, str]:
    """The folder a pattern starts from, and the pattern below it; empty where it is none."""
    parts = PurePosixPath(given).parts
    at = next((at for at, part in enumerate(parts) if any(sign in part for sign in "*?[")), None)
    return (base, "") if at is None else (base / Path(*parts[:at]), "/".join(parts[at:]))


def _listed(given: str, root: Path, children: Iterable[Path]) -> list[File]:
    named = sorted((child.relative_to(root).as_posix(), child) for child in children if child.is_file())
    found = [File(name, Place(name, child, inside=name)) for name, child in named if _counts(name)]
    if not found:
        rule = f"a folder of documents holds files ending in {', '.join(FORMATS)}, or archives of such"
        raise InputError("DATA-NO-DOCUMENTS", f"there is no document in '{given}'", rule, "put some there, or check the path")
    return found


def _counts(name: str) -> bool:
    hidden = any(part.startswith((".", "~$")) for part in PurePosixPath(name).parts)
    return not hidden and not name.endswith(SIDECAR) and bool(format_of(name) or is_archive(name))


def sidecars(files: Iterable[File]) -> Iterator[Place]:
    """The sidecars that lie beside local files."""
    for file in files:
        path = file.place.path
        beside = path.with_name(path.name + SIDECAR) if path is not None else None
        if beside is not None and beside.is_file():
            yield Place(f"{file.name}{SIDECAR}", beside)
