"""What the checks of a table say: classes, contradictions, units, codes, and rows that wait for a prediction."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from sevenstep.data.dataset import Finding
from sevenstep.tasks.tabular.checks import check
from sevenstep.tasks.tabular.explore.units import unit_mixture
from tabular_studies import brief_of, dataset_of, plates, query, shared, strips


def checked(items: pl.DataFrame, target: str = "fail", *, classes: bool = True, **section: Any) -> dict[str, list[Finding]]:
    brief = brief_of(target, classes=classes, **section)
    found: dict[str, list[Finding]] = {}
    for finding in check(dataset_of(items, brief, classes=classes), brief):
        found.setdefault(finding.code.removeprefix("TABULAR-"), []).append(finding)
    return found


def test_a_sound_table_has_no_findings() -> None:
    assert checked(plates(800)) == {}
    assert checked(strips(), "thickness", classes=False) == {}


def test_equal_rows_with_different_targets_are_counted_as_sql_counts_them() -> None:
    items = plates(400).with_columns((pl.col("heat") / 10).round() * 10, *(pl.lit(1.0).alias(f"noise_{n}") for n in range(4)))
    items = items.with_columns((pl.int_range(pl.len()) % 7).alias("noise_0"))
    finding = checked(items)["CONTRADICTIONS"][0]
    ((by_sql,),) = query(
        """SELECT sum(n) FROM (SELECT count(*) AS n FROM items GROUP BY heat, furnace, noise_0
           HAVING count(DISTINCT fail) > 1 AND count(*) > 1)""",
        items=items,
    )
    assert finding.rows == by_sql > 0
    assert finding.severity == "warning"


def test_rare_and_tiny_classes_are_told_with_their_rows() -> None:
    items = plates(500).with_columns(
        pl.when(pl.int_range(pl.len()) < 4).then(pl.lit("melted")).when(pl.int_range(pl.len()) < 40).then(pl.lit("bent"))
        .otherwise(pl.col("fail")).alias("fail")
    )  # fmt: skip
    found = checked(items)
    assert [(one.rows, one.severity) for one in found["TINY-CLASS"]] == [(4, "warning")]
    assert "bent in 36 rows" in found["RARE-CLASS"][0].text


def test_a_part_in_another_unit_is_found_and_a_heavy_tail_is_not() -> None:
    random = np.random.default_rng(0)
    length = random.normal(2.5, 0.3, 1000)
    length[:15] *= 1000
    mixture = unit_mixture(length)
    assert mixture is not None and (mixture.factor, mixture.rows) == (1000.0, 15)
    small = unit_mixture(np.where(np.arange(1000) < 30, 0.0031, random.normal(3.1, 0.2, 1000)))
    assert small is not None and small.factor == 0.001
    assert unit_mixture(random.lognormal(0, 2.5, 5000)) is None
    assert unit_mixture(random.pareto(1.0, 5000)) is None
    assert unit_mixture(np.where(np.arange(1000) < 300, 2500.0, 2.5)) is None, "a third of the rows is no slip"
    items = plates(1000).with_columns(pl.Series("length", length))
    assert "15 values of 'length' are about 1,000 times larger" in checked(items)["UNITS"][0].text


def test_codes_for_missing_near_constants_and_near_ids_are_told() -> None:
    row = np.arange(1000)
    items = plates(1000).with_columns(
        pl.Series("age", np.where(row % 10 == 0, 999, row % 60)),
        pl.Series("option", np.where(row == 3, "special", "usual")),
        pl.Series("serial", [f"S{number % 700}" for number in row]),
    )
    found = checked(items)
    assert found["MISSING-CODE"][0].rows == 100
    assert found["NEARLY-CONSTANT"][0].column == "option"
    assert found["NEARLY-ID"][0].column == "serial"


def test_open_rows_that_differ_are_told_and_those_that_do_not_are_not() -> None:
    items = plates(1200)
    waiting = pl.int_range(pl.len()) >= 1000
    open_ = items.with_columns(pl.when(~waiting).then(pl.col("fail")).alias("fail"))
    assert checked(open_) == {}
    moved = open_.with_columns(
        pl.when(waiting).then(pl.col("heat") + 25).otherwise(pl.col("heat")).alias("heat"),
        pl.when(waiting & (pl.col("furnace") == "A")).then(pl.lit("D")).otherwise(pl.col("furnace")).alias("furnace"),
        pl.when(~waiting).then(pl.col("noise_0")).alias("noise_0"),
    )
    found = checked(moved)
    assert {one.column for one in found["OPEN-DRIFT"]} == {"heat", "furnace"}
    assert "'D'" in found["NEW-LEVELS"][0].text
    assert found["AFTERWARDS"][0].column == "noise_0" and found["AFTERWARDS"][0].share == pytest.approx(200 / 1200)


def test_a_number_of_five_values_is_called_classes() -> None:
    items = strips(300).with_columns((pl.col("gap") // 2).alias("thickness"))
    assert checked(items, "thickness", classes=False)["FEW-VALUES"][0].fix.endswith("task: classification")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("churn", {"CONTRADICTIONS"}),
        ("secom", {"RARE-CLASS"}),
        ("steel", {"RARE-CLASS"}),
        ("housing", set()),
        ("bank", {"CONTRADICTIONS", "MISSING-CODE", "NEARLY-CONSTANT"}),
    ],
)
def test_the_shared_sets_have_the_findings_they_are_known_for(name: str, codes: set[str]) -> None:
    data, brief = shared(name)
    assert {finding.code.removeprefix("TABULAR-") for finding in check(data, brief("collect"))} == codes
