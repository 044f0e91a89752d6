"""Remembers the content hash of source files between runs, so that unchanged files are not read again."""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping
from pathlib import Path

from sevenstep.engine.canonical import canonical_json
from sevenstep.engine.durable import replace_file

__all__ = ["StatCache"]

_Key = tuple[str, int, int]


class StatCache(MutableMapping[_Key, str]):
    """A mapping from ``(path, size in bytes, time of change in ns)`` to SHA-256, kept in a JSON file.

    One entry per path: a newer state takes the place of the older one, so the file stays as small as the list of sources. A
    damaged or missing file is an empty cache. What `sevenstep.data.fingerprints` reads and adds to.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries = _read(path)
        self._changed = False

    def __getitem__(self, key: _Key) -> str:
        size, changed_at, digest = self._entries[key[0]]
        if (size, changed_at) != key[1:]:
            raise KeyError(key)
        return digest

    def __setitem__(self, key: _Key, digest: str) -> None:
        self._entries[key[0]] = (key[1], key[2], digest)
        self._changed = True

    def __delitem__(self, key: _Key) -> None:
        if key not in self:
            raise KeyError(key)
        del self._entries[key[0]]
        self._changed = True

    def __iter__(self) -> Iterator[_Key]:
        return ((path, size, changed_at) for path, (size, changed_at, _) in self._entries.items())

    def __len__(self) -> int:
        return len(self._entries)

    def save(self) -> None:
        """Write the file anew, whole, if anything changed."""
        if self._changed:
            replace_file(self._path, canonical_json(self._entries, "stat cache"))
            self._changed = False


def _read(path: Path) -> dict[str, tuple[int, int, str]]:
    try:
        found = json.loads(path.read_bytes())
        return {str(name): (int(size), int(changed_at), str(digest)) for name, (size, changed_at, digest) in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
