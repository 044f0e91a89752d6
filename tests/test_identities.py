"""Identities among targets: read by a small grammar, and kept to the last digit by predictions, refreshes and levels."""

from __future__ import annotations

import csv
import math
import random
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sevenstep import Project
from sevenstep.tasks.forecast.identities.identity import parsed
from small_projects import project, sevenstep

START, DAYS, AHEAD = date(2024, 1, 1), 120, 7
SPEC = """spec: 1
name: bound
task: forecast
data: {source: sales.csv, time: day, series: [shop]}
target: [revenue, quantity, customers]
forecast:
  horizon: 7
  frequency: 1d
  known_ahead: [price]
  hierarchy: [[]]
  identities: ["revenue = quantity * price", "quantity = customers * basket"]
kpis:
  - {id: money, metric: wape, goal: "<= 0.5", target: revenue}
  - {id: items, metric: wape, goal: "<= 0.5", target: quantity}
budget: {time: 60s}
"""
RULES = "design: {candidates: [naive, seasonal_naive], folds: 2}\n"


def text() -> str:
    chance = random.Random(9)
    rows = ["shop,day,price,customers,quantity,revenue"]
    for place, shop in enumerate("abc"):
        for day in range(DAYS + AHEAD):
            price = (2.0, 2.5, 3.0)[chance.randrange(3)]
            customers = round((40 + 20 * place) * math.exp(0.3 * math.sin(2 * math.pi * day / 7) + chance.gauss(0, 0.1)))
            quantity = round(customers * chance.uniform(1.2, 1.8))
            known = f"{customers},{quantity},{quantity * price}" if day < DAYS else ",,"
            rows.append(f"{shop},{START + timedelta(day)},{price},{known}")
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = project(tmp_path_factory.mktemp("bound") / "p", text(), SPEC, RULES)
    told = sevenstep("run", folder, "--quiet")
    assert told.code in (0, 1), told.err
    return folder


def check(frame: pl.DataFrame, folder: Path) -> None:
    """The identities hold in every row of the series, up to the rounding of one multiplication."""
    with (folder / "sales.csv").open() as file:
        prices = {(row["shop"], row["day"]): float(row["price"]) for row in csv.DictReader(file)}
    made: dict[tuple[str, str], dict[str, float]] = {}
    for row in frame.filter(pl.col("shop").is_not_null()).iter_rows(named=True):
        made.setdefault((row["shop"], str(row["day"])), {})[row["target"]] = row["prediction"]
    assert made
    for key, values in made.items():
        assert values["revenue"] == pytest.approx(values["quantity"] * prices[key], rel=4 * np.finfo(float).eps)
        assert values["quantity"] == pytest.approx(values["customers"] * values["basket"], rel=4 * np.finfo(float).eps)


def test_predictions_keep_the_identities_and_show_what_is_no_column(released: Path) -> None:
    frame = Project(released).predict()
    check(frame, released)
    basket = frame.filter(pl.col("target") == "basket")
    assert basket.height == 3 * AHEAD
    assert basket["prediction"].is_between(1.0, 2.2).all()
    assert (basket["lower_80"] <= basket["prediction"]).all() and (basket["upper_80"] >= basket["prediction"]).all()


def test_levels_still_add_up(released: Path) -> None:
    frame = Project(released).predict().filter(pl.col("target") == "revenue")
    total = frame.filter(pl.col("level") == "all").sort("day")["prediction"].to_numpy()
    parts = frame.filter(pl.col("level") == "shop").group_by("day").agg(pl.col("prediction").sum()).sort("day")
    np.testing.assert_allclose(total, parts["prediction"].to_numpy(), atol=1e-6)


def test_a_refresh_keeps_them(released: Path) -> None:
    day, own = START + timedelta(DAYS), Project(released)
    own.observe([{"shop": s, "day": str(day), "customers": 50, "quantity": 70, "revenue": 140.0} for s in "abc"])
    version = own.refresh()
    check(pl.read_parquet(released / ".sevenstep" / version.file), released)


def test_the_report_says_what_follows_from_what(released: Path) -> None:
    assert "Identities" in (released / ".sevenstep" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "name", "values", "wanted"),
    [
        ("a = b * c", "a", {"b": 3.0, "c": 4.0}, 12.0),
        ("a = b * c", "c", {"a": 12.0, "b": 3.0}, 4.0),
        ("a = b / c", "c", {"a": 3.0, "b": 12.0}, 4.0),
        ("a=b+c-d", "d", {"a": 5.0, "b": 4.0, "c": 3.0}, 2.0),
        ("a = b + c", "b", {"a": 5.0, "c": 3.0}, 2.0),
    ],
)
def test_an_identity_is_solved_for_any_of_its_names(text: str, name: str, values: dict[str, float], wanted: float) -> None:
    identity = parsed(text)
    assert identity is not None
    assert identity.solved(name, values) == pytest.approx(wanted)
    assert parsed(str(identity)) == identity


@pytest.mark.parametrize("text", ["a = b", "a = b * c + d", "a = b * b", "a = 2 * b", "a == b * c", "b * c"])
def test_what_is_no_identity_is_told(text: str, tmp_path: Path) -> None:
    assert parsed(text) is None
    spec = SPEC.replace("revenue = quantity * price", text)
    told = sevenstep("plan", project(tmp_path / "p", text_of_rows(), spec, RULES))
    assert told.code == 2 and "identity is one name" in told.err


def text_of_rows() -> str:
    return "shop,day,price,customers,quantity,revenue\na,2024-01-01,1,1,1,1\n"
