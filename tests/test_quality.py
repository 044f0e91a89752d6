"""Checks find what is wrong with a table and say what to do; the score is that of the weakest part."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from sevenstep.data.dataset import Finding, Roles
from sevenstep.data.intake import intake
from sevenstep.data.quality import check_quality
from sevenstep.data.quality_score import quality_score
from sevenstep.data.quarantine import SCHEMA
from sevenstep.spec.sources import Data, Limits, Source

NOTHING = pl.DataFrame(schema=SCHEMA)
PLAIN = Roles(targets=("y",))


def check(items: pl.DataFrame, roles: Roles = PLAIN, **limits: Limits) -> dict[str, Finding]:
    return {finding.code: finding for finding in check_quality(items, roles, NOTHING, limits=limits)}


def frame(**columns: Sequence[object]) -> pl.DataFrame:
    rows = len(next(iter(columns.values())))
    return pl.DataFrame({"id": [float(n) ** 0.5 for n in range(rows)], **columns}, strict=False)


def test_sound_data_gives_no_finding_and_a_full_score() -> None:
    findings = check_quality(frame(y=[n % 7 for n in range(100)]), PLAIN, NOTHING)
    assert findings == []
    assert quality_score(findings, 100)["score"] == 100


def test_missing_values_are_counted_as_sql_counts_them() -> None:
    items = frame(x=[None if n % 3 == 0 else n for n in range(90)], y=list(range(90)))
    found = check(items)["QUALITY-MISSING"]
    ((expected,),) = duckdb.connect().execute("SELECT count(*) - count(x) FROM items").fetchall()
    assert found.rows == expected == 30
    assert (found.severity, found.part) == ("warning", "complete")
    assert found.share == pytest.approx(1 / 3)


def test_a_few_missing_values_are_a_note() -> None:
    assert check(frame(x=[None, None, *range(98)], y=list(range(100))))["QUALITY-MISSING"].severity == "info"


def test_a_column_without_any_value_is_found() -> None:
    found = check(frame(x=[None, None], y=[1, 2]))["QUALITY-EMPTY-COLUMN"]
    assert (found.column, found.fix) == ("x", "drop: [x]")


def test_rows_to_predict_are_not_missing_but_a_hole_in_the_past_is() -> None:
    days = [date(2024, 1, 1) + timedelta(n) for n in range(6)]
    items = pl.DataFrame({"s": ["a"] * 6, "t": days, "y": [1, None, 3, 4, None, None]})
    roles = Roles(targets=("y",), time="t", keys=("s",))
    assert check(items, roles)["QUALITY-TARGET-GAP"].rows == 1
    assert "QUALITY-TARGET-GAP" not in check(items[2:], roles)


def test_a_constant_column_is_noted_and_costs_nothing() -> None:
    findings = check_quality(frame(x=["a"] * 50, y=list(range(50))), PLAIN, NOTHING)
    assert findings[0].text == "'x' is 'a' in every row that has it, so nothing can be learnt from it"
    assert quality_score(findings, 50)["score"] == 100


def test_a_few_negative_sales_are_suspected_and_many_are_not() -> None:
    sales = [float(n) for n in range(300)]
    found = check(frame(y=[-5.0, *sales]))["QUALITY-NEGATIVE"]
    assert found.text == "1 of 301 values of 'y' are negative (lowest -5.0), all others are not"
    assert found.fix == "if they are errors, set limits: {y: {min: 0}}"
    assert "QUALITY-NEGATIVE" not in check(frame(y=[-value for value in sales[:50]] + sales))


def test_values_outside_the_limits_of_the_spec_are_errors() -> None:
    found = check(frame(y=[-1, 0, 50, 101]), y=Limits(min=0, max=100))["QUALITY-LIMITS"]
    assert (found.severity, found.rows) == ("error", 2)


def test_outliers_are_those_beyond_the_outer_fences() -> None:
    drawn = random.Random(5)
    values = [drawn.gauss(10, 1) for _ in range(500)] + [40.0, -30.0]
    items = frame(y=values)
    found = check(items)["QUALITY-OUTLIERS"]
    query = """WITH q AS (SELECT quantile_cont(y, 0.25) AS a, quantile_cont(y, 0.75) AS b FROM items)
        SELECT count(*) FROM items, q WHERE y < a - 3 * (b - a) OR y > b + 3 * (b - a)"""
    assert found.rows == duckdb.connect().execute(query).fetchall()[0][0] == 2
    assert found.severity == "info"


def test_numbers_among_text_are_told_with_the_type_to_set() -> None:
    found = check(frame(x=["1", "2", "3", "many", "few"], y=[1, 2, 3, 4, 5]))["QUALITY-MIXED"]
    assert "2 texts such as few, many" in found.text
    assert "types: {x: number}" in found.fix


def test_words_that_may_mean_missing_are_told() -> None:
    found = check(frame(x=["unknown", "a", "b", "a"], y=[1, 2, 3, 4]))["QUALITY-MISSING-MARK"]
    assert found.fix == "if so, set data.missing: ['unknown']"


def test_one_category_written_in_several_ways_is_told() -> None:
    found = check(frame(x=["Berlin", "berlin ", "Berlin", "Bonn"], y=[1, 2, 3, 4]))["QUALITY-SPELLING"]
    assert (found.rows, found.part) == (1, "consistent")
    assert "'Berlin', 'berlin '" in found.text


def test_copies_of_rows_are_told_where_no_key_names_them() -> None:
    items = pl.DataFrame({"x": [1, 1, 2], "y": [1, 1, 2]})
    assert check(items)["QUALITY-COPIES"].rows == 1
    assert "QUALITY-COPIES" not in check(items, Roles(targets=("y",), keys=("x",)))


def test_series_that_ended_long_ago_are_told() -> None:
    days = [date(2024, 1, 1) + timedelta(n) for n in range(100)]
    items = pl.DataFrame({"s": ["a"] * 100 + ["b"] * 50, "t": days + days[:50], "y": range(150)})
    found = check(items, Roles(targets=("y",), time="t", keys=("s",)))["QUALITY-STOPPED"]
    assert (found.rows, found.part) == (50, "timely")
    assert "1 of 2 series" in found.text


def test_what_intake_set_aside_counts(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("s,t,y\n" + "".join(f"a,{n},{n}\n" for n in range(98)) + "a,5,99\na,200,oops\n")
    taken = intake(Data(sources={"a": Source(path=("a.csv",))}, time="t", series=("s",)), tmp_path, ["y"])
    findings = check_quality(taken.items, Roles(targets=("y",), time="t", keys=("s",)), taken.quarantine)
    counts = {finding.part: finding.rows for finding in findings if finding.code.startswith("DATA-")}
    assert counts == {"unique": 1, "valid": 1}


def test_findings_come_worst_first() -> None:
    items = frame(x=[None] * 50 + list(range(50)), z=["a"] * 100, y=[-1, *range(99)])
    severities = [finding.severity for finding in check_quality(items, PLAIN, NOTHING, limits={"y": Limits(min=0)})]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)
    assert severities[0] == "error"


def finding(severity: str, part: str, share: float) -> Finding:
    return Finding("X", severity, part, "x", 1, share, f"{severity} {part}")


def test_the_score_is_the_worst_part_and_not_the_mean() -> None:
    score = quality_score(
        [finding("error", "valid", 0.4), finding("warning", "complete", 0.2), finding("info", "timely", 1.0)], 10
    )
    assert score["parts"] == {"complete": 90, "valid": 60, "unique": 100, "consistent": 100, "timely": 100}
    assert score["score"] == 60
    assert score["reasons"]["valid"] == "error valid"
    assert score["reasons"]["timely"] == ""


def test_more_findings_never_raise_the_score() -> None:
    findings = [finding(severity, "valid", share) for severity in ("info", "warning", "error") for share in (0.1, 0.5, 1.0)]
    scores = [quality_score(findings[:count], 10)["score"] for count in range(len(findings) + 1)]
    assert scores == sorted(scores, reverse=True)
    assert (scores[0], scores[-1]) == (100, 0)
