"""Rows a forecast model has no experience with: what is forecast for them, and that it is said what that is worth."""

from __future__ import annotations

import warnings
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from forecast_worlds import START, facts, plain_recipe
from sevenstep.data.dataset import Dataset, Roles
from sevenstep.errors import InputError, InputWarning
from sevenstep.tasks.forecast.model import ForecastModel
from small_projects import SPEC, project, rows, sevenstep, table
from test_forecast_model import BOUNDS, HORIZON, OPEN_DAY, model_of, open_rows, shop_model

DAYS = 70


def said(model: ForecastModel, asked: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """The forecasts, and what was warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = model.predict(asked)
    assert {warning.category for warning in caught} <= {InputWarning}
    return found, [str(warning.message) for warning in caught]


def two_kinds() -> tuple[ForecastModel, pl.DataFrame]:
    """A model of rules alone for two large and two small series with a week, and the asked rows of a new small one."""
    kinds = {"big1": 900.0, "big2": 1100.0, "small1": 9.0, "small2": 11.0}
    table = [(name, name[:-1], START + timedelta(day), size + day % 7) for name, size in kinds.items() for day in range(DAYS)]
    items = pl.DataFrame(table, schema=["id", "kind", "day", "y"], orient="row")
    data = Dataset({"items": items}, Roles(("y",), "day", keys=("id",), static=("kind",), segments=("kind",)), facts())
    model = model_of(data, {"seasonal_naive": 1.0}, plain_recipe(HORIZON))
    asked = pl.DataFrame({"id": "new", "kind": "small", "day": [START + timedelta(DAYS + step) for step in range(10)]})
    return model, asked


# Series without a history -----------------------------------------------------------------------------------------------------


def test_a_new_series_no_member_can_tell_gets_the_usual_value_of_its_segment_and_says_so() -> None:
    model, asked = two_kinds()
    found, told = said(model, asked)
    shift = model.calibration["y"]["shift"]
    expected = [shift * (10.0 + (DAYS + step) % 7) for step in range(10)]  # the mean of small1 and small2 on that weekday
    np.testing.assert_allclose(found["prediction"], expected, rtol=1e-9)
    assert found.select(pl.all_horizontal(pl.col("prediction", *BOUNDS).is_finite().all())).item()
    assert any("10 of 10 forecasts of y are the usual value of comparable series" in text for text in told)
    assert any("10 of 10 rows are of series that were not there in training (new)" in text for text in told)


def test_without_a_segment_the_usual_value_is_that_of_all_series() -> None:
    model, asked = two_kinds()
    found, _ = said(model, asked.with_columns(pl.lit("huge").alias("kind")))
    expected = [model.calibration["y"]["shift"] * (505.0 + (DAYS + step) % 7) for step in range(10)]
    np.testing.assert_allclose(found["prediction"], expected, rtol=1e-9)


def test_the_usual_value_sees_nothing_after_the_origin_of_its_row() -> None:
    model, asked = two_kinds()
    early = asked.with_columns(pl.col("day") - timedelta(20))
    before, _ = said(model, early)
    later = pl.when(pl.col("day") >= early["day"][0]).then(1e6).otherwise(pl.col("y"))
    poisoned = replace(model.history, tables={"items": model.history.items.with_columns(later.alias("y"))})
    after, _ = said(replace(model, history=poisoned), early)
    assert after["prediction"][0] == before["prediction"][0]


def test_what_nobody_can_tell_is_null_and_counted() -> None:
    model, asked = two_kinds()
    recent = model.history.items.filter(pl.col("id") == "big1").tail(1)
    bare = replace(model, history=replace(model.history, tables={"items": recent}))
    found, told = said(bare, asked)
    empty = found["prediction"].null_count()
    assert empty > 0
    assert found["prediction"].drop_nulls().is_finite().all()
    assert any(f"{empty} of 10 forecasts of y are empty: no series has a value to forecast from" in text for text in told)


def test_a_forecast_that_is_no_members_is_not_explained_as_one() -> None:
    model, asked = two_kinds()
    grown = model.refresh(asked.with_columns(pl.lit(None, pl.Float64).alias("y")))
    with pytest.raises(InputError, match="EXPLAIN-NO-HISTORY"):
        grown.explain({"id": "new", "day": str(asked["day"][0])})


# What is said -----------------------------------------------------------------------------------------------------------------


def test_rows_that_were_judged_are_forecast_without_a_word() -> None:
    model = shop_model("seasonal_naive")
    assert said(model, open_rows(model))[1] == []


def test_rows_beyond_the_horizon_are_counted() -> None:
    model = shop_model("seasonal_naive")
    far = open_rows(model).with_columns(pl.col("day") + timedelta(10))
    (told,) = said(model, far)[1]
    beyond = far.filter(pl.col("day") > OPEN_DAY + timedelta(HORIZON - 1)).height
    assert told.startswith(
        f"{beyond} of {len(far)} rows are beyond the horizon of {HORIZON} the model was judged at, up to 24 steps"
    )
    assert "too narrow" in told


def test_open_rows_are_forecast_once_however_often_they_are_asked_for() -> None:
    model = shop_model("seasonal_naive")
    assert model.predict() is model.predict()


# On the command line ----------------------------------------------------------------------------------------------------------


def test_doubts_are_told_on_the_error_stream_and_no_file_holds_nan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEVENSTEP_CORES", "1")
    folder = project(tmp_path / "small")
    assert sevenstep("run", folder, "--quiet").code == 0
    asked = [{"shop": "d", "day": f"2024-05-{day:02}", "promo": 0, "price": 1.5} for day in range(1, 21)]
    (tmp_path / "asked.csv").write_text(table(asked), encoding="utf-8")
    told = sevenstep("predict", folder, "--input", tmp_path / "asked.csv", "--output", tmp_path / "out.csv")
    assert told.code == 0
    lines = told.err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["warning"] * 3
    assert "14 of 20 rows are beyond the horizon of 7" in lines[0]
    assert "20 of 20 rows are of series that were not there in training (d)" in lines[1]
    assert "20 of 20 forecasts of sales are the usual value of comparable series" in lines[2]
    assert pl.read_csv(tmp_path / "out.csv")["prediction"].is_finite().all()
    assert "NaN" not in (tmp_path / "out.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(("ahead", "said_of"), [(7, "rows of the data that wait for one"), (0, "in which no row waits for one")])
def test_the_last_step_says_whether_rows_waited(
    ahead: int, said_of: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEVENSTEP_CORES", "1")
    given = [row | {"sales": ""} if row["day"] == "2024-02-10" and row["shop"] == "a" else row for row in rows(ahead=ahead)]
    folder = project(tmp_path / "small", table(given), spec=SPEC.replace(", known_ahead: [promo, price]", ""))
    assert sevenstep("run", folder, "--quiet").code == 0
    told = sevenstep("show", folder, "operate", "--json").out
    assert f"It made 21 predictions, for {'what comes after the data, ' if not ahead else ''}{said_of}." in told
