"""Where a gap means no demand, every part of a forecast sees a target of 0 for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

from forecast_worlds import START, brief_of, facts, fold_at, panel_of
from sevenstep.data.dataset import Dataset, Roles
from sevenstep.tasks.contract import Candidate
from sevenstep.tasks.forecast.explore import explore
from sevenstep.tasks.forecast.families.members import fit_member
from sevenstep.tasks.forecast.feasibility import probe
from sevenstep.tasks.forecast.panel import Settings
from sevenstep.tasks.forecast.scoring import score_member
from sevenstep.tasks.forecast.zeros import telling_inputs, with_zero_rows

ROLES = Roles(("y",), "day", keys=("item",), known_ahead=("holiday", "price"), static=("group",), observed=("visitors",))


def sales(rows: list[tuple[str, int, float | None]], gaps: str = "zero", **values: Any) -> Dataset:
    """Rows of an item on a day: a holiday every fifth day, a price of each row's own, a group of each item, visitors."""
    items = pl.DataFrame(
        {
            "item": [item for item, _, _ in rows],
            "day": [START + timedelta(day) for _, day, _ in rows],
            "holiday": [day % 5 == 0 for _, day, _ in rows],
            "price": [float(place) for place, _ in enumerate(rows)],
            "group": [f"group of {item}" for item, _, _ in rows],
            "visitors": [7.0] * len(rows),
            "y": pl.Series([y for _, _, y in rows], dtype=pl.Float64),
        }
    )
    return Dataset({"items": items}, ROLES, facts(gaps=gaps, **values))


def sparse(days: int = 120, series: int = 8, seed: int = 3) -> Dataset:
    """Items that sell on about every third day, one of them every day; only sales are recorded."""
    generator = np.random.default_rng(seed)
    often = np.append(np.full(series - 1, 0.35), 1.0)[:, None]
    sold = generator.random((series, days)) < often
    rows = [
        (f"i{item}", int(day), float(generator.integers(1, 6))) for item in range(series) for day in np.flatnonzero(sold[item])
    ]
    return sales(rows)


def test_steps_without_a_row_are_rows_with_a_target_of_zero_up_to_the_newest_observation_of_all() -> None:
    data = sales([("a", day, 2.0) for day in range(6)] + [("b", 1, 3.0), ("b", 3, 4.0), ("b", 7, None)])
    panel, _ = panel_of(data)
    np.testing.assert_array_equal(panel.exact_grid("y")[0], [2, 2, 2, 2, 2, 2, np.nan, np.nan])
    np.testing.assert_array_equal(panel.exact_grid("y")[1], [np.nan, 3, 0, 4, 0, 0, np.nan, np.nan])
    assert panel.end == 5
    assert panel.rows.filter(pl.col("step") > 5).height == 1  # the future has the row that was given and no other


def test_under_clocks_of_their_own_series_are_filled_to_their_own_end() -> None:
    panel, _ = panel_of(sales([("a", 0, 1.0), ("a", 3, 1.0), ("b", 5, 2.0), ("b", 7, 2.0)], clock="each"))
    np.testing.assert_array_equal(panel.exact_grid("y"), [[1, 0, 0, 1], [np.nan, 2, 0, 2]])


def test_a_row_without_a_target_stays_unknown() -> None:
    panel, _ = panel_of(sales([("a", 0, 1.0), ("a", 1, None), ("a", 3, 1.0)]))
    np.testing.assert_array_equal(panel.exact_grid("y")[0], [1, np.nan, 0, 1])


@pytest.mark.parametrize("gaps", ["missing", "closed"])
def test_other_gaps_are_left_as_they_are(gaps: str) -> None:
    data = sales([("a", 0, 1.0), ("a", 3, 1.0)], gaps=gaps)
    assert with_zero_rows(data.items, data.roles, Settings.of(data)) is data.items


def test_an_added_row_knows_its_series_and_the_calendar_and_nothing_else() -> None:
    data = sales([("a", day, 2.0) for day in range(8)] + [("b", 0, 3.0), ("b", 1, 3.0), ("b", 7, 4.0)])
    full = with_zero_rows(data.items, data.roles, Settings.of(data))
    added = full[len(data.items) :].sort("day")
    assert added["day"].to_list() == [START + timedelta(day) for day in range(2, 7)]
    assert added["holiday"].to_list() == [False, False, False, True, False]
    assert set(added["group"]) == {"group of b"} and set(added["y"]) == {0.0}
    assert added["price"].null_count() == added["visitors"].null_count() == 5
    assert full.schema == data.items.schema


def test_each_of_several_targets_is_zero_from_its_own_first_value_on() -> None:
    data = sales([("a", 0, 1.0), ("a", 2, 1.0), ("a", 4, 1.0)])
    items = data.items.with_columns(returns=pl.Series([None, 5, 6], dtype=pl.Int64))
    data = replace(data, tables={"items": items}, roles=replace(ROLES, targets=("y", "returns")))
    panel, _ = panel_of(data)
    np.testing.assert_array_equal(panel.exact_grid("returns")[0], [np.nan, np.nan, 5, 0, 6])
    np.testing.assert_array_equal(panel.exact_grid("y")[0], [1, 0, 1, 0, 1])


def test_wape_of_sparse_sales_counts_the_days_without_any_as_sql_counts_them() -> None:
    data = sparse()
    panel, settings = panel_of(data)
    recipe = {"target": "y", "horizon": 14, "seasons": [7]}
    naive = Candidate("naive", "naive", "y", "", {"rule": "naive", "season": 7, "recipe": recipe})
    fold = fold_at(panel.end - 14, 14)
    scores = score_member(fit_member(naive, fold, panel, settings, None, 0), naive, fold, panel, settings, None).frame
    wape = (scores["truth"] - scores["prediction"]).abs().sum() / scores["truth"].abs().sum()
    connection = duckdb.connect()
    connection.register("sold", data.items)
    query = """
        WITH days AS (SELECT range AS d FROM range(120)), names AS (SELECT DISTINCT item FROM sold),
        full_ AS (SELECT n.item, d, coalesce(s.y, 0) y FROM names n CROSS JOIN days
                  LEFT JOIN sold s ON s.item = n.item AND s.day = DATE '2022-01-03' + d::INT),
        last AS (SELECT item, y FROM full_ WHERE d = 105)
        SELECT sum(abs(f.y - l.y)) / sum(f.y), count(*) FROM full_ f JOIN last l USING (item) WHERE d > 105"""
    row = connection.execute(query).fetchone()
    assert row is not None
    assert (wape, len(scores)) == (pytest.approx(row[0]), row[1])


def test_the_profile_counts_the_days_without_sales() -> None:
    data = sparse()
    found = explore(data, brief_of()).facts["targets"]["y"]
    sold = len(data.items)
    steps = len(with_zero_rows(data.items, data.roles, Settings.of(data)))
    assert found["zero_share"] == pytest.approx(1 - sold / steps)
    assert found["filled"] == 1.0
    assert found["classes"]["intermittent"] == pytest.approx(7 / 8)


def test_an_input_whose_absence_would_give_the_zero_away_is_no_input() -> None:
    data = sparse()
    full = with_zero_rows(data.items, data.roles, Settings.of(data))
    assert list(telling_inputs(data.items, full, data.roles)) == ["price"]
    profile = explore(data, brief_of())
    assert "price" not in profile.recipe["targets"]["y"]["numbers"]
    (dropped,) = [one for one in profile.facts["inputs"]["dropped"] if one["column"] == "price"]
    assert "would give the 0 away" in dropped["reason"]


def test_the_verdict_before_training_knows_the_days_without_sales() -> None:
    (found,) = probe(sparse(), brief_of(horizon=7, budget=24.0))
    # most days of most items are 0, and which day is not nobody knows: an error near or above the mean is all there is
    assert found.reachable is not None and found.reachable > 0.6
    assert found.verdict == "no_go"
