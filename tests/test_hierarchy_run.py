"""A project with a hierarchy through the whole run: sums are forecast, scored, shown, released and add up to the last digit."""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from sevenstep import Project
from sevenstep.tasks.forecast.model import ForecastModel
from sevenstep.tasks.lifts import Lift
from small_projects import project, sevenstep

START = date(2024, 1, 1)
DAYS, AHEAD = 150, 7
SPEC = """spec: 1
name: levels
task: forecast
data: {source: sales.csv, time: day, series: [region, sku]}
target: sales
forecast: {horizon: 7, frequency: 1d, known_ahead: [promo], hierarchy: [[region], [sku]]}
kpis: [{id: accuracy, metric: wape, goal: "<= 0.5"}]
budget: {time: 60s}
"""
DESIGN = """design:
  folds: 3
  candidates:
    - seasonal_naive
    - {family: boosting, name: boosting_log, parameters: {rounds: 40, learning_rate: 0.1, leaves: 15, least_in_leaf: 10,
       feature_share: 0.8, row_share: 0.8, ridge: 1.0}}
"""


def text() -> str:
    """Twelve noisy series that share a region's or a product's course; one is always 0."""
    chance = random.Random(5)
    rows = ["region,sku,day,promo,sales"]
    shared = {name: [chance.gauss(0, 0.25) for _ in range(DAYS)] for name in "nse"}
    for place, region in enumerate("nse"):
        for kind in range(4):
            for day in range(DAYS + AHEAD):
                promo = int((day // 9 + kind) % 4 == 0)
                usual = (4 + 3 * place + 2 * kind) * math.exp(0.3 * math.sin(2 * math.pi * day / 7) + 0.4 * promo)
                noise = shared[region][min(day, DAYS - 1)] + chance.gauss(0, 0.3)
                sales = 0 if (region, kind) == ("e", 3) else round(usual * math.exp(noise))
                rows.append(f"{region},i{kind},{START + timedelta(day)},{promo},{sales if day < DAYS else ''}")
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = project(tmp_path_factory.mktemp("levels") / "p", text(), SPEC, DESIGN)
    told = sevenstep("run", folder, "--quiet")
    assert told.code in (0, 1), told.err
    return folder


def sums_of(frame: pl.DataFrame, by: list[str], value: str = "prediction") -> dict[Any, float]:
    """Sums over the rows of series, by the standard library alone."""
    found: dict[Any, float] = {}
    for row in frame.filter(pl.col("level") == "region x sku").iter_rows(named=True):
        key = tuple(str(row[name]) for name in (*by, "day"))
        found[key] = found.get(key, 0.0) + row[value]
    return found


def test_forecasts_of_every_level_are_the_sums_of_the_series(released: Path) -> None:
    frame = Project(released).predict()
    assert frame["level"].unique().sort().to_list() == ["all", "region", "region x sku", "sku"]
    assert frame.filter(pl.col("level") == "region x sku").height == 12 * AHEAD
    for level, by in (("all", []), ("region", ["region"]), ("sku", ["sku"])):
        wanted = sums_of(frame, by)
        rows = frame.filter(pl.col("level") == level)
        assert rows.height == len(wanted)
        for row in rows.iter_rows(named=True):
            assert row["prediction"] == pytest.approx(wanted[tuple(str(row[name]) for name in (*by, "day"))], abs=1e-6)
            assert 0 <= row["lower_95"] <= row["lower_80"] <= row["prediction"] <= row["upper_80"] <= row["upper_95"]


def test_a_series_forecast_alone_gets_what_it_gets_among_all(released: Path, tmp_path: Path) -> None:
    every = Project(released).predict().filter(pl.col("level") == "region x sku")
    mine = every.filter((pl.col("region") == "s") & (pl.col("sku") == "i1"))
    rows = tmp_path / "rows.csv"
    with rows.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["region", "sku", "day", "promo"])
        for row in mine.iter_rows(named=True):
            day = (row["day"] - START).days
            writer.writerow(["s", "i1", row["day"], int((day // 9 + 1) % 4 == 0)])
    alone = Project(released).predict(rows)
    assert alone["level"].unique().sort().to_list() == ["all", "region", "region x sku", "sku"]
    alone = alone.filter(pl.col("level") == "region x sku")
    assert alone["prediction"].to_list() == pytest.approx(mine["prediction"].to_list(), rel=1e-9)


def test_a_refresh_keeps_every_level_coherent(released: Path) -> None:
    day = START + timedelta(DAYS)
    arrived = [{"region": r, "sku": f"i{k}", "day": str(day), "sales": 11.0} for r in "nse" for k in range(4)]
    found = Project(released)
    found.observe(arrived)
    version = found.refresh()
    frame = pl.read_parquet(released / ".sevenstep" / version.file)
    assert frame["day"].min() == day + timedelta(1)
    for level, by in (("all", []), ("region", ["region"]), ("sku", ["sku"])):
        wanted = sums_of(frame, by)
        rows = frame.filter(pl.col("level") == level)
        assert rows.height == len(wanted)
        made = [row["prediction"] - wanted[tuple(str(row[n]) for n in (*by, "day"))] for row in rows.iter_rows(named=True)]
        assert max(map(abs, made)) < 1e-6


def test_the_report_shows_every_level_with_its_figures(released: Path) -> None:
    html = (released / ".sevenstep" / "report.html").read_text(encoding="utf-8")
    for title in ("Leaderboard of the sums of sales", "Levels of sales", "Ways of making forecasts of sales add up"):
        assert title in html


def test_scores_of_the_sums_are_those_of_the_series_added_up(released: Path) -> None:
    own, sums = scores(released)
    wanted = own.group_by("fold", "time").agg(pl.col("truth").sum(), pl.col("prediction").sum()).sort("fold", "time")
    total = sums.filter(pl.col("level") == "all").sort("fold", "time")
    np.testing.assert_allclose(total["truth"], wanted["truth"])
    np.testing.assert_allclose(total["prediction"], wanted["prediction"], rtol=1e-9)


def scores(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What step 6 left of series and sums."""
    found: Mapping[str, Path] = {path.parent.name: path for path in (folder / ".sevenstep" / "objects").rglob("sums.parquet")}
    tuned = next(path for path in found.values() if (path.parent / "scores.parquet").is_file() and "upper" in _names(path.parent))
    return pl.read_parquet(tuned.parent / "scores.parquet"), pl.read_parquet(tuned)


def _names(folder: Path) -> str:
    return " ".join(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_forecasts_of_a_segment_that_moved_still_add_up(released: Path) -> None:
    model = ForecastModel.load(Project(released).run(report=False).step("tune").folder("model"))
    lift = Lift("sales", "region", "n", 1.5, "2024-05-01")
    plain, moved = model.outlook(), model.recalibrated({"sales": {"lifts": [lift.to_json()]}}).outlook()
    assert moved["prediction"].sum() > plain["prediction"].sum()
    for level, by in (("all", []), ("region", ["region"]), ("sku", ["sku"])):
        wanted = sums_of(moved, by)
        for row in moved.filter(pl.col("level") == level).iter_rows(named=True):
            assert row["prediction"] == pytest.approx(wanted[tuple(str(row[name]) for name in (*by, "day"))], abs=1e-6)
