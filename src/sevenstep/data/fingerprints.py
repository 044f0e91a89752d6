"""Content hashes of sources, so that a run on unchanged data can be told before anything is loaded.

This module is on the path of every start: it imports neither Polars nor, for local files, anything beyond the standard library.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING

from sevenstep.data.documents.files import document_files, sidecars
from sevenstep.data.documents.golden import golden_path
from sevenstep.data.embedding.files import embedding_paths
from sevenstep.data.locations import Place, database_url, file_system, is_picture, locate

if TYPE_CHECKING:
    from sevenstep.spec.sources import Data, Source

__all__ = ["StatCache", "fingerprint_data", "fingerprint_source"]

StatCache = MutableMapping[tuple[str, int, int], str]
"""Content hash by ``(path, size in bytes, time of change in ns)``: a file whose three have not moved is not read again."""

_SETTLED = 2_000_000_000
"""A file changed within the last two seconds may change again within the same tick of its clock, so its hash is not kept."""


def fingerprint_data(data: Data, base: Path, cache: StatCache) -> dict[str, str]:
    """SHA-256 of all that a ``data`` section names: each source by its name, then pictures named in a column, and an embedding.

    A picture that is replaced under the same name changes the data as much as another value in its row does.

    Args:
        data: the section.
        base: folder of the spec, which relative paths start from.
        cache: hashes of files by path, size and time; read and added to.

    Raises:
        InputError: a source or the embedding is not there, or not what it should be.
    """
    found = {name: fingerprint_source(source, base, cache) for name, source in data.tables().items()}
    if data.image is not None:
        lists = (_named(name, source, found[name], data.image, base, cache) for name, source in data.tables().items())
        named = {path for paths in lists for path in paths}
        files = ((path, base / path) for path in sorted(named))
        found |= {"data.image": _files_hash(files, cache)} if named else {}
    found |= _documents(data, base, cache)
    if data.embedding is not None:
        found["data.embedding"] = _files_hash(((path.name, path) for path in embedding_paths(data.embedding, base)), cache)
    return found


def _documents(data: Data, base: Path, cache: StatCache) -> dict[str, str]:
    """Hashes of documents with what lies beside them, of judgements, and of questions a person accepted."""
    found: dict[str, str] = {}
    if data.documents is not None:
        files = document_files(data.documents.path, base)
        beside = ((place.label, place) for place in sidecars(files))
        found["documents"] = _places_hash([*((file.name, file.place) for file in files), *beside], cache)
    if data.judgements is not None:
        found["judgements"] = _places_hash([(place.label, place) for place in locate(list(data.judgements.path), base)], cache)
    if data.observed is not None:
        folder = base / data.observed
        found["observed"] = _files_hash(((path.name, path) for path in sorted(folder.glob("*.parquet"))), cache)
    golden = golden_path(data.golden, base)
    if (data.documents is not None or data.format == "squad") and golden.is_file():
        found["golden"] = _file_hash(golden, cache)
    return found


def _places_hash(places: Iterable[tuple[str, Place]], cache: StatCache) -> str:
    whole = hashlib.sha256()
    for name, place in places:
        whole.update(f"{name}\0{_file_hash(place.path, cache) if place.path else _remote_hash(place)}\n".encode())
    return whole.hexdigest()


def _named(name: str, source: Source, content: str, column: str, base: Path, cache: StatCache) -> list[str]:
    """Paths in the column of pictures of a source, read once for each state of the source, which ``content`` is the hash of.

    The list is kept in the cache under what is no path, with digits of the hash where a file has its size and its time.
    """
    read = hashlib.sha256(f"{content}\0{source.model_dump_json()}".encode()).hexdigest()  # how it is read tells what is found
    key = (f"paths in '{column}' of source '{name}'", int(read[:12], 16), int(read[12:24], 16))
    if key not in cache:
        cache[key] = json.dumps(_paths_of(name, source, column, base))
    paths: list[str] = json.loads(cache[key])
    return paths


def _paths_of(name: str, source: Source, column: str, base: Path) -> list[str]:
    import polars as pl  # late: a run on unchanged data reads no source

    from sevenstep.data.quarantine import Quarantine
    from sevenstep.data.record import Record
    from sevenstep.data.sources import read_source

    if source.url is None and all(is_picture(place) for place in locate(source.path or [], base)):
        return []
    frame = read_source(name, source, base, Record(), Quarantine())
    if frame.schema.get(column) != pl.String:
        return []
    return frame[column].drop_nulls().unique().sort().to_list()


def _files_hash(files: Iterable[tuple[str, Path]], cache: StatCache) -> str:
    """Hash over names and contents; a file that is not there is told from an empty one."""
    whole = hashlib.sha256()
    for name, path in files:
        whole.update(f"{name}\0{_file_hash(path, cache) if _is_file(path) else 'none'}\n".encode())
    return whole.hexdigest()


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 - a text too long for a path is no file; `Path.is_file` raises


def fingerprint_source(source: Source, base: Path, cache: StatCache) -> str:
    """SHA-256 over what a source holds: the bytes of its files, the rows of its query, or the checksums of its remote objects.

    Args:
        source: a source of the spec.
        base: folder of the spec, which relative paths start from.
        cache: hashes of files by path, size and time; read and added to.

    Raises:
        InputError: the source is not there (see `locations.locate`), or the database refuses (`database.rows`).
    """
    whole = hashlib.sha256()
    if source.url is not None:
        whole.update(_query_hash(source, base).encode())
    else:
        for place in locate(source.path or [], base):
            content = _file_hash(place.path, cache) if place.path else _remote_hash(place)
            whole.update(f"{place.inside or Path(place.label).name}\0{content}\n".encode())
    return whole.hexdigest()


def _file_hash(path: Path, cache: StatCache) -> str:
    before = path.stat()
    key = (str(path.resolve()), before.st_size, before.st_mtime_ns)
    if key in cache:
        return cache[key]
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    unchanged = path.stat().st_mtime_ns == before.st_mtime_ns
    if unchanged and time.time_ns() - before.st_mtime_ns > _SETTLED:
        cache[key] = digest
    return digest


def _remote_hash(place: Place) -> str:
    system, path = file_system(place.url)
    return f"{system.size(path)} {system.checksum(path)}"


def _query_hash(source: Source, base: Path) -> str:
    """Hash of the rows without regard to their order, which a database does not promise."""
    from sevenstep.data.database import rows

    columns, found = rows(database_url(source.url or "", base), str(source.query))
    digests = sorted(hashlib.sha256(json.dumps(list(row), default=str).encode()).digest() for row in found)
    return hashlib.sha256(json.dumps(columns).encode() + b"".join(digests)).hexdigest()
