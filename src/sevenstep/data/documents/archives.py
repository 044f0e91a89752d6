"""What lies in an archive, read without trusting it: nothing is unpacked to disk, and what grows without end is refused.

Names that lead out of the archive, links, devices, encrypted members and archives within archives are set aside. A member may
hold `LARGEST` bytes, all of them together `ALL`, and none may be `RATIO` times as large as its packed form where it is large.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import IO, Any

from sevenstep.data.documents.files import format_of, is_archive
from sevenstep.data.documents.refused import Refused

__all__ = ["ALL", "LARGEST", "RATIO", "check_packed", "members", "unpacked"]

LARGEST, ALL, MOST, RATIO = 200_000_000, 4_000_000_000, 200_000, 200
_SMALL = 5_000_000  # bytes up to which text may well be packed beyond `RATIO`
_BLOCK = 1 << 20

_STREAMS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def members(name: str, content: bytes) -> Iterator[tuple[str, bytes | Refused]]:
    """The files of an archive by their path in it, sorted, each with its content or with why it is set aside.

    Raises:
        Refused: the archive itself cannot be read, or is larger than an archive may be.
    """
    try:
        yield from _zipped(content) if name.lower().endswith(".zip") else _tarred(content)
    except (zipfile.BadZipFile, tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise Refused("DOCUMENT-BROKEN", f"the archive cannot be read ({error})") from error


def check_packed(content: bytes, kind: str) -> None:
    """Refuse a file that is a zip archive inside (DOCX, XLSX, PPTX) and grows beyond all measure when it is unpacked.

    Raises:
        Refused: it is none, is encrypted, or is too large.
    """
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise Refused("DOCUMENT-ENCRYPTED", f"it is encrypted, or in the format from before {kind.upper()}")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise Refused("DOCUMENT-BROKEN", f"it is no {kind.upper()} file ({error})") from error
    for entry in entries:
        _check_size(entry.file_size, entry.compress_size)
    if sum(entry.file_size for entry in entries) > LARGEST:
        raise Refused("DOCUMENT-BOMB", f"its parts together unpack to more than {LARGEST // 1_000_000} MB")


def _zipped(content: bytes) -> Iterator[tuple[str, bytes | Refused]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = sorted((entry for entry in archive.infolist() if not entry.is_dir()), key=lambda entry: entry.filename)
        _check_count(len(entries))
        left = ALL
        for entry in entries:
            if _skipped(entry.filename):
                continue
            found = _checked(partial(_from_zip, archive, entry))
            left -= len(found) if isinstance(found, bytes) else 0
            _check_left(left)
            yield entry.filename, found


def _from_zip(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    _check_name(entry.filename)
    if entry.flag_bits & 0x1:
        raise Refused("DOCUMENT-ENCRYPTED", "it is encrypted")
    if (entry.external_attr >> 16) & 0o170000 == 0o120000:
        raise Refused("DOCUMENT-PATH", "it is a link")
    _check_size(entry.file_size, entry.compress_size)
    try:
        with archive.open(entry) as file:
            return _limited(file)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error, EOFError) as error:
        raise Refused("DOCUMENT-BROKEN", f"it cannot be unpacked ({error})") from error


def _tarred(content: bytes) -> Iterator[tuple[str, bytes | Refused]]:
    left, count, found = ALL, 0, {}
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:*") as archive:
        for entry in archive:
            count += 1
            _check_count(count)
            left -= entry.size
            _check_left(left)
            if not entry.isdir() and not _skipped(entry.name):
                found[entry.name] = _checked(partial(_from_tar, archive, entry))
    yield from sorted(found.items())


def _from_tar(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    _check_name(entry.name)
    file = archive.extractfile(entry) if entry.isfile() else None
    if file is None:
        raise Refused("DOCUMENT-PATH", "it is a link or no file")
    _check_size(entry.size, entry.size)
    return _limited(file)


def _checked(read: Callable[[], bytes]) -> bytes | Refused:
    try:
        return read()
    except Refused as refused:
        return refused


def _limited(file: IO[bytes]) -> bytes:
    """The whole of a member, whatever size it claims to have."""
    blocks, size = [], 0
    while block := file.read(_BLOCK):
        size += len(block)
        if size > LARGEST:
            raise Refused("DOCUMENT-BOMB", f"it unpacks to more than {LARGEST // 1_000_000} MB")
        blocks.append(block)
    return b"".join(blocks)


def _skipped(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return any(part.startswith((".", "~$", "__MACOSX")) and part != ".." for part in parts)


def _check_name(name: str) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (path.parts and path.parts[0].endswith(":")):
        raise Refused("DOCUMENT-PATH", "its name leads out of the archive")
    if is_archive(name):
        raise Refused("DOCUMENT-NESTED", "it is an archive within an archive")
    if not (format_of(name) or name.endswith(".meta.yaml")):
        raise Refused("DOCUMENT-FORMAT", "no document has a name that ends so")


def _check_size(size: int, packed: int) -> None:
    if size > LARGEST:
        raise Refused("DOCUMENT-BOMB", f"it unpacks to {size / 1e6:,.0f} MB, more than {LARGEST // 1_000_000} MB")
    if size > _SMALL and size > RATIO * max(packed, 1):
        raise Refused("DOCUMENT-BOMB", f"it unpacks to {size / max(packed, 1):,.0f} times its size")


def _check_count(count: int) -> None:
    if count > MOST:
        raise Refused("DOCUMENT-BOMB", f"it holds more than {MOST:,} files")


def _check_left(left: int) -> None:
    if left < 0:
        raise Refused("DOCUMENT-BOMB", f"its files together unpack to more than {ALL // 1_000_000_000} GB")


def unpacked(name: str, content: bytes) -> bytes:
    """The content of one file, unpacked where its name ends in ``.gz``, ``.bz2`` or ``.xz``, up to `LARGEST` bytes.

    Raises:
        Refused: it cannot be unpacked, or is larger.
    """
    packed = next((suffix for suffix in _STREAMS if name.lower().endswith(suffix)), None)
    if packed is None:
        return content
    try:
        return _limited(_STREAMS[packed](io.BytesIO(content)))
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise Refused("DOCUMENT-BROKEN", f"it cannot be unpacked ({error})") from error
