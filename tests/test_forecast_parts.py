"""Very many series: dealt out in parts, learnt from in one, forecast in all; what is kept in mind per row stays small."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from math import gcd
from pathlib import Path

import polars as pl
import pytest

from forecast_worlds import brief_of, shop_data, shops
from sevenstep import Project
from sevenstep.data import vast
from sevenstep.data.dataset import Dataset
from sevenstep.data.parts import PART, dealt_out
from sevenstep.data.vast import in_order, stretches, thinned
from sevenstep.errors import InputError
from sevenstep.spec.brief import Brief, Seen
from sevenstep.tasks.forecast import parting
from sevenstep.tasks.forecast.model import ForecastModel
from sevenstep.tasks.forecast.parting import in_parts
from sevenstep.tasks.forecast.section import Forecast
from sevenstep.tasks.forecast.whatif import what_if
from small_projects import project, sevenstep
from test_forecast_model import DAYS, HORIZON, model_of, shop_recipe

SERIES, COUNT = 7, 3
WHOLE = shops(series=SERIES, days=DAYS, ahead=HORIZON)


def parted() -> Dataset:
    data = shop_data(WHOLE)
    first, parts = dealt_out(data.items, data.roles.keys, COUNT)
    return replace(data.of_items(first), parts=parts)


@pytest.fixture(scope="module")
def model() -> ForecastModel:
    return model_of(parted(), {"boosting_log": 0.6, "seasonal_naive": 0.4}, shop_recipe(HORIZON))


def alone(model: ForecastModel, number: int) -> ForecastModel:
    """The same members and calibration with the history of one part alone."""
    return replace(model, history=model.history.part(number))


def values(made: pl.DataFrame) -> pl.DataFrame:
    return made.select("shop", "day", "target", "prediction").sort("shop", "day", "target")


def test_keys_are_dealt_out_in_turn_and_every_row_is_in_one_part() -> None:
    data = parted()
    assert data.parts is not None
    rows = pl.concat([data.part(number).items for number in range(COUNT)])
    assert rows.sort("shop", "day").equals(WHOLE.sort("shop", "day"))
    assert data.items["shop"].unique().sort().to_list() == ["s00", "s03", "s06"]
    assert data.parts.keys.sort("shop")[PART].to_list() == [number % COUNT for number in range(SERIES)]


@pytest.mark.parametrize("size", [8, 16, 1 << 22])
def test_how_keys_are_dealt_out_does_not_hang_on_the_stretches_rows_are_read_in(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    table = pl.DataFrame({"key": [None] + ["a"] * 7 + ["b"] * 8 + ["c"] + ["d"] * 20, "value": range(37)})
    monkeypatch.setattr("sevenstep.data.parts.stretches", lambda rows: stretches(rows, size))
    _, parts = dealt_out(table, ["key"], 2)
    assert [parts.read(number)["key"].unique(maintain_order=True).to_list() for number in range(2)] == [
        [None, "b", "d"],
        ["a", "c"],
    ]


def test_few_rows_stay_together_and_so_does_a_hierarchy(monkeypatch: pytest.MonkeyPatch) -> None:
    data = shop_data(WHOLE)
    assert in_parts(data, brief_of()) is data
    monkeypatch.setattr(parting, "MOST_ROWS", len(WHOLE) - 1)
    monkeypatch.setattr(parting, "PART_ROWS", len(WHOLE) // COUNT)
    levels = Brief({}, Seen(Forecast(horizon=HORIZON, hierarchy=(("shop",),)), ("hierarchy",)))
    assert in_parts(data, levels) is data
    made = in_parts(data, brief_of())
    assert made.parts is not None and made.parts.count == COUNT + 1


def test_a_data_set_in_parts_reads_back_as_it_was_written(tmp_path: Path) -> None:
    parted().save(tmp_path)
    back = Dataset.load(tmp_path)
    assert back.parts is not None
    for number in range(COUNT):
        assert back.part(number).items.equals(parted().part(number).items)


def test_every_series_is_forecast_as_its_part_alone_forecasts_it(model: ForecastModel) -> None:
    made = model.predict()
    assert made["shop"].n_unique() == SERIES
    assert len(made) == SERIES * HORIZON
    each = pl.concat([alone(model, number).predict() for number in range(COUNT)])
    assert values(made).equals(values(each))
    outlook = model.outlook(leads=[1, 2])
    assert len(outlook) == 2 * SERIES and outlook["lead"].unique().sort().to_list() == [1, 2]


def test_series_of_other_parts_are_no_new_ones_and_a_new_one_is(model: ForecastModel, recwarn: pytest.WarningsRecorder) -> None:
    model.predict()
    assert not [one for one in recwarn if "not there in training" in str(one.message)]
    new = WHOLE.filter(pl.col("shop") == "s01").with_columns(pl.lit("zz").alias("shop"))
    with pytest.warns(UserWarning, match=r"not there in training \(zz\)"):
        made = model.predict(new)
    assert made["shop"].unique().to_list() == ["zz"]


def test_rows_given_come_back_in_their_order(model: ForecastModel) -> None:
    rows = WHOLE.filter(pl.col("y").is_null()).drop("y", "visitors").sample(fraction=1.0, shuffle=True, seed=3)
    made = model.predict(rows)
    assert made.select("shop", "day").equals(rows.select("shop", "day"))
    assert values(made).equals(values(model.predict()))
    with pytest.raises(InputError, match="PREDICT-NO-ROWS"):
        model.predict(WHOLE.filter(pl.col("y").is_not_null()))


def test_newer_observations_reach_the_part_of_their_series_and_survive_saving(model: ForecastModel, tmp_path: Path) -> None:
    newer = WHOLE.filter(pl.col("y").is_null()).sort("day").head(SERIES).with_columns(pl.lit(1000.0).alias("y"))
    grown = model.refresh(newer)
    grown.save(tmp_path)
    for one in (grown, ForecastModel.load(tmp_path)):
        every = pl.concat([one.history.part(number).items for number in range(COUNT)])
        found = every.join(newer.select("shop", "day"), on=["shop", "day"])
        assert found["y"].to_list() == [1000.0] * SERIES
        assert values(one.predict()).equals(values(grown.predict()))
    assert len(grown.predict()) == SERIES * (HORIZON - 1)


def test_forecasts_of_all_parts_are_judged_and_no_two_series_share_a_number(model: ForecastModel) -> None:
    made = model.outlook(leads=[1]).with_columns(pl.lit(1000.0).alias("truth"))
    newer = made.select("shop", "day").with_columns(pl.lit(1000.0).alias("y"))
    scores = model.refresh(newer).judge(made).frame
    assert len(scores) == SERIES and scores["cluster"].n_unique() == SERIES and scores["item"].n_unique() == SERIES
    assert sorted(scores["prediction"].to_list()) == sorted(made["prediction"].to_list())


def test_a_forecast_of_any_part_can_be_explained(model: ForecastModel) -> None:
    ahead = model.predict().filter(pl.col("shop") == "s02").row(0, named=True)
    (told,) = model.explain({"shop": "s02", "day": ahead["day"]})
    assert told.prediction == pytest.approx(ahead["prediction"])
    with pytest.raises(InputError):
        model.explain({"shop": "nowhere", "day": ahead["day"]})


def test_what_if_is_asked_of_the_parts_that_hold_the_series(model: ForecastModel) -> None:
    whole = what_if(model, {"promotion": True}, {}, None, None)
    assert whole.rows["shop"].n_unique() == SERIES and whole.totals["rows"].to_list() == [SERIES * HORIZON]
    each = [what_if(model, {"promotion": True}, {"shop": shop}, None, None) for shop in whole.rows["shop"].unique().sort()]
    assert values(pl.concat([one.rows for one in each])).equals(values(whole.rows))
    with pytest.raises(InputError, match="WHATIF-NO-ROWS"):
        what_if(model, {"promotion": True}, {"shop": "nowhere"}, None, None)


def test_order_is_told_as_sorting_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vast, "stretches", lambda rows: stretches(rows, 8))
    chance = random.Random(1)
    for _ in range(200):
        rows = [(chance.choice("ab"), chance.randint(0, 9)) for _ in range(chance.randint(0, 30))]
        rows = sorted(rows) if chance.random() < 0.7 else rows
        table = pl.DataFrame(rows, schema={"key": pl.String, "at": pl.Int64}, orient="row")
        assert in_order(table, ["key", "at"]) == (rows == sorted(rows))
        assert in_order(table, ["key", "at"], strictly=True) == (rows == sorted(set(rows)))


@pytest.mark.parametrize("season", [7, 12, 24, 30, 52, 168, 365])
def test_some_values_of_many_are_of_every_phase_of_a_season(season: int) -> None:
    for times in range(1, 40):
        kept = thinned(pl.Series(range(1000 * times)), 1000)
        every = kept[1] - kept[0] if len(kept) > 1 else 1
        assert len(kept) <= 1000
        assert gcd(every, season) in (1, 73)


SPEC = """spec: 1
name: many
task: forecast
data: {source: sales.csv, time: day, series: [sku]}
target: sales
forecast: {horizon: 7, frequency: 1d}
kpis: [{id: accuracy, metric: wape, goal: "<= 0.5"}]
budget: {time: 60s}
"""


def test_a_run_over_parts_forecasts_every_series_and_says_what_it_learnt_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, series, days = random.Random(3), 12, 90
    rows = [
        f"i{sku:02d},{date(2024, 1, 1) + timedelta(day)},{20 + sku + 5 * (day % 7 == 5) + chance.randint(-2, 2)}"
        for sku in range(series)
        for day in range(days)
    ]
    chance.shuffle(rows)
    folder = project(tmp_path / "p", "\n".join(["sku,day,sales", *rows]) + "\n", SPEC, "design: {candidates: [seasonal_naive]}\n")
    monkeypatch.setattr(parting, "MOST_ROWS", 500)
    monkeypatch.setattr(parting, "PART_ROWS", 400)
    told = sevenstep("run", folder)
    assert told.code == 0, told.err
    made = Project(folder / "sevenstep.yaml").predict()
    assert made["sku"].n_unique() == series and len(made) == 7 * series
    report = (folder / ".sevenstep" / "report.html").read_text(encoding="utf-8")
    assert "360 rows of 4 of 12 series are learnt from and judged, one of every 3" in report
    assert "4 of 12 series are learnt from and judged, one of every 3 in the order of their keys" in report
