"""The documents of a spec as tables, from whatever they lie in; files that cannot be read are set aside with the reason."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from sevenstep.data.documents.archives import members, unpacked
from sevenstep.data.documents.files import RECORDS, SIDECAR, File, document_files, format_of, is_archive
from sevenstep.data.documents.language import language_of_text
from sevenstep.data.documents.near import near_duplicates
from sevenstep.data.documents.parsed import Parsed, Part
from sevenstep.data.documents.parsing import Kept, with_sidecar
from sevenstep.data.documents.records import as_text, column_of, read_records
from sevenstep.data.documents.refused import Refused
from sevenstep.data.documents.squad import is_squad, read_squad
from sevenstep.data.documents.tables import DOCUMENTS, PARTS, table
from sevenstep.data.documents.tagging import TAGS, tags_of
from sevenstep.data.locations import Place
from sevenstep.data.naming import did_you_mean
from sevenstep.data.payload import read_bytes
from sevenstep.data.quarantine import ROW, Quarantine
from sevenstep.data.record import Record
from sevenstep.errors import InputError
from sevenstep.spec.documents import Documents
from sevenstep.wording import counted

__all__ = ["Corpus", "as_corpus", "read_corpus"]

_IDS = ("id", "_id", "document_id", "doc_id")


@dataclass(frozen=True)
class Corpus:
    """Documents and their parts, in the columns of `tables.DOCUMENTS` and `tables.PARTS`, in the order they were read."""

    documents: pl.DataFrame
    parts: pl.DataFrame


@dataclass
class _Reading:
    """One reading under way."""

    section: Documents
    record: Record
    quarantine: Quarantine
    kept: Kept
    rows: list[dict[str, Any]] = field(default_factory=list)
    parts: dict[str, list[Part]] = field(default_factory=dict)

    def set_aside(self, name: str, refused: Refused) -> None:
        told = json.dumps({"file": name}, ensure_ascii=False)
        self.quarantine.set_aside_text("documents", [(None, refused.reason, told)], code=refused.code)  # type: ignore[list-item]


def read_corpus(
    section: Documents,
    base: Path,
    record: Record,
    quarantine: Quarantine,
    *,
    language: str | None = None,
    kept: Kept | None = None,
) -> Corpus:
    """Read the documents that ``data.documents`` names.

    Args:
        section: where they are, and the names of their columns.
        base: folder of the spec.
        record: what was done is added here.
        quarantine: files and records set aside are added here.
        language: of all documents; told for each by its text when None.
        kept: what was read earlier.

    Raises:
        InputError: nothing is there, a file of records is broken, or no document can be read.
    """
    reading = _Reading(section, record, quarantine, kept or Kept(None))
    files = document_files(section.path, base)
    for file in files:
        _read_file(file, reading)
    if not reading.rows:
        reasons = quarantine.frame()["reason"]
        why = f"all were set aside, most often because {reasons.mode().sort()[0]}" if len(reasons) else "they are empty"
        given = f"no document can be read from {counted(len(files), 'file')}: {why}"
        raise InputError("DATA-NO-DOCUMENTS", given, "some documents must be readable", "check data.documents")
    record.add(
        "read",
        f"{counted(len(reading.rows), 'document')} from {counted(len(files), 'file')}",
        source="documents",
        rows=len(reading.rows),
    )
    return as_corpus(reading.rows, record, parts=reading.parts, language=language)


def as_corpus(
    rows: list[dict[str, Any]], record: Record, *, parts: Mapping[str, list[Part]] | None = None, language: str | None = None
) -> Corpus:
    """Rows of documents as tables: the language of each, and which other one it nearly repeats, the newest of them by date."""
    newest = sorted(rows, key=lambda row: row.get("date") or "", reverse=True)  # of one date the first one read
    for row, twin in zip(newest, near_duplicates([row["text"] for row in newest]), strict=True):
        row["near"] = None if twin is None else newest[twin]["document_id"]
    for row in rows:
        row["language"] = language or row.get("language") or language_of_text(row["text"])
        row.update({name: row.get(name) or "" for name in ("title", "source", "trust", "licence", "date")})
        row["access"] = row.get("access") or []
    twins = sum(row["near"] is not None for row in rows)
    if twins:
        text = f"{counted(twins, 'document')} nearly repeat another, and are marked so"
        record.add("marked", text, source="documents", column="near", rows=twins)
    placed = [
        {
            "document_id": row["document_id"],
            "start": part.start,
            "end": part.end,
            "kind": part.kind,
            "page": part.page,
            "heading": part.heading,
        }
        for row in rows
        for part in (parts or {}).get(row["document_id"]) or [Part(0, len(row["text"]))]
    ]
    return Corpus(table(rows, DOCUMENTS), table(placed, PARTS))


def _read_file(file: File, reading: _Reading) -> None:
    try:
        if is_archive(file.name):
            _read_archive(file, reading)
        else:
            _read_one(file, _sidecar(file.place), reading)
    except Refused as refused:
        reading.set_aside(file.name, refused)
    except OSError as error:
        reading.set_aside(file.name, Refused("DOCUMENT-BROKEN", f"it cannot be opened ({error.strerror or error})"))


def _sidecar(place: Place) -> bytes | None:
    beside = place.path.with_name(place.path.name + SIDECAR) if place.path is not None else None
    return beside.read_bytes() if beside is not None and beside.is_file() else None


def _read_archive(file: File, reading: _Reading) -> None:
    held = dict(members(file.name, _bytes(file.place)))
    for name, content in held.items():
        if name.endswith(SIDECAR):
            continue
        inner = f"{file.name}/{name}"
        if isinstance(content, Refused):
            reading.set_aside(inner, content)
            continue
        beside = held.get(f"{name}{SIDECAR}")
        try:
            _read_one(File(inner, Place(inner, content=content)), beside if isinstance(beside, bytes) else None, reading)
        except Refused as refused:
            reading.set_aside(inner, refused)


def _read_one(file: File, sidecar: bytes | None, reading: _Reading) -> None:
    kind = reading.section.format or format_of(file.name)
    if kind in RECORDS:
        _read_records(file, kind, reading)
        return
    if not kind:
        raise Refused("DOCUMENT-FORMAT", "its name tells no format that is read")
    content = unpacked(file.name, _bytes(file.place))
    parsed = with_sidecar(reading.kept.parse(content, kind, reading.section.encoding), sidecar)
    _add(file, parsed, reading)


def _bytes(place: Place) -> bytes:
    """The bytes of a file as they are; an empty one has none."""
    if place.content is not None:
        return place.content
    return place.path.read_bytes() if place.path is not None else read_bytes(place)


def _add(file: File, parsed: Parsed, reading: _Reading) -> None:
    ident, again = file.name, 1
    while ident in reading.parts:
        again += 1
        ident = f"{file.name} ({again})"
    row = {"document_id": ident, "title": parsed.title or Path(file.name).stem, "text": parsed.text, "source": file.name}
    told = str(parsed.tags.get("language") or "")
    reading.rows.append(
        {**row, "language": told if told in ("ko", "en", "other") else None, **tags_of(reading.section, parsed.tags)}
    )
    reading.parts[ident] = list(parsed.parts)


def _read_records(file: File, kind: str, reading: _Reading) -> None:
    squad = _squad(file.place) if kind == "json" else None
    for row in squad if squad is not None else _rows(file, kind, reading):
        ident = row["document_id"]
        if ident in reading.parts:
            again = pl.DataFrame(
                [{ROW: row.get(ROW), "document_id": ident, "text": row["text"][:200]}], schema_overrides={ROW: pl.Int64}
            )
            reason = "an earlier document has the same id"
            reading.quarantine.set_aside("documents", again, code="DATA-DUPLICATE", column="document_id", reason=reason)
            continue
        reading.parts[ident] = [Part(0, len(row["text"]))]
        reading.rows.append(row)


def _squad(place: Place) -> list[dict[str, Any]] | None:
    """The paragraphs of a file in the form of SQuAD; None for any other JSON."""
    try:
        value = json.loads(read_bytes(place))
    except (UnicodeDecodeError, json.JSONDecodeError):
        return None
    return read_squad([place]).documents if is_squad(value) else None


def _rows(file: File, kind: str, reading: _Reading) -> Iterator[dict[str, Any]]:
    section = reading.section
    frame = read_records(file.place, "documents", kind, section.encoding, reading.record, reading.quarantine)
    text = column_of(frame, section.text, ("text", "content", "body", "contents"), "documents.text", needed=True)
    ident = column_of(frame, section.id, _IDS, "documents.id", needed=False)
    title = column_of(frame, section.title, ("title",), "documents.title", needed=False)
    source = column_of(frame, section.source, (), "documents.source", needed=False)
    _check_tags(section, frame)
    texts = as_text(frame, str(text))
    idents = as_text(frame, ident) if ident else [f"{file.name}#{number}" for number in range(1, len(frame) + 1)]
    titles = as_text(frame, title) if title else [None] * len(frame)
    sources = as_text(frame, source) if source else [None] * len(frame)
    told = frame.select(name for name in frame.columns if name in _tag_columns(section)).to_dicts() or [{}] * len(frame)
    empty = [number for number, (one, named) in enumerate(zip(texts, idents, strict=True)) if one is None or named is None]
    if empty:
        aside = frame.with_row_index(ROW, offset=1)[empty]
        reading.quarantine.set_aside(
            "documents", aside, code="DOCUMENT-NO-TEXT", column=str(text), reason="the record has no text or no id"
        )
    for at in range(len(frame)):
        if texts[at] is not None and idents[at] is not None:
            row = {
                "document_id": idents[at],
                "title": titles[at],
                "text": texts[at],
                "source": sources[at] or file.name,
                ROW: at + 1,
            }
            yield {**row, **tags_of(section, told[at])}


def _tag_columns(section: Documents) -> set[str]:
    asked = {getattr(section, tag) for tag in TAGS if isinstance(getattr(section, tag), str)}
    return asked | {*TAGS, "license"}


def _check_tags(section: Documents, frame: pl.DataFrame) -> None:
    for tag in TAGS:
        asked = getattr(section, tag)
        if isinstance(asked, str) and asked not in frame.columns:
            given = f"'{asked}' is no column of the documents"
            fix = f"{did_you_mean(asked, frame.columns)}; the same value for all is {tag}: {{value: {asked}}}"
            raise InputError("DATA-NO-COLUMN", given, f"data.documents.{tag} names a column of the records", fix)
