"""Pictures come in from folders, columns of bytes and columns of paths; one that cannot be read costs its row and no more."""

from __future__ import annotations

import os
import shutil
import struct
import time
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from picture_files import file_of, noise
from sevenstep.data.fingerprints import fingerprint_data, fingerprint_source
from sevenstep.data.intake import intake
from sevenstep.data.pictures import UnreadablePicture, open_picture, paths_named, unreadable, with_pictures
from sevenstep.data.quarantine import ROW, Quarantine
from sevenstep.data.record import Record
from sevenstep.data.sources import read_source
from sevenstep.engine.stat_cache import StatCache
from sevenstep.errors import InputError, InputWarning
from sevenstep.spec.brief import Brief, Seen
from sevenstep.spec.sources import Data, Source
from sevenstep.tasks.tabular.images.read import pixels, read_picture
from sevenstep.tasks.tabular.roles import find_roles
from sevenstep.tasks.tabular.section import Classification


def folder_of_pictures(folder: Path) -> Path:
    for number, label in enumerate(["scratch", "pit", "pit"]):
        (folder / label).mkdir(parents=True, exist_ok=True)
        (folder / label / f"{number}.png").write_bytes(file_of(noise(number)))
    return folder


def read(base: Path, path: str) -> pl.DataFrame:
    return read_source("parts", Source(path=(path,)), base, Record(), Quarantine())


def test_a_folder_of_folders_gives_a_row_a_picture_with_the_folder_as_its_label(tmp_path: Path) -> None:
    folder_of_pictures(tmp_path / "parts")
    frame = read(tmp_path, "parts/")
    assert frame.drop("image").to_dicts() == [
        {ROW: 1, "file": "pit/1.png", "label": "pit"},
        {ROW: 2, "file": "pit/2.png", "label": "pit"},
        {ROW: 3, "file": "scratch/0.png", "label": "scratch"},
    ]
    assert frame["image"].to_list() == [file_of(noise(number)) for number in (1, 2, 0)]


def test_a_folder_of_pictures_alone_has_no_label(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "a.JPG").write_bytes(file_of(noise(1), "JPEG"))
    (tmp_path / "parts" / ".hidden.png").write_bytes(b"")
    assert read(tmp_path, "parts").columns == [ROW, "file", "image"]
    assert read(tmp_path, "parts")["file"].to_list() == ["a.JPG"]


def test_a_single_picture_is_a_source_of_one_row(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(file_of(noise(1)))
    assert read(tmp_path, "a.png")["file"].to_list() == ["a.png"]


def test_tables_in_a_folder_come_before_pictures(tmp_path: Path) -> None:
    folder_of_pictures(tmp_path)
    (tmp_path / "labels.csv").write_text("file,label\na.png,pit\n", encoding="utf-8")
    assert read(tmp_path, ".").columns == [ROW, "file", "label"]


def test_an_empty_folder_says_what_it_may_hold(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="or pictures") as caught:
        read(tmp_path, ".")
    assert caught.value.code == "DATA-NO-FILE"


def test_the_hash_of_a_folder_knows_labels_and_pixels_and_not_its_place(tmp_path: Path) -> None:
    first = folder_of_pictures(tmp_path / "a")
    before = fingerprint_source(Source(path=("a",)), tmp_path, {})
    shutil.copytree(first, tmp_path / "b")
    assert fingerprint_source(Source(path=("b",)), tmp_path, {}) == before
    (first / "pit" / "1.png").rename(first / "scratch" / "1.png")
    moved = fingerprint_source(Source(path=("a",)), tmp_path, {})
    (first / "scratch" / "1.png").write_bytes(file_of(noise(9)))
    assert len({before, moved, fingerprint_source(Source(path=("a",)), tmp_path, {})}) == 3


def test_a_large_file_is_kept_small_and_looks_the_same(tmp_path: Path) -> None:
    smooth = np.add.outer(np.arange(1600), np.arange(1600)) * 255 / 3200
    (tmp_path / "large.bmp").write_bytes(file_of(smooth.astype(np.uint8), "BMP"))
    kept = read(tmp_path, "large.bmp")["image"][0]
    assert len(kept) < 300_000
    assert open_picture(kept).size == (1024, 1024)
    before, after = (read_picture(content).grey for content in ((tmp_path / "large.bmp").read_bytes(), kept))
    assert np.abs(before - after).max() < 0.02


def test_paths_of_a_column_start_from_the_spec_and_become_bytes(tmp_path: Path) -> None:
    folder_of_pictures(tmp_path / "parts")
    items = pl.DataFrame({"image": ["parts/pit/1.png", None], "x": [1, 2]})
    loaded = with_pictures(items, "parts", "image", tmp_path, Record(), Quarantine())
    assert loaded["image"].to_list() == [file_of(noise(1)), None]


def damaged() -> dict[str, bytes]:
    whole = file_of(noise(1), "JPEG")
    flipped = bytearray(file_of(noise(1)))
    flipped[200] ^= 255
    return {"cut off": whole[: len(whole) // 2], "no picture": b"id,label\n1,pit\n", "empty": b"", "flipped": bytes(flipped)}


@pytest.mark.parametrize("fault", damaged())
def test_a_damaged_picture_is_told(fault: str) -> None:
    with pytest.raises(UnreadablePicture, match=r"damaged|none of JPEG"):
        open_picture(damaged()[fault])
    assert list(unreadable(pl.Series([file_of(noise(1)), damaged()[fault], None]))) == [1]


def bomb(side: int) -> bytes:
    """A PNG of a few kilobytes with ``side`` times ``side`` black pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((side // 8 + 1) * 64), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [12_000, 60_000])
def test_a_picture_that_would_unfold_to_too_many_pixels_is_refused_before_it_does(side: int) -> None:
    before = time.perf_counter()
    with pytest.raises(UnreadablePicture, match=f"{side:,} x {side:,} pixels|decompression bomb"):
        open_picture(bomb(side))
    assert time.perf_counter() - before < 1


def test_a_format_that_holds_a_program_is_not_opened() -> None:
    with pytest.raises(UnreadablePicture, match="none of"):
        open_picture(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(id) system\n")


def test_rows_whose_pictures_cannot_be_read_are_set_aside_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "ok.png").write_bytes(file_of(noise(1)))
    (tmp_path / "bad.png").write_bytes(b"nothing")
    items = pl.DataFrame({"image": ["ok.png", "bad.png", "gone.png"], ROW: [1, 2, 3]})
    quarantine, record = Quarantine(), Record()
    kept = with_pictures(items, "parts", "image", tmp_path, record, quarantine)
    assert kept[ROW].to_list() == [1]
    aside = {row["row"]: row for row in quarantine.frame().to_dicts()}
    assert {row["code"] for row in aside.values()} == {"PICTURE-UNREADABLE"}
    assert "none of JPEG" in aside[2]["reason"] and "no file has this name" in aside[3]["reason"]
    assert "gone.png" in aside[3]["values"]
    assert record.entries[0]["rows"] == 2


def test_a_row_to_be_predicted_keeps_its_place_and_a_warning_names_it(tmp_path: Path) -> None:
    items = pl.DataFrame({"image": [file_of(noise(1)), b"nothing"], ROW: [1, 2]})
    quarantine = Quarantine()
    with pytest.warns(InputWarning, match=r"'image' of row 2 cannot be read .* without it") as told:
        kept = with_pictures(items, "parts", "image", tmp_path, Record(), quarantine, given=True)
    assert len(told) == 1
    assert kept["image"].to_list() == [file_of(noise(1)), None]
    assert quarantine.frame().is_empty()


def test_a_column_that_holds_no_pictures_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data.image names 'width', which holds values of type Int64") as caught:
        with_pictures(pl.DataFrame({"width": [1, 2]}), "parts", "width", tmp_path, Record(), Quarantine())
    assert caught.value.code == "DATA-IMAGE"


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF", "PPM", "WEBP"])
def test_every_format_gives_the_same_pixels(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    grey = noise(3)
    assert np.array_equal(np.asarray(open_picture(file_of(grey, kind, **options)).convert("L")), grey)


def test_sixteen_bits_become_the_upper_eight() -> None:
    deep = noise(3).astype(np.uint16) * np.uint16(256) + np.uint16(37)
    assert np.array_equal(np.asarray(open_picture(file_of(deep))), noise(3))


def test_a_picture_is_turned_upright_as_its_camera_says() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    turned = file_of(noise(4)[::-1, ::-1].copy(), "PNG", exif=exif)
    assert np.array_equal(np.asarray(open_picture(turned)), noise(4))


def test_pictures_of_any_size_and_colour_become_arrays_of_one_size() -> None:
    for content in (file_of(noise(1, 30)), file_of(noise(1, 500, colours=True), "JPEG")):
        picture = read_picture(content)
        assert picture.grey.shape == (192, 192) and picture.colour.shape == (192, 192, 3)
        assert picture.grey.dtype == np.float32 and picture.grey.min() >= 0 and picture.grey.max() <= 1
        assert pixels(content, 40).shape == (40, 40, 3)


def test_a_grey_picture_has_three_equal_colours() -> None:
    picture = read_picture(file_of(noise(1)))
    assert np.array_equal(picture.colour, np.repeat(picture.grey[:, :, None], 3, axis=2))


def named_shots(folder: Path) -> Data:
    """A table of three rows and two pictures, one of them named twice."""
    for seed in (1, 2):
        (folder / f"{seed}.png").write_bytes(file_of(noise(seed)))
    pl.DataFrame({"shot": ["1.png", "2.png", "1.png"], "y": [1, 2, 3]}).write_csv(folder / "shots.csv")
    return Data(source="shots.csv", image="shot")


def test_the_hash_of_the_data_knows_the_pictures_a_column_names(tmp_path: Path) -> None:
    data = named_shots(tmp_path)
    plain = data.model_copy(update={"image": None})
    before, table = fingerprint_data(data, tmp_path, {}), fingerprint_data(plain, tmp_path, {})
    assert list(before) == ["source", "data.image"] and list(table) == ["source"]
    (tmp_path / "2.png").write_bytes(file_of(noise(3)))
    replaced = fingerprint_data(data, tmp_path, {})
    (tmp_path / "2.png").unlink()
    gone = fingerprint_data(data, tmp_path, {})
    assert len({found["data.image"] for found in (before, replaced, gone)}) == 3
    assert {found["source"] for found in (before, replaced, gone)} == {table["source"]}


def test_unchanged_pictures_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, cache = named_shots(tmp_path), StatCache(tmp_path / "stat-cache.json")
    for path in tmp_path.iterdir():
        os.utime(path, (1, 1))
    before = fingerprint_data(data, tmp_path, cache)
    cache.save()
    reads: list[str] = []
    monkeypatch.setattr("hashlib.file_digest", lambda file, kind: reads.append(file.name))
    monkeypatch.setattr("sevenstep.data.sources.read_source", lambda *given: reads.append("the table"))
    assert fingerprint_data(data, tmp_path, StatCache(tmp_path / "stat-cache.json")) == before
    assert reads == []


def test_a_folder_of_pictures_is_read_once_for_its_hash_whatever_the_spec_calls_its_pictures(tmp_path: Path) -> None:
    folder_of_pictures(tmp_path / "parts")
    assert list(fingerprint_data(Data(source="parts", image="image"), tmp_path, {})) == ["source"]
    taken = intake(Data(source="parts", image="shot"), tmp_path, ("label",))
    assert taken.items.columns == ["file", "label", "shot"]


def test_the_name_of_a_picture_is_no_input(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / "parts" / ("scratch", "pit")[number % 2]).mkdir(parents=True, exist_ok=True)
        (tmp_path / "parts" / ("scratch", "pit")[number % 2] / f"{number}.png").write_bytes(file_of(noise(number)))
    taken = intake(Data(source="parts"), tmp_path, ("label",))
    twice = pl.concat([taken.items, taken.items]).with_columns(pl.lit("shots/pit_1.JPG").alias("origin"))
    brief = Brief(
        {"data": Data(source="parts"), "targets": ("label",), "flags": ()}, Seen(Classification(), ("split", "positive", "costs"))
    )
    for items in (taken.items, twice):
        _, facts = find_roles(items, brief, {}, classes=True)
        assert facts["kinds"]["value"] == {"image": "picture"}
        assert "names the picture's file" in facts["left_out"]["value"]["file"]


def test_an_embedding_without_pictures_is_told() -> None:
    items = pl.DataFrame({"width": [1.5, 2.5] * 20, "label": ["pit", "scratch"] * 20})
    data = Data(source="parts.csv", embedding="encoder")
    brief = Brief({"data": data, "targets": ("label",), "flags": ()}, Seen(Classification(), ("split", "positive", "costs")))
    with pytest.raises(InputError, match=r"data.embedding names 'encoder', and no column holds pictures") as caught:
        find_roles(items, brief, {}, classes=True)
    assert caught.value.code == "EMBEDDING-NO-PICTURES"


def test_warnings_of_rows_to_be_predicted_are_one_for_each_reason(tmp_path: Path) -> None:
    items = pl.DataFrame({"image": ["gone.png", "gone too.png", None], ROW: [1, 2, 3]})
    with pytest.warns(InputWarning, match=r"pictures in 'image' of rows 1 \(gone.png\), 2 \(gone too.png\) cannot") as told:
        kept = with_pictures(items, "parts", "image", tmp_path, Record(), Quarantine(), given=True)
    assert len(told) == 1
    assert kept["image"].null_count() == 3
    assert paths_named(kept.drop("image")).equals(items), "their paths come back under the name they were given by"


def test_a_picture_is_watched_once_the_source_is_read_as_it_is_meant(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"one")
    (tmp_path / "rows.txt").write_text("shot;y\na.png;1\n" + "x" * 5000 + ";2\n")
    cache: dict[tuple[str, int, int], str] = {}
    wrong, right = (Data(source="rows.txt", format="csv", encoding=name, image="shot") for name in ("utf-16", "utf-8"))
    with suppress(InputError):
        fingerprint_data(wrong, tmp_path, cache)
    before = fingerprint_data(right, tmp_path, cache)["data.image"]
    (tmp_path / "a.png").write_bytes(b"another")
    assert fingerprint_data(right, tmp_path, cache)["data.image"] != before
