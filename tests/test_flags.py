"""A class told by one flag column each becomes one target; what the flags leave open is told."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from sevenstep.data.intake import Intake, intake
from sevenstep.errors import InputError
from sevenstep.spec.sources import Data


def taken(tmp_path: Path, **columns: list[object]) -> Intake:
    pl.DataFrame(columns, strict=False).write_csv(tmp_path / "rows.csv")
    return intake(Data(source="rows.csv"), tmp_path, ("class",), flags=("dent", "scratch"), one_row_per_time=False)


def test_the_flag_that_is_set_is_the_class_and_the_flags_are_no_inputs(tmp_path: Path) -> None:
    found = taken(tmp_path, size=[1, 2, 3], dent=[1, 0, 1], scratch=[0, 1, 0])
    assert found.items.to_dict(as_series=False) == {"size": [1, 2, 3], "class": ["dent", "scratch", "dent"]}


def test_a_row_without_any_flag_value_waits_for_a_prediction(tmp_path: Path) -> None:
    found = taken(tmp_path, size=[1, 2], dent=[1, None], scratch=[0, None])
    assert found.items["class"].to_list() == ["dent", None]


def test_rows_with_no_flag_or_several_are_set_aside_with_the_reason(tmp_path: Path) -> None:
    found = taken(tmp_path, size=[1, 2, 3], dent=[1, 0, 1], scratch=[0, 0, 1])
    assert found.items.height == 1
    assert sorted(found.quarantine["reason"]) == ["no flag of the class is set", "several flags of the class are set"]


def test_a_flag_that_is_no_flag_is_named_with_its_value(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'dent' holds 7.*a flag is 0 or 1"):
        taken(tmp_path, dent=[7, 0], scratch=[0, 1])


def test_a_column_called_as_the_composed_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="rename 'class' in the source"):
        taken(tmp_path, **{"class": ["a", "b"], "dent": [1, 0], "scratch": [0, 1]})


def test_a_flag_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'scratch' is not a column"):
        taken(tmp_path, dent=[1, 0], size=[1, 2])
