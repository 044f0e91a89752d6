"""Content hashes of sources, so that a run on unchanged data can be told before anything is loaded.

This module is on the path of every start: it imports neither Polars nor, for local files, anything beyond the standard library.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING

from sevenstep.data.locations import Place, database_url, file_system, locate

if TYPE_CHECKING:
    from sevenstep.spec.sources import Source

__all__ = ["StatCache", "fingerprint_source"]

StatCache = MutableMapping[tuple[str, int, int], str]
"""Content hash by ``(path, size in bytes, time of change in ns)``: a file whose three have not moved is not read again."""

_SETTLED = 2_000_000_000
"""A file changed within the last two seconds may change again within the same tick of its clock, so its hash is not kept."""


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
