"""Sources that are joined are typed once in a process, and read again when a file of theirs has changed."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from sevenstep.data import intake as intake_module
from sevenstep.data.intake import intake
from sevenstep.spec.sources import Data


def project(folder: Path) -> Data:
    """Rows with attributes in a file of their own, which was last changed a minute ago."""
    (folder / "rows.csv").write_text("shop,day,y\n1,2024-01-01,3\n2,2024-01-01,4\n")
    opened(folder, "1,2020-05-01\n2,2021-06-01\n", ago=60)
    return Data.model_validate(
        {
            "sources": {"rows": {"path": "rows.csv"}, "shops": {"path": "shops.csv", "on": ["shop"]}},
            "time": "day",
            "series": ["shop"],
        }
    )


def opened(folder: Path, lines: str, ago: float) -> None:
    path = folder / "shops.csv"
    path.write_text("shop,opened\n" + lines)
    then = path.stat().st_mtime - ago
    os.utime(path, (then, then))


def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the sources as they are read."""
    named: list[str] = []
    read = intake_module.read_source
    monkeypatch.setattr(intake_module, "read_source", lambda name, *rest, **more: named.append(name) or read(name, *rest, **more))
    return named


def test_a_joined_source_is_read_once_for_many_rows_to_be_predicted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, named = project(tmp_path), reads(monkeypatch)
    first, second = (intake(data, tmp_path, given=True).items for _ in range(2))
    assert named == ["shops", "rows", "rows"]
    assert first.equals(second)
    assert first.schema["opened"] == pl.Date
    assert first.equals(intake(data, tmp_path).items)


def test_a_joined_source_whose_file_has_changed_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, named = project(tmp_path), reads(monkeypatch)
    intake(data, tmp_path, given=True)
    opened(tmp_path, "1,2020-05-01\n2,2022-07-02\n", ago=30)
    later = intake(data, tmp_path, given=True).items
    assert named == ["shops", "rows", "shops", "rows"]
    assert [str(day) for day in later["opened"]] == ["2020-05-01", "2022-07-02"]


def test_a_file_that_may_be_changing_is_read_every_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, named = project(tmp_path), reads(monkeypatch)
    opened(tmp_path, "1,2020-05-01\n2,2021-06-01\n", ago=0)
    for _ in range(2):
        intake(data, tmp_path, given=True)
    assert named.count("shops") == 2


def test_rows_that_are_learnt_from_read_every_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, named = project(tmp_path), reads(monkeypatch)
    for _ in range(2):
        assert any(entry["column"] == "opened" for entry in intake(data, tmp_path).record)
    assert named.count("shops") == 2
