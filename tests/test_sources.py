"""Sources are read whatever their format, encoding and place, and a fault in one is told in a sentence."""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import fsspec
import polars as pl
import pytest
from fsspec.registry import known_implementations
from polars.testing import assert_frame_equal

from sevenstep.data.fingerprints import StatCache, fingerprint_source
from sevenstep.data.quarantine import ROW, Quarantine
from sevenstep.data.record import Record
from sevenstep.data.sources import read_source
from sevenstep.errors import InputError
from sevenstep.spec.sources import FromEnvironment, Source

ORDERS = pl.DataFrame({"day": [date(2024, 1, 1), date(2024, 1, 2)], "city": ["Köln", "Bonn"], "orders": [12, 7]})
AS_TEXT = [{"day": "2024-01-01", "city": "Köln", "orders": "12"}, {"day": "2024-01-02", "city": "Bonn", "orders": "7"}]


def read(base: Path, record: Record | None = None, quarantine: Quarantine | None = None, **parts: Any) -> pl.DataFrame:
    return read_source("orders", Source(**parts), base, record or Record(), quarantine or Quarantine()).drop(ROW)


def refused(base: Path, code: str, **parts: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(base, **parts)
    assert caught.value.code == code
    return caught.value.sentence()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_text_file_is_read_with_the_delimiter_it_has(tmp_path: Path, delimiter: str) -> None:
    ORDERS.write_csv(tmp_path / "orders.csv", separator=delimiter)
    assert read(tmp_path, path="orders.csv").to_dicts() == AS_TEXT


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_a_text_file_is_read_in_the_encoding_it_has(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "orders.csv").write_bytes(ORDERS.write_csv().encode(encoding))
    assert read(tmp_path, path="orders.csv").to_dicts() == AS_TEXT


@pytest.mark.parametrize("encoding", ["cp949", "euc-kr"])
def test_korean_text_of_before_unicode_is_told_from_western_text(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "ko.csv").write_bytes("지점,매출\n서울,12\n부산,7\n".encode(encoding))
    record = Record()
    assert read(tmp_path, record, path="ko.csv").to_dicts() == [{"지점": "서울", "매출": "12"}, {"지점": "부산", "매출": "7"}]
    assert record.entries[0]["encoding"] == "cp949"


def test_western_text_that_cp949_would_accept_is_not_taken_for_korean(tmp_path: Path) -> None:
    content = "name,n\nÄrger,1\nÄrzte,2\n".encode("latin-1")
    content.decode("cp949")  # would pass
    (tmp_path / "de.csv").write_bytes(content)
    assert read(tmp_path, path="de.csv")["name"].to_list() == ["Ärger", "Ärzte"]


def test_an_encoding_the_file_is_not_in_is_refused_with_the_one_it_is_in(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_bytes("city,n\nKöln,1\n".encode("cp1252"))
    assert "set encoding: cp1252" in refused(tmp_path, "DATA-ENCODING", path="orders.csv", encoding="utf-8")
    assert "set encoding: cp1252" in refused(tmp_path, "DATA-ENCODING", path="orders.csv", encoding="utf8x")


def test_a_wrong_delimiter_is_told_with_the_right_one(tmp_path: Path) -> None:
    ORDERS.write_csv(tmp_path / "orders.csv", separator=";")
    said = refused(tmp_path, "DATA-DELIMITER", path="orders.csv", delimiter=",")
    assert "one column, 'day;city;orders'" in said
    assert "set delimiter: ';'" in said


def test_an_unusual_delimiter_is_suggested(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("day^orders\n2024-01-01^12\n")
    assert "set delimiter: '^'" in refused(tmp_path, "DATA-DELIMITER", path="orders.csv")


def test_a_delimiter_inside_quotes_is_part_of_the_value(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text('name;n\n"a;b";1\n"c, d, e, f";2\n')
    assert read(tmp_path, path="orders.csv")["name"].to_list() == ["a;b", "c, d, e, f"]


def test_a_stray_ragged_line_is_set_aside_with_its_number(tmp_path: Path) -> None:
    lines = ["a,b"] + [f"{n},{n}" for n in range(200)] + ["1,2,3"] + ["9,9"]
    (tmp_path / "x.csv").write_text("\n".join(lines))
    quarantine = Quarantine()
    assert read(tmp_path, quarantine=quarantine, path="x.csv").height == 201
    aside = quarantine.frame().row(0, named=True)
    assert (aside["row"], aside["code"], aside["values"]) == (202, "DATA-RAGGED", "1,2,3")
    assert aside["reason"] == "line 202 has 3 fields where the header has 2"


def test_a_file_of_ragged_lines_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n" + "1,2\n" * 5 + "1,2,3\n" * 5)
    said = refused(tmp_path, "DATA-RAGGED", path="x.csv")
    assert "5 ragged lines beside 5 good ones" in said
    assert "line 7 has 3 fields where the header has 2" in said


@pytest.mark.parametrize("name", ["orders.csv", "orders.json", "orders.csv.gz"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(b"") if name.endswith("gz") else b" \n")
    assert f"'{name}' is empty" in refused(tmp_path, "DATA-EMPTY", path=name)


def test_a_header_without_rows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("day,orders\n")
    assert "has a header and no rows" in refused(tmp_path, "DATA-NO-ROWS", path="orders.csv")


def test_a_header_that_names_a_column_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("day,n,n\n1,2,3\n")
    assert "names column 'n' 2 times" in refused(tmp_path, "DATA-HEADER", path="orders.csv")


def test_column_names_lose_stray_spaces_and_byte_order_marks(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_bytes("\ufeff day , orders \n1,2\n".encode())
    assert read(tmp_path, path="orders.csv").columns == ["day", "orders"]


def test_a_missing_file_is_named_with_the_one_probably_meant(tmp_path: Path) -> None:
    ORDERS.write_csv(tmp_path / "orders.csv")
    assert "did you mean 'orders.csv'?" in refused(tmp_path, "DATA-NO-FILE", path="order.csv")
    assert "there is no folder 'nowhere'" in refused(tmp_path, "DATA-NO-FILE", path="nowhere/orders.csv")


def test_an_unknown_format_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "orders.pdf").write_text("x")
    assert "unknown format '.pdf'" in refused(tmp_path, "DATA-FORMAT", path="orders.pdf")


def test_a_parquet_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "orders.parquet").write_text("day,orders\n")
    assert "cannot be read as Parquet" in refused(tmp_path, "DATA-BROKEN", path="orders.parquet")


def test_a_gz_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "orders.csv.gz").write_text("day,orders\n")
    assert "cannot be unpacked" in refused(tmp_path, "DATA-PACKED", path="orders.csv.gz")


def test_every_format_gives_the_same_rows(tmp_path: Path) -> None:
    texts = ORDERS.with_columns(pl.col("day").cast(pl.String))
    rows = texts.to_dicts()
    texts.write_parquet(tmp_path / "o.parquet")
    texts.write_ipc(tmp_path / "o.arrow")
    texts.write_excel(tmp_path / "o.xlsx")
    (tmp_path / "o.json").write_text(json.dumps(rows))
    (tmp_path / "wrapped.json").write_text(json.dumps({"page": 1, "rows": rows}))
    (tmp_path / "o.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    (tmp_path / "lines.json").write_text("\n".join(json.dumps(row) for row in rows))
    (tmp_path / "o.jsonl.gz").write_bytes(gzip.compress("\n".join(json.dumps(row) for row in rows).encode()))
    for name in ("o.parquet", "o.arrow", "o.xlsx", "o.json", "wrapped.json", "o.jsonl", "lines.json", "o.jsonl.gz"):
        assert read(tmp_path, path=name).to_dicts() == rows, name


def test_a_broken_line_of_json_is_told_with_its_number(tmp_path: Path) -> None:
    (tmp_path / "o.jsonl").write_text('{"a": 1}\n{"a": }\n')
    assert "no JSON at line 2" in refused(tmp_path, "DATA-JSON", path="o.jsonl")


def test_json_that_is_no_list_of_objects_is_refused(tmp_path: Path) -> None:
    (tmp_path / "o.json").write_text("[1, 2]")
    assert "something other than a list of objects" in refused(tmp_path, "DATA-JSON", path="o.json")


def test_a_sheet_that_is_not_there_is_named_with_the_one_probably_meant(tmp_path: Path) -> None:
    ORDERS.write_excel(tmp_path / "o.xlsx", worksheet="Orders 2024")
    assert "did you mean 'Orders 2024'?" in refused(tmp_path, "DATA-SHEET", path="o.xlsx", sheet="orders2024")


def test_several_files_become_one_table_with_columns_by_name(tmp_path: Path) -> None:
    ORDERS.write_parquet(tmp_path / "past.parquet")
    ORDERS.select("city", "day").write_parquet(tmp_path / "future.parquet")
    record = Record()
    table = read(tmp_path, record, path=["past.parquet", "future.parquet"])
    assert table["orders"].to_list() == [12, 7, None, None]
    assert table["city"].to_list() == ["Köln", "Bonn"] * 2
    assert [entry["absent"] for entry in record.entries if entry["what"] == "stacked"] == [[], ["orders"]]


def test_a_folder_and_a_pattern_are_read_in_the_order_of_names(tmp_path: Path) -> None:
    for month in (2, 1):
        pl.DataFrame({"month": [month]}).write_csv(tmp_path / f"m{month}.csv")
    (tmp_path / "notes.md").write_text("no data")
    assert read(tmp_path, path=".")["month"].to_list() == ["1", "2"]
    assert read(tmp_path, path="m*.csv")["month"].to_list() == ["1", "2"]


def test_files_that_disagree_about_a_type_are_joined_as_text(tmp_path: Path) -> None:
    pl.DataFrame({"when": [date(2024, 1, 1)]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"when": [7]}).write_parquet(tmp_path / "b.parquet")
    assert read(tmp_path, path=["a.parquet", "b.parquet"])["when"].to_list() == ["2024-01-01", "7"]


def test_a_column_asked_for_that_is_not_there_is_named(tmp_path: Path) -> None:
    ORDERS.write_csv(tmp_path / "orders.csv")
    said = refused(tmp_path, "DATA-NO-COLUMN", path="orders.csv", columns=["order"])
    assert "did you mean 'orders'?" in said


@pytest.fixture
def database(tmp_path: Path) -> Path:
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.execute("CREATE TABLE orders (city TEXT, n INTEGER)")
    connection.executemany("INSERT INTO orders VALUES (?, ?)", [("Köln", 12), ("Bonn", None)])
    connection.commit()
    connection.close()
    return tmp_path


def test_a_query_is_read_relative_to_the_spec(database: Path) -> None:
    rows = [{"city": "Köln", "n": 12}, {"city": "Bonn", "n": None}]
    assert read(database, url="sqlite:///shop.db", query="SELECT city, n FROM orders").to_dicts() == rows
    assert read(database, url="sqlite:///shop.db", query="orders").to_dicts() == rows


def test_the_url_of_a_database_is_read_from_the_environment(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_URL", "sqlite:///shop.db")
    assert read(database, url=FromEnvironment(env="SHOP_URL"), query="orders").height == 2
    monkeypatch.delenv("SHOP_URL")
    assert "'SHOP_URL' is not set" in refused(database, "SPEC-ENV-MISSING", url=FromEnvironment(env="SHOP_URL"), query="orders")


def test_an_unknown_table_is_named_with_the_one_probably_meant(database: Path) -> None:
    said = refused(database, "DATA-SQL", url="sqlite:///shop.db", query="SELECT * FROM order_s")
    assert "no table 'order_s'" in said
    assert "did you mean 'orders'?" in said


def test_a_query_that_fails_is_told_in_the_words_of_the_database(database: Path) -> None:
    said = refused(database, "DATA-SQL", url="sqlite:///shop.db", query="SELECT nope FROM orders")
    assert "no such column: nope" in said


def test_a_query_that_writes_is_refused_and_writes_nothing(database: Path) -> None:
    assert "starts with 'DELETE'" in refused(database, "DATA-SQL-WRITES", url="sqlite:///shop.db", query="DELETE FROM orders")
    assert read(database, url="sqlite:///shop.db", query="orders").height == 2


def test_a_database_that_is_not_there_is_not_created(tmp_path: Path) -> None:
    refused(tmp_path, "DATA-NO-FILE", url="sqlite:///none.db", query="orders")
    assert not (tmp_path / "none.db").exists()


def test_a_database_without_a_driver_is_refused(tmp_path: Path) -> None:
    assert "driver" in refused(tmp_path, "DATA-NO-BACKEND", url="nosuchdb://host/x", query="orders")


def test_a_remote_file_is_read_through_fsspec(tmp_path: Path) -> None:
    with fsspec.open("memory://shop/orders.csv", "wb") as file:
        file.write(ORDERS.write_csv().encode())
    assert read(tmp_path, path="memory://shop/orders.csv").to_dicts() == AS_TEXT
    assert read(tmp_path, path="memory://shop/*.csv").to_dicts() == AS_TEXT
    assert "there is nothing at" in refused(tmp_path, "DATA-NO-FILE", path="memory://shop/none.csv")


def test_a_file_url_is_a_local_file(tmp_path: Path) -> None:
    ORDERS.write_parquet(tmp_path / "o.parquet")
    assert_frame_equal(read(tmp_path, path=f"file://{tmp_path}/o.parquet"), ORDERS)


def test_an_unknown_scheme_is_named_with_the_one_probably_meant(tmp_path: Path) -> None:
    assert "did you mean 'memory'?" in refused(tmp_path, "DATA-NO-BACKEND", path="memry://x.csv")


def test_a_store_whose_package_is_absent_says_which_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(known_implementations, "faraway", {"class": "no_such_package.System", "err": "Install no_such_package"})
    assert "Install no_such_package" in refused(tmp_path, "DATA-NO-BACKEND", path="faraway://x.csv")


def settled(path: Path) -> None:
    """Make a file look as if it had been written long ago."""
    long_ago = time.time() - 3600
    os.utime(path, (long_ago, long_ago))


def test_a_fingerprint_changes_with_the_content_and_with_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("a\n1\n")
    source = Source(path=("orders.csv",))
    first = fingerprint_source(source, tmp_path, {})
    settled(path)
    assert fingerprint_source(source, tmp_path, {}) == first
    path.write_text("a\n2\n")
    assert fingerprint_source(source, tmp_path, {}) != first


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("a\n1\n")
    settled(path)
    cache: StatCache = {}
    source = Source(path=("orders.csv",))
    first = fingerprint_source(source, tmp_path, cache)
    (key,) = cache
    assert fingerprint_source(source, tmp_path, cache) == first
    cache[key] = "0" * 64
    assert fingerprint_source(source, tmp_path, cache) != first


def test_a_file_still_being_written_is_not_trusted_to_its_time_stamp(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("a\n1\n")
    cache: StatCache = {}
    fingerprint_source(Source(path=("orders.csv",)), tmp_path, cache)
    assert cache == {}


def test_the_fingerprint_of_a_query_follows_its_rows_but_not_their_order(database: Path) -> None:
    def of(query: str) -> str:
        return fingerprint_source(Source(url="sqlite:///shop.db", query=query), database, {})

    assert of("SELECT * FROM orders ORDER BY city") == of("SELECT * FROM orders ORDER BY city DESC")
    assert of("SELECT * FROM orders") != of("SELECT * FROM orders WHERE n > 0")


def test_the_fingerprint_of_a_remote_file_follows_its_content(tmp_path: Path) -> None:
    source = Source(path=("memory://prints/a.csv",))
    prints = []
    for content in (b"a\n1\n", b"a\n23\n"):
        with fsspec.open("memory://prints/a.csv", "wb") as file:
            file.write(content)
        prints.append(fingerprint_source(source, tmp_path, {}))
    assert prints[0] != prints[1]
    assert fingerprint_source(source, tmp_path, {}) == prints[1]


def test_fingerprints_are_taken_without_loading_polars() -> None:
    program = "import sys, sevenstep.data.fingerprints; sys.exit('polars' in sys.modules or 'fsspec' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
