"""The bytes of one file, wherever it lies and however it is packed."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable

from sevenstep.data.locations import Place, file_system
from sevenstep.errors import InputError

__all__ = ["read_bytes"]

_UNPACK: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.decompress, ".bz2": bz2.decompress, ".xz": lzma.decompress}


def read_bytes(place: Place) -> bytes:
    """The content of ``place``, unpacked where its name ends in ``.gz``, ``.bz2`` or ``.xz``.

    Raises:
        InputError: ``DATA-PACKED`` when it cannot be unpacked, ``DATA-EMPTY`` when nothing is in it.
    """
    content = _raw(place)
    for suffix, unpack in _UNPACK.items():
        if place.label.lower().endswith(suffix):
            content = _unpacked(content, unpack, place, suffix)
    if not content.strip():
        rule = "a source must hold a header and rows"
        raise InputError("DATA-EMPTY", f"'{place.label}' is empty", rule, "check how it was exported")
    return content


def _raw(place: Place) -> bytes:
    if place.content is not None:
        return place.content
    if place.path is not None:
        return place.path.read_bytes()
    system, path = file_system(place.url)
    content: bytes = system.cat_file(path)
    return content


def _unpacked(content: bytes, unpack: Callable[[bytes], bytes], place: Place, suffix: str) -> bytes:
    try:
        return unpack(content)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        given = f"'{place.label}' cannot be unpacked ({error})"
        rule = f"a file whose name ends in {suffix} must be packed so"
        raise InputError("DATA-PACKED", given, rule, "export it again or rename it") from error
