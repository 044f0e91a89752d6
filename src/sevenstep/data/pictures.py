"""Pictures among the rows: a folder of them as a table, files named in a column, and pictures that cannot be read.

A picture is kept as the bytes of its file, so that a data set holds all that later steps look at, and equal data have equal
hashes wherever they lie.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import polars as pl
from PIL import Image, ImageOps, UnidentifiedImageError

from sevenstep.data.locations import Place
from sevenstep.data.naming import listed
from sevenstep.data.quarantine import ROW, Quarantine
from sevenstep.data.record import Record
from sevenstep.errors import InputError, InputWarning
from sevenstep.wording import counted

__all__ = ["UnreadablePicture", "named_pictures", "open_picture", "paths_named", "picture_table", "unreadable", "with_pictures"]

_FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF", "PPM")
"""What is opened: formats that hold pixels and nothing to be run."""

_MOST_PIXELS = 100_000_000
"""A file of a few kilobytes may unfold to gigabytes of pixels; beyond this it is refused before it is unfolded."""

_LARGE_FILE, _LARGE_SIDE = 1_000_000, 1024
"""A file of more bytes is kept reduced to this longest side: a camera's pictures would not fit into memory together."""

_FAULTS = (OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, struct.error, zlib.error, OverflowError)
"""What the readers of these formats raise on damaged files."""

_GLANCE = 32
_FILE, _IMAGE = "file", "image"
_PATH, _END = "__path of ", "__"  # a name no table has of its own


class UnreadablePicture(ValueError):
    """The bytes are no picture that can be shown; the message says why, as a clause."""


def open_picture(content: bytes, *, about: int | None = None) -> Image.Image:
    """The picture in ``content``, upright, in 8 bits: grey (mode ``L``) or colour (``RGB``).

    Args:
        content: bytes of a picture file; of several pictures in one file the first is taken.
        about: side in pixels the caller will reduce it to; a JPEG is then read no finer than that takes, which is faster.

    Raises:
        UnreadablePicture: the bytes are no picture, are cut off or damaged, or would unfold to too many pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _opened(content, about)
    except UnreadablePicture:
        raise
    except UnidentifiedImageError as error:
        raise UnreadablePicture(f"its content is none of {', '.join(_FORMATS)}") from error
    except (*_FAULTS, Image.DecompressionBombError) as error:
        raise UnreadablePicture(f"it is damaged ({error})") from error


def _opened(content: bytes, about: int | None) -> Image.Image:
    image: Image.Image = Image.open(io.BytesIO(content), formats=_FORMATS)
    if image.width * image.height > _MOST_PIXELS:
        raise UnreadablePicture(f"it has {image.width:,} x {image.height:,} pixels, and {_MOST_PIXELS:,} are the most")
    if about:
        image.draft(None, (about, about))
    image.load()
    return _in_eight_bits(ImageOps.exif_transpose(image))


def _in_eight_bits(image: Image.Image) -> Image.Image:
    """Grey or colour; of 16 bits the upper eight are kept, so that brightness stays comparable between pictures."""
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    return image if image.mode == "L" else image.convert("L" if image.mode in ("1", "LA", "F") else "RGB")


def picture_table(places: Sequence[Place]) -> pl.DataFrame:
    """One row a file: ``file`` (its path in the folder), ``label`` (the folder it lies in, where there are several), ``image``.

    Args:
        places: local files, as `locate` finds them.
    """
    inside = [PurePosixPath(place.inside or Path(place.label).name) for place in places]
    columns = {_FILE: pl.Series([path.as_posix() for path in inside], dtype=pl.String)}
    if any(path.parent.name for path in inside):
        columns["label"] = pl.Series([path.parent.name or None for path in inside], dtype=pl.String)
    columns[_IMAGE] = pl.Series([_kept(place.path.read_bytes()) for place in places if place.path], dtype=pl.Binary)
    return pl.DataFrame(columns)


def named_pictures(frame: pl.DataFrame, column: str | None) -> pl.DataFrame:
    """A table of pictures from a folder with its pictures under the name the spec has for them."""
    made = frame.schema.get(_IMAGE) == pl.Binary and column is not None and column not in frame.columns
    return frame.rename({_IMAGE: column}) if made and column else frame


def paths_named(shown: pl.DataFrame) -> pl.DataFrame:
    """Rows as they are shown, without their pictures, with the paths of the pictures under the name they were given by."""
    kept = {name: name.removeprefix(_PATH).removesuffix(_END) for name in shown.columns if name.startswith(_PATH)}
    return shown.rename({name: given for name, given in kept.items() if given not in shown.columns})


def _path_column(column: str) -> str:
    """Where the paths of rows to be predicted stay when their pictures have taken the place of the paths in ``column``."""
    return f"{_PATH}{column}{_END}"


def _kept(content: bytes) -> bytes:
    """The bytes of a file as they are, or of the picture made smaller where both are large."""
    if len(content) <= _LARGE_FILE:
        return content
    try:
        image = open_picture(content, about=_LARGE_SIDE)
    except UnreadablePicture:
        return content
    if max(image.size) <= _LARGE_SIDE:
        return content
    image.thumbnail((_LARGE_SIDE, _LARGE_SIDE), Image.Resampling.LANCZOS)
    written = io.BytesIO()
    image.save(written, "JPEG", quality=95, subsampling=0)
    return written.getvalue()


def unreadable(values: pl.Series) -> dict[int, str]:
    """Positions of the pictures that cannot be read, each with the reason as a clause; null is no picture, and no fault.

    Args:
        values: bytes of picture files.
    """
    faults = {}
    for position, content in enumerate(values):
        if content is not None:
            try:
                open_picture(content, about=_GLANCE)
            except UnreadablePicture as error:
                faults[position] = str(error)
    return faults


def with_pictures(
    items: pl.DataFrame, source: str, column: str, base: Path, record: Record, quarantine: Quarantine, *, given: bool = False
) -> pl.DataFrame:
    """The rows with their pictures as bytes; a row whose picture cannot be read is set aside.

    Args:
        items: rows with a column of bytes, or of paths of files that start from ``base``.
        source: what the spec calls their source.
        column: the column of pictures.
        base: folder of the spec.
        record: what was done is added here.
        quarantine: rows whose picture cannot be read are added here, under ``PICTURE-UNREADABLE``.
        given: whether these are rows to be predicted: none is set aside, a warning says which have no picture, and paths stay
            beside the pictures, from where `paths_named` brings them back.

    Raises:
        InputError: ``DATA-IMAGE``, the column holds neither bytes nor paths.
    """
    pictures, faults = _loaded(items[column], base)
    faults |= unreadable(pictures)
    whole = items.with_columns(pictures.alias(column))
    if given and items.schema[column] == pl.String:
        whole = whole.insert_column(whole.get_column_index(column), items[column].alias(_path_column(column)))
    if not faults:
        return whole
    bad = pl.Series(range(items.height), dtype=pl.Int64).is_in(list(faults))
    if given:
        _warn(items, column, faults)
        return whole.with_columns(pl.when(~bad).then(pl.col(column)).alias(column))
    for reason in dict.fromkeys(faults.values()):
        rows = items[[position for position, own in faults.items() if own == reason]]
        said = f"its picture cannot be read: {reason}"
        quarantine.set_aside(source, rows, code="PICTURE-UNREADABLE", column=column, reason=said)
    text = f"{counted(len(faults), 'row')} of '{source}' set aside: the picture in '{column}' cannot be read"
    record.add("set_aside", text, source=source, column=column, rows=len(faults))
    return whole.filter(~bad)


def _loaded(values: pl.Series, base: Path) -> tuple[pl.Series, dict[int, str]]:
    """The pictures as bytes, and the positions of those that name no file."""
    if values.dtype == pl.Binary or values.null_count() == len(values):
        return values.cast(pl.Binary), {}
    if values.dtype != pl.String:
        given = f"data.image names '{values.name}', which holds values of type {values.dtype}"
        rule, fix = "pictures are bytes, or paths that start from the spec's folder", "name the column of pictures"
        raise InputError("DATA-IMAGE", given, rule, fix)
    contents: list[bytes | None] = []
    faults = {}
    for position, path in enumerate(values):
        file = None if path is None else base / path
        contents.append(_kept(file.read_bytes()) if file is not None and file.is_file() else None)
        if file is not None and contents[-1] is None:
            faults[position] = "no file has this name, seen from the spec's folder"
    return pl.Series(values.name, contents, dtype=pl.Binary), faults


def _warn(items: pl.DataFrame, column: str, faults: dict[int, str]) -> None:
    """One warning for each reason, with the rows it holds for."""
    numbers = items[ROW] if ROW in items.columns else pl.Series(range(1, items.height + 1), dtype=pl.Int64)
    files = _files(items, column)
    for reason in dict.fromkeys(faults.values()):
        places = [position for position, own in faults.items() if own == reason]
        rows = [f"{numbers[place]:,}" + (f" ({files[place]})" if files is not None else "") for place in places]
        what, row, it = ("pictures", "rows", "them") if len(rows) > 1 else ("picture", "row", "it")
        given = f"the {what} in '{column}' of {row} {listed(rows)} cannot be read ({reason})"
        rest = f"the {row} {'go' if len(rows) > 1 else 'goes'} on without {it}; export the {what} again"
        warnings.warn(InputWarning(f"{given}; {rest}"), stacklevel=3)


def _files(items: pl.DataFrame, column: str) -> pl.Series | None:
    """The name of each row's file: its path, or what a folder of pictures says of it."""
    return items[column] if items.schema[column] == pl.String else items.get_column(_FILE, default=None)
