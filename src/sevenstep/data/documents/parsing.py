"""From a file to what it says: which reader reads it, what its head and its sidecar tell, and what was kept of it from earlier.

A file that was read before, by the same code, is not read again: what it says is kept by the hash of its content. So of a folder
in which one document changed, that one is read.
"""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from sevenstep.data.documents.heads import read_head
from sevenstep.data.documents.parsed import Parsed
from sevenstep.data.documents.readers.html import read_html
from sevenstep.data.documents.readers.office import read_docx, read_pptx, read_xlsx
from sevenstep.data.documents.readers.pdf import read_pdf
from sevenstep.data.documents.readers.plain import decoded, read_markdown, read_text
from sevenstep.data.documents.refused import Refused
from sevenstep.errors import InputError

__all__ = ["Kept", "parse", "with_sidecar"]

_TEXTS: dict[str, Callable[[bytes, str | None], Parsed]] = {"text": read_text, "markdown": read_markdown, "html": read_html}
_FILES: dict[str, tuple[Callable[[bytes], Parsed], str]] = {
    "pdf": (read_pdf, "pypdfium2"), "docx": (read_docx, "docx"), "pptx": (read_pptx, "pptx"), "xlsx": (read_xlsx, "fastexcel"),
}  # fmt: skip


def parse(content: bytes, kind: str, encoding: str | None) -> Parsed:
    """The document in a file of one of the formats that hold one.

    Raises:
        Refused: why it is set aside.
        InputError: ``DOCUMENTS-EXTRA``, the package that reads this kind is not installed.
    """
    if not content.strip():
        raise Refused("DOCUMENT-NO-TEXT", "it is empty")
    if kind in _TEXTS:
        parsed = _TEXTS[kind](content, encoding)
    else:
        read, package = _FILES[kind]
        if find_spec(package) is None:
            given, rule = f"documents in {kind.upper()} files", "reading them needs a package that is not installed"
            raise InputError("DOCUMENTS-EXTRA", given, rule, "pip install 'sevenstep[rag]'")
        parsed = read(content)
    if not parsed.text.strip():
        raise Refused("DOCUMENT-NO-TEXT", "it holds no text")
    return parsed


def with_sidecar(parsed: Parsed, sidecar: bytes | None) -> Parsed:
    """The document with what the file beside it tells, which wins over its own head."""
    if sidecar is None:
        return parsed
    told = read_head(decoded(sidecar, None))
    return replace(parsed, title=str(told.get("title") or parsed.title), tags={**parsed.tags, **told})


class Kept:
    """What files said when they were read, by their content; ``path`` is a SQLite file, made where there is none.

    A damaged file is as good as none. Without a path nothing is kept. ``read`` counts the files that had to be read.
    """

    def __init__(self, path: Path | None, code: str = "") -> None:
        self._path, self._code = path, code
        self._used: set[str] = set()
        self._new: dict[str, bytes] = {}
        self._known = _load(path)
        self.read = 0

    def parse(self, content: bytes, kind: str, encoding: str | None) -> Parsed:
        """See `parse`; a refusal is not kept."""
        key = hashlib.sha256(f"{self._code}\0{kind}\0{encoding}\0".encode() + content).hexdigest()
        self._used.add(key)
        if key in self._known:
            return Parsed.from_json(zlib.decompress(self._known[key]).decode())
        self.read += 1
        parsed = parse(content, kind, encoding)
        if self._path is not None:
            self._new[key] = zlib.compress(parsed.to_json().encode(), 1)
        return parsed

    def save(self) -> None:
        """Keep what was read now, forget what no file says any more: one transaction."""
        gone = [key for key in self._known if key not in self._used]
        if self._path is not None and (self._new or gone):
            _store(self._path, self._new.items(), gone)


def _load(path: Path | None) -> dict[str, bytes]:
    if path is None or not path.is_file():
        return {}
    try:
        with closing(sqlite3.connect(path)) as base:
            return dict(base.execute("SELECT key, said FROM said"))
    except sqlite3.DatabaseError:
        path.unlink()
        return {}


def _store(path: Path, new: Iterable[tuple[str, bytes]], gone: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as base, base:
        base.execute("CREATE TABLE IF NOT EXISTS said (key TEXT PRIMARY KEY, said BLOB NOT NULL)")
        base.executemany("DELETE FROM said WHERE key = ?", [(key,) for key in gone])
        base.executemany("INSERT OR REPLACE INTO said VALUES (?, ?)", new)
